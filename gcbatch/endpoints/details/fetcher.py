"""Details are asked in whole UTC days, by pages or by job, until all are there.

By its documentation the service matches the UTC day that a conversation began on. What
it answers is therefore asked in whole days, cut to the job's range here, and counted
before it is cut. Where paging does not reach all of a span, it is halved; where halves
are no smaller, the service having matched the whole day again, the day goes by job.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any, Final

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
from gcbatch.errors import OutOfReachError, ServiceError, TooLargeError
from gcbatch.genesys import JOB_PAGE, FetchMode
from gcbatch.genesys.client import Answer, BodyReader
from gcbatch.query import Query
from gcbatch.store import Spool, SpooledPart
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

FLOOR: Final = timedelta(minutes=1)
"""A span that is cut no further."""

JOB_ROUNDS: Final = 2
"""So often a span is asked by job before its gap is believed."""

JOB_PAYS: Final = 800
"""Rows from which a job takes fewer requests than pages: it is submitted, looked at a
few times, read in pages ten times as long, and removed."""


class _Availability(msgspec.Struct):
    dataAvailabilityDate: str | None = None  # noqa: N815 - the API's word


_AVAILABILITIES: Final = BodyReader(_Availability, "dataAvailabilityDate")


@dataclass
class DetailFetcher:
    """Asks queries of details, and learns as it goes what the service reaches.

    Args:
        name: The endpoint in the job file.
        address: Of the details, without `/query`.
        records: What they are.
        road: How they are asked for.
        job_body: What a job's request has more than a query's.
        desk: What there is to work with.
    """

    name: str
    address: str
    records: RecordKind
    road: FetchMode
    job_body: Mapping[str, Any]
    desk: FetchContext
    _most_a_day: float = field(default=0.0, init=False)
    _matches_days: bool = field(default=False, init=False)
    _by_job: int = field(default=0, init=False)
    _pages: PageFetcher = field(init=False, repr=False)
    _jobs: AsyncJobClient = field(init=False, repr=False)
    _until: list[datetime | None] = field(default_factory=list, init=False)
    _asking_until: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    def __post_init__(self) -> None:
        self._pages = PageFetcher(self.address, self.records, self.desk)
        self._jobs = AsyncJobClient.of(self.desk, self.address, page_size=JOB_PAGE)

    async def ask(self, query: Query) -> SpooledPart:
        """Ask a query of the plan.

        Raises:
            DataError: If rows are missing however often they are asked for; names the
                span, how many came and how many there are.
            GcbatchError: As Client.call does.
        """
        spool = Spool.within(self.desk.store.workplace)
        try:
            tally = DetailCollector(query.window, self.records, spool)
            errand = DetailQuery(query, tally, self.desk)
            for span, road in await self._legs(whole_utc_days(query.window)):
                if road is FetchMode.JOBS:
                    await self._ask_job(errand, span)
                else:
                    await self._ask_pages(errand, span, road)
            return SpooledPart(spool, tally.account())
        except BaseException:
            spool.close()
            raise

    def remarks(self) -> Counter[str]:
        """Return what the reader of the run should know, how often it was so."""
        full_days = (
            f"days of more {self.records.noun} than the {self._pages.cap:,} that "
            "pages reach, asked by job"
        )
        return +Counter(
            {
                full_days: self._by_job if self.road is FetchMode.QUERY else 0,
                "jobs submitted again": self._jobs.resubmitted,
            }
        )

    async def _legs(self, span: Window) -> list[tuple[Window, FetchMode]]:
        """Return which part of a span goes which way; they tile it.

        What the service's jobs have not got yet goes by pages.
        """
        if self.road is not FetchMode.AUTO:
            return [(span, self.road)]
        until = await self._available_until()
        edge = (
            span.start if until is None else floor_to_bucket(until, ONE_DAY, UTC_ZONE)
        )
        edge = min(max(edge, span.start), span.end)
        legs = [(span.start, edge, FetchMode.AUTO), (edge, span.end, FetchMode.QUERY)]
        return [(Window(a, b), road) for a, b, road in legs if a < b]

    async def _available_until(self) -> datetime | None:
        """Return what jobs have data up to; asked once."""
        async with self._asking_until:
            if not self._until:
                self._until = [await self._ask_until()]
        return self._until[0]

    async def _ask_until(self) -> datetime | None:
        path = f"{self.address}/jobs/availability"
        try:
            async with self.desk.slots:
                answer = await self.desk.client.get(path, _AVAILABILITIES.decode)
        except ServiceError as exc:
            if exc.response is None or exc.response.status != HTTPStatus.NOT_FOUND:
                raise
            return None
        told = answer.value.dataAvailabilityDate
        return available_until(told)

    async def _ask_pages(
        self,
        errand: DetailQuery,
        span: Window,
        road: FetchMode,
        first: Answer[Page] | None = None,
    ) -> None:
        """Ask a span page by page, or in pieces where paging does not reach its end.

        Args:
            errand: Whose.
            span: What to ask.
            road: AUTO may go by job where that costs less.
            first: Its first page, where it was asked already.
        """
        is_long = span.span > DAY
        if whole_utc_days(span) in errand.days_by_job:
            return
        first = first or await self._first_page(errand, span)
        if first is None:
            await self._ask_halves(errand, span, road)
            return
        total = first.value.total or 0
        if road is FetchMode.AUTO and total > JOB_PAYS:
            await self._ask_job(errand, span)
        elif not await self._gathered(errand, span, first):
            if is_long:
                await self._ask_halves(errand, span, road)
            else:
                await self._ask_within_day(errand, span, road, total)

    async def _first_page(
        self, errand: DetailQuery, span: Window
    ) -> Answer[Page] | None:
        """Return the first page; None where the span is known to be too long."""
        days = span.span / DAY
        if days > 1 and self._most_a_day * days > self._pages.cap:
            return None
        try:
            first = await self._pages.page(errand, span, 1, divisible=days > 1)
        except TooLargeError:
            if days <= 1:
                raise
            return None
        total = first.value.total or 0
        self._most_a_day = max(self._most_a_day, total / max(days, 1))
        return first

    async def _gathered(
        self, errand: DetailQuery, span: Window, first: Answer[Page]
    ) -> bool:
        """Say whether paging reached all of a span; then it is there."""
        total = first.value.total or 0
        if total > self._pages.cap:
            return False
        try:
            return await self._pages.gather(errand, span, first)
        except TooLargeError:
            if total <= self._pages.cap:
                raise
            return False  # the cap was learnt just now

    async def _ask_halves(
        self, errand: DetailQuery, span: Window, road: FetchMode
    ) -> None:
        days = list(tile(span, ONE_DAY, UTC_ZONE))
        middle = days[len(days) // 2].start
        for half in (Window(span.start, middle), Window(middle, span.end)):
            await self._ask_pages(errand, half, road)

    async def _ask_within_day(
        self, errand: DetailQuery, span: Window, road: FetchMode, total: int
    ) -> None:
        """Ask less than a day at once, if the service then answers less."""
        day = whole_utc_days(span)
        if self._matches_days or span.span <= FLOOR:
            await self._ask_day_by_job(errand, day)
            return
        middle = span.start + timedelta(seconds=span.span // SECOND // 2)
        halves = [Window(span.start, middle), Window(middle, span.end)]
        firsts = []
        for half in halves:
            firsts.append(await self._pages.page(errand, half, 1))
            if (firsts[-1].value.total or 0) < total:
                break
        else:
            self._matches_days = True
            await self._ask_day_by_job(errand, day)
            return
        for half, first in zip(halves, [*firsts, None], strict=False):
            await self._ask_pages(errand, half, road, first)

    async def _ask_day_by_job(self, errand: DetailQuery, day: Window) -> None:
        try:
            self._by_job += 1
            await self._ask_job(errand, day)
            errand.days_by_job.add(day)
        except OutOfReachError:
            raise  # which says nothing of the day's size
        except ServiceError as exc:
            msg = (
                f"{self.name} {day}: has more {self.records.noun} than the "
                f"{self._pages.cap:,} that pages reach, and no job brings them: "
                f"{exc.problem}"
            )
            raise TooLargeError(
                msg, hint="narrow the query by filter or queues"
            ) from exc

    async def _ask_job(self, errand: DetailQuery, span: Window) -> None:
        """Ask a span by job, and count what came against the pages' own count.

        Raises:
            DataError: If fewer came; names the span and both numbers.
        """
        counts: set[int] = set()
        came = 0
        for _ in range(JOB_ROUNDS):
            ids: set[str] = set()

            def take(answer: Answer[Page], ids: set[str] = ids) -> None:
                errand.take_results(span, ids, answer)
                self._pages.came()

            until = await self._jobs.fetch(
                AsyncJobRequest(
                    f"{self.name} {span}",
                    errand.body(span, **self.job_body),
                    self.desk.store.pending(errand.query.digest),
                    await self._available_until(),
                ),
                partial(read_page, records=self.records, about=errand.query),
                take,
                begin=ids.clear,
            )
            errand.available(span, until)
            due = await self._pages.counted(errand, span)
            came = max(came, len(ids))
            if due is None or len(ids) >= due:
                return
            counts.add(due)
            if errand.is_beyond(span):
                break
        drifts = len(counts) > 1 or errand.is_beyond(span)
        errand.came_short(came, max(counts), span, drifts=drifts)
