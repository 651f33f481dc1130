"""The screens of exporters."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from gcbatch.cli.listed_exporters import ListedExporter
from gcbatch.cli.screens.grid import new_grid

__all__ = ["exporter_screen", "exporters_screen"]


def exporters_screen(found: Sequence[ListedExporter]) -> RenderableType:
    """Return a line for each exporter."""
    grid = new_grid("name", "API", "options", "distribution", "version", "state")
    for one in found:
        entry = one.entry
        grid.add_row(
            entry.name,
            _number(one.api_version),
            ", ".join(one.option_names),
            entry.distribution,
            entry.version,
            one.state,
        )
    return Group(grid, Text("`gcbatch exporters NAME` explains the options of one"))


def exporter_screen(one: ListedExporter) -> RenderableType:
    """Return what an exporter does, and each of its options."""
    grid = new_grid("key", "value", "default", "meaning")
    for row in one.option_rows:
        grid.add_row(*row)
    entry = one.entry
    owner = f"{entry.distribution} {entry.version}".strip()
    head = f"{entry.name}, API {_number(one.api_version)}"
    lines = [f"{head} ({owner})" if owner else head, f"state: {one.state}"]
    if one.about:
        lines += ["", *one.about.splitlines()]
    options: list[RenderableType] = [Text(""), grid] if one.options else []
    return Group(*map(Text, lines), *options)


def _number(version: int | None) -> str:
    return "-" if version is None else str(version)
