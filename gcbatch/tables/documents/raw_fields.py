"""Fields that are kept as JSON, exactly as they were sent.

A decoder that knows only the way to these fields passes over all else, and leaves them
as they are.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
import orjson
import pyarrow as pa

from gcbatch.errors import SHAPE_HINT, DataError
from gcbatch.genesys import FieldKind, Model, fits, loaded
from gcbatch.tables.documents.columns import below
from gcbatch.text import one_line, replace_lone_surrogates

__all__ = ["RawFields", "Way", "newer_ways", "odd_ways"]

Way = tuple[str, ...]
"""From a record to a field of it."""

_Tree = dict[str, Any]
"""Fields by name; each is a tree of its own, an empty one is kept as it was sent."""

_ODD: Final = re.compile(r'["\\\x00-\x1f]')
"""What JSON can only write escaped."""

_NONE: Final = msgspec.Raw()


def newer_ways(root: Model, path: Way, newer: Iterable[str]) -> frozenset[Way]:
    """Return the ways to those fields of a record that this release does not know.

    Args:
        root: Model of a document.
        path: From a document to the record, through lists.
        newer: Dotted paths of fields that were unknown when they were fetched; by now
            they may be known.
    """
    ways = (_newer_way(root, path, tuple(told.split("."))) for told in newer)
    return frozenset(way for way in ways if way is not None)


def _newer_way(root: Model, path: Way, steps: Way) -> Way | None:
    if steps[: len(path)] != path:
        return None
    model, above, rest = below(root, path), len(path), steps[len(path) :]
    while len(rest) > 1:
        field = model.by_name.get(rest[0])
        if field is None or field.holds is not FieldKind.ONE or field.model is None:
            break
        model, above, rest = field.model, above + 1, rest[1:]
    if not rest or rest[0] in model.by_name:
        return None  # known by now, or of another table
    name = ".".join(rest)
    if _ODD.search(name):
        return None  # the decoder knows no such names; no API has any
    return (*steps[len(path) : above], name)


def odd_ways(root: Model, path: Way, odd: Iterable[Way]) -> dict[Way, FieldKind]:
    """Return the ways to fields of a record that may not fit; what they should hold.

    Args:
        root: Model of a document.
        path: From a document to the record, through lists.
        odd: Paths from the document; of fields of other records too.
    """
    ways: dict[Way, FieldKind] = {}
    for steps in odd:
        if steps[: len(path)] != path:
            continue
        way = steps[len(path) :]
        field = below(root, path).by_name[way[0]]
        for name in way[1:]:
            if field.holds is not FieldKind.ONE or field.model is None:
                break  # of another table
            field = field.model.by_name[name]
        else:
            ways[way] = field.holds
    return ways


class RawFields:
    """Reads fields of nested records as they were sent.

    Args:
        path: From a document to the records, through lists.
        kept: Fields that hold JSON.
        newer: Fields that this release does not know.
        odd: Fields that may hold something else than their column, and what they
            should hold.
    """

    def __init__(
        self,
        path: Sequence[str],
        kept: Iterable[Way],
        newer: Iterable[Way] = (),
        odd: Mapping[Way, FieldKind] | None = None,
    ) -> None:
        self._depth = len(path)
        self._odd = odd or {}
        self._extra = tuple(sorted({*newer, *self._odd}))
        ways = {*kept, *self._extra}
        tree = _tree(ways)
        self._attributes = {way: _attributes(tree, way) for way in ways}
        record = _struct(tree, "record")
        for name in reversed(path):
            fields = [("f0", list[record | None] | None, None)]  # type: ignore[valid-type] # made here
            record = msgspec.defstruct("level", fields, rename={"f0": name}, gc=False)
        self._decoder = msgspec.json.Decoder(record)

    def records(self, texts: pa.Array, ids: pa.Array, noun: str) -> list[Any]:
        """Return the records on the path, in the order of the documents.

        Args:
            texts: Documents.
            ids: Theirs, for errors.
            noun: What one is.

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

    def kept(self, records: Iterable[Any], way: Way) -> pa.Array:
        """Return a field of each record, null where it is null or missing."""
        attributes = self._attributes[way]
        sent = (_sent(record, attributes) for record in records)
        return pa.array([None if s == "null" else s for s in sent], pa.string())

    def rest(self, records: Iterable[Any]) -> pa.Array:
        """Return what no column shows of each record: an object, null if nothing.

        They are in the order of their names; those of a record within it are in an
        object of that record's name.
        """
        return pa.array([self._extra_of(record) for record in records], pa.string())

    def _extra_of(self, record: Any) -> str | None:
        members: list[str] = []
        within: dict[str, list[str]] = {}
        for way in self._extra:
            sent = _sent(record, self._attributes[way])
            if sent is not None and not self._is_shown(sent, way):
                member = f"{_quoted(way[-1])}:{sent}"
                outer = within.setdefault(way[0], []) if len(way) > 1 else members
                outer.append(member)
        for name, inner in within.items():
            members.append(f"{_quoted(name)}:{{{','.join(inner)}}}")
        return f"{{{','.join(members)}}}" if members else None

    def _is_shown(self, sent: str, way: Way) -> bool:
        holds = self._odd.get(way)
        return holds is not None and fits(loaded(sent), holds)


def _quoted(name: str) -> str:
    return orjson.dumps(name).decode()


def _tree(ways: Iterable[Way]) -> _Tree:
    tree: _Tree = {}
    for way in sorted(ways):
        node = tree
        for name in way:
            node = node.setdefault(name, {})
    return tree


def _struct(tree: _Tree, name: str) -> Any:
    fields: list[Any] = []
    for number, (inner_name, inner) in enumerate(tree.items()):
        if inner:
            fields.append((f"f{number}", _struct(inner, inner_name) | None, None))
        else:
            fields.append((f"f{number}", msgspec.Raw, _NONE))
    named = {f"f{number}": name for number, name in enumerate(tree)}
    return msgspec.defstruct(name, fields, rename=named, gc=False)


def _attributes(tree: _Tree, way: Way) -> tuple[str, ...]:
    """Return what a struct made of *tree* calls the fields on the way."""
    attributes = []
    for name in way:
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
