"""The types that records are decoded with, and the fields that occur in them.

A session has 80 known fields, of which the service sends a few. The type that a record
is checked against has only the fields that came before, which is quicker and shows
which fields occur: tables read no others. A field that comes for the first time does
not fit the type. Only then are the fields of the record listed, and the type gets them.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import cache, lru_cache
from threading import Lock
from typing import Annotated, Any, Final, TypeAlias

import msgspec

from gcbatch.genesys import Field, FieldKind, Model

__all__ = ["SeenFields", "decoder_of", "known_fields", "strict_fields"]

MAX_TYPES: Final = 256
"""Types that are held: orgs whose records have the same fields share them."""


_Tree: TypeAlias = "dict[str, _Tree | None]"
"""Names of fields; below those that hold records, the names of their fields."""


class SeenFields:
    """The known fields of a model that have occurred, and a decoder of just these.

    Threads may share it: what *paths* has at any time includes all that any thread
    found before.

    Args:
        model: The model of the records.

    Attributes:
        paths: Dotted paths in the API's words. Strict fields are always among them.
        decode: Decodes a record. Raises msgspec.ValidationError if the record has any
            other field, or a value of a wrong type.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._known = known_fields(model)
        self._lock = Lock()
        self._tree: _Tree
        self.paths: frozenset[str]
        self.decode: Callable[[msgspec.Raw], Any]
        self._widen(strict_fields(model))

    def add(self, record: Any) -> tuple[bool, frozenset[str]]:
        """Add the known fields of a record.

        Args:
            record: Plain data of any shape.

        Returns:
            Whether any of them is new, and the paths of the unknown fields.
        """
        others: set[tuple[str, str]] = set()
        _collect_others(record, self._tree, "", others)
        known: set[str] = set()
        unknown: set[str] = set()
        for above, name in others:
            path = f"{above}{name}"
            # A name with a dot is of no known field, whatever path it looks like.
            is_known = "." not in name and path in self._known
            (known if is_known else unknown).add(path)
        return self.add_paths(known), frozenset(unknown)

    def add_paths(self, paths: Iterable[str]) -> bool:
        """Add known fields; return whether any of them is new."""
        with self._lock:
            more = self.paths.union(paths)
            if more == self.paths:
                return False
            self._widen(more)
            return True

    def _widen(self, paths: frozenset[str]) -> None:
        # In this order: no other thread decodes a field that is not among the paths.
        self.paths = paths
        self._tree = _tree(self._model, paths)
        self.decode = decoder_of(self._model, paths, refuse_others=True).decode


def decoder_of(
    model: Model, paths: frozenset[str], *, refuse_others: bool
) -> msgspec.json.Decoder[Any]:
    """Return what decodes a record.

    Args:
        model: The model of the record.
        paths: The fields that its type has, besides those that hold records.
        refuse_others: Whether any other field is an error; else they are ignored.
    """
    return msgspec.json.Decoder(_struct(model, paths, refuse_others))


@cache
def known_fields(model: Model) -> frozenset[str]:
    """Return the paths of all fields of a model that hold no records."""
    return frozenset(path for path, _ in _leaves(model, ""))


@cache
def strict_fields(model: Model) -> frozenset[str]:
    """Return the paths of the strict fields of a model."""
    return frozenset(path for path, field in _leaves(model, "") if field.strict)


def _leaves(model: Model, above: str) -> Iterator[tuple[str, Field]]:
    for field in model.fields:
        path = f"{above}{field.name}"
        if field.model is None:
            yield path, field
        else:
            yield from _leaves(field.model, f"{path}.")


def _tree(model: Model, paths: frozenset[str]) -> _Tree:
    """Return the names of fields that are among the paths, or hold records."""
    return {
        field.name: None
        if field.model is None
        else _tree(field.model, _below(paths, field))
        for field in model.fields
        if field.model is not None or field.name in paths
    }


def _collect_others(
    record: Any, tree: _Tree, above: str, found: set[tuple[str, str]]
) -> None:
    """Add all fields that are not in the tree: the path to their record, the name.

    What should be a record and is none is skipped.
    """
    if not isinstance(record, dict):
        return
    for name, value in record.items():
        if name not in tree:
            found.add((above, name))
        elif (below := tree[name]) is not None:
            for inner in value if isinstance(value, list) else [value]:
                _collect_others(inner, below, f"{above}{name}.", found)


def _below(paths: frozenset[str], field: Field) -> frozenset[str]:
    """Return those paths that lead through a field, from there on."""
    above = f"{field.name}."
    return frozenset(path[len(above) :] for path in paths if path.startswith(above))


@lru_cache(MAX_TYPES)
def _struct(
    model: Model,
    paths: frozenset[str],
    refuse_others: bool,  # noqa: FBT001 - see decoder_of
) -> type[msgspec.Struct]:
    """Return the type of a record; fields that hold records are always in it."""
    taken = [f for f in model.fields if f.model is not None or f.name in paths]
    # In the order in which the service writes them, decoding is a fifth faster.
    fields = sorted(taken, key=lambda field: field.name)
    return msgspec.defstruct(
        model.name,
        [(f.name, _type_of(f, paths, refuse_others), None) for f in fields],
        gc=False,
        forbid_unknown_fields=refuse_others,
    )


_Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


def _type_of(field: Field, paths: frozenset[str], refuse_others: bool) -> Any:  # noqa: FBT001 - see decoder_of
    if field.model is not None:
        record = _struct(field.model, _below(paths, field), refuse_others)
        return list[record] | None if field.holds is FieldKind.MANY else record | None  # type: ignore[valid-type]
    if field.strict:
        # Instants are parsed by the reader; whole numbers are sometimes written 414.0.
        number = field.holds is FieldKind.WHOLE
        return int | float | None if number else str | None
    return {
        FieldKind.TEXT: str | None,
        FieldKind.TIME: datetime | None,
        FieldKind.FLAG: bool | None,
        FieldKind.WHOLE: _Int64 | None,
        FieldKind.NUMBER: int | float | None,
        FieldKind.TEXTS: list[str] | None,
        FieldKind.WHOLES: list[_Int64] | None,
        FieldKind.JSON: msgspec.Raw,
    }[field.holds]
