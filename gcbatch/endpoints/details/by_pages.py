"""Fetches details page by page: the first page says how many there are.

POST <address>/query   {…, "paging": {"pageSize": 100, "pageNumber": 1}}
"""

from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Final

from gcbatch.concurrency import for_each
from gcbatch.endpoints.base import FetchContext
from gcbatch.endpoints.details.completeness import PageCount
from gcbatch.endpoints.details.page_reader import Page, RecordKind, read_page
from gcbatch.endpoints.details.query_progress import DetailQuery
from gcbatch.endpoints.details.record_types import SeenFields
from gcbatch.errors import SHAPE_HINT, DataError, ServiceError, TooLargeError
from gcbatch.genesys import DETAIL_PAGE
from gcbatch.genesys.client import Answer, paging_limit
from gcbatch.windows import Window, milliseconds

__all__ = ["ROUNDS", "PageFetcher"]

ROUNDS: Final = 3
"""How often a span is fetched before its gap counts as an error or as drift."""


@dataclass
class PageFetcher:
    """Fetches spans of details by pages, all pages of a span concurrently.

    Args:
        address: The address of the details, without its last part.
        records: The kind of records.
        context: The inputs of the fetch.
        seen: The fields that occurred so far.

    Attributes:
        cap: The maximum of rows that paging reaches; lowered if the service says less.
    """

    address: str
    records: RecordKind
    context: FetchContext
    seen: SeenFields
    cap: int = field(init=False)
    _done: int = field(default=0, init=False)
    _due: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.cap = _in_whole_pages(self.context.fetch.limits.detail_results)

    async def gather(
        self, detail_query: DetailQuery, span: Window, first: Answer[Page]
    ) -> bool:
        """Read all pages, and fetch again until as many records came as there are.

        Returns:
            False if meanwhile there are more than paging reaches.

        Raises:
            DataError: If records are missing; names the span and both numbers.
            TooLargeError: If paging does not reach the last page; the cap is lowered.
        """
        counts = PageCount()
        detail_query.take(counts, 1, first)

        async def one(number: int) -> None:
            page = await self.page(detail_query, span, number)
            detail_query.take(counts, number, page)
            self.count_page()

        fetch_pages = partial(
            for_each, work=one, at_once=self.context.fetch.concurrency
        )
        self._due += counts.pages
        self.count_page()
        for again in range(ROUNDS):
            if again:
                counts.begin_round()
            if again == 1:
                await fetch_pages(counts.doubtful_pages)
            elif again > 1:
                await fetch_pages(range(1, counts.pages + 1))
            while counts.total <= self.cap and (pages := counts.missing_pages):
                await fetch_pages(pages)
            if counts.total > self.cap:
                return False
            if counts.is_complete:
                return True
        detail_query.check_shortfall(
            len(counts.ids), counts.due, span, drifts=counts.drifts
        )
        return True

    def count_page(self) -> None:
        """Report that a page came, of these or of a job's."""
        self._done += 1
        self.context.paged(self._done, max(self._done, self._due))

    async def page(
        self,
        detail_query: DetailQuery,
        span: Window,
        number: int,
        *,
        can_split: bool = False,
    ) -> Answer[Page]:
        """Fetch one page.

        Raises:
            TooLargeError: If paging does not reach so far, or *can_split*.
        """
        paging = {"pageSize": DETAIL_PAGE, "pageNumber": number}
        body = detail_query.body(span, paging=paging)
        query = detail_query.query
        async with self.context.slots:
            try:
                answer = await self.context.client.post(
                    f"{self.address}/query",
                    partial(
                        read_page, records=self.records, about=query, seen=self.seen
                    ),
                    body,
                    can_split=can_split,
                )
            except ServiceError as exc:
                reach = paging_limit(exc.response)
                if reach is None:
                    raise
                self.cap = min(self.cap, _in_whole_pages(reach))
                raise TooLargeError(exc.problem, response=exc.response) from exc
        if answer.value.total is None:
            msg = f"{query.endpoint} {span}: an answer has no total"
            raise DataError(msg, hint=SHAPE_HINT)
        return answer

    async def count_records(
        self, detail_query: DetailQuery, span: Window
    ) -> int | None:
        """Return how many records begin in a span, by the count of the pages.

        A service that matches whatever overlaps the span lists records that began
        before it first; they are subtracted.

        Returns:
            None if the service refuses.
        """
        start_ms = milliseconds(span.start)
        began_before = 0
        number = 1
        while True:
            try:
                answer = await self.page(detail_query, span, number)
            except ServiceError as exc:
                if (
                    exc.response is None
                    or exc.response.status != HTTPStatus.BAD_REQUEST
                ):
                    raise
                remark = "spans whose count the service refused"
                detail_query.collector.remarks[remark] += 1
                return None
            page = answer.value
            on_page = 0
            if self.records.at is not None:
                on_page = sum(d.at_ms < start_ms for d in page.documents)
            began_before += on_page
            total = page.total or 0
            is_last = number * DETAIL_PAGE >= total
            if is_last or not page.documents or on_page < len(page.documents):
                return total - began_before
            number += 1


def _in_whole_pages(rows: int) -> int:
    """Return how many of so many rows paging reaches: a page is read whole or not."""
    return rows // DETAIL_PAGE * DETAIL_PAGE
