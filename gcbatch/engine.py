"""Who fetches: this process, or the workers of a cluster."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gcbatch.endpoints import Endpoint, FetchContext
from gcbatch.errors import GcbatchError
from gcbatch.fetch import Observer, fetch_parts
from gcbatch.genesys.client import ClientConfig, OrgClient
from gcbatch.query import Query

__all__ = ["Engine", "Fetching", "Local"]


@dataclass(frozen=True)
class Fetching:
    """Queries of one org that are to be fetched.

    Args:
        org: Tells it from other orgs of the run.
        endpoint: Whom to ask.
        desk: What there is to ask with.
        access: The way to the org.
        connection: How that was opened.
        queries: In the order to ask them.
        observer: Is told of every part.
        tolerate: Says of a query that failed whether to go on with the others.
    """

    org: str
    endpoint: Endpoint
    desk: FetchContext
    access: OrgClient
    connection: ClientConfig
    queries: Sequence[Query]
    observer: Observer
    tolerate: Callable[[Query, GcbatchError], bool]


class Engine(Protocol):
    """Fetches queries and stores their parts."""

    async def fetch(self, work: Fetching) -> Counter[str]:
        """Fetch queries; the first failure that is not tolerated stops the rest.

        Returns:
            What the reader of the run should know, how often it was so.

        Raises:
            GcbatchError: The first problem.
        """
        ...


class Local:
    """Fetches in this process."""

    async def fetch(self, work: Fetching) -> Counter[str]:
        """Fetch queries; see Engine."""
        asker = work.endpoint.asker(work.desk)
        await fetch_parts(
            work.queries,
            asker.ask,
            work.desk.store,
            concurrency=work.desk.fetch.concurrency,
            observer=work.observer,
            tolerate=work.tolerate,
        )
        return asker.remarks()
