"""What the service has under way for a query, remembered beside its part."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple, Protocol

import msgspec

from gcbatch.text import fits_id
from gcbatch.windows import iso

__all__ = ["PendingJobs", "SubmittedJob"]

OF_QUERY: Final = "query"
"""The key of a note's own digest, beside its jobs; their names have a space."""


class Notes(Protocol):
    """Keeps JSON documents by name; see Store."""

    def read_note(self, name: str) -> dict[str, Any] | None:
        """Return a document; None if there is none."""
        ...

    def write_note(self, name: str, content: dict[str, Any]) -> None:
        """Keep a document, whole."""
        ...

    def discard_note(self, name: str) -> None:
        """Remove a document, if there is one."""
        ...


class SubmittedJob(NamedTuple):
    """A job that the service has under way.

    Args:
        job_id: The service's.
        available_until: What the service had data up to; None: it did not say.
        at: When it was submitted.
    """

    job_id: str
    available_until: Annotated[datetime, msgspec.Meta(tz=True)] | None
    at: Annotated[datetime, msgspec.Meta(tz=True)]


class PendingJobs:
    """Remembers the jobs that the service has under way for one query.

    It never proves anything done: a part does. Without it, a run that was killed would
    ask for the same jobs again.

    Args:
        notes: Where it is kept.
        digest: Of the query.
    """

    def __init__(self, notes: Notes, digest: str) -> None:
        self._notes = notes
        self._digest = digest
        self._name = f"parts/{digest}.pending"

    def job(self, about: str) -> SubmittedJob | None:
        """Return what remember kept; None if it is nothing."""
        known = self._jobs().get(about, ())
        try:
            found = msgspec.convert(known, SubmittedJob)
        except msgspec.ValidationError:
            return None
        return found if fits_id(found.job_id) else None

    def remember(self, about: str, job: SubmittedJob) -> None:
        """Keep a job that was submitted.

        Args:
            about: What it is about.
            job: Which.
        """
        until = job.available_until and iso(job.available_until)
        self._keep({**self._jobs(), about: [job.job_id, until, iso(job.at)]})

    def forget(self, about: str) -> None:
        """Drop a job that is of no more use."""
        jobs = self._jobs()
        if jobs.pop(about, None) is None:
            return
        if jobs:
            self._keep(jobs)
        else:
            self.discard()

    def _jobs(self) -> dict[str, Any]:
        """Return what is remembered; nothing, where that is of another query."""
        jobs = self._notes.read_note(self._name) or {}
        digest = jobs.pop(OF_QUERY, self._digest)  # notes of before have none
        return jobs if digest == self._digest else {}

    def _keep(self, jobs: Mapping[str, Any]) -> None:
        self._notes.write_note(self._name, {OF_QUERY: self._digest, **jobs})

    def discard(self) -> None:
        """Drop all of it."""
        self._notes.discard_note(self._name)
