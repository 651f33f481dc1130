"""Makes the rows of a table of details from a batch of documents."""

from collections.abc import Callable, Mapping

import pyarrow as pa

from gcbatch.genesys import FieldKind
from gcbatch.tables.documents.columns import (
    Column,
    Derived,
    Extra,
    FromField,
    FromPart,
    NameOf,
    Ordinal,
)
from gcbatch.tables.documents.document_batch import DocumentBatch
from gcbatch.tables.documents.json_text import json_lists
from gcbatch.tables.documents.shape import Shape
from gcbatch.tables.name_lookup import NameLookup, Names

__all__ = ["Derive", "RowBuilder"]

Derive = Callable[[DocumentBatch], dict[str, pa.Array]]
"""Computes columns from whole documents."""


class RowBuilder:
    """Makes rows of one shape from documents.

    Args:
        shape: The shape of the rows.
        names: For names beside ids.
        derive: Computes the columns whose source is Derived; None if there are none.
    """

    def __init__(
        self, shape: Shape, names: Names, derive: Derive | None = None
    ) -> None:
        self._shape = shape
        self._derive = derive
        self._schema = shape.schema
        self._lookups = {
            source: NameLookup.of(names.get(source.dimension, {}))
            for source in shape.sources(NameOf)
        }

    def rows(self, batch: DocumentBatch) -> pa.RecordBatch:
        """Return the rows of a batch, in the order of its documents.

        Raises:
            DataError: If a document cannot be read; names it, and the field.
        """
        derived = {} if self._derive is None else self._derive(batch)
        columns: dict[str, pa.Array] = {}
        nulls: dict[pa.DataType, pa.Array] = {}
        for column in self._shape.columns:
            found = self._column(column, batch, derived, columns)
            if found is None:
                kind = column.field.type
                if kind not in nulls:
                    nulls[kind] = pa.nulls(batch.count(self._shape.path), kind)
                found = nulls[kind]
            columns[column.field.name] = found
        return pa.RecordBatch.from_arrays(list(columns.values()), schema=self._schema)

    def _column(
        self,
        column: Column,
        batch: DocumentBatch,
        derived: Mapping[str, pa.Array],
        columns: Mapping[str, pa.Array],
    ) -> pa.Array | None:
        """Return the values of a column; None if all are null.

        Args:
            column: The column.
            batch: The documents.
            derived: The columns that are computed from whole documents.
            columns: The columns before this one.
        """
        path = self._shape.path
        match column.source:
            case FromPart(name):
                return batch.spread(batch.part_column(name), (), path)
            case FromField() as source:
                return self._field(source, batch)
            case Ordinal(level, within):
                numbers = batch.levels(path[:level]).ordinals(level, within)
                return batch.spread(numbers, path[:level], path)
            case NameOf(ids):
                return self._lookups[column.source].named(columns[ids])
            case Extra():
                return batch.unshown(path)
            case Derived():
                return derived.get(column.field.name)

    def _field(self, source: FromField, batch: DocumentBatch) -> pa.Array | None:
        path = self._shape.path
        level = path[: source.level]
        if source.holds is FieldKind.JSON:
            values = batch.json(level, source.path)
        else:
            values = batch.field(level, source.path)
            if values is not None and pa.types.is_list(values.type):
                values = json_lists(values)
        return batch.spread(values, level, path)
