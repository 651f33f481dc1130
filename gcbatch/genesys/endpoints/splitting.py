"""Queries that are too large for the service are asked in pieces.

First by window, at the edge of a bucket, down to one bucket; then by queues. The rows
of the pieces are the rows of the whole, and end as its one part. What failed once is
not tried again at that size: the rest of the run is cut before it is asked.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import reduce
from itertools import pairwise

from gcbatch import question
from gcbatch.errors import TooLargeError
from gcbatch.genesys.client import Client
from gcbatch.genesys.endpoints import Endpoint
from gcbatch.query import Query
from gcbatch.rows import joined
from gcbatch.store import Part
from gcbatch.windows import Window, bucket_edges

__all__ = ["Splitter"]


@dataclass
class Splitter:
    """Asks queries, whole or in pieces.

    Args:
        endpoint: Whom to ask.
        client: Through whom.
        asked: The job's query section.
        on_split: Is told of each query that is cut in two.

    Attributes:
        too_large: Size of the smallest query that was refused, in buckets times
            queues; None while none was.
        split: How many of the plan's queries were asked in pieces.
        pieces: How many pieces those were.
    """

    endpoint: Endpoint
    client: Client
    asked: question.Query
    on_split: Callable[[Query], None] = lambda _: None
    too_large: int | None = field(default=None, init=False)
    split: int = field(default=0, init=False)
    pieces: int = field(default=0, init=False)

    async def ask(self, query: Query) -> Part:
        """Ask a query of the plan; return its one part.

        Raises:
            GcbatchError: As Endpoint.fetch does. A query that can be cut no further
                fails with what the service said.
        """
        pieces = await self._pieces(query)
        if len(pieces) > 1:
            self.split += 1
            self.pieces += len(pieces)
        return self._joined(pieces, str(query))

    async def _pieces(self, query: Query) -> list[Part]:
        halves = self._halves(query)
        size = self._size(query)
        if halves and self.too_large is not None and size >= self.too_large:
            return [p for half in halves for p in await self._pieces(half)]
        try:
            part = await self.endpoint.fetch(
                self.client, query, self.asked, divisible=bool(halves)
            )
        except TooLargeError:
            if not halves:
                raise
            self.too_large = min(size, self.too_large or size)
            self.on_split(query)
            return [p for half in halves for p in await self._pieces(half)]
        return [part]

    def remarks(self) -> list[str]:
        """Return what the reader of the plan should know, if anything was split."""
        if self.too_large is None:
            return []
        said = (
            f"the service refused {self.too_large:,} buckets at once: "
            f"{self.split:,} of the queries were asked in {self.pieces:,} pieces; "
            f"fetch.limits.expected_buckets: {self.too_large - 1} plans for that"
        )
        return [said]

    def _joined(self, pieces: list[Part], about: str) -> Part:
        if len(pieces) == 1:
            return pieces[0]
        groups = self.endpoint.groups(self.asked)
        table = joined([piece.table for piece in pieces], groups, about)
        accounts = [piece.account for piece in pieces]
        return Part(table, reduce(lambda a, b: a.joined(b), accounts))

    def _edges(self, window: Window) -> list[Window]:
        """Return the buckets of a window."""
        granularity, zone = self.asked.granularity, self.asked.zone
        if self.endpoint.cuts_by_clock and granularity and granularity.is_clock:
            pace = timedelta(seconds=granularity.seconds)
            number = -(-window.span // pace)
            edges = [window.start + n * pace for n in range(number)] + [window.end]
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
        templates = self.endpoint.halved(query.template, self.asked)
        return [replace(query, template=template) for template in templates]
