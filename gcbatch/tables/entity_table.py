"""Tables of entities: a row for each that the org lists, or once listed."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from heapq import merge
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, Final

import pyarrow as pa

from gcbatch.genesys import EntityKind, entity_kind
from gcbatch.table import INSTANT, Table
from gcbatch.tables.entity_fields import NAME, EntityReader, column_of
from gcbatch.tables.name_lookup import name_field
from gcbatch.tables.source import TableSource

__all__ = ["EXTRA", "LISTED_AT", "EntityTable"]

BATCH_ROWS: Final = 4_096
"""Rows of a batch: the settings of a queue can have tens of kilobytes."""


@dataclass(frozen=True)
class EntityTable:
    """A table of the entities of one kind.

    Rows are in the order of their ids, those of a kind with parents by the ids of
    parent and entity. Of a kind whose names are kept, an id that the org no longer
    lists has its last name, and is not `listed`.

    Args:
        kind: The kind of entities.
    """

    kind: EntityKind

    @cached_property
    def parent(self) -> EntityKind | None:
        """The kind of the parents; None for entities that have none."""
        return entity_kind(self.kind.parent) if self.kind.parent else None

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that no two rows have in common."""
        own = self.kind.id_column
        return (self.parent.id_column, own) if self.parent else (own,)

    @property
    def schema(self) -> pa.Schema:
        """The schema of the rows."""
        fields = map(column_of, self.kind.fields)
        return pa.schema([*self.identity(), *fields, EXTRA, LISTED_AT])

    def identity(self) -> Iterator[pa.Field]:
        """Yield the columns of ids and names, and whether an entity is listed."""
        text, kind, parent = pa.string(), self.kind, self.parent
        if parent:
            about = {"description": f"of {parent.label}"}
            yield pa.field(parent.id_column, text, nullable=False, metadata=about)
            if parent.names_ids:
                yield name_field(parent.name_column, parent.id_column)
        about = {"source": "id"}
        yield pa.field(kind.id_column, text, nullable=False, metadata=about)
        if kind.names:
            source = {"source": " or ".join(kind.names)}
            about = {"description": f"name of {kind.id_column}", **source}
            yield pa.field(kind.name_column, text, metadata=about)
        if kind.keeps_names:
            yield _LISTED

    def __call__(self, source: TableSource) -> Table:
        """Return the table of a job."""
        return source.new_table(
            self.kind.table,
            self.schema,
            key=self.key,
            batches=partial(self._batches, source),
            batch_rows=BATCH_ROWS,
            time=None,
        )

    def _batches(self, source: TableSource) -> Iterator[pa.RecordBatch]:
        schema, rows = self.schema, self.rows(source)
        while some := list(islice(rows, BATCH_ROWS)):
            yield pa.RecordBatch.from_pylist(some, schema=schema)

    def rows(self, source: TableSource) -> Iterator[dict[str, Any]]:
        """Yield the rows of a job, each by its columns; other keys are ignored."""
        kind, named = self.kind, self.row_reader(source)
        names: Mapping[str, str] = source.names.by_dimension.get(kind.dimension, {})
        deleted: frozenset[str] = frozenset()
        if kind.keeps_names:
            deleted = source.names.deleted.get(kind.dimension, deleted)
        by_id = itemgetter(0)
        listed_at, entities = source.entities(kind.table)
        both = merge(entities, ((i, None) for i in sorted(deleted)), key=by_id)
        for ids, found in groupby(both, key=by_id):
            # Of two, merge yields the one with a document first.
            _, document = next(found)
            if document is None:
                name = names.get(ids, ids)
                row = {kind.id_column: ids, kind.name_column: name, "listed": False}
            else:
                # Where a run was interrupted after it stored a listing, an id may be in
                # both, although it is listed.
                is_listed = ids not in deleted or kind.deleted is None
                row = {**named(ids, document), "listed": is_listed}
            yield {**row, "listed_at": listed_at}

    def row_reader(self, source: TableSource) -> Callable[[str, str], dict[str, Any]]:
        """Return what makes a row of the ids and the document of an entity.

        Args:
            source: With the names of the parents.
        """
        kind, parent, reader = self.kind, self.parent, EntityReader(self.kind)
        of_parents = parent.dimension if parent else ""
        names: Mapping[str, str] = source.names.by_dimension.get(of_parents, {})

        def read(ids: str, document: str) -> dict[str, Any]:
            row, identity = reader.row(ids, document), ids
            if parent:
                of, _, identity = ids.partition("/")
                row |= {parent.id_column: of, parent.name_column: names.get(of, of)}
            row[kind.id_column] = identity
            row[kind.name_column] = row.pop(NAME) or identity
            return row

        return read


_LISTED: Final = pa.field(
    "listed",
    pa.bool_(),
    nullable=False,
    metadata={"description": "false: no longer in the org, shown by its last name"},
)
EXTRA: Final = pa.field(
    "extra",
    pa.string(),
    metadata={
        "content": "json",
        "description": "fields that have no column; null: none",
    },
)
LISTED_AT: Final = pa.field(
    "listed_at",
    INSTANT,
    metadata={"description": "when the org was asked for all rows, UTC"},
)
