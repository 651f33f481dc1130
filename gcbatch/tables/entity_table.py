"""Tables of entities: a row for each that the org lists, or once listed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from heapq import merge
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, Final

import pyarrow as pa

from gcbatch.table import INSTANT, Table
from gcbatch.tables.entity_fields import EntityField, EntityReader
from gcbatch.tables.source import TableSource

__all__ = ["DATES", "DIVISION", "EntityTable"]

BATCH_ROWS: Final = 4_096
"""Rows of a batch: the settings of a queue can have tens of kilobytes."""

DIVISION: Final = (
    EntityField("division_id", ("division", "id"), "text"),
    EntityField("division_name", ("division", "name"), "text"),
)
DATES: Final = (
    EntityField("date_created", ("dateCreated",), "instant"),
    EntityField("date_modified", ("dateModified",), "instant"),
)


@dataclass(frozen=True)
class EntityTable:
    """A table of the entities of one dimension.

    Rows are in the order of their ids. An id that the org no longer lists has its last
    name, and is not `listed`.

    Args:
        name: The name of the table in job files.
        dimension: The dimension of the ids.
        id_column: The column of the ids, and the key.
        name_column: The column of their names.
        fields: The other columns, except `listed`, `extra` and `listed_at`.
    """

    name: str
    dimension: str
    id_column: str
    name_column: str
    fields: tuple[EntityField, ...]

    @property
    def schema(self) -> pa.Schema:
        """The schema of the rows."""
        ids, text = self.id_column, pa.string()
        name = {"description": f"name of {ids}", "source": "name"}
        listed = {"description": "false: no longer in the org, shown by its last name"}
        extra = {
            "content": "json",
            "description": "fields that have no column; null: none",
        }
        listed_at = {"description": "when the org was asked for all rows, UTC"}
        return pa.schema(
            [
                pa.field(ids, text, nullable=False, metadata={"source": "id"}),
                pa.field(self.name_column, text, metadata=name),
                pa.field("listed", pa.bool_(), nullable=False, metadata=listed),
                *(column.field for column in self.fields),
                pa.field("extra", text, metadata=extra),
                pa.field("listed_at", INSTANT, metadata=listed_at),
            ]
        )

    def __call__(self, source: TableSource) -> Table:
        """Return the table of a job."""
        return source.new_table(
            self.name,
            self.schema,
            key=(self.id_column,),
            batches=partial(self._batches, source),
            batch_rows=BATCH_ROWS,
            time=None,
        )

    def _batches(self, source: TableSource) -> Iterator[pa.RecordBatch]:
        schema, rows = self.schema, self._rows(source)
        while some := list(islice(rows, BATCH_ROWS)):
            yield pa.RecordBatch.from_pylist(some, schema=schema)

    def _rows(self, source: TableSource) -> Iterator[dict[str, Any]]:
        names: Mapping[str, str] = source.names.by_dimension.get(self.dimension, {})
        deleted = sorted(source.names.deleted.get(self.dimension, ()))
        reader = EntityReader(self.name, self.fields)
        by_id = itemgetter(0)
        listed_at, entities = source.entities(self.name)
        both = merge(entities, ((i, None) for i in deleted), key=by_id)
        # Where a run was interrupted after it stored a listing, an id may be in both:
        # it is listed, and merge yields that first.
        for identity, found in groupby(both, key=by_id):
            _, document = next(found)
            if document is None:
                row = {self.name_column: names.get(identity, identity)}
            else:
                row = reader.row(identity, document)
                row[self.name_column] = row.pop("name") or identity
            row |= {self.id_column: identity, "listed": document is not None}
            yield {**row, "listed_at": listed_at}
