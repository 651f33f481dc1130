"""What `gcbatch metrics` says of an endpoint: its metrics, dimensions and columns."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gcbatch.cli.any_job import any_job
from gcbatch.errors import JobError
from gcbatch.genesys import (
    DETAILS,
    FAMILIES,
    Details,
    Family,
    FetchMode,
    details_named,
    family_named,
    kind_of,
    shape_named,
    snake,
)
from gcbatch.registry import ENDPOINTS, module_names
from gcbatch.running import declared_tables
from gcbatch.suggest import nearest, unknown

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = [
    "Column",
    "Dimension",
    "ListedEndpoint",
    "Metric",
    "all_endpoints",
    "find_endpoint",
    "matching",
]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table `intervals`.

    Args:
        name: Its name.
        type: Its type, as Arrow writes it.
        unit: The unit of its values; empty if they have none.
    """

    name: str
    type: str
    unit: str = ""

    @classmethod
    def of(cls, field: pa.Field) -> "Column":
        """Return the column that a table declares."""
        return cls(field.name, str(field.type), _said(field, b"unit"))

    def to_json(self) -> dict[str, str]:
        """Return it as plain data."""
        return {"name": self.name, "type": self.type, "unit": self.unit}


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric, in the API's words.

    Args:
        name: The name in job files.
        kind: `count`, `time`, `ratio`, `gauge`, `number` or `score`; `fixed` where a
            job cannot choose.
        columns: A column for each of its statistics.
    """

    name: str
    kind: str
    columns: tuple[Column, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """All names that it is found by."""
        return (self.name, *(column.name for column in self.columns))

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        columns = [column.to_json() for column in self.columns]
        return {"name": self.name, "kind": self.kind, "columns": columns}


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension, in the API's words.

    Args:
        name: The name in job files.
        column: The column that it becomes; empty if it only filters.
        name_column: The column of the names of its ids; empty if it has none.
        filters: The filters of details that take it; empty for aggregates.
    """

    name: str
    column: str = ""
    name_column: str = ""
    filters: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """All names that it is found by."""
        return tuple(filter(None, (self.name, self.column, self.name_column)))

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "name": self.name,
            "column": self.column or None,
            "name_column": self.name_column or None,
            "filters": list(self.filters),
        }


@dataclass(frozen=True, slots=True)
class ListedEndpoint:
    """An endpoint as it is listed.

    Args:
        name: The name in job files.
        other_names: The names that fetch the same in another mode.
        permission: What a role needs for it; empty if that is not known.
        metrics: Its metrics.
        dimensions: Its dimensions.
        other_columns: The columns of each row that are neither.
    """

    name: str
    other_names: tuple[str, ...]
    permission: str
    metrics: tuple[Metric, ...] = ()
    dimensions: tuple[Dimension, ...] = ()
    other_columns: tuple[Column, ...] = ()

    @property
    def words(self) -> "Iterator[str]":
        """All names of metrics, dimensions and their columns."""
        for metric in self.metrics:
            yield from metric.words
        for dimension in self.dimensions:
            yield from dimension.words

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "endpoint": self.name,
            "other_names": list(self.other_names),
            "permission": self.permission or None,
            "metrics": [metric.to_json() for metric in self.metrics],
            "dimensions": [dimension.to_json() for dimension in self.dimensions],
            "other_columns": [column.to_json() for column in self.other_columns],
        }


def all_endpoints() -> tuple[ListedEndpoint, ...]:
    """Return every endpoint of job files; the modes of one are one."""
    return (
        *map(_of_family, FAMILIES),
        *map(_of_details, DETAILS),
        *map(_of_fixed, _fixed_names()),
    )


def find_endpoint(name: str) -> ListedEndpoint:
    """Return the endpoint that a job file calls *name*, in any of its modes.

    Raises:
        JobError: If there is none; names the nearest.
    """
    if name in _fixed_names():
        return _of_fixed(name)
    if found := details_named(name):
        return _of_details(found[0])
    family = family_named(name)
    if family and (family.has_jobs or not name.endswith("-jobs")):
        return _of_family(family)
    every = all_endpoints()
    known = [one.name for one in every] + [n for one in every for n in one.other_names]
    msg = f"metrics: {unknown('endpoint', name, known)}"
    hint = f"`gcbatch metrics` lists them; `gcbatch metrics --all {name}` searches all"
    raise JobError(msg, hint=hint)


