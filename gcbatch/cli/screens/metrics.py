"""The screens of metrics and dimensions."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from gcbatch.cli.listed_metrics import Column, ListedEndpoint, Metric
from gcbatch.cli.screens.grid import new_grid
from gcbatch.text import pluralize

__all__ = ["endpoints_screen", "metrics_screen"]

HINTS = (
    "`gcbatch metrics ENDPOINT` lists its metrics, dimensions and columns",
    "`gcbatch metrics ENDPOINT WORD` finds one, `gcbatch metrics --all WORD` in all",
)


def endpoints_screen(found: Iterable[ListedEndpoint]) -> RenderableType:
    """Return a line for each endpoint."""
    grid = new_grid("endpoint", "metrics", "dimensions", right=(1, 2))
    for one in found:
        grid.add_row(one.name, f"{len(one.metrics)}", f"{len(one.dimensions)}")
    return Group(grid, *map(Text, HINTS))


def metrics_screen(found: Sequence[ListedEndpoint], word: str) -> RenderableType:
    """Return the metrics and dimensions of endpoints, with their columns.

    Args:
        found: The endpoints, with what is to be shown of them.
        word: What was searched. If it is empty, a metric is one line, with the common
            begin of its columns; else each column is a line, with its type and unit.
    """
    parts: list[RenderableType] = []
    for one in found:
        parts += [Text(""), *_endpoint_parts(one, word)]
    return Group(*parts[1:])


def _endpoint_parts(one: ListedEndpoint, word: str) -> Iterator[RenderableType]:
    counts = (
        pluralize(len(one.metrics), "metric"),
        pluralize(len(one.dimensions), "dimension"),
    )
    found = f" with {word!r}" if word else ""
    yield Text(f"{one.name}: {', '.join(counts)}{found}", style="bold")
    if not word:
        if one.other_names:
            yield Text(f"also as: {', '.join(one.other_names)}")
        if one.permission:
            yield Text(f"permission: {one.permission}")
    is_fixed = any(metric.kind == "fixed" for metric in one.metrics)
    if one.metrics:
        yield Text("")
        is_short = not (word or is_fixed)
        yield _metrics_grid(one.metrics) if is_short else _columns_grid(one.metrics)
    if one.dimensions:
        yield Text("")
        yield _dimensions_grid(one)
    if not word:
        yield from _notes(one)


def _metrics_grid(metrics: Iterable[Metric]) -> RenderableType:
    grid = new_grid("metric", "kind", "columns", whole=True)
    for metric in metrics:
        begin = _begin(metric)
        # The columns of a kind are the same in each of its metrics: see _notes.
        shown = begin if len(metric.columns) == 1 else f"{begin}_*"
        grid.add_row(metric.name, metric.kind, shown)
    return grid


def _columns_grid(metrics: Iterable[Metric]) -> RenderableType:
    grid = new_grid("metric", "kind", "column", "type", "unit", whole=True)
    for metric in metrics:
        for column in metric.columns:
            grid.add_row(
                metric.name, metric.kind, column.name, column.type, column.unit
            )
    return grid


def _dimensions_grid(one: ListedEndpoint) -> RenderableType:
    if any(dimension.filters for dimension in one.dimensions):
        grid = new_grid("dimension", "filters", whole=True)
        for dimension in one.dimensions:
            grid.add_row(dimension.name, ", ".join(dimension.filters))
        return grid
    grid = new_grid("dimension", "column", "name column", whole=True)
    for dimension in one.dimensions:
        grid.add_row(dimension.name, dimension.column, dimension.name_column)
    return grid


def _notes(one: ListedEndpoint) -> Iterator[RenderableType]:
    """Yield the endings of columns by kind, and the columns of every row."""
    by_kind = {m.kind: m for m in one.metrics if len(m.columns) > 1}
    lines = [
        f"{kind}: {', '.join(_endings(metric))}"
        for kind, metric in by_kind.items()
        if kind != "fixed"
    ]
    if one.other_columns:
        columns = ", ".join(map(_with_unit, one.other_columns))
        lines.append(f"and in every row: {columns}")
    if lines:
        yield Text("")
        yield from map(Text, lines)


def _endings(metric: Metric) -> Iterator[str]:
    begin = _begin(metric)
    for column in metric.columns:
        ending = column.name.removeprefix(begin)
        yield f"*{ending} ({column.unit})"


def _begin(metric: Metric) -> str:
    """Return the common begin of a metric's columns; the name of a single one."""
    first, *others = (column.name for column in metric.columns)
    while not all(name.startswith(f"{first}_") for name in others):
        first = first.rpartition("_")[0]
    return first


def _with_unit(column: Column) -> str:
    return f"{column.name} ({column.unit})" if column.unit else column.name
