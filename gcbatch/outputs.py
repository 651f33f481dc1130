"""Where exports go, and that none destroys another or what it is made of."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gcbatch.errors import JobError
from gcbatch.job import Job, OrgShare
from gcbatch.org import SecretFile
from gcbatch.question import QueueFile
from gcbatch.yamlfile import Loc

__all__ = ["clashes_between", "clashes_of"]


@dataclass(frozen=True, slots=True)
class _Place:
    """One export's path."""

    loc: Loc
    written: str
    path: Path
    is_folder: bool

    def meets(self, other: "_Place") -> bool:
        """Say whether both would write to one file, or one into the other's folder."""
        if self.path == other.path:
            return True
        return (self.is_folder and other.path.is_relative_to(self.path)) or (
            other.is_folder and self.path.is_relative_to(other.path)
        )


def _places(job: Job) -> Iterator[_Place]:
    """Yield the paths of a job's exports, as far as their options have one."""
    for number, export in enumerate(job.exports):
        written = export.options.get("path")
        if isinstance(written, str) and written:
            yield _Place(
                ("exports", number, "path"),
                written,
                Path(written).resolve(),
                is_folder=bool(export.options.get("partition_by")),
            )


def clashes_of(job: Job, job_file: Path) -> Iterator[tuple[Loc, str]]:
    """Yield exports that would overwrite another, the store or an input of the job.

    Args:
        job: Whose exports.
        job_file: Where it was read from.
    """
    inputs = {job_file.resolve(): "the job file"}
    if isinstance(job.query.queues, QueueFile):
        inputs[job.query.queues.file.resolve()] = "the file of queues"
    for org in job.all_orgs:
        if isinstance(org, OrgShare) and isinstance(org.queues, QueueFile):
            inputs[org.queues.file.resolve()] = "the file of queues"
        if isinstance(org.client_secret, SecretFile):
            inputs[org.client_secret.file.resolve()] = "the secret's file"
    store = job.fetch.store.resolve()
    seen: list[_Place] = []
    for place in _places(job):
        if place.path in inputs:
            yield place.loc, f"{place.written} is {inputs[place.path]}"
        elif place.path.is_relative_to(store):
            yield (
                place.loc,
                f"{place.written} is in the store, which is not for outputs",
            )
        elif any(place.meets(other) for other in seen):
            yield place.loc, f"{place.written} is where another export writes to"
        seen.append(place)


def clashes_between(jobs: Iterable[Job]) -> None:
    """Refuse jobs that would overwrite each other's outputs.

    Raises:
        JobError: Names both jobs and the path.
    """
    seen: list[tuple[str, _Place]] = []
    for job in jobs:
        own = list(_places(job))
        for name, other in seen:
            for place in own:
                if place.meets(other):
                    msg = f"{job.name} and {name} both write to {place.written}"
                    raise JobError(msg, hint="give each job paths of its own")
        seen += [(job.name, place) for place in own]
