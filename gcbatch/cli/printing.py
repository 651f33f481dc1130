"""What commands print: screens, JSON, errors."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import typer

from gcbatch.errors import GcbatchError
from gcbatch.plain import plain

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gcbatch.job import Job
    from gcbatch.tables.catalog import Catalog
    from gcbatch.tables.orgs import OrgsCatalog

__all__ = [
    "forget_reader",
    "print_json",
    "print_screen",
    "print_sla",
    "reader_may_go",
    "say_error",
]

WIDE: Final = 10_000
MOST_CHARS: Final = 4_000
"""Of one line of an error."""


def print_screen(screen: "RenderableType") -> None:
    """Print what rich lays out; as wide as it likes where no terminal shows it."""
    from rich.console import Console

    class OurConsole(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would end the program here, with code 1

    console = OurConsole()
    if not console.is_terminal:
        # A file has no edge to fit: nothing may be folded or cut, least of all paths.
        console = OurConsole(width=WIDE)
    console.print(screen)


def print_sla(
    job: "Job", catalog: "Catalog | OrgsCatalog", period: str = "total"
) -> None:
    """Print the service levels of a job, of one kind of period."""
    from gcbatch.sla_screens import sla_screen

    table, shape = catalog.table("sla", period=period), job.query.shape
    print_screen(sla_screen(table, period=period, per_offer=shape.per_offer))


def print_json(content: object) -> None:
    """Print plain data as JSON."""
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False))


def say_error(error: GcbatchError) -> None:
    """Print on standard error what is wrong, what is missing for it, and what to do."""
    org = f"{error.org}: " if error.org else ""
    for line in error.problem.split("\n"):
        typer.echo(f"error: {org}{plain(line, MOST_CHARS)}", err=True)
    if error.missing:
        typer.echo(f"missing: {plain(error.missing, MOST_CHARS)}", err=True)
    if error.hint:
        typer.echo(f"hint: {error.hint}", err=True)


@contextmanager
def reader_may_go() -> Iterator[None]:
    """Go on where whoever read our output has gone, as in `gcbatch schema | head`."""
    try:
        yield
    except BrokenPipeError:
        forget_reader()


def forget_reader() -> None:
    """Send to nobody what would still be printed, once its reader has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
