"""Tables that are read from documents, several of them in one pass."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import pyarrow as pa

from gcbatch.errors import DataError
from gcbatch.query import Query
from gcbatch.table import Table
from gcbatch.tables.documents.document_batch import DocumentBatch, DocumentReader
from gcbatch.tables.documents.row_builder import Derive, RowBuilder
from gcbatch.tables.documents.shape import Shape
from gcbatch.tables.latest import Parts
from gcbatch.tables.source import TableSource
from gcbatch.windows import Window

__all__ = ["DocumentsTable", "RowStream", "rows_of_tables"]

BATCH_ROWS: Final = 8_192
"""Rows of a batch: of sessions with their statistics some 30 MB."""


class RowStream:
    """The rows of one table in one pass over the parts of a job.

    The pass calls start_window, then add for each batch, then end_window, for each
    window of the plan.

    Args:
        table: The table.
        source: What it is made of.
    """

    def __init__(self, table: "DocumentsTable", source: TableSource) -> None:
        names = source.names.by_dimension
        self._builder = RowBuilder(table.shape, names, table.derive)

    def start_window(self, window: Window, *, is_first: bool) -> None:
        """Begin a window of the plan."""

    def add(self, batch: DocumentBatch) -> Iterator[pa.RecordBatch]:
        """Yield rows, from this batch or from earlier ones of the window.

        Raises:
            DataError: If a document cannot be read; names it, and the field.
        """
        yield self._builder.rows(batch)

    def end_window(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the window that are held back."""
        yield from ()


@dataclass(frozen=True)
class DocumentsTable:
    """A table of details.

    Rows are in the order of conversation_start and conversation_id, within a
    conversation as the service sent them.

    Args:
        name: The name of the table in job files.
        shape: The shape of its rows.
        derive: Computes the columns whose source is Derived; None if there are none.
        batch_rows: Rows of a batch; fewer where rows are long.
    """

    time: ClassVar[str | None] = "conversation_start"

    name: str
    shape: Shape
    derive: Derive | None = None
    batch_rows: int = BATCH_ROWS

    @property
    def schema(self) -> pa.Schema:
        """The schema of its rows."""
        return self.shape.schema

    @property
    def key(self) -> tuple[str, ...]:
        """Columns that together identify a row."""
        return self.shape.key

    def __call__(self, source: TableSource) -> Table:
        """Return the table of a job, which is read a batch at a time."""

        def batches() -> Iterator[pa.RecordBatch]:
            return (rows for _, rows in rows_of_tables(source, [self]))

        return source.new_table(
            self.name,
            self.schema,
            key=self.key,
            batches=batches,
            batch_rows=self.batch_rows,
            time=self.time,
        )

    def open(self, source: TableSource) -> RowStream:
        """Return a new stream of the rows of a job, for one pass."""
        return RowStream(self, source)


def rows_of_tables(
    source: TableSource,
    tables: Collection[DocumentsTable],
    is_wanted: Callable[[str], bool] = lambda _: True,
) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Yield the rows of several tables, in one pass over the parts.

    Each part is opened, checked and parsed once.

    Args:
        source: What the tables are made of.
        tables: Tables of one kind of documents.
        is_wanted: Says whether a table still needs its rows.

    Yields:
        The name of a table, and some of its rows: those of each table in its order.

    Raises:
        DataError: If a part or a document cannot be read; names the query too.
    """
    streams = {table.name: table.open(source) for table in tables}
    readers = _Readers(source.parts, [table.shape for table in tables])
    for number, (window, queries) in enumerate(source.plan.windows):
        for stream in streams.values():
            stream.start_window(window, is_first=number == 0)
        for query in queries:
            for batch in readers.batches(query):
                for name in filter(is_wanted, streams):
                    for rows in _of_query(streams[name].add(batch), query):
                        yield name, rows
                        del rows
                del batch  # or it would stay in memory while the next is read
        for name in filter(is_wanted, streams):
            for rows in streams[name].end_window():
                yield name, rows


class _Readers:
    """Reads parts of documents for some shapes, each by a reader that suits it."""

    def __init__(self, parts: Parts, shapes: Collection[Shape]) -> None:
        self._parts = parts
        self._shapes = shapes
        self._readers: dict[object, DocumentReader] = {}

    def batches(self, query: Query) -> Iterator[DocumentBatch]:
        """Yield the batches of a part that have documents."""
        metadata = self._parts.metadata(query.digest)
        noted = metadata.fields if metadata is not None else None
        unknown = metadata.unknown_fields if metadata is not None else ()
        if (noted, unknown) not in self._readers:
            reader = DocumentReader(self._shapes, noted, unknown)
            self._readers[noted, unknown] = reader
        reader = self._readers[noted, unknown]
        documents = self._parts.batches(query.digest)
        return (DocumentBatch(each, reader) for each in documents if each.num_rows)


def _of_query(rows: Iterator[pa.RecordBatch], query: Query) -> Iterator[pa.RecordBatch]:
    """Yield rows of a part.

    Raises:
        DataError: If a document cannot be read; names the query too.
    """
    try:
        yield from rows
    except DataError as exc:
        msg = f"{query}: {exc.problem}"
        raise DataError(msg, hint=exc.hint) from exc
