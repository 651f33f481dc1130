"""Queries that are too large for the service are asked in pieces.

First by window, at the edge of a bucket, down to one bucket; then by queues. The rows
of the pieces are the rows of the whole, and end as its one part. What failed once is
not tried again at that size: the rest of the run is cut before it is asked.

A query whose answer has a bucket across a local midnight is asked again, cut at the
midnights that the service's buckets reach over (gcbatch/endpoints/local_midnights.py);
the rest of the run is cut there before it is asked. Where a service counts from local
midnight that costs nothing, else one request more than cutting all queries beforehand.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from itertools import pairwise
from typing import Final

import pyarrow as pa

from gcbatch.endpoints.base import (
    AggregateEndpoint,
    FetchContext,
    QueryFetcher,
    RequestCost,
)
from gcbatch.endpoints.local_midnights import AcrossMidnightError, Anchor, in_whole_days
from gcbatch.errors import TooLargeError
from gcbatch.genesys import JOB_PAGE
from gcbatch.job import Fetch
from gcbatch.query import PART_FORMAT, Query
from gcbatch.store import Part, concat_parts
from gcbatch.windows import Window, bucket_edges, elapsed_edges

__all__ = ["SplittableEndpoint", "Splitter"]


JOB_REQUESTS: Final = 6
"""What a job costs besides the pages of its results: it is submitted, looked at a few
times, and removed."""


ACROSS_MIDNIGHT: Final = (
    "queries asked again by local day, as the service's buckets reached over midnight"
)


class _JobIsCheaperError(Exception):
    """A job takes fewer requests than the pieces of a query, or alone brings it."""


@dataclass
class Splitter:
    """Asks queries, whole or in pieces.

    Args:
        endpoint: Whom to ask.
        desk: What there is to ask with.
        by_job: Asks a query by a job of the service; None where there are none.
        always: Whether all queries go by job, not only those that it pays for.

    Attributes:
        too_large: Size of the smallest query that was refused, in buckets times
            queues; None while none was.
        anchors: What the service may count buckets from, as far as some reached over
            a midnight.
        split: How many of the plan's queries were too large, and asked in pieces.
        pieces: How many pieces those were.
        by_day: The plan's queries that were cut at midnights, by digest.
        jobs: How many queries went by job.
    """

    endpoint: AggregateEndpoint
    desk: FetchContext
    by_job: Callable[[Query], Awaitable[Part]] | None = None
    always: bool = False
    too_large: int | None = field(default=None, init=False)
    anchors: set[Anchor] = field(default_factory=set, init=False)
    split: int = field(default=0, init=False)
    pieces: int = field(default=0, init=False)
    by_day: set[str] = field(default_factory=set, init=False)
    jobs: int = field(default=0, init=False)
    _halved: set[str] = field(default_factory=set, init=False, repr=False)

    async def ask(self, query: Query) -> Part:
        """Ask a query of the plan; return its one part.

        Raises:
            GcbatchError: As Endpoint.fetch does. A query that can be cut no further
                fails with what the service said.
        """
        by_job = self.by_job
        if by_job is None:
            return await self._in_pieces(query, whole=None)
        if not self.always:
            try:
                self._weigh(query)
                return await self._in_pieces(query, whole=query)
            except _JobIsCheaperError:
                self.jobs += 1

        async def one(piece: Query) -> list[Part]:
            return [await by_job(piece)]

        return self._joined(await self._in_whole_days(query, one), str(query))

    async def _in_pieces(self, query: Query, *, whole: Query | None) -> Part:
        pieces = await self._pieces(query, whole)
        if query.digest in self._halved:
            self.split += 1
            self.pieces += len(pieces)
        return self._joined(pieces, str(query))

    def _weigh(self, whole: Query | None) -> None:
        """Look whether a query is better asked by job, as far as is known.

        Raises:
            _JobPaysError: If so.
        """
        if whole is None or self.too_large is None:
            return
        size, piece = self._size(whole), max(1, self.too_large - 1)
        pieces = 1 << (-(-size // piece) - 1).bit_length()
        if pieces > JOB_REQUESTS + size // JOB_PAGE:
            raise _JobIsCheaperError

    async def _in_whole_days(
        self, query: Query, ask: Callable[[Query], Awaitable[list[Part]]]
    ) -> list[Part]:
        """Ask a query, cut at the midnights that buckets would reach over.

        Args:
            query: What to ask.
            ask: Asks it, or a piece of it.
        """
        days = self._days(query)
        if len(days) == 1:
            try:
                return await ask(query)
            except AcrossMidnightError as exc:
                self.anchors |= exc.anchors
                days = self._days(query)
        self.by_day.add(query.digest)
        return [p for day in days for p in await self._in_whole_days(day, ask)]

    def _days(self, query: Query) -> list[Query]:
        """Return the query, cut as far as is known to be needed."""
        asked = self.desk.asked
        windows = in_whole_days(
            query.window, asked.granularity, asked.zone, self.anchors
        )
        return [replace(query, window=window) for window in windows]

    async def _pieces(self, query: Query, whole: Query | None) -> list[Part]:
        """Ask a query, in whole days and in halves of halves where need be.

        Args:
            query: What to ask.
            whole: Of what it is a piece; None where no job could bring that.
        """
        return await self._in_whole_days(query, partial(self._sized, whole=whole))

    async def _sized(self, query: Query, whole: Query | None) -> list[Part]:
        """Ask a query, in halves of halves where need be.

        Args:
            query: What to ask.
            whole: Of what it is a piece; None where no job could bring that.
        """
        halves = self._halves(query)
        size = self._size(query)
        if not (halves and self.too_large is not None and size >= self.too_large):
            try:
                fetched = await self.endpoint.fetch(
                    self.desk.client,
                    query,
                    self.desk.asked,
                    divisible=bool(halves) or whole is not None,
                )
            except TooLargeError as exc:
                if not halves:
                    if whole is None:
                        raise
                    raise _JobIsCheaperError from exc
                self.too_large = min(size, self.too_large or size)
                self._weigh(whole)
            else:
                return [fetched]
        self._halved.add(query.digest)
        return [p for half in halves for p in await self._pieces(half, whole)]

    def remarks(self) -> Counter[str]:
        """Return what the reader of the run should know, how often it was so."""
        return +Counter(
            {
                "queries too large for the service, asked in pieces": self.split,
                "pieces of these; a shorter fetch.chunk asks for less": self.pieces,
                ACROSS_MIDNIGHT: len(self.by_day),
                "queries asked by job": self.jobs,
            }
        )

    def _joined(self, pieces: list[Part], about: str) -> Part:
        if len(pieces) == 1:
            return pieces[0]
        groups = self.endpoint.groups(self.desk.asked)
        table = concat_parts([piece.table for piece in pieces], groups, about)
        accounts = [piece.metadata for piece in pieces]
        return Part(table, reduce(lambda a, b: a.merged_with(b), accounts))

    def _edges(self, window: Window) -> list[Window]:
        """Return the buckets of a window."""
        granularity, zone = self.desk.asked.granularity, self.desk.asked.zone
        if self.endpoint.cuts_by_clock and granularity and granularity.is_clock:
            edges = elapsed_edges(window, granularity)
        else:
            edges = bucket_edges(window, granularity, zone)
        return [Window(a, b) for a, b in pairwise(edges)]

    def _size(self, query: Query) -> int:
        queues = self.endpoint.queues_of(query.template)
        return len(self._edges(query.window)) * max(1, len(queues))

    def _halves(self, query: Query) -> list[Query]:
        """Return the query cut in two; nothing if it can be cut no further."""
        buckets = self._edges(query.window)
        if len(buckets) > 1:
            middle = buckets[len(buckets) // 2].start
            windows = (
                Window(query.window.start, middle),
                Window(middle, query.window.end),
            )
            return [replace(query, window=window) for window in windows]
        templates = self.endpoint.halved(query.template, self.desk.asked)
        return [replace(query, template=template) for template in templates]


class SplittableEndpoint:
    """What endpoints of buckets have in common that are asked in pieces."""

    part_format: int = PART_FORMAT

    def derived(self, rows: pa.Table) -> pa.Table:
        """Return nothing: all columns of `intervals` are those of the parts."""
        return rows.select([])

    def price(self, fetch: Fetch) -> RequestCost:  # noqa: ARG002 - an Endpoint
        """Return what a query costs; it may have more pages than one."""
        return RequestCost(is_exact=False)

    def asker(self: AggregateEndpoint, desk: FetchContext) -> QueryFetcher:
        """Return who asks the queries of one run, in pieces where need be."""
        return Splitter(self, desk)

    async def probe(self: AggregateEndpoint, desk: FetchContext, query: Query) -> None:
        """Ask for one bucket; see Endpoint."""
        asked = desk.asked
        start, end, *_ = bucket_edges(query.window, asked.granularity, asked.zone)
        first = replace(query, window=Window(start, end))
        await self.fetch(desk.client, first, asked)
