"""Reads a batch of documents once, for all tables that need it."""

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from typing import NamedTuple

import pyarrow as pa

from gcbatch.genesys import FieldKind
from gcbatch.tables.documents.arrow_reader import (
    document_texts,
    join_lines,
    read_strictly,
)
from gcbatch.tables.documents.columns import Extra, FieldPath, FromField
from gcbatch.tables.documents.lenient_reader import read_leniently
from gcbatch.tables.documents.projection import fields_that_occur, projection
from gcbatch.tables.documents.raw_fields import (
    EXTRA,
    RawFields,
    mistyped_fields,
    unknown_fields,
)
from gcbatch.tables.documents.shape import Shape
from gcbatch.tables.documents.unnest import UnnestedLevels

__all__ = ["DocumentBatch", "DocumentReader"]


class _ReadDocuments(NamedTuple):
    """Documents as records.

    Args:
        records: One for each document, with the typed fields.
        raw: Fields that are shown as they were sent, by level and path; see RawFields.
            Those that no document has may be missing.
    """

    records: pa.StructArray
    raw: Mapping[tuple[FieldPath, FieldPath], pa.Array]


class DocumentReader:
    """Reads what some tables need of documents, and no more.

    Args:
        shapes: The shapes of the tables, of one kind of documents.
        noted: Dotted paths of the known fields that the documents have; None if that
            was not noted when they were fetched.
        unknown: Dotted paths of fields that were unknown then.
    """

    def __init__(
        self,
        shapes: Collection[Shape],
        noted: Collection[str] | None = None,
        unknown: Collection[str] = (),
    ) -> None:
        first = next(iter(shapes))
        self._root, self.noun = first.root, first.noun
        self._with_extra = {s.path for s in shapes if any(s.sources(Extra))}
        occurs = fields_that_occur(noted, unknown)
        typed: dict[FieldPath, None] = {}
        self._json: dict[FieldPath, set[FieldPath]] = {}
        for shape in shapes:
            typed |= dict.fromkeys(shape.needed)
            for source in shape.sources(FromField):
                level = shape.path[: source.level]
                path = (*level, *source.path)
                if not occurs(path):
                    continue
                if source.holds is FieldKind.JSON:
                    self._json.setdefault(level, set()).add(source.path)
                else:
                    typed[path] = None
        json = [(*level, *path) for level in self._json for path in self._json[level]]
        levels = {shape.path for shape in shapes}
        self._typed = frozenset(typed)
        self._typed_fields = projection(self._root, levels, typed)
        self._all_fields = projection(self._root, levels, (*typed, *json))
        self._unknown = {
            level: found
            for level in self._with_extra
            if (found := unknown_fields(self._root, level, unknown))
        }
        self._may_lack_json = bool(json) and noted is None and not self._unknown
        self._raw_fields: dict[frozenset[FieldPath], RawFields] = {}

    def read(self, texts: pa.Array, ids: pa.Array) -> _ReadDocuments:
        """Return documents as records.

        Raises:
            DataError: If a document cannot be read; names it, and the field.
        """
        lines = join_lines(texts)
        if self._may_lack_json:
            records = read_strictly(texts, lines, self._all_fields)
            if records is not None:
                return _ReadDocuments(records, {})
            # Where some documents hold JSON or a wrong type, others do too.
            self._may_lack_json = False
        records = read_strictly(texts, lines, self._typed_fields)
        mistyped: frozenset[FieldPath] = frozenset()
        if records is None:
            records, mistyped = read_leniently(
                texts.to_pylist(),
                ids.to_pylist(),
                pa.struct(list(self._typed_fields)),
                self._root,
                self.noun,
            )
        if mistyped not in self._raw_fields:
            self._raw_fields[mistyped] = self._raw_fields_with(mistyped)
        raw = self._raw_fields[mistyped]
        found = raw.read(texts, ids, self.noun) if raw else {}
        return _ReadDocuments(records, found)

    def reads(self, path: FieldPath) -> bool:
        """Return whether a typed field is read; if not, no document has it."""
        return path in self._typed

    def _raw_fields_with(self, mistyped: Iterable[FieldPath]) -> RawFields:
        own = {
            level: found
            for level in self._with_extra
            if (found := mistyped_fields(self._root, level, mistyped))
        }
        return RawFields(self._json, self._unknown, own)


class DocumentBatch:
    """A batch of documents; what tables share of it is read once, on first use.

    Args:
        batch: The batch of a part: `id`, `at` and `document`.
        reader: Reads what the tables need.
    """

    def __init__(self, batch: pa.RecordBatch, reader: DocumentReader) -> None:
        self._batch = batch
        self._reader = reader
        self._levels: dict[FieldPath, UnnestedLevels] = {}

    @property
    def ids(self) -> pa.Array:
        """The ids of the documents."""
        return self._batch.column("id")

    @cached_property
    def _texts(self) -> pa.StringArray:
        return document_texts(self._batch, self._reader.noun)

    @cached_property
    def _documents(self) -> _ReadDocuments:
        return self._reader.read(self._texts, self.ids)

    @property
    def records(self) -> pa.StructArray:
        """The documents as records.

        Raises:
            DataError: If a document cannot be read; names it, and the field.
        """
        return self._documents.records

    def part_column(self, name: str) -> pa.Array:
        """Return a column of the part: `id`, `at`, or `document` as texts."""
        return self._texts if name == "document" else self._batch.column(name)

    def levels(self, path: FieldPath) -> UnnestedLevels:
        """Return the records of each list on a path; see unnest."""
        if path not in self._levels:
            self._levels[path] = (
                self.levels(path[:-1]).below(path[-1])
                if path
                else UnnestedLevels((self.records,), ())
            )
        return self._levels[path]

    def count(self, path: FieldPath) -> int:
        """Return how many records are at the end of a path."""
        return len(self.levels(path).records[-1]) if path else len(self.ids)

    def spread(
        self, values: pa.Array | None, level: FieldPath, path: FieldPath
    ) -> pa.Array | None:
        """Return for each record at the end of *path* the value of its owner.

        Args:
            values: A value for each record of a level; None if all are null.
            level: Path of the level, the beginning of *path*.
            path: Path of the records.
        """
        if values is None or level == path:
            return values
        return self.levels(path).spread(values, len(level))

    def field(self, level: FieldPath, path: FieldPath) -> pa.Array | None:
        """Return a typed field of each record of a level; None if all are null."""
        if not self._reader.reads((*level, *path)):
            return None
        return self.levels(level).field(len(level), *path)

    def json(self, level: FieldPath, path: FieldPath) -> pa.Array | None:
        """Return a field of each record of a level as JSON; None if all are null."""
        return self._documents.raw.get((level, path))

    def unshown(self, level: FieldPath) -> pa.Array | None:
        """Return what no column shows of each record; None if there is nothing."""
        return self._documents.raw.get((level, EXTRA))
