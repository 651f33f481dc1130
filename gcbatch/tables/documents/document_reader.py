"""Reads what some tables need of documents, once for all of them."""

from collections.abc import Collection, Iterable
from functools import partial

import pyarrow as pa

from gcbatch.genesys import FieldKind
from gcbatch.tables.documents.arrow_reader import (
    document_texts,
    join_lines,
    read_strictly,
)
from gcbatch.tables.documents.columns import (
    WHOLE,
    Extra,
    FieldPath,
    FromField,
    FromPart,
)
from gcbatch.tables.documents.document_batch import DocumentBatch, ReadRaw
from gcbatch.tables.documents.lenient_reader import read_leniently
from gcbatch.tables.documents.projection import fields_that_occur, projection
from gcbatch.tables.documents.raw_fields import (
    RawFields,
    mistyped_fields,
    unknown_fields,
)
from gcbatch.tables.documents.shape import Shape

__all__ = ["DocumentReader"]


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
        self._root, self._noun = first.root, first.noun
        self._with_extra = {s.path for s in shapes if any(s.sources(Extra))}
        self._shows_documents = any(WHOLE in s.sources(FromPart) for s in shapes)
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
        # A newer release may know, and note, fields that this one does not.
        newer = (*(noted or ()), *unknown)
        self._unknown = {
            level: found
            for level in self._with_extra
            if (found := unknown_fields(self._root, level, newer))
        }
        self._may_lack_json = bool(json) and noted is None and not self._unknown
        self._needs_records = any(levels) or bool(typed) or bool(self._json)
        self._raw_fields: dict[Collection[FieldPath], RawFields] = {}

    def read(self, batch: pa.RecordBatch) -> DocumentBatch:
        """Return the documents of a batch of a part.

        Args:
            batch: `id`, `at` and `document`.

        Raises:
            DataError: If a document cannot be read; names it, and the field.
        """
        texts = document_texts(batch, self._noun)
        columns = {"id": batch.column("id"), "at": batch.column("at")}
        if self._shows_documents:
            columns[WHOLE.column] = texts
        if not self._needs_records:
            nothing = pa.nulls(len(texts), pa.struct([]))
            return DocumentBatch(columns, nothing, self._typed, dict)
        records, mistyped = self._records(texts, columns["id"])
        read_raw: ReadRaw = dict
        if mistyped is not None:
            if mistyped not in self._raw_fields:
                self._raw_fields[mistyped] = self._raw_fields_with(mistyped)
            if fields := self._raw_fields[mistyped]:
                read_raw = partial(fields.read, texts, columns["id"], self._noun)
        return DocumentBatch(columns, records, self._typed, read_raw)

    def _records(
        self, texts: pa.StringArray, ids: pa.Array
    ) -> tuple[pa.StructArray, frozenset[FieldPath] | None]:
        """Return documents as records, and the fields of a wrong type.

        None for the latter means that no document has a field to read as it was sent.
        """
        lines = join_lines(texts)
        if self._may_lack_json:
            records = read_strictly(texts, lines, self._all_fields)
            if records is not None:
                return records, None
            # Where some documents hold JSON or a wrong type, others do too.
            self._may_lack_json = False
        records = read_strictly(texts, lines, self._typed_fields)
        if records is not None:
            return records, frozenset()
        return read_leniently(
            texts.to_pylist(),
            ids.to_pylist(),
            pa.struct(list(self._typed_fields)),
            self._root,
            self._noun,
        )

    def _raw_fields_with(self, mistyped: Iterable[FieldPath]) -> RawFields:
        own = {
            level: found
            for level in self._with_extra
            if (found := mistyped_fields(self._root, level, mistyped))
        }
        return RawFields(self._json, self._unknown, own)
