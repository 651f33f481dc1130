"""Takes fields out of documents as JSON, exactly as they were sent.

The decoder knows only the paths to these fields: it skips all else, and does not
decode the fields themselves.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any, Final

import msgspec
import orjson
import pyarrow as pa

from gcbatch.errors import SHAPE_HINT, DataError
from gcbatch.genesys import FieldKind, Model, fits, loaded
from gcbatch.lazy import lazy_import
from gcbatch.tables.documents.columns import FieldPath, model_at
from gcbatch.text import one_line, replace_lone_surrogates

__all__ = ["EXTRA", "RawFields", "mistyped_fields", "unknown_fields"]

pc = lazy_import("pyarrow.compute")

_Tree = dict[str, Any]
"""Fields by name; each is a tree of its own, and a raw field is an empty tree."""

_ESCAPED: Final = re.compile(r'["\\\x00-\x1f]')
"""What JSON can only write escaped."""

EXTRA: Final[FieldPath] = ()
"""In place of a field's path: all that no column shows of a record."""

_MISSING: Final = msgspec.Raw()
_NOTHING: Final = pa.array(["", "null"])


def unknown_fields(
    root: Model, path: FieldPath, unknown: Iterable[str]
) -> frozenset[FieldPath]:
    """Return the paths, from a record, of its fields that this release does not know.

    Args:
        root: Model of a document.
        path: From a document to the record, through lists.
        unknown: Dotted paths, from a document, of fields that were unknown when they
            were fetched; this release may know them.
    """
    paths = (_unknown_field(root, path, tuple(text.split("."))) for text in unknown)
    return frozenset(found for found in paths if found is not None)


def _unknown_field(root: Model, path: FieldPath, steps: FieldPath) -> FieldPath | None:
    if steps[: len(path)] != path:
        return None
    model, above, rest = model_at(root, path), len(path), steps[len(path) :]
    while len(rest) > 1:
        field = model.by_name.get(rest[0])
        if field is None or field.holds is not FieldKind.ONE or field.model is None:
            break
        model, above, rest = field.model, above + 1, rest[1:]
    if not rest or rest[0] in model.by_name:
        return None  # this release knows it, or it is of another table
    name = ".".join(rest)
    if _ESCAPED.search(name):
        return None  # the decoder cannot find such names; no API has any
    return (*steps[len(path) : above], name)


def mistyped_fields(
    root: Model, path: FieldPath, mistyped: Iterable[FieldPath]
) -> dict[FieldPath, FieldKind]:
    """Return the fields of a record that may have a wrong type; what they should hold.

    Args:
        root: Model of a document.
        path: From a document to the record, through lists.
        mistyped: Paths of such fields from a document; of other records too.
    """
    found: dict[FieldPath, FieldKind] = {}
    for steps in mistyped:
        if steps[: len(path)] != path:
            continue
        own = steps[len(path) :]
        field = model_at(root, path).by_name[own[0]]
        for name in own[1:]:
            if field.holds is not FieldKind.ONE or field.model is None:
                break  # of another table
            field = field.model.by_name[name]
        else:
            found[own] = field.holds
    return found