def matching(
    endpoints: "Collection[ListedEndpoint]", word: str
) -> tuple[ListedEndpoint, ...]:
    """Return the endpoints that have a name with *word* in it, with these names alone.

    Args:
        endpoints: The endpoints to search.
        word: A part of the name of a metric, a dimension or a column; case does not
            matter.

    Raises:
        JobError: If none has; names the nearest.
    """
    found = tuple(
        replace(one, metrics=metrics, dimensions=dimensions, other_columns=())
        for one in endpoints
        for metrics in [tuple(m for m in one.metrics if _has(m.words, word))]
        for dimensions in [tuple(d for d in one.dimensions if _has(d.words, word))]
        if metrics or dimensions
    )
    if found:
        return found
    where = next(iter(endpoints)).name if len(endpoints) == 1 else "any endpoint"
    msg = f"metrics: no metric, dimension or column of {where} has {word!r} in its name"
    near = nearest(word, [word for one in endpoints for word in one.words])
    if near:
        hint = f"the nearest: {', '.join(near)}"
    elif len(endpoints) == 1:
        hint = f"`gcbatch metrics {where}` lists all, `--all` searches every endpoint"
    else:
        hint = "`gcbatch metrics ENDPOINT` lists all of an endpoint"
    raise JobError(msg, hint=hint)


def _has(words: "Collection[str]", word: str) -> bool:
    return any(word.lower() in name.lower() for name in words)


def _fixed_names() -> list[str]:
    return [name.replace("_", "-") for name in module_names(ENDPOINTS)]


def _of_family(family: Family) -> ListedEndpoint:
    by_metric: dict[str, list[Column]] = {}
    schema = _declared(
        family.endpoint, group_by=family.dimensions, metrics=family.metrics
    )
    for field in schema:
        metric = _said(field, b"source").partition(".")[0]
        by_metric.setdefault(metric, []).append(Column.of(field))
    metrics = tuple(
        Metric(name, kind_of(name).name, tuple(by_metric[name]))
        for name in family.metrics
    )
    return _with_columns(
        ListedEndpoint(
            family.endpoint,
            (family.jobs_endpoint,) if family.has_jobs else (),
            family.permission,
            metrics,
            tuple(_dimension(name, schema) for name in family.dimensions),
        ),
        schema,
    )


def _of_fixed(name: str) -> ListedEndpoint:
    groups = tuple(shape_named(name).groups)
    schema = _declared(name, group_by=groups)
    by_metric: dict[str, list[Column]] = {}
    for field in schema:
        if source := _said(field, b"source"):
            by_metric.setdefault(source.partition(".")[0], []).append(Column.of(field))
    return _with_columns(
        ListedEndpoint(
            name,
            (),
            "",
            tuple(Metric(m, "fixed", tuple(by_metric[m])) for m in by_metric),
            tuple(_dimension(group, schema) for group in groups or ("queueId",)),
        ),
        schema,
    )


def _of_details(details: Details) -> ListedEndpoint:
    filters: dict[str, list[str]] = {}
    for kind, names in details.filters.items():
        for name in names:
            filters.setdefault(name, []).append(kind)
    return ListedEndpoint(
        details.name,
        tuple(details.in_mode(m) for m in FetchMode if m is not FetchMode.QUERY),
        details.permission,
        dimensions=tuple(
            Dimension(name, filters=tuple(filters[name])) for name in sorted(filters)
        ),
    )


def _declared(endpoint: str, **query: Any) -> pa.Schema:
    """Return the columns of the table `intervals` of a job that asks for all."""
    return declared_tables(any_job(endpoint, **query)).table("intervals").schema


def _dimension(name: str, schema: pa.Schema) -> Dimension:
    column = snake(name)
    named = (field.name for field in schema if _is_name_of(field, column))
    return Dimension(name, column, next(named, ""))


def _is_name_of(field: pa.Field, column: str) -> bool:
    """Return whether a column has the names of another one.

    Endpoints with fixed figures have the queue's name in their answers, and declare
    its column without a description.
    """
    if field.metadata is None:
        return bool(field.name == f"{column.removesuffix('_id')}_name")
    return _said(field, b"description") == f"name of {column}"


def _with_columns(listed: ListedEndpoint, schema: pa.Schema) -> ListedEndpoint:
    """Add the columns that no metric or dimension has."""
    known = set(listed.words)
    others = tuple(Column.of(field) for field in schema if field.name not in known)
    return replace(listed, other_columns=others)


def _said(field: pa.Field, key: bytes) -> str:
    metadata: dict[bytes, bytes] = field.metadata or {}
    return metadata.get(key, b"").decode()
