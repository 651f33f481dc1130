"""Jobs of the service: submitted, waited for, fetched page by page, removed.

    POST <address>/jobs                 202 {"jobId": …}
    GET  <address>/jobs/<id>            202 while it runs, 200 {"state": …} once done
    GET  <address>/jobs/<id>/results    {rows, "cursor": … of the next page}
    DELETE <address>/jobs/<id>

A job lives for a while in the service; its id is remembered in the store, so that a run
that was killed goes on with it. Source: model AsyncQueryStatus of
PureCloudPlatformClientV2 269.0.0, read 2026-11-21.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any, Final, Protocol, Self, TypeVar
from urllib.parse import quote

import msgspec

from gcbatch.endpoints.base import FetchContext
from gcbatch.errors import SHAPE_HINT, DataError, GcbatchError, ServiceError
from gcbatch.genesys.client import ACCEPTED, REMOVED, Answer, BodyReader, Client
from gcbatch.store import PendingJobs, SubmittedJob
from gcbatch.text import fits_id, one_line

__all__ = ["LEAST_OF_A_JOB", "AsyncJobClient", "AsyncJobRequest"]

log = logging.getLogger("gcbatch.jobs")

SUBMISSIONS: Final = 3
"""So often a job that expires, fails or is cancelled is submitted."""

LEAST_OF_A_JOB: Final = 4
"""Requests: to submit, to look, to fetch a page of results, to remove."""

FIRST_POLL_S: Final = 0.1
SLOWER: Final = 1.7
LONGEST_POLL_S: Final = 20.0
"""Jobs take from seconds to many minutes: the wait between two looks grows."""


class ResultPage(Protocol):
    """A page of results that may name the next."""

    @property
    def cursor(self) -> str | None:
        """Of the next page; None or empty on the last."""
        ...


T = TypeVar("T")
P = TypeVar("P", bound=ResultPage)


class _Receipt(msgspec.Struct):
    jobId: str  # noqa: N815 - the API's word


class _Status(msgspec.Struct):
    state: str | None = None
    errorMessage: str | None = None  # noqa: N815 - the API's word
    submissionDate: Any = None  # noqa: N815 - likewise
    completionDate: Any = None  # noqa: N815 - likewise
    expirationDate: Any = None  # noqa: N815 - likewise


_RECEIPTS: Final = BodyReader(_Receipt, "jobId", or_nothing=False)
_STATUSES: Final = BodyReader(_Status, "state", or_nothing=False)


class _LostError(Exception):
    """The job is of no more use: it expired, failed or was cancelled."""


@dataclass(frozen=True)
class AsyncJobRequest:
    """One question that is asked by a job.

    Args:
        about: Tells it from the other questions of its query, in notes and errors.
        body: Of the request.
        pending: Where the job's id is remembered.
        available_until: What the service had data up to when it is submitted.
    """

    about: str
    body: bytes
    pending: PendingJobs
    available_until: datetime | None = None


@dataclass
class AsyncJobClient:
    """Asks by jobs, a bounded number at once.

    Args:
        client: Through whom.
        address: Of what is asked, without `/jobs`.
        at_once: Jobs of the service under way at once.
        wait_s: How long one run waits for a job.
        page_size: Rows of a page of results; None where the request says it.
        slots: Taken by its requests, so that no more are in flight than may.

    Attributes:
        resubmitted: Jobs that were of no use and had to be submitted again.
    """

    client: Client
    address: str
    at_once: int
    wait_s: float
    page_size: int | None
    slots: asyncio.Semaphore
    resubmitted: int = field(default=0, init=False)
    _jobs: asyncio.Semaphore = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._jobs = asyncio.Semaphore(self.at_once)

    @classmethod
    def of(cls, desk: FetchContext, address: str, *, page_size: int | None) -> Self:
        """Return the road by jobs for one run of a job; see the class."""
        fetch = desk.fetch
        return cls(
            desk.client,
            address,
            at_once=fetch.limits.jobs_in_flight,
            wait_s=fetch.job_wait.typical_s,
            page_size=page_size,
            slots=desk.slots,
        )

    async def fetch(
        self,
        order: AsyncJobRequest,
        decode: Callable[[bytes], P],
        take: Callable[[Answer[P]], None],
        *,
        begin: Callable[[], None] = lambda: None,
    ) -> datetime | None:
        """Ask, and hand every page of the results on.

        Args:
            order: What to ask.
            decode: Reads a page.
            take: Is given each page.
            begin: Is called before the first page; again, if a job was lost in mid-way
                and all pages come again.

        Returns:
            What the service had data up to when the job was submitted; None where that
            is not known.

        Raises:
            ServiceError: If no job comes to its end; says what the service said.
            DataError: If the pages run in a loop, or the job has no id that can be one.
            GcbatchError: As Client.call does.
        """
        said = "expired"
        async with self._jobs:
            for _ in range(SUBMISSIONS):
                job, until, submitted_at = await self._submitted(order)
                try:
                    await self._done(job, order.about)
                    begin()
                    await self._results(
                        job, order.about, decode, _as_of(submitted_at, take)
                    )
                except _LostError as lost:
                    said = str(lost) or said
                    log.info("%s: job %s %s", order.about, job, said)
                    self.resubmitted += 1
                    order.pending.forget(order.about)
                    continue
                except DataError:
                    # Results that are wrong stay wrong; the next run asks for new ones.
                    await self._remove(job)
                    order.pending.forget(order.about)
                    raise
                await self._remove(job)
                order.pending.forget(order.about)
                return until
        msg = f"{order.about}: {SUBMISSIONS} jobs came to nothing: {said}"
        raise ServiceError(msg, hint="try again later, or narrow the query")

    async def _submitted(self, order: AsyncJobRequest) -> SubmittedJob:
        """Return the job that is under way already, or submit one."""
        if known := order.pending.job(order.about):
            return known
        async with self.slots:
            answer = await self.client.call(
                "POST",
                f"{self.address}/jobs",
                _RECEIPTS.decode,
                body=order.body,
                statuses=ACCEPTED,
            )
        if not fits_id(answer.value.jobId):
            # It would go into addresses, notes and messages.
            msg = (
                f"{order.about}: the id of a job is none "
                f"({one_line(answer.value.jobId)})"
            )
            raise DataError(msg, hint=SHAPE_HINT)
        job = SubmittedJob(answer.value.jobId, order.available_until, answer.asked_at)
        order.pending.remember(order.about, job)
        return job

    async def _done(self, job: str, about: str) -> None:
        """Wait until a job is fulfilled.

        Raises:
            _LostError: If it is not going to be.
            ServiceError: If it takes too long.
        """
        clock = asyncio.get_running_loop().time
        until, pause_s = clock() + self.wait_s, FIRST_POLL_S
        while True:
            await asyncio.sleep(pause_s)
            answer = await self._of_job(job, self._state)
            state = answer.value.state
            if state == "FULFILLED":
                return
            if state in ("FAILED", "CANCELLED", "EXPIRED"):
                said = one_line(answer.value.errorMessage or "", 300)
                msg = f"{state.lower()}{': ' if said else ''}{said}"
                raise _LostError(msg)
            if clock() >= until:
                msg = (
                    f"{about}: job {one_line(job, 100)} is not done "
                    f"({one_line(state, 50)})"
                )
                hint = "run it again: the job is remembered; or raise fetch.job_wait"
                raise ServiceError(msg, hint=hint)
            pause_s = min(pause_s * SLOWER, LONGEST_POLL_S)

    async def _results(
        self,
        job: str,
        about: str,
        decode: Callable[[bytes], P],
        take: Callable[[Answer[P]], None],
    ) -> None:
        """Hand on all pages; only a missing cursor ends them, not an empty page."""
        asked: set[str] = set()
        cursor: str | None = None
        while True:
            answer = await self._of_job(job, partial(self._page, decode, cursor))
            take(answer)
            cursor = answer.value.cursor
            if not cursor:
                return
            if cursor in asked:
                msg = f"{about}: the pages of job {one_line(job, 100)} run in a loop"
                raise DataError(msg, hint="run it again; if it stays so, ask support")
            asked.add(cursor)

    async def _state(self, path: str) -> Answer[_Status]:
        return await self.client.call("GET", path, _STATUSES.decode, statuses=ACCEPTED)

    async def _page(
        self, decode: Callable[[bytes], P], cursor: str | None, path: str
    ) -> Answer[P]:
        parameters: dict[str, str | int] = {}
        if self.page_size is not None:
            parameters["pageSize"] = self.page_size
        if cursor:
            parameters["cursor"] = cursor
        return await self.client.get(f"{path}/results", decode, **parameters)

    async def _of_job(
        self, job: str, ask: Callable[[str], Awaitable[Answer[T]]]
    ) -> Answer[T]:
        """Ask about a job.

        Args:
            job: Its id.
            ask: Is given its address.

        Raises:
            _LostError: If the service does not know it any more.
        """
        try:
            async with self.slots:
                return await ask(f"{self.address}/jobs/{quote(job, safe='')}")
        except ServiceError as exc:
            gone = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
            if exc.response is not None and exc.response.status in gone:
                raise _LostError from exc
            raise

    async def _remove(self, job: str) -> None:
        """Tidy up; the service removes what is left by itself, only later."""
        path = f"{self.address}/jobs/{quote(job, safe='')}"
        try:
            async with self.slots:
                await self.client.call("DELETE", path, lambda _: None, statuses=REMOVED)
        except GcbatchError as exc:
            log.info("job %s was not removed: %s", one_line(job, 100), exc.problem)


def _as_of(
    asked_at: datetime, take: Callable[[Answer[P]], None]
) -> Callable[[Answer[P]], None]:
    """Return *take* for the pages of a job, which was asked when it was submitted.

    A run that goes on with the job of an earlier one would else take figures for
    settled that were not yet.
    """
    return lambda answer: take(replace(answer, asked_at=min(asked_at, answer.asked_at)))
