"""Takes fields out of documents as JSON, exactly as they were sent.

The decoder knows only the paths to these fields: it skips all else, and does not
decode the fields themselves.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
import orjson
import pyarrow as pa

from gcbatch.errors import SHAPE_HINT, DataError
from gcbatch.genesys import FieldKind, Model, fits, loaded
from gcbatch.tables.documents.columns import FieldPath, model_at
from gcbatch.text import one_line, replace_lone_surrogates

__all__ = ["RawFields", "mistyped_fields", "unknown_fields"]

_Tree = dict[str, Any]
"""Fields by name; each is a tree of its own, and a raw field is an empty tree."""

_ESCAPED: Final = re.compile(r'["\\\x00-\x1f]')
"""What JSON can only write escaped."""

_MISSING: Final = msgspec.Raw()


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
    """Reads fields of nested records as they were sent.

    Args:
        path: From a document to the records, through lists.
        json: Fields that hold JSON.
        unknown: Fields that this release does not know.
        mistyped: Fields that may have a wrong type, and what they should hold.
    """

    def __init__(
        self,
        path: Sequence[str],
        json: Iterable[FieldPath],
        unknown: Iterable[FieldPath],
        mistyped: Mapping[FieldPath, FieldKind],
    ) -> None:
        self._depth = len(path)
        self._mistyped = mistyped
        self._extra = tuple(sorted({*unknown, *mistyped}))
        paths = {*json, *self._extra}
        tree = _tree(paths)
        self._attributes = {path: _attributes(tree, path) for path in paths}
        record = _struct(tree, "record")
        for name in reversed(path):
            fields = [("f0", list[record | None] | None, None)]  # type: ignore[valid-type] # made here
            record = msgspec.defstruct("level", fields, rename={"f0": name}, gc=False)
        self._decoder = msgspec.json.Decoder(record)

    def records(self, texts: pa.Array, ids: pa.Array, noun: str) -> list[Any]:
        """Return the records at the end of the path, in the order of the documents.

        Args:
            texts: Documents.
            ids: Their ids, for errors.
            noun: What a document is, for errors.

        Raises:
            DataError: If a document cannot be read; names it.
        """
        found: list[Any] = []
        for row, text in enumerate(texts.to_pylist()):
            try:
                found.append(self._decode(text))
            except (msgspec.DecodeError, RecursionError) as exc:
                msg = f"{noun} {one_line(ids[row].as_py())}: cannot be read as JSON"
                raise DataError(msg, hint=SHAPE_HINT) from exc
        for _ in range(self._depth):
            found = [r for upper in found for r in upper.f0 or () if r is not None]
        return found

    def _decode(self, text: str) -> Any:
        try:
            return self._decoder.decode(text)
        except msgspec.DecodeError:
            return self._decoder.decode(replace_lone_surrogates(text))

    def json(self, records: Iterable[Any], path: FieldPath) -> pa.Array:
        """Return a field of each record, null where it is null or missing."""
        attributes = self._attributes[path]
        sent = (_sent(record, attributes) for record in records)
        return pa.array([None if s == "null" else s for s in sent], pa.string())

    def extra_json(self, records: Iterable[Any]) -> pa.Array:
        """Return what no column shows of each record: an object, null if nothing.

        Its members are in the order of their names. Those of a record within the record
        are in an object of that record's name.
        """
        return pa.array([self._extra_of(record) for record in records], pa.string())

    def _extra_of(self, record: Any) -> str | None:
        members: list[str] = []
        within: dict[str, list[str]] = {}
        for path in self._extra:
            sent = _sent(record, self._attributes[path])
            if sent is not None and not self._has_column(sent, path):
                member = f"{_quoted(path[-1])}:{sent}"
                outer = within.setdefault(path[0], []) if len(path) > 1 else members
                outer.append(member)
        for name, inner in within.items():
            members.append(f"{_quoted(name)}:{{{','.join(inner)}}}")
        return f"{{{','.join(members)}}}" if members else None

    def _has_column(self, sent: str, path: FieldPath) -> bool:
        """Return whether a column shows the value, as its type is right."""
        holds = self._mistyped.get(path)
        return holds is not None and fits(loaded(sent), holds)


def _quoted(name: str) -> str:
    return orjson.dumps(name).decode()


def _tree(paths: Iterable[FieldPath]) -> _Tree:
    tree: _Tree = {}
    for path in sorted(paths):
        node = tree
        for name in path:
            node = node.setdefault(name, {})
    return tree


def _struct(tree: _Tree, name: str) -> Any:
    fields: list[Any] = []
    for number, (inner_name, inner) in enumerate(tree.items()):
        if inner:
            fields.append((f"f{number}", _struct(inner, inner_name) | None, None))
        else:
            fields.append((f"f{number}", msgspec.Raw, _MISSING))
    named = {f"f{number}": name for number, name in enumerate(tree)}
    return msgspec.defstruct(name, fields, rename=named, gc=False)


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
