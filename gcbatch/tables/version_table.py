"""Tables of versions: what entities were, from when until when."""

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any, Final

import pyarrow as pa

from gcbatch.table import INSTANT, Table
from gcbatch.tables.entity_fields import NAME, EntityReader, column_of
from gcbatch.tables.entity_table import BATCH_ROWS, EXTRA, LISTED_AT, EntityTable
from gcbatch.tables.source import TableSource

__all__ = ["VersionTable"]

_VALID: Final = (
    pa.field(
        "valid_from",
        INSTANT,
        nullable=False,
        metadata={"description": "when a listing first showed it so, UTC"},
    ),
    pa.field(
        "valid_to",
        INSTANT,
        metadata={"description": "when a listing first did not; null: still so"},
    ),
)


class VersionTable(EntityTable):
    """A table of the versions of the entities of one kind.

    Rows are in the order of ids and `valid_from`. The versions of an entity do not
    overlap; between two of them it was not listed.
    """

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that no two rows have in common."""
        return (*super().key, "valid_from")

    @property
    def schema(self) -> pa.Schema:
        """The schema of the rows."""
        identity = [field for field in self.identity() if field.name != "listed"]
        fields = map(column_of, self.kind.fields)
        return pa.schema([*identity, *_VALID, *fields, EXTRA, LISTED_AT])

    def __call__(self, source: TableSource) -> Table:
        """Return the table of a job."""
        return source.new_table(
            self.kind.table,
            self.schema,
            key=self.key,
            batches=partial(self._versions, source),
            batch_rows=BATCH_ROWS,
            time=None,
        )

    def _versions(self, source: TableSource) -> Iterator[pa.RecordBatch]:
        schema, rows = self.schema, self._version_rows(source)
        while some := list(islice(rows, BATCH_ROWS)):
            yield pa.RecordBatch.from_pylist(some, schema=schema)

    def _version_rows(self, source: TableSource) -> Iterator[dict[str, Any]]:
        kind, parent, reader = self.kind, self.parent, EntityReader(self.kind)
        of_parents = parent.dimension if parent else ""
        names: Mapping[str, str] = source.names.by_dimension.get(of_parents, {})
        listed_at, versions = source.versions(kind.table)
        for ids, document, valid_from, valid_to in versions:
            row = reader.row(ids, document)
            identity = ids
            if parent:
                of, _, identity = ids.partition("/")
                row |= {parent.id_column: of, parent.name_column: names.get(of, of)}
            row[kind.id_column] = identity
            row[kind.name_column] = row.pop(NAME) or identity
            row |= {"valid_from": valid_from, "valid_to": valid_to}
            yield {**row, "listed_at": listed_at}
