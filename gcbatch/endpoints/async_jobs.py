"""Fetches by async job of the service: submit, wait, read page by page, remove.

    POST <address>/jobs                 202 {"jobId": …}
    GET  <address>/jobs/<id>            202 while it runs, 200 {"state": …} once done
    GET  <address>/jobs/<id>/results    {rows, "cursor": … of the next page}
    DELETE <address>/jobs/<id>

The service keeps a job for a while. Its id is written to the store, so that the run
after one that was killed goes on with it. Source: model AsyncQueryStatus of
PureCloudPlatformClientV2 269.0.0, read 2026-11-21.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import quote

import msgspec

from gcbatch.endpoints.base import FetchContext
from gcbatch.errors import SHAPE_HINT, DataError, GcbatchError, ServiceError
from gcbatch.genesys.client import ACCEPTED, REMOVED, Answer, BodyReader
from gcbatch.store import PendingJobs, SubmittedJob
from gcbatch.text import fits_id, one_line

__all__ = ["AsyncJobClient", "AsyncJobRequest"]

log = logging.getLogger("gcbatch.jobs")

MAX_SUBMISSIONS: Final = 3
"""How often a job is submitted that expires, fails or is cancelled."""

FIRST_POLL_S: Final = 0.1
POLL_GROWTH: Final = 1.7
MAX_POLL_S: Final = 20.0
"""Jobs take from seconds to many minutes: the wait between two polls grows."""


class ResultPage(Protocol):
    """A page of results that may name the next."""

    @property
    def cursor(self) -> str | None:
        """The cursor of the next page; None or empty on the last."""
        ...


T = TypeVar("T")
P = TypeVar("P", bound=ResultPage)


class _Receipt(msgspec.Struct):
    jobId: str  # noqa: N815 - the API's word


class _Status(msgspec.Struct):
    state: str | None = None
    errorMessage: str | None = None  # noqa: N815 - the API's word
    submissionDate: Any = None  # noqa: N815 - the API's word
    completionDate: Any = None  # noqa: N815 - the API's word
    expirationDate: Any = None  # noqa: N815 - the API's word


_RECEIPTS: Final = BodyReader(_Receipt, "jobId", or_nothing=False)
_STATUSES: Final = BodyReader(_Status, "state", or_nothing=False)


class _JobLostError(Exception):
    """The job is lost: it expired, failed or was cancelled."""


@dataclass(frozen=True)
class AsyncJobRequest:
    """The request of one async job.

    Args:
        about: Names it among the requests of its query, in the store and in errors.
        body: The body of the request.
        pending: Stores the job's id.
        available_until: The instant up to which the service had data when the job was
            submitted; None if that is not known.
    """

    about: str
    body: bytes
    pending: PendingJobs
    available_until: datetime | None = None


class AsyncJobClient:
    """Fetches by job, a bounded number of jobs at once.

    Args:
        context: The inputs of the fetch.
        address: The address of the data, without `/jobs`.
        page_size: Rows of a page of results; None if the body of the job says it.

    Attributes:
        resubmitted: Jobs that were lost and had to be submitted again.
    """

    def __init__(
        self, context: FetchContext, address: str, *, page_size: int | None
    ) -> None:
        fetch = context.fetch
        self.resubmitted = 0
        self._client = context.client
        self._slots = context.slots
        self._address = f"{address}/jobs"
        self._page_size = page_size
        self._wait_s = fetch.job_wait.typical_s
        self._jobs = asyncio.Semaphore(fetch.limits.jobs_in_flight)

    async def fetch(
        self,
        request: AsyncJobRequest,
        decode: Callable[[bytes], P],
        take: Callable[[Answer[P]], None],
        *,
        begin: Callable[[], None] = lambda: None,
    ) -> datetime | None:
        """Fetch by job, and pass on every page of the results.

        Args:
            request: What to fetch.
            decode: Reads a page.
            take: Called with each page.
            begin: Called before the first page, and again if a job was lost and all
                pages come again.

        Returns:
            The instant up to which the service had data when the job was submitted;
            None if that is not known.

        Raises:
            ServiceError: If all jobs fail; gives the service's reason.
            DataError: If the pages run in a loop, or the job's id is not valid.
            GcbatchError: As Client.call does.
        """
        reason = "expired"
        async with self._jobs:
            for _ in range(MAX_SUBMISSIONS):
                job, until, submitted_at = await self._submit(request)
                try:
                    await self._wait_for(job, request.about)
                    begin()
                    await self._read_results(
                        job, request.about, decode, _as_of(submitted_at, take)
                    )
                except _JobLostError as lost:
                    reason = str(lost) or reason
                    log.info("%s: job %s %s", request.about, job, reason)
                    self.resubmitted += 1
                    request.pending.forget(request.about)
                    continue
                except DataError:
                    # Wrong results stay wrong; the next run submits a new job.
                    await self._remove(job)
                    request.pending.forget(request.about)
                    raise
                await self._remove(job)
                request.pending.forget(request.about)
                return until
        msg = f"{request.about}: {MAX_SUBMISSIONS} jobs failed: {reason}"
        raise ServiceError(msg, hint="try again later, or narrow the query")

    async def _submit(self, request: AsyncJobRequest) -> SubmittedJob:
        """Return the job that is already under way, or submit one."""
        if known := request.pending.job(request.about):
            return known
        async with self._slots:
            answer = await self._client.call(
                "POST",
                self._address,
                _RECEIPTS.decode,
                body=request.body,
                statuses=ACCEPTED,
            )
        if not fits_id(answer.value.jobId):
            # It goes into addresses, file names and messages.
            shown = one_line(answer.value.jobId)
            msg = f"{request.about}: the id of a job is not valid ({shown})"
            raise DataError(msg, hint=SHAPE_HINT)
        job = SubmittedJob(answer.value.jobId, request.available_until, answer.asked_at)
        request.pending.remember(request.about, job)
        return job

    async def _wait_for(self, job: str, about: str) -> None:
        """Wait until a job is fulfilled.

        Raises:
            _JobLostError: If it never will be.
            ServiceError: If it takes too long.
        """
        get_status = partial(
            self._client.call, "GET", decode=_STATUSES.decode, statuses=ACCEPTED
        )
        clock = asyncio.get_running_loop().time
        until, pause_s = clock() + self._wait_s, FIRST_POLL_S
        while True:
            await asyncio.sleep(pause_s)
            answer = await self._of_job(job, get_status)
            state = answer.value.state
            if state == "FULFILLED":
                return
            if state in ("FAILED", "CANCELLED", "EXPIRED"):
                reason = one_line(answer.value.errorMessage or "", 300)
                msg = f"{state.lower()}{': ' if reason else ''}{reason}"
                raise _JobLostError(msg)
            if clock() >= until:
                shown = f"{one_line(job, 100)} is not done ({one_line(state, 50)})"
                msg = f"{about}: job {shown}"
                hint = "run again to go on with this job, or raise fetch.job_wait"
                raise ServiceError(msg, hint=hint)
            pause_s = min(pause_s * POLL_GROWTH, MAX_POLL_S)

    async def _read_results(
        self,
        job: str,
        about: str,
        decode: Callable[[bytes], P],
        take: Callable[[Answer[P]], None],
    ) -> None:
        """Pass on all pages; only a missing cursor ends them, not an empty page."""
        seen_cursors: set[str] = set()
        cursor: str | None = None
        while True:
            answer = await self._of_job(job, partial(self._page, decode, cursor))
            take(answer)
            cursor = answer.value.cursor
            if not cursor:
                return
            if cursor in seen_cursors:
                msg = f"{about}: the pages of job {one_line(job, 100)} run in a loop"
                raise DataError(msg, hint="run it again; if it stays so, ask support")
            seen_cursors.add(cursor)

    async def _page(
        self, decode: Callable[[bytes], P], cursor: str | None, path: str
    ) -> Answer[P]:
        parameters: dict[str, str | int] = {}
        if self._page_size is not None:
            parameters["pageSize"] = self._page_size
        if cursor:
            parameters["cursor"] = cursor
        return await self._client.get(f"{path}/results", decode, **parameters)

    async def _of_job(
        self, job: str, send: Callable[[str], Awaitable[Answer[T]]]
    ) -> Answer[T]:
        """Send a request about a job by *send*, which takes the job's address.

        Raises:
            _JobLostError: If the service no longer knows the job.
        """
        try:
            async with self._slots:
                return await send(f"{self._address}/{quote(job, safe='')}")
        except ServiceError as exc:
            gone = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
            if exc.response is not None and exc.response.status in gone:
                raise _JobLostError from exc
            raise

    async def _remove(self, job: str) -> None:
        """Remove a job; the service would do so itself, only later."""
        path = f"{self._address}/{quote(job, safe='')}"
        try:
            async with self._slots:
                await self._client.call(
                    "DELETE", path, lambda _: None, statuses=REMOVED
                )
        except GcbatchError as exc:
            log.info("job %s was not removed: %s", one_line(job, 100), exc.problem)


def _as_of(
    asked_at: datetime, take: Callable[[Answer[P]], None]
) -> Callable[[Answer[P]], None]:
    """Return *take* for the pages of a job, dated to when the job was submitted.

    Else a run that goes on with the job of a previous run would take figures for final
    that were not yet.
    """
    return lambda answer: take(replace(answer, asked_at=min(asked_at, answer.asked_at)))
