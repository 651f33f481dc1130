"""Makes the rows of a table of details from the documents of a part."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from gcbatch.genesys import FieldKind, Model
from gcbatch.tables.documents.arrow_reader import (
    document_texts,
    join_lines,
    read_strictly,
)
from gcbatch.tables.documents.columns import (
    Column,
    Derived,
    Extra,
    FieldPath,
    FromField,
    FromPart,
    NameOf,
    Ordinal,
    projection,
)
from gcbatch.tables.documents.json_text import json_lists
from gcbatch.tables.documents.lenient_reader import read_leniently
from gcbatch.tables.documents.raw_fields import (
    RawFields,
    mistyped_fields,
    unknown_fields,
)
from gcbatch.tables.documents.unnest import UnnestedLevels, unnest
from gcbatch.tables.name_lookup import NameLookup, Names

__all__ = ["RowBuilder", "Shape"]

Derive = Callable[[pa.StructArray, pa.Array], dict[str, pa.Array]]
"""Computes columns from whole documents and their ids."""


@dataclass(frozen=True)
class Shape:
    """The columns of a table of details, and where its rows come from.

    Args:
        noun: What a document is, for errors.
        root: The model of a document.
        path: From a document to the records that make a row each, through lists.
        columns: In order.
        key: Columns that together identify a row.
        needed: Fields of a document that *derive* needs.
        derive: Computes the columns whose source is Derived; None if there are none.
    """

    noun: str
    root: Model
    path: FieldPath
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    needed: tuple[pa.Field, ...] = ()
    derive: Derive | None = None

    @property
    def schema(self) -> pa.Schema:
        """The schema of the rows."""
        return pa.schema([column.field for column in self.columns])


class RowBuilder:
    """Makes rows from documents.

    Args:
        shape: The shape of the rows.
        names: For names beside ids.
        unknown: Dotted paths of fields that were unknown when the documents were
            fetched.
    """

    def __init__(self, shape: Shape, names: Names, unknown: Iterable[str] = ()) -> None:
        self._shape = shape
        self._schema = shape.schema
        of = (shape.path, shape.columns, shape.needed)
        self._typed_fields = projection(*of, with_json=False)
        self._all_fields = projection(*of, with_json=True)
        sources = {column.field.name: column.source for column in shape.columns}
        self._lookups = {
            source: NameLookup.of(names.get(source.dimension, {}))
            for source in sources.values()
            if isinstance(source, NameOf)
        }
        self._json = {
            name: source.path
            for name, source in sources.items()
            if isinstance(source, FromField) and source.holds is FieldKind.JSON
        }
        self._unknown = unknown_fields(shape.root, shape.path, unknown)
        self._raw_fields: dict[frozenset[FieldPath], RawFields | None] = {}
        self._may_lack_json = bool(self._json) and not self._unknown

    def rows(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the rows of a batch of a part, in the order of its documents.

        Raises:
            DataError: If a document cannot be read; names it, and the field.
        """
        shape, ids = self._shape, batch.column("id")
        documents, done = self._read(document_texts(batch, shape.noun), ids)
        levels = unnest(documents, shape.path)
        if shape.derive is not None:
            done |= shape.derive(documents, ids)
        columns: dict[str, pa.Array] = {}
        for column in shape.columns:
            columns[column.field.name] = self._column(
                column, batch, levels, done, columns
            )
        return pa.RecordBatch.from_arrays(list(columns.values()), schema=self._schema)

    def _read(
        self, texts: pa.Array, ids: pa.Array
    ) -> tuple[pa.StructArray, dict[str, pa.Array]]:
        """Return the documents as records, and the raw columns by name."""
        lines = join_lines(texts)
        if self._may_lack_json:
            documents = read_strictly(texts, lines, self._all_fields)
            if documents is not None:
                return documents, {}
            # Where some documents hold JSON or a wrong type, others do too.
            self._may_lack_json = False
        documents = read_strictly(texts, lines, self._typed_fields)
        mistyped: frozenset[FieldPath] = frozenset()
        if documents is None:
            documents, mistyped = read_leniently(
                texts.to_pylist(),
                ids.to_pylist(),
                pa.struct(list(self._typed_fields)),
                self._shape.root,
                self._shape.noun,
            )
        return documents, self._raw_columns(texts, ids, mistyped)

    def _column(
        self,
        column: Column,
        batch: pa.RecordBatch,
        levels: UnnestedLevels,
        done: Mapping[str, pa.Array],
        columns: Mapping[str, pa.Array],
    ) -> pa.Array:
        match column.source:
            case FromPart(name):
                return levels.spread(batch.column(name), 0)
            case FromField(level, path, holds) if holds is not FieldKind.JSON:
                values = levels.field(level, *path)
                is_list = pa.types.is_list(values.type)
                return levels.spread(json_lists(values) if is_list else values, level)
            case Ordinal(level, within):
                return levels.spread(levels.ordinals(level, within), level)
            case NameOf(ids):
                return self._lookups[column.source].named(columns[ids])
            case FromField() | Extra() | Derived():
                nothing = pa.nulls(len(levels.records[-1]), column.field.type)
                return done.get(column.field.name, nothing)

    def _raw_columns(
        self, texts: pa.Array, ids: pa.Array, mistyped: frozenset[FieldPath]
    ) -> dict[str, pa.Array]:
        """Return the columns of JSON and `extra`, by name; none if nothing is raw."""
        if mistyped not in self._raw_fields:
            self._raw_fields[mistyped] = self._raw_fields_with(mistyped)
        raw = self._raw_fields[mistyped]
        if raw is None:
            return {}
        records = raw.records(texts, ids, self._shape.noun)
        columns = {name: raw.json(records, path) for name, path in self._json.items()}
        return {**columns, "extra": raw.extra_json(records)}

    def _raw_fields_with(self, mistyped: frozenset[FieldPath]) -> RawFields | None:
        shape, json = self._shape, self._json.values()
        own = mistyped_fields(shape.root, shape.path, mistyped)
        if not (json or self._unknown or own):
            return None
        return RawFields(shape.path, json, self._unknown, own)
