"""A table that is read out of documents, batch by batch."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final, Self
from zoneinfo import ZoneInfo

import pyarrow as pa

from gcbatch.errors import DataError
from gcbatch.planning import Plan
from gcbatch.query import Query
from gcbatch.table import Table
from gcbatch.tables.documents.row_builder import RowBuilder, Shape
from gcbatch.tables.latest import Parts
from gcbatch.tables.source import TableSource
from gcbatch.windows import Window

__all__ = ["BatchReader", "BatchReaderFactory", "DocumentsTable", "Names"]

BATCH_ROWS: Final = 8_192
"""Rows of a batch: of sessions with their statistics some 30 MB."""

Names = Mapping[str, Mapping[str, str]]
"""For each dimension that was listed, names by id. An id without one is its own."""

BatchReader = Callable[[pa.RecordBatch], pa.RecordBatch]
"""Makes rows of the documents of a part."""

BatchReaderFactory = Callable[[Names, Iterable[str]], BatchReader]
"""Makes a Make, of names and of paths of fields that were unknown at the fetch."""


@dataclass(frozen=True)
class DocumentsTable:
    """A table of details.

    Rows are in the order of conversation_start and conversation_id, within a
    conversation as the service sent them.

    Args:
        name: What job files call it.
        schema: Of its rows.
        key: Columns that together identify a row.
        maker: Makes the rows.
        batch_rows: Rows of a batch; fewer where rows are long.
    """

    time: ClassVar[str | None] = "conversation_start"

    name: str
    schema: pa.Schema
    key: tuple[str, ...]
    maker: BatchReaderFactory
    batch_rows: int = BATCH_ROWS

    @classmethod
    def of_shape(cls, name: str, shape: Shape) -> Self:
        """Return the table whose rows have a shape."""

        def maker(names: Names, newer: Iterable[str]) -> BatchReader:
            return RowBuilder(shape, names, newer).of

        return cls(name, shape.schema, shape.key, maker)

    def __call__(self, source: TableSource) -> Table:
        """Return the table of a job."""
        return self.of(
            source.plan,
            source.parts,
            names=source.names.by_dimension,
            timezone=source.job.query.zone,
        )

    def of(
        self, plan: Plan, store: Parts, *, names: Names, timezone: ZoneInfo
    ) -> Table:
        """Return the table, read from the parts of *plan* a batch at a time.

        Args:
            plan: Whose parts.
            store: Where they are.
            names: By dimension and id.
            timezone: The job's.
        """
        return Table(
            name=self.name,
            schema=self.schema,
            key=self.key,
            covered=plan.window,
            timezone=timezone,
            run_id=plan.run_id,
            batches=partial(self._batches, plan, store, names),
            batch_rows=self.batch_rows,
            time=self.time,
        )

    def _batches(
        self, plan: Plan, store: Parts, names: Names
    ) -> Iterator[pa.RecordBatch]:
        makers: dict[tuple[str, ...], BatchReader] = {}
        for number, (window, queries) in enumerate(plan.windows):
            for query in queries:
                account = store.metadata(query.digest)
                newer = account.unknown_fields if account is not None else ()
                make = makers.get(newer)
                if make is None:
                    make = makers[newer] = self.maker(names, newer)
                found = store.batches(query.digest)
                rows = (_made(make, batch, query) for batch in found if batch.num_rows)
                yield from self._belonging(rows, window, is_first=number == 0)

    def _belonging(
        self,
        rows: Iterator[pa.RecordBatch],
        window: Window,
        *,
        is_first: bool,
    ) -> Iterator[pa.RecordBatch]:
        """Return the rows that belong to a window: all of its part."""
        del window, is_first
        return rows


def _made(make: BatchReader, batch: pa.RecordBatch, query: Query) -> pa.RecordBatch:
    """Return the rows of a batch of a part.

    Raises:
        DataError: If a document cannot be read; names the query too.
    """
    try:
        return make(batch)
    except DataError as exc:
        msg = f"{query}: {exc.problem}"
        raise DataError(msg, hint=exc.hint) from exc
