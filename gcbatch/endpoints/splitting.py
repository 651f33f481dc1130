"""Splits queries that are too large for the service.

A query is split by window first, at the edge of a bucket, down to one bucket; then by
queues. The rows of its pieces become its one part. A size that failed once is not tried
again: the rest of the run is split before it is sent.

If the answer to a query has a bucket across a local midnight, the query is cut at the
midnights that the service's buckets reach over (gcbatch/endpoints/local_midnights.py)
and sent again; the rest of the run is cut there before it is sent. This costs nothing
if the service counts from local midnight, and otherwise one request more than to cut
all queries before they are sent.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import reduce
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
from gcbatch.job import Fetch, QuerySection
from gcbatch.query import PART_FORMAT, Query
from gcbatch.store import Part, PartMetadata, concat_parts
from gcbatch.windows import Window, bucket_edges, elapsed_edges

__all__ = ["SplittableEndpoint", "Splitter"]

JOB_REQUESTS: Final = 6
"""Requests of an async job beside the pages of its results: one submits it, a few
look at its state, one removes it."""

ACROSS_MIDNIGHT: Final = (
    "queries fetched again by local day, as the service's buckets reached over midnight"
)


class _JobIsCheaperError(Exception):
    """An async job takes fewer requests than the pieces, or only a job can answer."""


@dataclass
class Splitter:
    """Fetches queries, whole or in pieces.

    Args:
        endpoint: The endpoint of the queries.
        context: The inputs of the fetch.
        by_job: Fetches a query by async job; None if the endpoint has no such jobs.
        always: Whether all queries go by job, not only those for which it is cheaper.

    Attributes:
        too_large: Size of the smallest query that was refused, in buckets times
            queues; None while none was.
        anchors: The instants from which the service may count buckets; empty until
            one reached over a midnight.
        split: How many of the plan's queries were too large.
        pieces: How many pieces those became.
        by_day: The plan's queries that were cut at midnights, by digest.
        jobs: How many queries went by job.
    """

    endpoint: AggregateEndpoint
    context: FetchContext
    by_job: Callable[[Query], Awaitable[Part]] | None = None
    always: bool = False
    too_large: int | None = field(default=None, init=False)
    anchors: set[Anchor] = field(default_factory=set, init=False)
    split: int = field(default=0, init=False)
    pieces: int = field(default=0, init=False)
    by_day: set[str] = field(default_factory=set, init=False)
    jobs: int = field(default=0, init=False)
    _halved: set[str] = field(default_factory=set, init=False, repr=False)

    async def fetch(self, query: Query) -> Part:
        """Fetch a query of the plan; return its one part.

        Raises:
            GcbatchError: As AggregateEndpoint.fetch does. A query that cannot be split
                further fails with the service's error.
        """
        by_job = self.by_job
        if by_job is None:
            return await self._fetch_or_split(query, job_can=False)
        if not self.always:
            try:
                self._check_job_is_cheaper(query)
                return await self._fetch_or_split(query, job_can=True)
            except _JobIsCheaperError:
                self.jobs += 1

        async def one(piece: Query) -> list[Part]:
            return [await by_job(piece)]

        return self._merged(await self._in_whole_days(query, one), query)

    async def _fetch_or_split(self, query: Query, *, job_can: bool) -> Part:
        """Fetch a query, split as far as needed.

        Args:
            query: A query of the plan.
            job_can: Whether an async job could fetch it instead.

        Raises:
            _JobIsCheaperError: If *job_can*, and it should.
        """

        async def fetch_piece(piece: Query) -> list[Part]:
            """Fetch a piece of the query, in halves of halves if needed."""
            halves = self._halves(piece)
            size = self._size(piece)
            if not (halves and self.too_large is not None and size >= self.too_large):
                try:
                    fetched = await self.endpoint.fetch(
                        self.context.client,
                        piece,
                        self.context.query_section,
                        can_split=bool(halves) or job_can,
                    )
                except TooLargeError as exc:
                    if not halves:
                        if job_can:
                            raise _JobIsCheaperError from exc
                        raise
                    self.too_large = min(size, self.too_large or size)
                    if job_can:
                        self._check_job_is_cheaper(query)
                else:
                    return [fetched]
            self._halved.add(piece.digest)
            return [
                p
                for half in halves
                for p in await self._in_whole_days(half, fetch_piece)
            ]

        pieces = await self._in_whole_days(query, fetch_piece)
        if query.digest in self._halved:
            self.split += 1
            self.pieces += len(pieces)
        return self._merged(pieces, query)

    def _check_job_is_cheaper(self, whole: Query) -> None:
        """Compare the requests of a query's pieces with those of an async job.

        Raises:
            _JobIsCheaperError: If a job takes fewer.
        """
        if self.too_large is None:
            return
        size, piece = self._size(whole), max(1, self.too_large - 1)
        pieces = 1 << (-(-size // piece) - 1).bit_length()
        if pieces > JOB_REQUESTS + size // JOB_PAGE:
            raise _JobIsCheaperError

    async def _in_whole_days(
        self, query: Query, fetch: Callable[[Query], Awaitable[list[Part]]]
    ) -> list[Part]:
        """Fetch a query by *fetch*, cut at midnights that buckets would reach over."""
        days = self._days(query)
        if len(days) == 1:
            try:
                return await fetch(query)
            except AcrossMidnightError as exc:
                self.anchors |= exc.anchors
                days = self._days(query)
        self.by_day.add(query.digest)
        return [p for day in days for p in await self._in_whole_days(day, fetch)]

    def _days(self, query: Query) -> list[Query]:
        """Return the query, cut at the midnights that are known to need it."""
        section = self.context.query_section
        windows = in_whole_days(
            query.window, section.granularity, section.zone, self.anchors
        )
        return [replace(query, window=window) for window in windows]

    def remarks(self) -> Counter[str]:
        """Return remarks for the run report, and how often each was made."""
        return +Counter(
            {
                "queries too large for the service, fetched in pieces": self.split,
                "pieces of these; a shorter fetch.chunk avoids them": self.pieces,
                ACROSS_MIDNIGHT: len(self.by_day),
                "queries fetched by async job": self.jobs,
            }
        )

    def _merged(self, pieces: list[Part], query: Query) -> Part:
        if len(pieces) == 1:
            return pieces[0]
        groups = self.endpoint.groups(self.context.query_section)
        table = concat_parts([piece.table for piece in pieces], groups, str(query))
        return Part(
            table, reduce(PartMetadata.merged_with, (p.metadata for p in pieces))
        )

    def _buckets(self, window: Window) -> list[Window]:
        section = self.context.query_section
        granularity = section.granularity
        if self.endpoint.cuts_by_clock and granularity and granularity.is_clock:
            edges = elapsed_edges(window, granularity)
        else:
            edges = bucket_edges(window, granularity, section.zone)
        return [Window(a, b) for a, b in pairwise(edges)]

    def _size(self, query: Query) -> int:
        queues = self.endpoint.queues_of(query.template)
        return len(self._buckets(query.window)) * max(1, len(queues))

    def _halves(self, query: Query) -> list[Query]:
        """Return the query cut in two; an empty list if that is not possible."""
        window, buckets = query.window, self._buckets(query.window)
        if len(buckets) > 1:
            middle = buckets[len(buckets) // 2].start
            windows = (Window(window.start, middle), Window(middle, window.end))
            return [replace(query, window=half) for half in windows]
        templates = self.endpoint.halve_queues(
            query.template, self.context.query_section
        )
        return [replace(query, template=template) for template in templates]


class SplittableEndpoint:
    """The base of endpoints whose queries can be split."""

    part_format: int = PART_FORMAT
    queues_at_once: int | None = None
    cuts_by_clock: bool = False
    in_utc_days: bool = False

    def derive_columns(self, rows: pa.Table) -> pa.Table:
        """Return no columns: all columns of `intervals` are those of the parts."""
        return rows.select([])

    def halve_queues(self, template: bytes, section: QuerySection) -> list[bytes]:  # noqa: ARG002 - an Endpoint
        """Return an empty list: queues cannot be halved unless a subclass does it."""
        return []

    def request_cost(self, fetch: Fetch) -> RequestCost:  # noqa: ARG002 - an Endpoint
        """Return how many requests a query takes; it may have several pages."""
        return RequestCost(is_exact=False)

    def make_fetcher(self: AggregateEndpoint, context: FetchContext) -> QueryFetcher:
        """Return what fetches the queries of one run, split if needed."""
        return Splitter(self, context)

    async def probe(
        self: AggregateEndpoint, context: FetchContext, query: Query
    ) -> None:
        """Fetch one bucket; see Endpoint."""
        section = context.query_section
        start, end, *_ = bucket_edges(query.window, section.granularity, section.zone)
        first = replace(query, window=Window(start, end))
        await self.fetch(context.client, first, section)
