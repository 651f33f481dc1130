"""Documents that Arrow's reader refuses, read field by field.

The service sends whole numbers as 414.0 now and then, instants with more digits than
milliseconds, half of a pair of surrogates where a text was cut: each has a meaning. A
field that is given twice counts as it was given last, as everywhere in JSON. A field
that holds something else than its column is null in it, and named, so that the column
`extra` can show it; one that is strict ends the reading.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

import pyarrow as pa

from gcbatch.errors import SHAPE_HINT, DataError
from gcbatch.genesys import Field, FieldKind, MisfitError, Model, loaded, value_of
from gcbatch.text import one_line, replace_lone_surrogates

__all__ = ["Fitted", "read_leniently"]


class Fitted(NamedTuple):
    """Documents as records.

    Args:
        records: One for each document.
        odd: Paths of the fields that hold something else than their column in one of
            them; they are null there.
    """

    records: pa.StructArray
    odd: frozenset[tuple[str, ...]]


def read_leniently(
    documents: Sequence[str],
    ids: Sequence[str],
    kind: pa.StructType,
    root: Model,
    noun: str,
) -> Fitted:
    """Return one record for each document.

    Args:
        documents: JSON of an object each.
        ids: Theirs, for errors.
        kind: The fields to take.
        root: Model of a document.
        noun: What a document is.

    Raises:
        DataError: If a document is no object, or a record or strict field in it is
            none; names the document and the field.
    """
    odd: set[tuple[str, ...]] = set()
    rows = []
    for identity, document in zip(ids, documents, strict=True):
        try:
            rows.append(_record(_object(document), kind, root, _Place(odd)))
        except MisfitError as exc:
            msg = f"{noun} {one_line(identity)}: {exc}"
            raise DataError(msg, hint=SHAPE_HINT) from exc
    return Fitted(pa.array(rows, kind), frozenset(odd))


class _Place(NamedTuple):
    """Where in a document a record is.

    Args:
        odd: Takes the paths of fields that do not fit.
        path: To the record, without numbers.
        where: The same, with them, as errors name it.
    """

    odd: set[tuple[str, ...]]
    path: tuple[str, ...] = ()
    where: str = ""

    def inner(self, name: str) -> "_Place":
        dot = f"{self.where}." if self.where else ""
        return _Place(self.odd, (*self.path, name), f"{dot}{name}")

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
        place.refuse("is no object")
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
            place.refuse("is no list")
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
        place.odd.add(place.path)
        return None