class RawFields:
    """Finds fields of nested records, to read them as they were sent.

    Args:
        json: Paths of fields that hold JSON, by the level of their records: the path
            from a document to them, through lists.
        unknown: Paths of fields that this release does not know, by level.
        mistyped: Fields that may have a wrong type and what they should hold, by level.
    """

    def __init__(
        self,
        json: Mapping[FieldPath, Collection[FieldPath]],
        unknown: Mapping[FieldPath, Collection[FieldPath]],
        mistyped: Mapping[FieldPath, Mapping[FieldPath, FieldKind]],
    ) -> None:
        self._json = json
        self._mistyped = mistyped
        self._extra = {
            level: tuple(sorted({*unknown.get(level, ()), *mistyped.get(level, ())}))
            for level in {*unknown, *mistyped}
        }
        whole = {
            (*level, *path)
            for fields in (json, self._extra)
            for level, paths in fields.items()
            for path in paths
        }
        self._tree = _tree(whole)
        self._lists = {
            level[:end]
            for level in (*json, *self._extra)
            for end in range(len(level) + 1)
        }
        self._decoder = msgspec.json.Decoder(_struct(self._tree, (), self._lists))

    def __bool__(self) -> bool:
        """Whether there is any field to read."""
        return bool(self._tree)

    def read(
        self, texts: pa.Array, ids: pa.Array, noun: str
    ) -> dict[tuple[FieldPath, FieldPath], pa.Array]:
        """Return the fields of some documents, by level and path within it.

        A field that holds JSON is null where it is null or missing. EXTRA is what no
        column shows of each record: an object, null if nothing. Its members are in the
        order of their names. Those of a record within the record are in an object of
        that record's name.

        Args:
            texts: Documents.
            ids: Their ids, for errors.
            noun: What a document is, for errors.

        Raises:
            DataError: If a document cannot be read; names it.
        """
        records: dict[FieldPath, list[Any]] = {(): self._decoded(texts, ids, noun)}
        found: dict[tuple[FieldPath, FieldPath], pa.Array] = {}
        for level in sorted(self._lists, key=len):
            if level:
                name = self._attributes((), level)[-1]
                records[level] = _below(records[level[:-1]], name)
            for path in self._json.get(level, ()):
                attributes = self._attributes(level, path)
                found[level, path] = _texts(records[level], attributes)
            if paths := self._extra.get(level, ()):
                named = {path: self._attributes(level, path) for path in paths}
                objects = [self._extra_of(r, level, named) for r in records[level]]
                found[level, EXTRA] = pa.array(objects, pa.string())
        return found

    def _decoded(self, texts: pa.Array, ids: pa.Array, noun: str) -> list[Any]:
        found: list[Any] = []
        for row, text in enumerate(texts.to_pylist()):
            try:
                found.append(self._decode(text))
            except (msgspec.DecodeError, RecursionError) as exc:
                msg = f"{noun} {one_line(ids[row].as_py())}: cannot be read as JSON"
                raise DataError(msg, hint=SHAPE_HINT) from exc
        return found

    def _decode(self, text: str) -> Any:
        try:
            return self._decoder.decode(text)
        except msgspec.DecodeError:
            return self._decoder.decode(replace_lone_surrogates(text))

    def _attributes(self, level: FieldPath, path: FieldPath) -> tuple[str, ...]:
        """Return the attributes on a path from a record of a level."""
        return _attributes(self._tree, (*level, *path))[len(level) :]

    def _extra_of(
        self, record: Any, level: FieldPath, paths: Mapping[FieldPath, tuple[str, ...]]
    ) -> str | None:
        members: list[str] = []
        within: dict[str, list[str]] = {}
        for path, attributes in paths.items():
            sent = _sent(record, attributes)
            if sent is not None and not self._has_column(sent, level, path):
                member = f"{_quoted(path[-1])}:{sent}"
                outer = within.setdefault(path[0], []) if len(path) > 1 else members
                outer.append(member)
        for name, inner in within.items():
            members.append(f"{_quoted(name)}:{{{','.join(inner)}}}")
        return f"{{{','.join(members)}}}" if members else None

    def _has_column(self, sent: str, level: FieldPath, path: FieldPath) -> bool:
        """Return whether a column shows the value, as its type is right."""
        holds = self._mistyped.get(level, {}).get(path)
        return holds is not None and fits(loaded(sent), holds)


def _below(owners: Iterable[Any], name: str) -> list[Any]:
    """Return the records in a list of each owner, in order."""
    return [
        record
        for owner in owners
        for record in getattr(owner, name) or ()
        if record is not None
    ]


def _texts(records: Sequence[Any], attributes: Sequence[str]) -> pa.Array:
    """Return a field of each record as it was sent, null where it is null or missing.

    Args:
        records: The records.
        attributes: From a record to the field, each but the last of a record within.
    """
    *outer, last = attributes
    for attribute in outer:
        records = [getattr(r, attribute) if r is not None else None for r in records]
    sent = [getattr(record, last, _MISSING) for record in records]
    ends = pa.array(accumulate(map(len, sent), initial=0), pa.int32())
    content = pa.py_buffer(b"".join(sent))
    texts = pa.StringArray.from_buffers(len(sent), ends.buffers()[1], content)
    return pc.if_else(pc.is_in(texts, _NOTHING), pa.scalar(None, pa.string()), texts)


def _quoted(name: str) -> str:
    return orjson.dumps(name).decode()


def _tree(paths: Iterable[FieldPath]) -> _Tree:
    tree: _Tree = {}
    for path in sorted(paths):
        node = tree
        for name in path:
            node = node.setdefault(name, {})
    return tree


def _struct(tree: _Tree, path: FieldPath, lists: Collection[FieldPath]) -> Any:
    """Return the type of a record with the fields of a tree.

    Args:
        tree: The fields.
        path: From a document to the record.
        lists: Paths of all lists of records.
    """
    fields: list[Any] = []
    for number, (name, inner) in enumerate(tree.items()):
        if not inner:
            fields.append((f"f{number}", msgspec.Raw, _MISSING))
            continue
        below = (*path, name)
        record = _struct(inner, below, lists) | None
        kind = list[record] | None if below in lists else record  # type: ignore[valid-type] # made here
        fields.append((f"f{number}", kind, None))
    named = {f"f{number}": name for number, name in enumerate(tree)}
    return msgspec.defstruct("record", fields, rename=named, gc=False)


def _attributes(tree: _Tree, path: FieldPath) -> tuple[str, ...]:
    """Return the attributes on *path* of a struct that _struct made of *tree*."""
    attributes = []
    for name in path:
        attributes.append(f"f{list(tree).index(name)}")
        tree = tree[name]
    return tuple(attributes)


def _sent(record: Any, attributes: Iterable[str]) -> str | None:
    """Return a field of a record as it was sent; None where it is missing."""
    for attribute in attributes:
        if record is None:
            return None
        record = getattr(record, attribute)
    return bytes(record).decode() or None
