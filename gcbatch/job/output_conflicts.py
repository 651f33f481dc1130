"""Refuses exports that would overwrite each other or the job's inputs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gcbatch.errors import JobError
from gcbatch.job.job import Job
from gcbatch.job.org import SecretFile
from gcbatch.job.query import QueueFile
from gcbatch.job.yaml_document import Loc

__all__ = ["output_conflicts", "refuse_shared_outputs"]


@dataclass(frozen=True, slots=True)
class _Place:
    """One export's path."""

    loc: Loc
    written: str
    path: Path
    is_folder: bool


@dataclass
class _Taken:
    """The places of the exports seen so far, each with its owner."""

    _paths: dict[Path, str] = field(default_factory=dict)
    _folders: dict[Path, str] = field(default_factory=dict)
    _above: dict[Path, str] = field(default_factory=dict)

    def by(self, place: _Place) -> str | None:
        """Return the owner of a taken place that conflicts; None if none does.

        Two places conflict if both are one file, or one lies in the other's folder. The
        number of steps is that of the path's folders, however many places are taken.
        """
        around = (self._folders.get(folder) for folder in place.path.parents)
        found = (
            self._paths.get(place.path),
            self._above.get(place.path) if place.is_folder else None,
            *around,
        )
        return next((owner for owner in found if owner is not None), None)

    def add(self, place: _Place, owner: str) -> None:
        """Record that *owner* writes to a place."""
        self._paths.setdefault(place.path, owner)
        if place.is_folder:
            self._folders.setdefault(place.path, owner)
        for folder in place.path.parents:
            self._above.setdefault(folder, owner)


def _places(job: Job) -> Iterator[_Place]:
    """Yield the paths of those exports of a job that have one."""
    for number, export in enumerate(job.exports):
        written = export.options.get("path")
        if isinstance(written, str) and written:
            yield _Place(
                ("exports", number, "path"),
                written,
                Path(written).resolve(),
                is_folder=bool(export.options.get("partition_by")),
            )


def output_conflicts(job: Job, job_file: Path) -> Iterator[tuple[Loc, str]]:
    """Yield exports that would overwrite another, the store or an input of the job."""
    inputs = {job_file.resolve(): "the job file"}
    jobs = job.per_org()
    for queues in (one.query.queues for one in (job, *jobs)):
        if isinstance(queues, QueueFile):
            inputs[queues.file.resolve()] = "the file of queues"
    for secret in (one.own_org.client_secret for one in jobs):
        if isinstance(secret, SecretFile):
            inputs[secret.file.resolve()] = "the secret's file"
    store = job.fetch.store.resolve()
    taken = _Taken()
    for place in _places(job):
        if place.path in inputs:
            yield place.loc, f"{place.written} is {inputs[place.path]}"
        elif place.path.is_relative_to(store):
            yield place.loc, f"{place.written} is in the store; write elsewhere"
        elif taken.by(place) is not None:
            yield place.loc, f"{place.written} is the output of another export too"
        taken.add(place, job.name)


def refuse_shared_outputs(jobs: Iterable[Job]) -> None:
    """Refuse jobs that would overwrite each other's outputs.

    Raises:
        JobError: Names both jobs and the path.
    """
    taken = _Taken()
    for job in jobs:
        own = list(_places(job))
        for place in own:
            if name := taken.by(place):
                msg = f"{job.name} and {name} both write to {place.written}"
                raise JobError(msg, hint="give each job its own paths")
        for place in own:
            taken.add(place, job.name)
