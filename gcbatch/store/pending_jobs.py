"""Jobs that the service is working on for a query, noted beside the query's part."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple

import msgspec

from gcbatch.store.job_files import PARTS
from gcbatch.store.notes import Notes
from gcbatch.text import fits_id
from gcbatch.windows import iso

__all__ = ["PENDING_SUFFIX", "PendingJobs", "SubmittedJob"]

PENDING_SUFFIX: Final = ".pending"

OF_QUERY: Final = "query"
"""The key of the query's digest in a note; the keys of jobs contain a space."""

_Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class SubmittedJob(NamedTuple):
    """A job that the service is working on.

    Args:
        job_id: The service's id of it.
        available_until: Until when the service had data; None: it did not say.
        at: When it was submitted.
    """

    job_id: str
    available_until: _Instant | None
    at: _Instant


class PendingJobs:
    """The note of the jobs that the service is working on for one query.

    Only a part proves that a query is done. The note saves a run that follows a killed
    one from submitting the same jobs again.

    Args:
        notes: Where the note is stored.
        digest: Digest of the query.
    """

    def __init__(self, notes: Notes, digest: str) -> None:
        self._notes = notes
        self._digest = digest
        self._name = f"{PARTS}{digest}{PENDING_SUFFIX}"

    def job(self, about: str) -> SubmittedJob | None:
        """Return a job that was remembered; None if there is none."""
        known = self._jobs().get(about, ())
        try:
            found = msgspec.convert(known, SubmittedJob)
        except msgspec.ValidationError:
            return None
        return found if fits_id(found.job_id) else None

    def remember(self, about: str, job: SubmittedJob) -> None:
        """Note a job that was submitted for the request *about*."""
        until = job.available_until and iso(job.available_until)
        self._write({**self._jobs(), about: [job.job_id, until, iso(job.at)]})

    def forget(self, about: str) -> None:
        """Remove a job that is no longer needed."""
        jobs = self._jobs()
        if jobs.pop(about, None) is None:
            return
        if jobs:
            self._write(jobs)
        else:
            self.discard()

    def _jobs(self) -> dict[str, Any]:
        """Return the noted jobs; none if the note belongs to another query."""
        jobs = self._notes.read_note(self._name) or {}
        digest = jobs.pop(OF_QUERY, self._digest)  # older releases did not write it
        return jobs if digest == self._digest else {}

    def _write(self, jobs: Mapping[str, Any]) -> None:
        self._notes.write_note(self._name, {OF_QUERY: self._digest, **jobs})

    def discard(self) -> None:
        """Remove the note."""
        self._notes.discard_note(self._name)
