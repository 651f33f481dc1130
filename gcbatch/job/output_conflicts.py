"""Refuses exports that would overwrite each other or the job's inputs."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import NoReturn

from gcbatch.errors import GcbatchError, JobError
from gcbatch.exporting import secret_files
from gcbatch.job.job import Job
from gcbatch.job.loaded_export import LoadedExport, load_export
from gcbatch.job.query import QueueFile
from gcbatch.job.yaml_document import Loc
from gcbatch.objects import path_of

__all__ = ["output_conflicts", "refuse_shared_outputs"]


@dataclass(frozen=True, slots=True)
class _Place:
    """One export's path.

    Args:
        number: The number of its entry in the job file.
        name: The export, for messages.
        written: The path as the job file has it.
        path: The same, absolute; that of an object is its address.
        is_folder: Whether it stands for all that lies below it too.
        sharer: What exports may share the path: those of one exporter that names its
            destinations; empty if none.
    """

    number: int
    name: str
    written: str
    path: PurePath
    is_folder: bool
    sharer: str = ""

    @property
    def loc(self) -> Loc:
        return "exports", self.number, "path"


@dataclass(frozen=True, slots=True)
class _Owner:
    """Who writes to a place.

    Args:
        job: The job's name.
        number: The number of the entry in its file.
        sharer: As that of the place.
    """

    job: str
    number: int
    sharer: str


@dataclass
class _Taken:
    """The places of the exports seen so far, each with its owner."""

    _paths: dict[PurePath, _Owner] = field(default_factory=dict)
    _folders: dict[PurePath, _Owner] = field(default_factory=dict)
    _above: dict[PurePath, _Owner] = field(default_factory=dict)

    def by(self, place: _Place) -> _Owner | None:
        """Return the owner of a taken place that conflicts; None if none does.

        Two places conflict if both are one file, or one lies in the other's folder. The
        number of steps is that of the path's folders, however many places are taken.
        """
        same = self._paths.get(place.path)
        if same is not None and place.sharer and place.sharer == same.sharer:
            return None  # their destinations must differ
        around = (self._folders.get(folder) for folder in place.path.parents)
        found = (
            same,
            self._above.get(place.path) if place.is_folder else None,
            *around,
        )
        return next((owner for owner in found if owner is not None), None)

    def add(self, place: _Place, job: str) -> None:
        """Record that a job writes to a place."""
        owner = _Owner(job, place.number, place.sharer)
        self._paths.setdefault(place.path, owner)
        if place.is_folder:
            self._folders.setdefault(place.path, owner)
        for folder in place.path.parents:
            self._above.setdefault(folder, owner)


def _places(job: Job, loaded: Iterable[LoadedExport]) -> Iterator[_Place]:
    """Yield the paths of those exports of a job that have one."""
    sharers = {
        (
            one.export.number,
            one.export.shown,
        ): f"{one.kind.__module__}:{one.kind.__qualname__}"
        for one in loaded
        if one.shares_path
    }
    for export in job.expanded_exports:
        options = export.spec.options
        written = options.get("path")
        if isinstance(written, str) and written:
            sharer = sharers.get((export.number, export.shown), "")
            yield _Place(
                export.number,
                export.place,
                written,
                _absolute(path_of(written)),
                is_folder=bool(options.get("partition_by") or sharer),
                sharer=sharer,
            )


def _absolute(path: PurePath) -> PurePath:
    return path.resolve() if isinstance(path, Path) else path


def output_conflicts(
    job: Job, job_file: Path | None, loaded: Sequence[LoadedExport] = ()
) -> Iterator[tuple[Loc, str]]:
    """Yield exports that would overwrite another, the store or an input of the job.

    Args:
        job: The job.
        job_file: Its file; None if it has none.
        loaded: Its exports, except those that are not valid.
    """
    inputs: dict[PurePath, str] = (
        {job_file.resolve(): "the job file"} if job_file else {}
    )
    jobs = job.per_org()
    for queues in (one.query.queues for one in (job, *jobs)):
        if isinstance(queues, QueueFile):
            inputs[queues.file.resolve()] = "the file of queues"
    secrets = [file for one in loaded for file in secret_files(one.options)]
    secrets += (file for one in jobs for file in secret_files(one.own_org))
    secrets += secret_files(job.storage)
    if (account := job.storage.gs.service_account) is not None:
        secrets.append(account)
    inputs |= {file.resolve(): "the secret's file" for file in secrets}
    store = _absolute(job.fetch.store)
    taken = _Taken()
    for place in _places(job, loaded):
        if place.path in inputs:
            yield place.loc, f"{place.written} is {inputs[place.path]}"
        elif place.path.is_relative_to(store):
            yield place.loc, f"{place.written} is in the store; write elsewhere"
        elif place.is_folder and store.is_relative_to(place.path):
            yield place.loc, f"{place.written} has the store in it; write elsewhere"
        elif owner := taken.by(place):
            if owner.number == place.number:
                way_out = "; write {table} in the path too"
                yield place.loc, f"{place.written} is of several tables{way_out}"
            else:
                yield place.loc, f"{place.written} is the output of another export too"
        taken.add(place, job.name)
    yield from _shared_destinations(loaded)


def _shared_destinations(
    loaded: Iterable[LoadedExport],
) -> Iterator[tuple[Loc, str]]:
    """Yield exports whose rows go where those of another export go."""
    owners: dict[str, str] = {}
    for one in loaded:
        export = one.export
        try:
            found = _destinations(one)
        except JobError as exc:
            what = f"{exc.problem}; {exc.hint}" if exc.hint else exc.problem
            yield ("exports", export.number), what
            continue
        for key, name in found.items():
            owner = owners.setdefault(key, export.place)
            if owner != export.place:
                what = f"{export.place} and {owner} both write to {name}"
                yield ("exports", export.number), f"{what}; give each its own name"


def _destinations(one: LoadedExport) -> dict[str, str]:
    """Return where an export's tables go: a key to compare by, and the name to show.

    Raises:
        JobError: If the exporter fails, or tables of the export go to one place.
    """
    try:
        names = one.destinations()
    except GcbatchError as exc:
        raise JobError(exc.problem, hint=exc.hint) from exc
    except Exception as exc:  # the code of a plugin may raise anything
        what = f"{type(exc).__name__}: {exc}"
        msg = f"exporter {one.spec.exporter!r} cannot name its destinations: {what}"
        raise JobError(msg, hint="see docs/writing-an-exporter.md") from exc
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        msg = f"several tables would be written to {twice[0]}"
        raise JobError(msg, hint="write {table} into the name, or leave it out")
    written = one.spec.options.get("path")
    if not isinstance(written, str):
        return {name: name for name in names}
    # One file may be written in several ways, such as with `./` in front.
    path = f"{_absolute(path_of(written))}\n"
    forms = (written, str(path_of(written)))
    return {
        next((path + n.removeprefix(f) for f in forms if n.startswith(f)), n): n
        for n in names
    }


def refuse_shared_outputs(jobs: Sequence[Job]) -> None:
    """Refuse jobs that would overwrite each other's outputs.

    Args:
        jobs: As load_job returned them: it has compared the exports of each.

    Raises:
        JobError: Names both jobs and the path.
    """
    if len(jobs) < 2:  # noqa: PLR2004 - one job has no other
        return
    taken = _Taken()
    owners: dict[str, str] = {}
    for job in jobs:
        loaded = [load_export(one) for one in job.expanded_exports]
        own = list(_places(job, loaded))
        for place in own:
            if owner := taken.by(place):
                _refuse_shared(job.name, owner.job, place.written)
        for place in own:
            taken.add(place, job.name)
        for one in loaded:
            for key, name in _destinations(one).items():
                if (other := owners.setdefault(key, job.name)) != job.name:
                    _refuse_shared(job.name, other, name)


def _refuse_shared(one: str, other: str, place: str) -> NoReturn:
    msg = f"{one} and {other} both write to {place}"
    raise JobError(msg, hint="give each job its own paths and names")
