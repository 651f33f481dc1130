"""Tables of records that conversations and their sessions keep as JSON."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import msgspec
import pyarrow as pa

from gcbatch.errors import SHAPE_HINT, DataError
from gcbatch.genesys import CONVERSATION, FieldKind, Model, snake
from gcbatch.lazy import lazy_import
from gcbatch.tables.documents.columns import (
    JSON,
    Column,
    FieldPath,
    FromField,
    extra_column,
    type_of,
)
from gcbatch.tables.documents.document_batch import DocumentBatch
from gcbatch.tables.documents.json_records import JsonRecords, Record
from gcbatch.tables.documents.json_text import json_lists
from gcbatch.tables.documents.shape import Shape
from gcbatch.tables.documents.table import DocumentsTable, RowStream
from gcbatch.tables.name_lookup import NAMED, NameLookup, name_field
from gcbatch.tables.source import TableSource
from gcbatch.text import one_line

__all__ = ["RecordTable", "record_table"]

pc = lazy_import("pyarrow.compute")

_SCORE: Final = {"description": "0 to 100"}

_ABOUT: Final = {
    "maxLatencyMs": {"unit": "ms"},
    "oTotalScore": _SCORE,
    "oTotalCriticalScore": _SCORE,
    "oSurveyTotalScore": _SCORE,
}

_EXTRA: Final = extra_column().field

_JSON: Final = "records"
"""The owners' column of their lists, which the table does not show."""


@dataclass(frozen=True, kw_only=True)
class RecordTable(DocumentsTable):
    """A table with a row for each record of a list that its owner keeps as JSON.

    Its shape is that of the owners: conversations, or sessions. The last column has
    the list.

    Args:
        record: The model of the records.
        source: Path from a document to the list, in the API's words.
        number: The column with the number of a record in its owner.
        first: How many columns of the owner stand before that number.
    """

    record: Model
    source: FieldPath
    number: str
    first: int

    @cached_property
    def schema(self) -> pa.Schema:
        """The schema of its rows."""
        owner = list(self.shape.schema)[:-1]
        about = {"description": "place in the list as sent; the first is 1"}
        number = pa.field(self.number, pa.int64(), nullable=False, metadata=about)
        return pa.schema(
            [
                *owner[: self.first],
                number,
                *owner[self.first :],
                *self._record_fields(),
                _EXTRA,
            ]
        )

    @property
    def key(self) -> tuple[str, ...]:
        """Columns that together identify a row."""
        return (*self.shape.key, self.number)

    def open(self, source: TableSource) -> RowStream:
        """Return a new stream of the records of a job."""
        return _RecordStream(self, source)

    def _record_fields(self) -> Iterator[pa.Field]:
        for field in self.record.fields:
            name, kind = snake(field.name), type_of(field.holds)
            path = ".".join((*self.source, field.name))
            about = {"source": path, **_ABOUT.get(field.name, {})}
            if field.holds is FieldKind.TEXTS:
                kind, about = pa.string(), {**about, **JSON}
            yield pa.field(name, kind, metadata=about)
            if name in NAMED:
                yield name_field(NAMED[name][0], name)


class _RecordStream(RowStream):
    """The records of a job, in one pass."""

    def __init__(self, table: RecordTable, source: TableSource) -> None:
        super().__init__(table, source)
        self._table = table
        self._records = JsonRecords(table.record)
        named = NAMED.keys() & {snake(field.name) for field in table.record.fields}
        self._lookups = {
            name: NameLookup.of(source.names.by_dimension.get(NAMED[name][1], {}))
            for name in named
        }

    def add(self, batch: DocumentBatch) -> list[pa.RecordBatch]:
        """Return the records in a batch; no rows if there are none."""
        found = map(self._rows, super().add(batch))
        return [rows for rows in found if rows.num_rows]

    def _rows(self, owners: pa.RecordBatch) -> pa.RecordBatch:
        """Return a row for each record of each owner, in order.

        Args:
            owners: With the columns of the table's shape.

        Raises:
            DataError: If a list cannot be read; names the conversation.
        """
        owners = owners.filter(owners.column(_JSON).is_valid())
        at: list[int] = []
        numbers: list[int] = []
        found: list[Record] = []
        for row, text in enumerate(owners.column(_JSON).to_pylist()):
            try:
                read = self._records.read(text)
            except (msgspec.DecodeError, RecursionError) as exc:
                identity = one_line(owners.column("conversation_id")[row].as_py())
                where = ".".join(self._table.source)
                msg = f"conversation {identity}: {where} cannot be read as JSON"
                raise DataError(msg, hint=SHAPE_HINT) from exc
            at += [row] * len(read)
            numbers += range(1, len(read) + 1)
            found += read
        spread = owners.take(pa.array(at, pa.int64()))
        columns = {name: spread.column(name) for name in spread.schema.names}
        columns[self._table.number] = pa.array(numbers, pa.int64())
        columns |= self._columns(found)
        schema = self._table.schema
        return pa.RecordBatch.from_arrays(
            [columns[name] for name in schema.names], schema=schema
        )

    def _columns(self, found: list[Record]) -> dict[str, pa.Array]:
        """Return the columns of the records themselves."""
        fields = self._table.record.fields
        values = list(zip(*found, strict=True)) or [()] * (len(fields) + 1)
        columns: dict[str, pa.Array] = {}
        for field, own in zip(fields, values[:-1], strict=True):
            name = snake(field.name)
            column = pa.array(own, type_of(field.holds))
            if field.holds is FieldKind.TEXTS:
                column = json_lists(column)
            columns[name] = column
            if name in self._lookups:
                columns[NAMED[name][0]] = self._lookups[name].named(column)
        columns[_EXTRA.name] = pa.array(values[-1], pa.string())
        return columns


def record_table(
    name: str,
    record: Model,
    source: FieldPath,
    *context: Column,
    number: str,
    identity: tuple[Column, ...],
    key: tuple[str, ...],
    level: int = 0,
) -> DocumentsTable:
    """Return a table of the records of a list.

    Args:
        name: The name of the table in job files.
        record: The model of the records.
        source: Path from a document to the list, in the API's words.
        context: More columns of the owner.
        number: The column with the number of a record in its owner.
        identity: The first columns, which identify the owner.
        key: Columns that together identify the owner.
        level: How many names at the beginning of *source* lead to the owner.
    """
    json = pa.field(_JSON, pa.string(), metadata=JSON)
    lists = Column(json, FromField(level, source[level:], FieldKind.JSON))
    columns = (*identity, *context, lists)
    shape = Shape("conversation", CONVERSATION, source[:level], columns, key)
    return RecordTable(
        name,
        shape,
        record=record,
        source=source,
        number=number,
        first=len(identity),
    )
