"""The columns of tables of details: their names, types and sources."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from gcbatch.genesys import Field, FieldKind, Model, snake
from gcbatch.table import INSTANT
from gcbatch.tables.name_lookup import NAMED, name_field

__all__ = [
    "JSON",
    "WHOLE",
    "Column",
    "ColumnSource",
    "Derived",
    "Extra",
    "FieldPath",
    "FromField",
    "FromPart",
    "NameOf",
    "Ordinal",
    "columns_of",
    "extra_column",
    "model_at",
    "ordinal_column",
    "type_of",
]

FieldPath = tuple[str, ...]
"""Names of fields in the API's words, from a record or document downwards."""

JSON: Final = {"content": "json"}
"""Metadata of a column of texts that are JSON."""

_TYPES: Final = {
    FieldKind.TEXT: pa.string(),
    FieldKind.TIME: INSTANT,
    FieldKind.FLAG: pa.bool_(),
    FieldKind.WHOLE: pa.int64(),
    FieldKind.NUMBER: pa.float64(),
    FieldKind.TEXTS: pa.list_(pa.string()),
    FieldKind.WHOLES: pa.list_(pa.int64()),
    FieldKind.JSON: pa.null(),
}
"""Types in which fields are read. Lists become JSON in the table. A field that holds
JSON is not read here: type null only allows that it is missing."""

_ABOUT: Final = {
    "timeoutSeconds": {"unit": "s"},
    "value": {"description": "of times (t...) in milliseconds, else a count"},
}


@dataclass(frozen=True, slots=True)
class FromPart:
    """From a column of the part: `id`, `at` or `document`."""

    column: str


WHOLE: Final = FromPart("document")
"""The document, as it was sent."""


@dataclass(frozen=True, slots=True)
class FromField:
    """From a field of the row's record, or of a record that owns it.

    Args:
        level: The level of that record; the document's is 0.
        path: From the record to the field, such as `flow`, `flowId`.
        holds: What it holds.
    """

    level: int
    path: FieldPath
    holds: FieldKind


@dataclass(frozen=True, slots=True)
class Ordinal:
    """The number of a record of *level* in its owner in *within*; the first is 1."""

    level: int
    within: int


@dataclass(frozen=True, slots=True)
class NameOf:
    """The names of the ids in another column.

    Args:
        ids: That column.
        dimension: The dimension of the ids.
    """

    ids: str
    dimension: str


@dataclass(frozen=True, slots=True)
class Extra:
    """All of the record that has no column of its own."""


@dataclass(frozen=True, slots=True)
class Derived:
    """Computed from the whole document, under the column's name."""


ColumnSource = FromPart | FromField | Ordinal | NameOf | Extra | Derived


@dataclass(frozen=True, slots=True)
class Column:
    """A column, and where its values come from."""

    field: pa.Field
    source: ColumnSource


def type_of(holds: FieldKind) -> pa.DataType:
    """Return the type in which a field is read."""
    return _TYPES[holds]


def model_at(root: Model, path: Iterable[str]) -> Model:
    """Return the model of the records at the end of *path*.

    Raises:
        KeyError: If there is no such field, or it does not hold records.
    """
    model = root
    for name in path:
        inner = model.by_name[name].model
        if inner is None:
            raise KeyError(name)
        model = inner
    return model


def columns_of(
    root: Model,
    path: FieldPath,
    only: Collection[str] | None = None,
    *,
    without: Collection[str] = (),
    named: bool = True,
) -> Iterator[Column]:
    """Yield columns for the fields of a record, names beside ids.

    A record within the record has a column for each of its fields, whose name begins
    with the record's. Lists of records have tables of their own.

    Args:
        root: Model of a document.
        path: From a document to the record, through lists.
        only: Fields to take, in this order; None is all.
        without: Fields to leave out.
        named: Whether a column of names follows each column of ids whose names the
            record does not have itself.
    """
    model = model_at(root, path)
    taken = only if only is not None else model.by_name
    columns = [
        column
        for name in taken
        if name not in without
        for column in _columns(model.by_name[name], path, (name,), snake(name))
    ]
    own = {column.field.name for column in columns}
    for column in columns:
        yield column
        ids = column.field.name
        names, dimension = NAMED.get(ids, ("", ""))
        if named and names and names not in own:
            yield Column(name_field(names, ids), NameOf(ids, dimension))


def _columns(
    field: Field, path: FieldPath, field_path: FieldPath, name: str
) -> Iterator[Column]:
    if field.holds is FieldKind.MANY:
        return
    if field.model is not None:
        for inner in field.model.fields:
            own = snake(inner.name)
            own = own if own.startswith(f"{name}_") else f"{name}_{own}"
            yield from _columns(inner, path, (*field_path, inner.name), own)
        return
    about = {"source": ".".join((*path, *field_path)), **_ABOUT.get(field.name, {})}
    kind = _TYPES[field.holds]
    if pa.types.is_list(kind) or pa.types.is_null(kind):
        kind, about = pa.string(), {**about, **JSON}
    source = FromField(len(path), field_path, field.holds)
    yield Column(pa.field(name, kind, metadata=about), source)


def ordinal_column(name: str, *, level: int, within: int, owner: str) -> Column:
    """Return a column that numbers the records of a level.

    Args:
        name: The column's.
        level: The level of the records.
        within: The level of the owner in which they are counted.
        owner: What the owner is, in words.
    """
    about = {"description": f"place in the {owner}; the first is 1"}
    field = pa.field(name, pa.int64(), nullable=False, metadata=about)
    return Column(field, Ordinal(level, within))


def extra_column() -> Column:
    """Return the column of all that has no column of its own."""
    about = {**JSON, "description": "fields newer than this release; null: none"}
    return Column(pa.field("extra", pa.string(), metadata=about), Extra())
