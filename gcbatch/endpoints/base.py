"""The contract of an endpoint: it fetches queries and describes their parts."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import pyarrow as pa

from gcbatch.job import Fetch, QuerySection
from gcbatch.planning import PlannedEndpoint
from gcbatch.query import Query
from gcbatch.store import Part, PartSource, Store

if TYPE_CHECKING:
    from gcbatch.genesys.client import Client

__all__ = [
    "MIN_JOB_REQUESTS",
    "AggregateEndpoint",
    "Endpoint",
    "FetchContext",
    "QueryFetcher",
    "RequestCost",
    "halves",
]

T = TypeVar("T")

MIN_JOB_REQUESTS: Final = 4
"""Requests of an async job: submit, read the state, read a page of results, remove."""


def halves(items: Sequence[T]) -> list[Sequence[T]]:
    """Return *items* cut in two; an empty list for fewer than two items."""
    middle = len(items) // 2
    return [items[:middle], items[middle:]] if middle else []


@dataclass(frozen=True)
class FetchContext:
    """The inputs for fetching the queries of one job in one run.

    Args:
        client: Sends the requests.
        query_section: The job's section `query`.
        fetch: The job's section `fetch`.
        store: Where the job's parts are.
        paged: Called with the number of pages received and of pages expected.
    """

    client: "Client"
    query_section: QuerySection
    fetch: Fetch
    store: Store
    paged: Callable[[int, int], None] = lambda _done, _due: None

    @cached_property
    def slots(self) -> asyncio.Semaphore:
        """Bounds the requests in flight of fetchers that send several at once."""
        return asyncio.Semaphore(self.fetch.concurrency)


@dataclass(frozen=True, slots=True)
class RequestCost:
    """The number of requests that a query takes, as far as it is known before a run.

    Args:
        min_requests: The minimum.
        is_exact: Whether min_requests is the exact number; if not, it depends on the
            answers.
    """

    min_requests: int = 1
    is_exact: bool = True

    def describe(self, queries: int) -> str:
        """Return the cost of some queries in words, such as `at least 7 requests`."""
        requests = queries * self.min_requests
        noun = "request" if requests == 1 else "requests"
        return f"{'' if self.is_exact else 'at least '}{requests:,} {noun}"


class QueryFetcher(Protocol):
    """Fetches the queries of one run; it uses what earlier answers showed."""

    async def fetch(self, query: Query) -> PartSource:
        """Fetch a query of the plan; return its one part.

        Raises:
            TooLargeError: If the answer is too large for the service, and the query
                cannot be split.
            DataError: If the answer is incomplete, contradicts itself or does not fit
                the query.
            GcbatchError: As Client.call does.
        """
        ...

    def remarks(self) -> Counter[str]:
        """Return remarks for the run report, and how often each was made."""
        ...


class Endpoint(PlannedEndpoint, Protocol):
    """One shape of request and answer."""

    def queues_of(self, template: bytes) -> tuple[str, ...]:
        """Return the ids of the queues that a template names; empty means all."""
        ...

    def request_cost(self, fetch: Fetch) -> RequestCost:
        """Return how many requests a query takes."""
        ...

    def make_fetcher(self, context: FetchContext) -> QueryFetcher:
        """Return what fetches the queries of one run."""
        ...

    async def probe(self, context: FetchContext, query: Query) -> None:
        """Request as little as possible, to see whether access is allowed.

        Raises:
            AccessError: If it is not.
            GcbatchError: As Client.call does.
        """
        ...


class AggregateEndpoint(Endpoint, Protocol):
    """An endpoint of aggregates: each row has the figures of a bucket and a group."""

    def schema(self, query: QuerySection) -> pa.Schema:
        """Return the columns of a part: interval, groups, figures."""
        ...

    def groups(self, query: QuerySection) -> tuple[str, ...]:
        """Return the columns that form the key of a row with interval_start."""
        ...

    def halve_queues(self, template: bytes, section: QuerySection) -> list[bytes]:
        """Return two templates with half of the queues each.

        Returns:
            An empty list if it names fewer than two queues, or if the rows of the
            halves would not be the rows of the whole.
        """
        ...

    async def fetch(
        self,
        client: "Client",
        query: Query,
        section: QuerySection,
        *,
        can_split: bool = False,
    ) -> Part:
        """Fetch one query.

        Args:
            client: Sends the requests.
            query: The query.
            section: The job's section `query`, which determines the columns.
            can_split: Whether the caller can split the query.

        Returns:
            The part: a row per bucket and group, in the order of both.

        Raises:
            TooLargeError: If *can_split*, and the answer is too large for the service.
            AcrossMidnightError: If a bucket reaches over a local midnight.
            DataError: If the answer contradicts itself or does not fit the query;
                names the query, and the group and bucket.
            GcbatchError: As Client.call does.
        """
        ...

    def derive_columns(self, rows: pa.Table) -> pa.Table:
        """Return more columns of the table `intervals`, computed from a part's rows.

        Returns:
            A row for each of *rows*; no columns if there are none to compute.
        """
        ...

    def sla_inputs(self, rows: pa.Table) -> pa.Table:
        """Return what the table `sla` adds up, from the rows of a part.

        Returns:
            interval_start, interval_end, queue_id, media_type and the columns of SUMS
            in gcbatch.tables.service_levels.sums, a row for each of *rows*; null where
            nothing is known. With queue_name and deleted, if the answers have them.
        """
        ...
