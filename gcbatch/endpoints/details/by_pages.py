"""Details page by page: all pages of a span at once, once the first tells their number.

POST <address>/query   {…, "paging": {"pageSize": 100, "pageNumber": 1}}
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Final

from gcbatch.concurrency import for_each
from gcbatch.endpoints.base import FetchContext
from gcbatch.endpoints.details.completeness import PageCount
from gcbatch.endpoints.details.page_reader import Page, RecordKind, read_page
from gcbatch.endpoints.details.query_progress import DetailQuery
from gcbatch.errors import SHAPE_HINT, DataError, ServiceError, TooLargeError
from gcbatch.genesys import DETAIL_PAGE
from gcbatch.genesys.client import Answer, paging_limit
from gcbatch.windows import Window, milliseconds

__all__ = ["ROUNDS", "PageFetcher"]

ROUNDS: Final = 3
"""So often a span is asked before its gap is believed."""


@dataclass
class PageFetcher:
    """Asks spans of details by pages.

    Args:
        address: Of the details, without `/query`.
        records: What they are.
        desk: What there is to work with.

    Attributes:
        cap: Most rows that paging reaches; learnt where the service says another.
    """

    address: str
    records: RecordKind
    desk: FetchContext
    cap: int = field(init=False)
    _done: int = field(default=0, init=False)
    _due: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.cap = _in_whole_pages(self.desk.fetch.limits.detail_results)

    async def gather(
        self, errand: DetailQuery, span: Window, first: Answer[Page]
    ) -> bool:
        """Read all pages, and ask again until as many came as there are.

        Returns:
            False if meanwhile there are more than paging reaches.

        Raises:
            DataError: If they do not; names the span and both numbers.
            TooLargeError: If paging does not reach the last page; the cap is learnt.
        """
        piece = PageCount(span)
        errand.take(piece, 1, first)

        async def one(number: int) -> None:
            errand.take(piece, number, await self.page(errand, span, number))
            self.came()

        self._due += piece.pages
        self.came()
        for again in range(ROUNDS):
            if again:
                piece.begin_round()
            if again == 1:
                await self._each(piece.doubtful_pages, one)
            elif again > 1:
                await self._each(list(range(1, piece.pages + 1)), one)
            while piece.total <= self.cap and (pages := piece.missing_pages):
                await self._each(pages, one)
            if piece.total > self.cap:
                return False
            if piece.is_complete:
                return True
        errand.came_short(len(piece.ids), piece.due, span, drifts=piece.drifts)
        return True

    def came(self) -> None:
        """Tell that a page came, of these or of a job's."""
        self._done += 1
        self.desk.paged(self._done, max(self._done, self._due))

    async def _each(
        self, pages: list[int], one: Callable[[int], Awaitable[None]]
    ) -> None:
        await for_each(pages, one, at_once=self.desk.fetch.concurrency)

    async def page(
        self, errand: DetailQuery, span: Window, number: int, *, divisible: bool = False
    ) -> Answer[Page]:
        """Ask one page.

        Raises:
            TooLargeError: If paging does not reach so far, or *divisible*.
        """
        paging = {"pageSize": DETAIL_PAGE, "pageNumber": number}
        body = errand.body(span, paging=paging)
        async with self.desk.slots:
            try:
                answer = await self.desk.client.post(
                    f"{self.address}/query",
                    partial(read_page, records=self.records, about=errand.query),
                    body,
                    divisible=divisible,
                )
            except ServiceError as exc:
                reach = paging_limit(exc.response)
                if reach is None:
                    raise
                self.cap = min(self.cap, _in_whole_pages(reach))
                raise TooLargeError(exc.problem, response=exc.response) from exc
        if answer.value.total is None:
            msg = f"{errand.query.endpoint} {span}: an answer tells no total"
            raise DataError(msg, hint=SHAPE_HINT)
        return answer

    async def counted(self, errand: DetailQuery, span: Window) -> int | None:
        """Return how many records begin in a span, by the pages' own count.

        A service that matches whatever overlaps the span tells earlier ones first; they
        are not counted.

        Returns:
            None where it does not tell.
        """
        start_ms = milliseconds(span.start)
        earlier = 0
        number = 1
        while True:
            try:
                answer = await self.page(errand, span, number)
            except ServiceError as exc:
                if (
                    exc.response is None
                    or exc.response.status != HTTPStatus.BAD_REQUEST
                ):
                    raise
                errand.tally.remarks["spans whose count could not be asked"] += 1
                return None
            page = answer.value
            before = 0
            if self.records.at is not None:
                before = sum(d.at_ms < start_ms for d in page.documents)
            earlier += before
            total = page.total or 0
            is_last = number * DETAIL_PAGE >= total
            if is_last or not page.documents or before < len(page.documents):
                return total - earlier
            number += 1


def _in_whole_pages(rows: int) -> int:
    """Return how many of so many rows can be read: pages go beyond or not at all."""
    return rows // DETAIL_PAGE * DETAIL_PAGE
