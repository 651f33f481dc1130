"""Jobs that run in the background: handed in, asked after, read, dropped.

What a job asks and how its results look is its kind's business; here is only its life.
A job is done once it was asked after often enough and long enough ago, so that no test
has to sleep for one.

Source: models AsyncQueryResponse and AsyncQueryStatus of PureCloudPlatformClientV2
269.0.0, read 2026-11-21. How long results are kept, how many jobs may run at once and
what too many are answered with is not public: those figures and words are ours.
"""

import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, Protocol

from gcbatch.simulator.instants import instant_text, milliseconds
from gcbatch.simulator.problems import Problem, not_found

__all__ = ["Answer", "Gather", "JobRules", "Jobs", "State"]

State = Literal["QUEUED", "PENDING", "FAILED", "CANCELLED", "FULFILLED", "EXPIRED"]

RUNNING: Final = ("QUEUED", "PENDING")
ERROR_MESSAGE: Final = "The query could not be completed."
RETRY_AFTER_S: Final = 1


class Answer(Protocol):
    """All results of a job, given page by page."""

    def page(
        self, params: Mapping[str, str], digest: str, faults: Collection[str]
    ) -> bytes:
        """Return the JSON of a page.

        Args:
            params: Of the request's query string, such as `cursor`.
            digest: What tells the job's cursors from others.
            faults: Kinds of the faults that befell the request.

        Raises:
            Problem: 400 if a parameter is not right.
        """


Gather = Callable[[], Answer]
"""Finds the results of a job; called once, when it is done."""


@dataclass(frozen=True, slots=True)
class JobRules:
    """How jobs live.

    Args:
        polls: Requests for its status that find a job still running.
        delay_s: Seconds that it runs at least.
        lifetime_s: Seconds that its results are kept once it is done.
        max_in_flight: Most jobs running at once; None is without limit.
    """

    polls: int = 1
    delay_s: float = 0.0
    lifetime_s: float = 86_400.0
    max_in_flight: int | None = None


@dataclass(slots=True)
class _Job:
    """A job; its times are the clock's seconds.

    Args:
        gather: Finds its results.
        submitted: When it was handed in.
        due: When it is done; None while it has not been asked after often enough.
        end: How it ends.
        asked: Requests for its status so far.
        dropped: When a fault makes its results expire; None by age only.
        answer: Its results; None until they are read, and once they have expired.
    """

    gather: Gather
    submitted: float
    due: float | None
    end: State = "FULFILLED"
    asked: int = 0
    dropped: float | None = None
    answer: Answer | None = field(default=None, repr=False)

    def expiry(self, lifetime_s: float) -> float | None:
        """Return when the results expire; None where there are or will be none."""
        if self.due is None or self.end != "FULFILLED":
            return None
        if self.dropped is None:
            return self.due + lifetime_s
        return max(self.due, self.dropped)

    def state(self, now: float, lifetime_s: float) -> State:
        """Return how the job stands."""
        if self.due is None or now < self.due:
            return "PENDING" if self.asked else "QUEUED"
        expiry = self.expiry(lifetime_s)
        return "EXPIRED" if expiry is not None and now >= expiry else self.end


class Jobs:
    """The jobs of an organisation.

    Args:
        rules: How they live.
        clock: Seconds, monotonic; lifetimes go by it, and so do the dates told.
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

    def submit(self, kind: str, gather: Gather, faults: Collection[str] = ()) -> str:
        """Take a job in and return its id.

        Args:
            kind: Where its id is known.
            gather: Finds its results.
            faults: Kinds of the faults that befell the request.

        Raises:
            Problem: 429 if as many as may are running.
        """
        most = self._rules.max_in_flight
        if most is not None and self._running() >= most:
            raise _too_many(most)
        now = self._clock()
        due = None if self._rules.polls else now + self._rules.delay_s
        job = _Job(gather, now, due)
        job_id = str(uuid.uuid4())
        self._jobs[kind, job_id] = job
        self._strike(job, now, faults)
        return job_id

    def status(
        self, kind: str, job_id: str, faults: Collection[str] = ()
    ) -> tuple[bool, dict[str, Any]]:
        """Return whether a job is still running, and the JSON of its status.

        Raises:
            Problem: 404 if there is no such job.
        """
        job, now = self._job(kind, job_id), self._clock()
        self._strike(job, now, faults)
        state = job.state(now, self._rules.lifetime_s)
        status = self._status(job, state)
        job.asked += 1
        if job.due is None and job.asked >= self._rules.polls:
            job.due = max(now, job.submitted + self._rules.delay_s)
        return state in RUNNING, status

    def answer(self, kind: str, job_id: str, faults: Collection[str] = ()) -> Answer:
        """Return the results of a job.

        Raises:
            Problem: 404 if there is no such job, or its results have expired; 409
                if it is still running, or did not end well.
        """
        job, now = self._job(kind, job_id), self._clock()
        self._strike(job, now, faults)
        state = job.state(now, self._rules.lifetime_s)
        if state == "EXPIRED":
            job.answer = None
            msg = "The results of the job have expired."
            raise not_found(msg)
        if state != "FULFILLED":
            msg = f"The job has no results, its state is {state}."
            raise Problem(409, "conflict", msg)
        if job.answer is None:
            job.answer = job.gather()
        return job.answer

    def delete(self, kind: str, job_id: str) -> None:
        """Forget a job, whether it runs or not.

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

    def _strike(self, job: _Job, now: float, faults: Collection[str]) -> None:
        """Let faults decide how a job ends; one that is done can only expire."""
        if "job_expired" in faults:
            job.dropped = now
        if job.state(now, self._rules.lifetime_s) in RUNNING or job.asked == 0:
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


def _too_many(most: int) -> Problem:
    """Return the 429; its text has no number in brackets, which would be a wait."""
    return Problem(
        429,
        "too.many.requests",
        f"Too many jobs are running, the maximum is {most}.",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )
