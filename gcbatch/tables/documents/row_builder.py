"""Rows of a table of details, made of the documents of a part."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from gcbatch.genesys import FieldKind, Model
from gcbatch.tables.documents.arrow_reader import lines_of, parsed, read, texts_of
from gcbatch.tables.documents.columns import (
    Column,
    Derived,
    Extra,
    FromField,
    FromPart,
    NameOf,
    Ordinal,
    projection,
)
from gcbatch.tables.documents.json_text import json_lists
from gcbatch.tables.documents.raw_fields import RawFields, Way, newer_ways, odd_ways
from gcbatch.tables.documents.unnest import UnnestedLevels, field_of, unnest
from gcbatch.tables.name_lookup import NameLookup

__all__ = ["RowBuilder", "Shape"]

Derive = Callable[[pa.StructArray, pa.Array], dict[str, pa.Array]]
"""Computes columns from whole documents and their ids."""


@dataclass(frozen=True)
class Shape:
    """What a table of details looks like, and what it is made of.

    Args:
        noun: What a document is.
        root: The model of one.
        path: From a document to the records that make a row each, through lists.
        columns: In order.
        key: Columns that together identify a row.
        needed: Fields of a document that *derive* needs.
        derive: Computes the columns that are derived; None if there are none.
    """

    noun: str
    root: Model
    path: tuple[str, ...]
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    needed: tuple[pa.Field, ...] = ()
    derive: Derive | None = None

    @property
    def schema(self) -> pa.Schema:
        """Of the rows."""
        return pa.schema([column.field for column in self.columns])


class RowBuilder:
    """Makes rows of documents.

    Args:
        shape: Theirs.
        names: For each dimension that was listed, names by id. An id without a name
            is its own name.
        newer: Paths of fields that were unknown when the documents were fetched.
    """

    def __init__(
        self,
        shape: Shape,
        names: Mapping[str, Mapping[str, str]],
        newer: Iterable[str] = (),
    ) -> None:
        self._shape = shape
        self._schema = shape.schema
        of = (shape.path, shape.columns, shape.needed)
        self._read = projection(*of, with_json=False)
        self._bare = projection(*of, with_json=True)
        sources = [column.source for column in shape.columns]
        self._lookups = {
            source: NameLookup.of(names.get(source.dimension, {}))
            for source in sources
            if isinstance(source, NameOf)
        }
        self._kept = [
            s.way
            for s in sources
            if isinstance(s, FromField) and s.holds is FieldKind.JSON
        ]
        self._newer = newer_ways(shape.root, shape.path, newer)
        self._raws: dict[frozenset[Way], RawFields | None] = {}
        self._may_be_bare = bool(self._kept) and not self._newer

    def of(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the rows of a batch of a part, in the order of its documents.

        Raises:
            DataError: If a document cannot be read; names it, and the field.
        """
        texts = texts_of(batch, self._shape.noun)
        lines, ids = lines_of(texts), batch.column("id")
        bare = parsed(texts, lines, self._bare) if self._may_be_bare else None
        if bare is None:
            # Where some documents hold JSON, or are odd, others do too.
            self._may_be_bare = False
            about = (self._shape.root, self._shape.noun)
            documents, odd = read(texts, lines, ids, self._read, about)
            done = self._as_sent(texts, ids, odd)
        else:
            documents, done = bare, {}
        levels = unnest(documents, self._shape.path)
        if self._shape.derive is not None:
            done |= self._shape.derive(documents, ids)
        columns: dict[str, pa.Array] = {}
        for column in self._shape.columns:
            columns[column.field.name] = self._column(
                column, batch, levels, done, columns
            )
        return pa.RecordBatch.from_arrays(list(columns.values()), schema=self._schema)

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
            case FromField(level, way, holds) if holds is not FieldKind.JSON:
                values = field_of(levels.records[level], way)
                is_list = pa.types.is_list(values.type)
                return levels.spread(json_lists(values) if is_list else values, level)
            case Ordinal(level, within):
                return levels.spread(levels.numbers(level, within), level)
            case NameOf(ids):
                return self._lookups[column.source].named(columns[ids])
            case FromField() | Extra() | Derived():
                nothing = pa.nulls(len(levels.records[-1]), column.field.type)
                return done.get(column.field.name, nothing)

    def _as_sent(
        self, texts: pa.Array, ids: pa.Array, odd: frozenset[Way]
    ) -> dict[str, pa.Array]:
        """Return the columns of JSON by name.

        Args:
            texts: Documents.
            ids: Theirs, for errors.
            odd: Paths of fields that do not fit their columns in one of them.
        """
        if odd not in self._raws:
            self._raws[odd] = self._raw_fields(odd)
        raw = self._raws[odd]
        if raw is None:
            return {}
        records = raw.records(texts, ids, self._shape.noun)
        columns = {
            column.field.name: raw.kept(records, column.source.way)
            for column in self._shape.columns
            if isinstance(column.source, FromField)
            and column.source.holds is FieldKind.JSON
        }
        return {**columns, "extra": raw.rest(records)}

    def _raw_fields(self, odd: frozenset[Way]) -> RawFields | None:
        shape = self._shape
        ways = odd_ways(shape.root, shape.path, odd)
        if not (self._kept or self._newer or ways):
            return None
        return RawFields(shape.path, self._kept, self._newer, ways)
