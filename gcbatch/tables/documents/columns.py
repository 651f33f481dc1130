"""The columns of tables of details: what they are called, and where they come from."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

import pyarrow as pa

from gcbatch.genesys import Field, FieldKind, Model, snake
from gcbatch.table import INSTANT
from gcbatch.tables.name_lookup import NAMED, name_field

__all__ = [
    "JSON",
    "Column",
    "ColumnSource",
    "Derived",
    "Extra",
    "FromField",
    "FromPart",
    "NameOf",
    "Ordinal",
    "below",
    "columns_of",
    "extra_column",
    "number_column",
    "projection",
]

JSON: Final = {"content": "json"}
"""Marks a column of texts that are JSON."""

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
"""As documents are read. Lists become JSON in the table; what is JSON already is not
read here, and can only be found to be absent."""

_ABOUT: Final = {
    "timeoutSeconds": {"unit": "s"},
    "value": {"description": "of times (t...) in milliseconds, else a count"},
}


@dataclass(frozen=True, slots=True)
class FromPart:
    """From a column of the part, `id` or `at`."""

    column: str


@dataclass(frozen=True, slots=True)
class FromField:
    """From a field of the record that a row is of, or of one that this belongs to.

    Args:
        level: Of that record; the document's is 0.
        way: To the field, such as `flow`, `flowId`.
        holds: What it holds.
    """

    level: int
    way: tuple[str, ...]
    holds: FieldKind


@dataclass(frozen=True, slots=True)
class Ordinal:
    """The number of a record of *level* in the one of *within*; the first is 1."""

    level: int
    within: int


@dataclass(frozen=True, slots=True)
class NameOf:
    """What the ids of another column are called.

    Args:
        ids: That column.
        dimension: What they are ids of.
    """

    ids: str
    dimension: str


@dataclass(frozen=True, slots=True)
class Extra:
    """Fields of the record that this release does not know."""


@dataclass(frozen=True, slots=True)
class Derived:
    """Computed from all of a document, under the column's name."""


ColumnSource = FromPart | FromField | Ordinal | NameOf | Extra | Derived


@dataclass(frozen=True, slots=True)
class Column:
    """A column, and where its values come from."""

    field: pa.Field
    source: ColumnSource


def below(root: Model, path: Iterable[str]) -> Model:
    """Return the model of the records at the end of *path*.

    Raises:
        KeyError: If there is no such field, or it holds no records.
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
    path: tuple[str, ...],
    only: Collection[str] | None = None,
    *,
    but: Collection[str] = (),
    named: bool = True,
) -> Iterator[Column]:
    """Yield columns for the fields of a record, names beside ids.

    A record within the record gives its fields, their names beginning with its own;
    lists of records are other tables'.

    Args:
        root: Model of a document.
        path: To the record, through lists.
        only: Fields to take, in this order; None is all.
        but: Fields not to take.
        named: Whether columns of ids have one for names beside them.
    """
    model = below(root, path)
    for name in only if only is not None else model.by_name:
        if name in but:
            continue
        for column in _columns(model.by_name[name], path, (name,), snake(name)):
            yield column
            if named and column.field.name in NAMED:
                called, dimension = NAMED[column.field.name]
                ids = column.field.name
                yield Column(name_field(called, ids), NameOf(ids, dimension))


def _columns(
    field: Field, path: tuple[str, ...], way: tuple[str, ...], name: str
) -> Iterator[Column]:
    if field.holds is FieldKind.MANY:
        return
    if field.model is not None:
        for inner in field.model.fields:
            own = snake(inner.name)
            own = own if own.startswith(f"{name}_") else f"{name}_{own}"
            yield from _columns(inner, path, (*way, inner.name), own)
        return
    about = {"source": ".".join((*path, *way)), **_ABOUT.get(field.name, {})}
    kind = _TYPES[field.holds]
    if pa.types.is_list(kind) or pa.types.is_null(kind):
        kind, about = pa.string(), {**about, **JSON}
    source = FromField(len(path), way, field.holds)
    yield Column(pa.field(name, kind, metadata=about), source)


def number_column(name: str, level: int, within: int, of: str) -> Column:
    """Return a column that numbers the records of a level.

    Args:
        name: Its own.
        level: Of the records.
        within: The level of the record in which they are counted.
        of: What that is, in words.
    """
    about = {"description": f"place in the {of}; the first is 1"}
    field = pa.field(name, pa.int64(), nullable=False, metadata=about)
    return Column(field, Ordinal(level, within))


def extra_column() -> Column:
    """Return the column of fields that this release does not know."""
    about = {**JSON, "description": "fields newer than this release; null: none"}
    return Column(pa.field("extra", pa.string(), metadata=about), Extra())


def projection(
    path: Iterable[str],
    columns: Iterable[Column],
    more: Iterable[pa.Field] = (),
    *,
    with_json: bool,
) -> pa.Schema:
    """Return what has to be read of a document.

    Args:
        path: From a document to the records that rows are of.
        columns: What is made of them.
        more: Fields of a document that are needed besides, none of them on the path.
        with_json: Whether to name fields that hold JSON; as null, which they have to
            be then.
    """
    steps = tuple(path)
    tree: dict[str, Any] = {}
    levels = [tree]
    for step in steps:
        levels.append(levels[-1].setdefault(step, {}))
    for column in columns:
        source = column.source
        if not isinstance(source, FromField):
            continue
        if source.holds is FieldKind.JSON and not with_json:
            continue
        *upper, last = source.way
        node = reduce(
            lambda at, name: at.setdefault(name, {}), upper, levels[source.level]
        )
        node[last] = _TYPES[source.holds]
    return pa.schema([*_fields(tree, steps), *more])


def _fields(tree: dict[str, Any], path: tuple[str, ...]) -> Iterator[pa.Field]:
    for name, held in tree.items():
        if not isinstance(held, dict):
            yield pa.field(name, held)
            continue
        is_list = path[:1] == (name,)
        inner = pa.struct(list(_fields(held, path[1:] if is_list else ())))
        yield pa.field(name, pa.list_(inner) if is_list else inner)
