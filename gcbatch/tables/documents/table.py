"""Tables that are read from documents, several of them in one pass."""

from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import ClassVar, Final, NamedTuple

import pyarrow as pa

from gcbatch.concurrency import read_ahead
from gcbatch.errors import DataError
from gcbatch.query import Query
from gcbatch.table import Table
from gcbatch.tables.documents.document_batch import DocumentBatch
from gcbatch.tables.documents.document_reader import DocumentReader
from gcbatch.tables.documents.row_builder import Derive, RowBuilder
from gcbatch.tables.documents.shape import Shape
from gcbatch.tables.source import TableSource
from gcbatch.windows import Window

__all__ = [
    "DocumentsTable",
    "QueryBatch",
    "RowStream",
    "document_batches",
    "rows_of_tables",
]

BATCH_ROWS: Final = 8_192
"""Rows of a batch: of sessions with their statistics some 10 MB."""


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

    def add(self, batch: DocumentBatch) -> list[pa.RecordBatch]:
        """Return rows, from this batch or from earlier ones of the window.

        Raises:
            DataError: If a value cannot be used; names the document.
        """
        return [self._builder.rows(batch)]

    def end_window(self) -> list[pa.RecordBatch]:
        """Return the rows of the window that are held back."""
        return []


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
    record_time: ClassVar[str | None] = None

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
            record_time=self.record_time,
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
    shapes = [table.shape for table in tables]
    windows = [window for window, _ in source.plan.windows]
    with closing(read_ahead(document_batches(source, shapes))) as batches:
        for number, of_window in groupby(batches, attrgetter("window")):
            for stream in streams.values():
                stream.start_window(windows[number], is_first=number == 0)
            for _, query, documents in of_window:
                wanted = [name for name in streams if is_wanted(name)]
                if not wanted:
                    return
                for name in wanted:
                    with _naming(query):
                        found = streams[name].add(documents)
                    while found:
                        yield name, found.pop(0)
                del documents  # or they would stay in memory while the next are read
            for name in filter(is_wanted, streams):
                for rows in streams[name].end_window():
                    yield name, rows


class QueryBatch(NamedTuple):
    """Documents of a query.

    Args:
        window: The number of its window in the plan; the first is 0.
        query: The query.
        documents: Some of its documents, in order.
    """

    window: int
    query: Query
    documents: DocumentBatch


def document_batches(
    source: TableSource, shapes: Collection[Shape]
) -> Iterator[QueryBatch]:
    """Yield the documents of a job, window by window, as some shapes need them.

    Raises:
        DataError: If a part or a document cannot be read; names the query too.
    """
    readers: dict[object, DocumentReader] = {}
    source.store.expect(query.digest for query in source.plan.queries)
    for number, (_, queries) in enumerate(source.plan.windows):
        for query in queries:
            for metadata, documents in source.parts.documents(query.digest):
                if not documents.num_rows:
                    continue
                noted = metadata.fields if metadata is not None else None
                unknown = metadata.unknown_fields if metadata is not None else ()
                if (noted, unknown) not in readers:
                    readers[noted, unknown] = DocumentReader(shapes, noted, unknown)
                with _naming(query):
                    batch = readers[noted, unknown].read(documents)
                yield QueryBatch(number, query, batch)
                del batch  # or it would stay in memory while the next is read


@contextmanager
def _naming(query: Query) -> Iterator[None]:
    """Name the query in a DataError of the block."""
    try:
        yield
    except DataError as exc:
        msg = f"{query}: {exc.problem}"
        raise DataError(msg, hint=exc.hint) from exc
