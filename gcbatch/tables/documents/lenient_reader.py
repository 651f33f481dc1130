"""Reads documents that Arrow's reader refuses, field by field.

The service sometimes sends whole numbers as 414.0, instants with more digits than
milliseconds, and half of a surrogate pair where a text was cut: each has a meaning. Of
a field that is given twice, the last counts, as everywhere in JSON. A field with a
value of a wrong type becomes null, and its path is reported so that the column `extra`
can show the value. A strict field with a wrong type is an error.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

import pyarrow as pa

from gcbatch.errors import SHAPE_HINT, DataError
from gcbatch.genesys import Field, FieldKind, MisfitError, Model, loaded, value_of
from gcbatch.text import one_line, replace_lone_surrogates

__all__ = ["ReadRecords", "read_leniently"]


class ReadRecords(NamedTuple):
    """Documents as records.

    Args:
        records: One for each document.
        mistyped: Paths of the fields that have a value of a wrong type in at least one
            document; they are null there.
    """

    records: pa.StructArray
    mistyped: frozenset[tuple[str, ...]]


def read_leniently(
    documents: Sequence[str],
    ids: Sequence[str],
    kind: pa.StructType,
    root: Model,
    noun: str,
) -> ReadRecords:
    """Return one record for each document.

    Args:
        documents: A JSON object each.
        ids: Their ids, for errors.
        kind: The fields to read.
        root: Model of a document.
        noun: What a document is, for errors.

    Raises:
        DataError: If a document is not an object, or a record or strict field in it
            has a wrong type; names the document and the field.
    """
    mistyped: set[tuple[str, ...]] = set()
    rows = []
    for identity, document in zip(ids, documents, strict=True):
        try:
            rows.append(_record(_object(document), kind, root, _Place(mistyped)))
        except MisfitError as exc:
            msg = f"{noun} {one_line(identity)}: {exc}"
            raise DataError(msg, hint=SHAPE_HINT) from exc
    return ReadRecords(pa.array(rows, kind), frozenset(mistyped))


class _Place(NamedTuple):
    """Where in a document a record is.

    Args:
        mistyped: Collects the paths of fields of a wrong type.
        path: To the record, without numbers.
        where: The same with numbers, for errors.
    """

    mistyped: set[tuple[str, ...]]
    path: tuple[str, ...] = ()
    where: str = ""

    def inner(self, name: str) -> "_Place":
        dot = f"{self.where}." if self.where else ""
        return _Place(self.mistyped, (*self.path, name), f"{dot}{name}")

    def item(self, number: int) -> "_Place":
        return self._replace(where=f"{self.where}[{number}]")

    def refuse(self, what: object) -> NoReturn:
        msg = f"{self.where} {what}".strip()
        raise MisfitError(msg)


def _object(document: str) -> Any:
    try:
        return loaded(replace_lone_surrogates(document))
    except (ValueError, RecursionError) as exc:
        msg = "cannot be read as JSON"
        raise MisfitError(msg) from exc


def _record(value: Any, kind: pa.StructType, model: Model, place: _Place) -> Any:
    if not isinstance(value, dict):
        place.refuse("is not an object")
    return {
        field.name: _value(
            value[field.name],
            field.type,
            model.by_name[field.name],
            place.inner(field.name),
        )
        for field in kind
        if field.name in value
    }


def _value(value: Any, kind: pa.DataType, field: Field, place: _Place) -> Any:
    if value is None:
        return None
    if field.model is not None:
        if field.holds is FieldKind.ONE:
            return _record(value, kind, field.model, place)
        if not isinstance(value, list):
            place.refuse("is not a list")
        return [
            None
            if item is None
            else _record(item, kind.value_type, field.model, place.item(number))
            for number, item in enumerate(value)
        ]
    try:
        return value_of(value, field.holds)
    except MisfitError as exc:
        if field.strict:
            place.refuse(exc)
        place.mistyped.add(place.path)
        return None
