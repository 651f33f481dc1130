"""Fetches details in whole UTC days, by pages or by async job, until none is missing.

By its documentation the service matches the UTC day on which a conversation began. So
requests are for whole days; the answers are counted, and then cut to the job's range. A
span that paging does not reach the end of is halved. If the halves are no smaller,
because the service matches the whole day again, the day is fetched by job.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Final

import msgspec

from gcbatch.endpoints.async_jobs import AsyncJobClient, AsyncJobRequest
from gcbatch.endpoints.base import FetchContext
from gcbatch.endpoints.details.by_pages import PageFetcher
from gcbatch.endpoints.details.completeness import DetailCollector
from gcbatch.endpoints.details.page_reader import (
    Page,
    RecordKind,
    available_until,
    read_page,
)
from gcbatch.endpoints.details.query_progress import DetailQuery
from gcbatch.endpoints.details.record_types import SeenFields
from gcbatch.errors import OutOfReachError, ServiceError, TooLargeError
from gcbatch.genesys import JOB_PAGE, Details, FetchMode
from gcbatch.genesys.client import Answer, BodyReader
from gcbatch.query import Query
from gcbatch.store import IdSet, Spool, SpooledPart
from gcbatch.windows import (
    ONE_DAY,
    UTC_ZONE,
    Window,
    floor_to_bucket,
    tile,
    whole_utc_days,
)

__all__ = ["DetailFetcher"]

DAY: Final = timedelta(days=1)
SECOND: Final = timedelta(seconds=1)

MIN_SPAN: Final = timedelta(minutes=1)
"""A span this short is not cut further."""

JOB_ROUNDS: Final = 2
"""How often a span is fetched by job before its gap counts."""

JOB_MIN_ROWS: Final = 800
"""Rows from which a job takes fewer requests than pages: one submits it, a few look at
its state, its pages are ten times as long, one removes it."""


class _Availability(msgspec.Struct):
    dataAvailabilityDate: str | None = None  # noqa: N815 - the API's word


_AVAILABILITIES: Final = BodyReader(_Availability, "dataAvailabilityDate")


@dataclass
class DetailFetcher:
    """Fetches queries of details, and learns as it goes how far paging reaches."""

    details: Details
    records: RecordKind
    mode: FetchMode
    context: FetchContext
    _max_per_day: float = field(default=0.0, init=False)
    _matches_days: bool = field(default=False, init=False)
    _days_by_job: int = field(default=0, init=False)
    _seen: SeenFields = field(init=False, repr=False)
    _pages: PageFetcher = field(init=False, repr=False)
    _jobs: AsyncJobClient = field(init=False, repr=False)
    _until: list[datetime | None] = field(default_factory=list, init=False)
    _until_lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    def __post_init__(self) -> None:
        address = self.details.address
        self._seen = SeenFields(self.records.model)
        self._pages = PageFetcher(address, self.records, self.context, self._seen)
        self._jobs = AsyncJobClient(self.context, address, page_size=JOB_PAGE)

    async def fetch(self, query: Query) -> SpooledPart:
        """Fetch a query of the plan; return its one part.

        Raises:
            DataError: If records are missing however often they are requested; names
                the span, how many came and how many there are.
            GcbatchError: As Client.call does.
        """
        spool = Spool.within(self.context.store.work_folder)
        try:
            collector = DetailCollector(query.window, self.records, spool)
            detail_query = DetailQuery(query, collector, self.context)
            for span, mode in await self._spans_by_mode(whole_utc_days(query.window)):
                if mode is FetchMode.JOBS:
                    await self._fetch_by_job(detail_query, span)
                else:
                    await self._fetch_by_pages(detail_query, span, mode)
            return SpooledPart(spool, collector.metadata())
        except BaseException:
            spool.close()
            raise

    def remarks(self) -> Counter[str]:
        """Return remarks for the run report, and how often each was made."""
        full_days = (
            f"days of more {self.records.noun} than the {self._pages.cap:,} that "
            "pages reach, fetched by async job"
        )
        return +Counter(
            {
                full_days: self._days_by_job if self.mode is FetchMode.QUERY else 0,
                "jobs submitted again": self._jobs.resubmitted,
            }
        )

    async def _spans_by_mode(self, span: Window) -> list[tuple[Window, FetchMode]]:
        """Return spans that tile *span*, each with its mode.

        What the service's jobs do not have yet is fetched by pages.
        """
        if self.mode is not FetchMode.AUTO:
            return [(span, self.mode)]
        until = await self._available_until()
        edge = span.start
        if until is not None:
            whole_days = floor_to_bucket(until, ONE_DAY, UTC_ZONE)
            edge = min(max(whole_days, span.start), span.end)
        spans = [(span.start, edge, FetchMode.AUTO), (edge, span.end, FetchMode.QUERY)]
        return [(Window(a, b), mode) for a, b, mode in spans if a < b]

    async def _available_until(self) -> datetime | None:
        """Return up to when jobs have data; None if the service does not say.

        It is requested once.
        """
        async with self._until_lock:
            if not self._until:
                path = f"{self.details.address}/jobs/availability"
                try:
                    async with self.context.slots:
                        answer = await self.context.client.get(
                            path, _AVAILABILITIES.decode
                        )
                    self._until = [available_until(answer.value.dataAvailabilityDate)]
                except ServiceError as exc:
                    response = exc.response
                    if response is None or response.status != HTTPStatus.NOT_FOUND:
                        raise
                    self._until = [None]
        return self._until[0]

    async def _fetch_by_pages(
        self,
        detail_query: DetailQuery,
        span: Window,
        mode: FetchMode,
        first: Answer[Page] | None = None,
    ) -> None:
        """Fetch a span by pages, in pieces if paging does not reach its end.

        Mode AUTO uses a job if that takes fewer requests. The first page may have been
        fetched already.
        """
        if whole_utc_days(span) in detail_query.days_by_job:
            return
        first = first or await self._first_page(detail_query, span)
        if first is None:
            await self._fetch_halves(detail_query, span, mode)
            return
        total = first.value.total or 0
        if mode is FetchMode.AUTO and total > JOB_MIN_ROWS:
            await self._fetch_by_job(detail_query, span)
        elif not await self._gather(detail_query, span, first):
            if span.span > DAY:
                await self._fetch_halves(detail_query, span, mode)
            else:
                await self._fetch_within_day(detail_query, span, mode, total)

    async def _first_page(
        self, detail_query: DetailQuery, span: Window
    ) -> Answer[Page] | None:
        """Return the first page; None if the span is too long."""
        days = span.span / DAY
        if days > 1 and self._max_per_day * days > self._pages.cap:
            return None
        try:
            first = await self._pages.page(detail_query, span, 1, can_split=days > 1)
        except TooLargeError:
            if days <= 1:
                raise
            return None
        total = first.value.total or 0
        self._max_per_day = max(self._max_per_day, total / max(days, 1))
        return first

    async def _gather(
        self, detail_query: DetailQuery, span: Window, first: Answer[Page]
    ) -> bool:
        """Fetch all pages of a span; return whether paging reaches its end."""
        total = first.value.total or 0
        if total > self._pages.cap:
            return False
        try:
            return await self._pages.gather(detail_query, span, first)
        except TooLargeError:
            if total <= self._pages.cap:
                raise
            return False  # the cap was lowered just now

    async def _fetch_halves(
        self, detail_query: DetailQuery, span: Window, mode: FetchMode
    ) -> None:
        days = list(tile(span, ONE_DAY, UTC_ZONE))
        middle = days[len(days) // 2].start
        for half in (Window(span.start, middle), Window(middle, span.end)):
            await self._fetch_by_pages(detail_query, half, mode)

    async def _fetch_within_day(
        self, detail_query: DetailQuery, span: Window, mode: FetchMode, total: int
    ) -> None:
        """Fetch a span in halves of a day, if the service then answers less."""
        day = whole_utc_days(span)
        if self._matches_days or span.span <= MIN_SPAN:
            await self._fetch_day_by_job(detail_query, day)
            return
        middle = span.start + timedelta(seconds=span.span // SECOND // 2)
        halves = [Window(span.start, middle), Window(middle, span.end)]
        firsts = []
        for half in halves:
            firsts.append(await self._pages.page(detail_query, half, 1))
            if (firsts[-1].value.total or 0) < total:
                break
        else:
            self._matches_days = True
            await self._fetch_day_by_job(detail_query, day)
            return
        for half, first in zip(halves, [*firsts, None], strict=False):
            await self._fetch_by_pages(detail_query, half, mode, first)

    async def _fetch_day_by_job(self, detail_query: DetailQuery, day: Window) -> None:
        try:
            self._days_by_job += 1
            await self._fetch_by_job(detail_query, day)
            detail_query.days_by_job.add(day)
        except OutOfReachError:
            raise  # it says nothing of the size of the day
        except ServiceError as exc:
            msg = (
                f"{detail_query.query.endpoint} {day}: has more "
                f"{self.records.noun} than the "
                f"{self._pages.cap:,} that pages reach, and no job fetches them: "
                f"{exc.problem}"
            )
            raise TooLargeError(
                msg, hint="narrow the query by filter or queues"
            ) from exc

    async def _fetch_by_job(self, detail_query: DetailQuery, span: Window) -> None:
        """Fetch a span by job, and compare the records with the count of the pages.

        Raises:
            DataError: If fewer came; names the span and both numbers.
        """
        counts: set[int] = set()
        came = 0
        # Else jobs return what overlaps the interval, and pages what began in it.
        begins = {} if self.records.at is None else {"startOfDayIntervalMatching": True}
        for _ in range(JOB_ROUNDS):
            ids = IdSet()

            def take(answer: Answer[Page], ids: IdSet = ids) -> None:
                detail_query.take_results(span, ids, answer)
                self._pages.count_page()

            until = await self._jobs.fetch(
                AsyncJobRequest(
                    f"{detail_query.query.endpoint} {span}",
                    detail_query.body(span, **begins),
                    self.context.store.pending(detail_query.query.digest),
                    await self._available_until(),
                ),
                partial(
                    read_page,
                    records=self.records,
                    about=detail_query.query,
                    seen=self._seen,
                ),
                take,
                begin=ids.clear,
            )
            detail_query.available(span, until)
            due = await self._pages.count_records(detail_query, span)
            came = max(came, len(ids))
            if due is None or len(ids) >= due:
                return
            counts.add(due)
            if detail_query.is_beyond(span):
                break
        drifts = len(counts) > 1 or detail_query.is_beyond(span)
        detail_query.check_shortfall(came, max(counts), span, drifts=drifts)
