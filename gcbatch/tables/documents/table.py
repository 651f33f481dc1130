"""A table that is read from documents, batch by batch."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final, Self

import pyarrow as pa

from gcbatch.errors import DataError
from gcbatch.query import Query
from gcbatch.table import Table
from gcbatch.tables.documents.row_builder import RowBuilder, Shape
from gcbatch.tables.name_lookup import Names
from gcbatch.tables.source import TableSource
from gcbatch.windows import Window

__all__ = ["BatchReader", "BatchReaderFactory", "DocumentsTable"]

BATCH_ROWS: Final = 8_192
"""Rows of a batch: of sessions with their statistics some 30 MB."""

BatchReader = Callable[[pa.RecordBatch], pa.RecordBatch]
"""Makes rows from a batch of a part's documents."""

BatchReaderFactory = Callable[[Names, Iterable[str]], BatchReader]
"""Makes a BatchReader for names, and for dotted paths of fields that were unknown when
the part was fetched."""


@dataclass(frozen=True)
class DocumentsTable:
    """A table of details.

    Rows are in the order of conversation_start and conversation_id, within a
    conversation as the service sent them.

    Args:
        name: The name of the table in job files.
        schema: The schema of its rows.
        key: Columns that together identify a row.
        new_reader: Makes what makes the rows.
        batch_rows: Rows of a batch; fewer where rows are long.
    """

    time: ClassVar[str | None] = "conversation_start"

    name: str
    schema: pa.Schema
    key: tuple[str, ...]
    new_reader: BatchReaderFactory
    batch_rows: int = BATCH_ROWS

    @classmethod
    def of_shape(cls, name: str, shape: Shape) -> Self:
        """Return the table whose rows have a shape."""

        def new_reader(names: Names, unknown: Iterable[str]) -> BatchReader:
            return RowBuilder(shape, names, unknown).rows

        return cls(name, shape.schema, shape.key, new_reader)

    def __call__(self, source: TableSource) -> Table:
        """Return the table of a job, which is read a batch at a time."""
        return source.new_table(
            self.name,
            self.schema,
            key=self.key,
            batches=partial(self._batches, source),
            batch_rows=self.batch_rows,
            time=self.time,
        )

    def _batches(self, source: TableSource) -> Iterator[pa.RecordBatch]:
        parts, names = source.parts, source.names.by_dimension
        readers: dict[tuple[str, ...], BatchReader] = {}
        for number, (window, queries) in enumerate(source.plan.windows):
            for query in queries:
                metadata = parts.metadata(query.digest)
                unknown = metadata.unknown_fields if metadata is not None else ()
                read = readers.get(unknown)
                if read is None:
                    read = readers[unknown] = self.new_reader(names, unknown)
                found = parts.batches(query.digest)
                rows = (_rows(read, batch, query) for batch in found if batch.num_rows)
                yield from self._rows_of_window(rows, window, is_first=number == 0)

    def _rows_of_window(
        self,
        rows: Iterator[pa.RecordBatch],
        window: Window,
        *,
        is_first: bool,
    ) -> Iterator[pa.RecordBatch]:
        """Return the rows that belong to a window: all of its part."""
        del window, is_first
        return rows


def _rows(read: BatchReader, batch: pa.RecordBatch, query: Query) -> pa.RecordBatch:
    """Return the rows of a batch of a part.

    Raises:
        DataError: If a document cannot be read; names the query too.
    """
    try:
        return read(batch)
    except DataError as exc:
        msg = f"{query}: {exc.problem}"
        raise DataError(msg, hint=exc.hint) from exc
