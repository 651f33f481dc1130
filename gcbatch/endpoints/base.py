"""What every endpoint can do: ask a query, and say what its answers mean."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import pyarrow as pa

from gcbatch.genesys.client import Client
from gcbatch.job import Fetch, QuerySection
from gcbatch.planning import PlannedEndpoint
from gcbatch.query import Query
from gcbatch.store import Part, PartSource, Store

__all__ = [
    "AggregateEndpoint",
    "Endpoint",
    "FetchContext",
    "QueryFetcher",
    "RequestCost",
    "halves",
]

T = TypeVar("T")


def halves(items: Sequence[T]) -> list[Sequence[T]]:
    """Return *items* cut in two; nothing where there are fewer than two."""
    middle = len(items) // 2
    return [items[:middle], items[middle:]] if middle else []


@dataclass(frozen=True)
class FetchContext:
    """What there is to ask with, in one run of one job.

    Args:
        client: Whom to ask through.
        asked: The job's query section.
        fetch: The job's section on how to pull.
        store: Where the job's parts are.
        paged: Is told how many pages came, and how many are known of.
        slots: Taken by requests that could otherwise be too many at once.
    """

    client: Client
    asked: QuerySection
    fetch: Fetch
    store: Store
    paged: Callable[[int, int], None] = lambda _done, _due: None
    slots: asyncio.Semaphore = field(init=False, repr=False)

    def __post_init__(self) -> None:
        slots = asyncio.Semaphore(self.fetch.concurrency)
        object.__setattr__(self, "slots", slots)


@dataclass(frozen=True, slots=True)
class RequestCost:
    """What asking one query costs, before anything is asked.

    Args:
        least: Requests that it takes.
        is_exact: Whether it takes no more; else only the answers can tell.
    """

    least: int = 1
    is_exact: bool = True

    def of(self, queries: int) -> str:
        """Return the price of some queries in words, such as `at least 7 requests`."""
        requests = queries * self.least
        noun = "request" if requests == 1 else "requests"
        return f"{'' if self.is_exact else 'at least '}{requests:,} {noun}"


class QueryFetcher(Protocol):
    """Asks the queries of one run, and learns from the answers as it goes."""

    async def ask(self, query: Query) -> PartSource:
        """Ask a query of the plan; return its one part.

        Raises:
            TooLargeError: If the service will not answer so much, and it cannot be
                asked in pieces.
            DataError: If the answer is incomplete, or contradicts itself or the
                question.
            GcbatchError: As Client.call does.
        """
        ...

    def remarks(self) -> Counter[str]:
        """Return what the reader of the run should know, how often it was so."""
        ...


class Endpoint(PlannedEndpoint, Protocol):
    """One shape of question and answer."""

    def queues_of(self, template: bytes) -> tuple[str, ...]:
        """Return the ids of the queues that a template names; none is all."""
        ...

    def price(self, fetch: Fetch) -> RequestCost:
        """Return what a query costs."""
        ...

    def asker(self, desk: FetchContext) -> QueryFetcher:
        """Return who asks the queries of one run."""
        ...

    async def probe(self, desk: FetchContext, query: Query) -> None:
        """Ask as little as possible, to see whether it is allowed.

        Raises:
            AccessError: If it is not.
            GcbatchError: As Client.call does.
        """
        ...


class AggregateEndpoint(Endpoint, Protocol):
    """An endpoint whose rows are buckets of groups, with figures."""

    def schema(self, query: QuerySection) -> pa.Schema:
        """Return the columns of a part: interval, groups, figures."""
        ...

    def groups(self, query: QuerySection) -> tuple[str, ...]:
        """Return the columns that with interval_start make the key of a row."""
        ...

    def halved(self, template: bytes, asked: QuerySection) -> list[bytes]:
        """Return two templates with half of the queues each.

        Returns:
            Nothing where it names fewer than two, or where the rows of the halves would
            not be the rows of the whole.
        """
        ...

    async def fetch(
        self,
        client: Client,
        query: Query,
        asked: QuerySection,
        *,
        divisible: bool = False,
    ) -> Part:
        """Ask one query.

        Args:
            client: Whom to ask through.
            query: What to ask.
            asked: The job's query section.
            divisible: Whether less could be asked at once.

        Raises:
            TooLargeError: If *divisible*, and the service will not answer so much.
            AcrossMidnightError: If a bucket reaches over a local midnight.
            DataError: If the answer contradicts itself or the question.
            GcbatchError: As Client.call does.
        """
        ...

    def derived(self, rows: pa.Table) -> pa.Table:
        """Return the columns of the table `intervals` that follow from a part's rows.

        Returns:
            A row for each of *rows*; no columns where nothing follows.
        """
        ...

    def facts(self, rows: pa.Table) -> pa.Table:
        """Return what the table `sla` adds up, from the rows of a part.

        Returns:
            interval_start, interval_end, queue_id, media_type and the columns of
            gcbatch.tables.aggregates.sla.SUMS, a row for each of *rows*; null where
            there is nothing. With queue_name and deleted, where answers tell them.
        """
        ...
