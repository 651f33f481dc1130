"""The screen of the org's entities."""

from collections.abc import Sequence
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from gcbatch.cli.listed_entities import ListedEntity
from gcbatch.cli.screens.grid import new_grid
from gcbatch.text import one_line

__all__ = ["entities_screen"]

MAX_CHARS: Final = 4_000
"""Length of a name."""


def entities_screen(rows: Sequence[ListedEntity], label: str) -> RenderableType:
    """Return a line for each entity.

    A column that says nothing is left out: the org of a single one, and the states if
    all are active.

    Args:
        rows: The entities.
        label: What they are called.
    """
    if not rows:
        return Text(f"the org lists no {label}")
    ordered = sorted(rows, key=lambda row: (row.name.casefold(), row.name, row.org))
    columns = [("id", [row.id for row in ordered])]
    columns.append(("name", [one_line(row.name, MAX_CHARS) for row in ordered]))
    columns.append(("state", [_marked(row) for row in ordered]))
    columns.append(("org", [row.org for row in ordered]))
    shown = [(head, cells) for head, cells in columns if any(cells)]
    grid = new_grid(*(head for head, _ in shown), whole=True)
    grid.columns[0].no_wrap = True
    for cells in zip(*(cells for _, cells in shown), strict=True):
        grid.add_row(*cells)
    return grid


def _marked(row: ListedEntity) -> str:
    """Return the state if it is worth a word."""
    return "" if row.state == "active" else row.state
