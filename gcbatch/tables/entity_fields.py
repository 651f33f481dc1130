"""Reads entities: fields with a column, and all other fields as they were sent."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Final

import msgspec
import pyarrow as pa

from gcbatch.errors import SHAPE_HINT, DataError
from gcbatch.genesys import EntityField, EntityKind, FieldType
from gcbatch.table import INSTANT
from gcbatch.text import one_line

__all__ = ["NAME", "EntityReader", "column_of"]

_TYPES: Final[dict[FieldType, pa.DataType]] = {
    "text": pa.string(),
    "flag": pa.bool_(),
    "whole": pa.int64(),
    "number": pa.float64(),
    "percent": pa.float64(),
    "instant": INSTANT,
    "json": pa.string(),
}
LARGEST: Final = 2**63
"""Whole numbers of a column are smaller."""

NAME: Final = " name"
"""The key of the name in a row; no column has a space."""

_ID: Final = " id"

_Tree = dict[str, Any]
"""Fields by name; each is an EntityField, or a tree of the fields within."""

_Members = dict[str, msgspec.Raw]
_MEMBERS: Final = msgspec.json.Decoder(_Members)


class _WrongType(Exception):  # noqa: N818 - no error, the value goes to `extra`
    """A value does not have the type of its column."""


def column_of(field: EntityField) -> pa.Field:
    """Return the column of a field."""
    about = {"source": ".".join(field.path)}
    if field.name.endswith("_ms"):
        about["unit"] = "ms"
    if field.type == "percent":
        about["unit"] = "%"
    if field.type == "json":
        about["content"] = "json"
    return pa.field(field.name, _TYPES[field.type], metadata=about)


def _value_of(sent: msgspec.Raw, kind: FieldType) -> Any:
    """Return the value of a column; None for null.

    Raises:
        _WrongType: If the field holds something else.
    """
    try:
        value = msgspec.json.decode(sent)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise _WrongType from exc
    if value is None:
        return None
    return bytes(sent).decode() if kind == "json" else _READERS[kind](value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _WrongType
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _WrongType
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _percent(share: Any) -> float:
    """Return a share in percent."""
    if not _is_number(share):
        raise _WrongType
    try:
        percent = round(float(share) * 100, 6)
    except OverflowError as exc:
        raise _WrongType from exc
    if not isfinite(percent):
        raise _WrongType
    return percent


def _number(value: Any) -> float:
    """Return a number that a double holds."""
    try:
        number = float(value) if _is_number(value) else None
    except OverflowError as exc:
        raise _WrongType from exc
    if number is None or not isfinite(number):
        raise _WrongType
    return number


def _whole(value: Any) -> int:
    """Return a whole number; the service sometimes writes 414.0."""
    if not _is_number(value) or value != int(value) or abs(value) >= LARGEST:
        raise _WrongType
    return int(value)


def _instant(text: Any) -> datetime:
    """Return an instant, cut to milliseconds, as in tables of details."""
    try:
        instant = datetime.fromisoformat(_text(text))
        if instant.tzinfo is None:
            raise _WrongType
        instant = instant.astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise _WrongType from exc
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


_READERS: Final[Mapping[FieldType, Callable[[Any], Any]]] = {
    "text": _text,
    "flag": _flag,
    "whole": _whole,
    "number": _number,
    "percent": _percent,
    "instant": _instant,
}
"""By type, what reads the value of a column; each raises _WrongType."""


class EntityReader:
    """Reads entities into rows.

    Args:
        kind: Of the entities; its fields have a column.
    """

    def __init__(self, kind: EntityKind) -> None:
        self._table = kind.table
        self._tree: _Tree = {}
        self._names: list[str] = []
        self._add(EntityField(_ID, ("id",), "text"))
        for place in kind.names:
            name = EntityField(f" {place}", tuple(place.split(".")), "text")
            self._names.append(name.name)
            self._add(name)
        for field in kind.fields:
            self._add(field)

    def _add(self, field: EntityField) -> None:
        tree = self._tree
        for name in field.path[:-1]:
            tree = tree.setdefault(name, {})
        tree[field.path[-1]] = field

    def row(self, identity: str, document: str) -> dict[str, Any]:
        """Return the columns of an entity, its name as NAME, and the rest as `extra`.

        A field of a wrong type is in the rest too.

        Args:
            identity: Its id, for errors.
            document: JSON, as it was sent.

        Raises:
            DataError: If it is not an object; names table and entity.
        """
        row: dict[str, Any] = {}
        try:
            rest = _split(_MEMBERS.decode(document), self._tree, row)
        except (msgspec.DecodeError, RecursionError) as exc:
            msg = f"table {self._table}: {one_line(identity)} cannot be read as JSON"
            raise DataError(msg, hint=SHAPE_HINT) from exc
        row.pop(_ID, None)
        names = [row.pop(name, None) for name in self._names]
        row[NAME] = next(filter(None, names), None)
        row["extra"] = msgspec.json.encode(rest).decode() if rest else None
        return row


def _split(members: _Members, tree: _Tree, row: dict[str, Any]) -> _Members:
    """Put fields into their columns; return the other members, in the order sent."""
    left: _Members = {}
    for name, sent in members.items():
        known = tree.get(name)
        if known is None:
            left[name] = sent
        elif isinstance(known, EntityField):
            try:
                row[known.name] = _value_of(sent, known.type)
            except _WrongType:
                left[name] = sent
        elif (rest := _rest_of(sent, known, row)) is not None:
            left[name] = rest
    return left


def _rest_of(sent: msgspec.Raw, tree: _Tree, row: dict[str, Any]) -> msgspec.Raw | None:
    """Return what _split leaves of an object within an entity; None if nothing."""
    try:
        members = _MEMBERS.decode(sent)
    except msgspec.ValidationError:
        # It is not an object; null holds nothing.
        return None if bytes(sent) == b"null" else sent
    rest = _split(members, tree, row)
    return msgspec.Raw(msgspec.json.encode(rest)) if rest else None
