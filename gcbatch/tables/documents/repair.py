"""Documents that Arrow's reader refuses, read field by field.

The service sends whole numbers as 414.0 now and then, instants with more digits than
milliseconds, half of a pair of surrogates where a text was cut: each has a meaning. A
field that is given twice counts as it was given last, as everywhere in JSON.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

import pyarrow as pa

from gcbatch.errors import DataError
from gcbatch.genesys.answers import SHAPE_HINT
from gcbatch.plain import plain
from gcbatch.surrogates import mended

__all__ = ["fitted"]

_MOST: Final = 2**63
_SHOWN: Final = 40
"""Characters of a value that an error shows."""


class _MisfitError(Exception):
    """A value is not what its field holds: where, and what it is."""


def fitted(
    documents: Sequence[str], ids: Sequence[str], kind: pa.StructType, noun: str
) -> pa.StructArray:
    """Return one record for each document.

    Args:
        documents: JSON of an object each.
        ids: Theirs, for errors.
        kind: The fields to take.
        noun: What a document is.

    Raises:
        DataError: If a document is no object, or a field does not hold what it
            should; names the document and the field.
    """
    rows = []
    for identity, document in zip(ids, documents, strict=True):
        try:
            rows.append(_value(_loaded(document), kind, ""))
        except _MisfitError as exc:
            msg = f"{noun} {plain(identity)}: {exc}"
            raise DataError(msg, hint=SHAPE_HINT) from exc
    return pa.array(rows, kind)


def _loaded(document: str) -> dict[str, Any]:
    try:
        found = json.loads(mended(document), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as exc:
        msg = "cannot be read as JSON"
        raise _MisfitError(msg) from exc
    if not isinstance(found, dict):
        msg = "is no object"
        raise _MisfitError(msg)
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _value(value: Any, kind: pa.DataType, where: str) -> Any:
    if value is None:
        return None
    for is_of_kind, fit in _FITS:
        if is_of_kind(kind):
            return fit(value, kind, where)
    msg = f"{where}: no column is {kind}"
    raise TypeError(msg)


def _record(value: Any, kind: pa.StructType, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        _refuse(where, "is no object")
    dot = f"{where}." if where else ""
    return {
        field.name: _value(value[field.name], field.type, f"{dot}{field.name}")
        for field in kind
        if field.name in value
    }


def _items(value: Any, kind: pa.ListType, where: str) -> list[Any]:
    if not isinstance(value, list):
        _refuse(where, "is no list")
    inner = kind.value_type
    return [_value(item, inner, f"{where}[{n}]") for n, item in enumerate(value)]


def _text(value: Any, _kind: pa.DataType, where: str) -> str:
    return value if isinstance(value, str) else _refuse(where, "is no text")


def _flag(value: Any, _kind: pa.DataType, where: str) -> bool:
    return value if isinstance(value, bool) else _refuse(where, "is no true or false")


def _instant(value: Any, _kind: pa.DataType, where: str) -> datetime:
    try:
        found = datetime.fromisoformat(value)
        # Arrow cuts what is below milliseconds, as it is cut in parts.
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        _refuse(where, f"is no instant ({plain(value, _SHOWN)})")


def _whole(value: Any, _kind: pa.DataType, where: str) -> int:
    is_whole = isinstance(value, int) or (
        isinstance(value, float) and value.is_integer()
    )
    if isinstance(value, bool) or not is_whole:
        _refuse(where, f"is no whole number ({plain(value, _SHOWN)})")
    if not -_MOST <= value < _MOST:
        _refuse(where, f"is larger than 64 bits ({plain(value, _SHOWN)})")
    return int(value)


def _number(value: Any, _kind: pa.DataType, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        _refuse(where, f"is no number ({plain(value, _SHOWN)})")
    try:
        found = float(value)
    except OverflowError:
        found = float("inf")
    if found in {float("inf"), float("-inf")}:
        _refuse(where, "is larger than a double holds")
    return found


def _refuse(where: str, what: str) -> NoReturn:
    msg = f"{where} {what}"
    raise _MisfitError(msg)


_FITS: Final[tuple[tuple[Callable[[pa.DataType], bool], Callable[..., Any]], ...]] = (
    (pa.types.is_string, _text),
    (pa.types.is_timestamp, _instant),
    (pa.types.is_integer, _whole),
    (pa.types.is_struct, _record),
    (pa.types.is_list, _items),
    (pa.types.is_boolean, _flag),
    (pa.types.is_floating, _number),
)
"""How values become what columns of each type hold."""
