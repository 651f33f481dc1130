"""The screens of tables and their columns."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter

from rich.console import Group, RenderableType
from rich.text import Text

from gcbatch.cli.listed_tables import ListedColumn, ListedTable
from gcbatch.cli.screens.grid import new_grid

__all__ = ["table_screen", "tables_screen"]

HINT = "`gcbatch tables NAME` lists the columns of one"


def tables_screen(found: Sequence[ListedTable]) -> RenderableType:
    """Return the tables in groups, a line for each with its rows and its key.

    Requests and permission are in the heading of a group if all its tables share them.
    """
    width = max(len(one.name) for one in found)
    parts: list[RenderableType] = []
    for group, members in groupby(found, attrgetter("group")):
        tables = list(members)
        costs = {_costs(one) for one in tables}
        is_shared = len(costs) == 1
        parts.append(Text(f"of {group}", style="bold"))
        parts += map(Text, costs if is_shared else ())
        grid = new_grid("", "", whole=True)
        grid.show_header = False
        grid.columns[0].min_width = width
        for one in tables:
            facts = [_rows(one), f"key: {', '.join(one.key)}"]
            facts += [] if is_shared else [_costs(one)]
            grid.add_row(one.name, "; ".join(filter(None, facts)))
        parts += [grid, Text("")]
    return Group(*parts, Text(HINT))


def table_screen(found: Sequence[ListedTable]) -> RenderableType:
    """Return the columns of tables of one name, each with what is known of it."""
    parts: list[RenderableType] = []
    for one in found:
        parts += [Text(""), *_parts_of(one)]
    return Group(*parts[1:])


def _parts_of(one: ListedTable) -> Iterator[RenderableType]:
    yield Text(": ".join(filter(None, (one.name, _rows(one)))), style="bold")
    yield Text(f"of: {one.group}")
    yield Text(f"key: {', '.join(one.key)}")
    if one.requests:
        yield Text(f"requests: {one.requests}")
    if one.permission:
        yield Text(f"permission: {one.permission}")
    if one.remark:
        yield Text(f"note: {one.remark}")
    yield Text("")
    yield _columns_grid(one)


def _columns_grid(one: ListedTable) -> RenderableType:
    """Return a line for each column; names are never divided."""
    has_units = any(column.unit for column in one.columns)
    headings = ("column", "type", *(["unit"] if has_units else []), "meaning")
    grid = new_grid(*headings, whole=True)
    for shown in grid.columns[:-1]:
        shown.no_wrap = True
    for column in one.columns:
        unit = [column.unit] if has_units else []
        grid.add_row(column.name, _type(column), *unit, _meaning(column))
    return grid


def _type(column: ListedColumn) -> str:
    """Return the type; that all instants are UTC is in it in fewer letters."""
    return column.type.replace("timestamp[ms, tz=UTC]", "timestamp UTC")


def _meaning(column: ListedColumn) -> str:
    """Return what a column is, and the field that it comes from."""
    source = f"from {column.source}" if column.source else ""
    return "; ".join(filter(None, (column.description, source)))


def _rows(one: ListedTable) -> str:
    """Return what a row is, unless the name says the same."""
    return "" if one.rows == one.name.replace("_", " ") else one.rows


def _costs(one: ListedTable) -> str:
    """Return what a table costs and needs, in one line."""
    parts = []
    if one.requests:
        parts.append(f"requests: {one.requests}")
    if one.permission:
        parts.append(f"permission: {one.permission}")
    return "; ".join(parts)
