"""A tenant's conversations in order of time, found by interval.

An index lives as long as its tenant. It caches the answers to the last few distinct
queries, because the pages of a query are separate requests.
"""

import math
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, Literal

import orjson

from gcbatch.simulator.documents import Document
from gcbatch.simulator.instants import DAY_MS, milliseconds
from gcbatch.simulator.tenant.cache import cached_per_tenant
from gcbatch.simulator.tenant.conversations import conversations_of
from gcbatch.simulator.tenant.tenant import Tenant

__all__ = ["Index", "Matching", "Order", "OrderBy", "index_of", "sort_documents"]

Matching = Literal["start-day", "overlap"]
"""Which conversations an interval selects: those whose UTC day of start it touches, or
those that were going on at some instant of it."""

Order = Literal["asc", "desc", "unordered"]
OrderBy = Literal["conversationStart", "conversationEnd", "segmentStart", "segmentEnd"]

MAX_CACHED: Final = 64
"""Distinct queries whose answers are cached; more than a client has in flight."""


class Index:
    """Conversations, sorted by their start and then by id.

    Args:
        documents: In any order.

    Attributes:
        has_late: Whether any is not visible from the start.
    """

    def __init__(self, documents: Sequence[Document]) -> None:
        self.has_late = any(document.shown_after for document in documents)
        self._documents = sorted(documents, key=_by_start)
        self._starts = [document.start_ms for document in self._documents]
        self._answers: OrderedDict[Hashable, list[Document]] = OrderedDict()

    def between(self, start_ms: int, end_ms: int, matching: Matching) -> list[Document]:
        """Return the conversations that [start_ms, end_ms) selects, by start and id."""
        if matching == "start-day":
            first = bisect_left(self._starts, start_ms // DAY_MS * DAY_MS)
            after = bisect_left(self._starts, -(-end_ms // DAY_MS) * DAY_MS)
            return self._documents[first:after]
        first = bisect_left(self._starts, start_ms)
        after = bisect_left(self._starts, end_ms)
        still_active = [
            document
            for document in self._documents[:first]
            if document.end_ms is None or document.end_ms > start_ms
        ]
        return still_active + self._documents[first:after]

    def cached(
        self, query: Hashable, make: Callable[[], list[Document]]
    ) -> list[Document]:
        """Return the answer to a query; only the first call makes it."""
        if query not in self._answers:
            self._answers[query] = make()
            if len(self._answers) > MAX_CACHED:
                self._answers.popitem(last=False)
        return self._answers[query]


@cached_per_tenant
def index_of(tenant: Tenant) -> Index:
    """Return the index of a tenant's calls and documents."""
    return Index([*conversations_of(tenant), *tenant.documents])


def sort_documents(
    documents: list[Document], order: Order, order_by: OrderBy
) -> list[Document]:
    """Return documents in the order of a query.

    Args:
        documents: By start and id.
        order: `unordered` sorts by id.
        order_by: A document that has not ended counts as ending last; one without
            segments comes first.
    """
    if order == "unordered":
        return sorted(documents, key=_by_id)
    if order_by == "conversationStart":
        return documents[::-1] if order == "desc" else documents
    return sorted(documents, key=_KEYS[order_by], reverse=order == "desc")


def _by_id(document: Document) -> str:
    return document.id


def _by_start(document: Document) -> tuple[int, str]:
    return document.start_ms, document.id


def _by_end(document: Document) -> tuple[float, str]:
    end_ms = math.inf if document.end_ms is None else document.end_ms
    return end_ms, document.id


def _by_first_segment(document: Document) -> tuple[float, str]:
    return min(_edges(document, "segmentStart"), default=0), document.id


def _by_last_segment(document: Document) -> tuple[float, str]:
    return max(_edges(document, "segmentEnd"), default=0), document.id


def _edges(document: Document, name: str) -> Iterator[int]:
    conversation: Any = orjson.loads(document.json)
    for participant in conversation.get("participants", ()):
        for session in participant.get("sessions", ()):
            for segment in session.get("segments", ()):
                if name in segment:
                    yield milliseconds(datetime.fromisoformat(segment[name]))


_KEYS: Final[dict[OrderBy, Callable[[Document], tuple[float, str]]]] = {
    "conversationEnd": _by_end,
    "segmentStart": _by_first_segment,
    "segmentEnd": _by_last_segment,
}
