"""What every endpoint can do: ask a query, and say what its answers mean."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

import pyarrow as pa

from gcbatch import question
from gcbatch.genesys.client import Client
from gcbatch.plan import Templates
from gcbatch.query import Query
from gcbatch.store import Part

__all__ = ["INSTANT", "Endpoint", "halves"]

T = TypeVar("T")

INSTANT = pa.timestamp("ms", tz="UTC")


def halves(items: Sequence[T]) -> list[Sequence[T]]:
    """Return *items* cut in two; nothing where there are fewer than two."""
    middle = len(items) // 2
    return [items[:middle], items[middle:]] if middle else []


class Endpoint(Templates, Protocol):
    """One shape of question and answer."""

    def schema(self, query: question.Query) -> pa.Schema:
        """Return the columns of a part: interval, groups, figures."""
        ...

    def groups(self, query: question.Query) -> tuple[str, ...]:
        """Return the columns that with interval_start make the key of a row."""
        ...

    def queues_of(self, template: bytes) -> tuple[str, ...]:
        """Return the ids of the queues that a template names; none is all."""
        ...

    def halved(self, template: bytes, asked: question.Query) -> list[bytes]:
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
        asked: question.Query,
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
            DataError: If the answer contradicts itself or the question.
            GcbatchError: As Client.call does.
        """
        ...

    def facts(self, rows: pa.Table) -> pa.Table:
        """Return what the table `sla` adds up, from the rows of a part.

        Returns:
            interval_start, interval_end, queue_id, media_type and the columns of
            gcbatch.tables.sla.ADDED, a row for each of *rows*; null where there is
            nothing. With queue_name and deleted, where answers tell them.
        """
        ...
