"""Async jobs of the service: submitted, polled, read, deleted.

This module has the life cycle alone; what a job asks for and how its results look is
decided by its kind. A job is done after so many polls and so many seconds, so no test
has to sleep for one.

Source: models AsyncQueryResponse and AsyncQueryStatus of PureCloudPlatformClientV2
269.0.0, read 2026-11-21. How long results are kept, how many jobs may run at once and
how the service refuses too many is not public: those figures and texts are ours.
"""

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from gcbatch.simulator.async_jobs.paging import Results
from gcbatch.simulator.instants import instant_text, milliseconds
from gcbatch.simulator.problems import Problem, not_found

__all__ = ["FindResults", "JobRules", "Jobs", "State"]

State = Literal["QUEUED", "PENDING", "FAILED", "CANCELLED", "FULFILLED", "EXPIRED"]

RUNNING: Final = ("QUEUED", "PENDING")
ERROR_MESSAGE: Final = "The query could not be completed."
RETRY_AFTER_S: Final = 1


FindResults = Callable[[], Results]
"""Finds the results of a job; called once, when they are first read."""


@dataclass(frozen=True, slots=True)
class JobRules:
    """How long jobs run and how long their results are kept.

    Args:
        polls: Requests for its status that find a job still running.
        delay_s: Minimum seconds that it runs.
        lifetime_s: Seconds that its results are kept after it is done.
        max_in_flight: Maximum jobs running at once; None is without limit.
    """

    polls: int = 1
    delay_s: float = 0.0
    lifetime_s: float = 86_400.0
    max_in_flight: int | None = None


@dataclass(slots=True)
class _Job:
    """A job; its times are the clock's seconds.

    Args:
        find: Finds its results.
        submitted: When it was submitted.
        due: When it is done; None until it was polled often enough.
        end: The state in which it ends.
        polls: Requests for its status so far.
        dropped: When a fault makes its results expire; None if only age does.
        results: None until they are read, and after they have expired.
    """

    find: FindResults
    submitted: float
    due: float | None
    end: State = "FULFILLED"
    polls: int = 0
    dropped: float | None = None
    results: Results | None = field(default=None, repr=False)

    def expiry(self, lifetime_s: float) -> float | None:
        """Return when the results expire; None if the job has none."""
        if self.due is None or self.end != "FULFILLED":
            return None
        if self.dropped is None:
            return self.due + lifetime_s
        return max(self.due, self.dropped)

    def state(self, now: float, lifetime_s: float) -> State:
        """Return the state of the job."""
        if self.due is None or now < self.due:
            return "PENDING" if self.polls else "QUEUED"
        expiry = self.expiry(lifetime_s)
        return "EXPIRED" if expiry is not None and now >= expiry else self.end


class Jobs:
    """The jobs of an organisation.

    Args:
        rules: How long they run and are kept.
        clock: Seconds, monotonic; it decides lifetimes and the dates in answers.
    """

    def __init__(self, rules: JobRules, clock: Callable[[], float]) -> None:
        self._rules = rules
        self._clock = clock
        self._clock_began = datetime.now(UTC) - timedelta(seconds=clock())
        self._jobs: dict[tuple[str, str], _Job] = {}

    @property
    def now(self) -> datetime:
        """The time of day by the clock, in UTC."""
        return self._instant(self._clock())

    def submit(self, kind: str, find: FindResults, faults: Collection[str] = ()) -> str:
        """Add a job and return its id.

        Args:
            kind: Ids are unique within a kind.
            find: Finds its results.
            faults: Kinds of the faults that apply to the request.

        Raises:
            Problem: 429 if the maximum of jobs is running.
        """
        maximum = self._rules.max_in_flight
        if maximum is not None and self._running() >= maximum:
            raise _too_many(maximum)
        now = self._clock()
        due = None if self._rules.polls else now + self._rules.delay_s
        job = _Job(find, now, due)
        job_id = str(uuid.uuid4())
        self._jobs[kind, job_id] = job
        self._apply_faults(job, now, faults)
        return job_id

    def status(
        self, kind: str, job_id: str, faults: Collection[str] = ()
    ) -> tuple[bool, dict[str, Any]]:
        """Return whether a job is still running, and the JSON of its status.

        Raises:
            Problem: 404 if there is no such job.
        """
        job, now = self._job(kind, job_id), self._clock()
        self._apply_faults(job, now, faults)
        state = job.state(now, self._rules.lifetime_s)
        status = self._status(job, state)
        job.polls += 1
        if job.due is None and job.polls >= self._rules.polls:
            job.due = max(now, job.submitted + self._rules.delay_s)
        return state in RUNNING, status

    def results(self, kind: str, job_id: str, faults: Collection[str] = ()) -> Results:
        """Return the results of a job.

        Raises:
            Problem: 404 if there is no such job, or its results have expired; 409
                if it is still running, or did not end well.
        """
        job, now = self._job(kind, job_id), self._clock()
        self._apply_faults(job, now, faults)
        state = job.state(now, self._rules.lifetime_s)
        if state == "EXPIRED":
            job.results = None
            msg = "The results of the job have expired."
            raise not_found(msg)
        if state != "FULFILLED":
            msg = f"The job has no results, its state is {state}."
            raise Problem(409, "conflict", msg)
        if job.results is None:
            job.results = job.find()
        return job.results

    def delete(self, kind: str, job_id: str) -> None:
        """Delete a job, whether it is running or not.

        Raises:
            Problem: 404 if there is no such job.
        """
        self._job(kind, job_id)
        del self._jobs[kind, job_id]

    def _job(self, kind: str, job_id: str) -> _Job:
        job = self._jobs.get((kind, job_id))
        if job is None:
            msg = "Unable to find a job with that id"
            raise not_found(msg)
        return job

    def _running(self) -> int:
        now, lifetime_s = self._clock(), self._rules.lifetime_s
        return sum(job.state(now, lifetime_s) in RUNNING for job in self._jobs.values())

    def _apply_faults(self, job: _Job, now: float, faults: Collection[str]) -> None:
        """Let faults decide how a job ends; a job that is done can only expire."""
        if "job_expired" in faults:
            job.dropped = now
        if job.state(now, self._rules.lifetime_s) in RUNNING or job.polls == 0:
            if "job_failed" in faults:
                job.end = "FAILED"
            elif "job_cancelled" in faults:
                job.end = "CANCELLED"

    def _status(self, job: _Job, state: State) -> dict[str, Any]:
        status: dict[str, Any] = {"state": state}
        if state == "FAILED":
            status["errorMessage"] = ERROR_MESSAGE
        expiry = job.expiry(self._rules.lifetime_s)
        if expiry is not None and state not in RUNNING:
            status["expirationDate"] = self._text(expiry)
        status["submissionDate"] = self._text(job.submitted)
        if job.due is not None and state not in RUNNING:
            status["completionDate"] = self._text(job.due)
        return status

    def _instant(self, seconds: float) -> datetime:
        return self._clock_began + timedelta(seconds=seconds)

    def _text(self, seconds: float) -> str:
        return instant_text(milliseconds(self._instant(seconds)))


def _too_many(maximum: int) -> Problem:
    """Return the 429; a number in brackets would mean a wait, so it has none."""
    return Problem(
        429,
        "too.many.requests",
        f"Too many jobs are running, the maximum is {maximum}.",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )
