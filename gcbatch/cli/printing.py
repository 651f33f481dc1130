"""What commands print: screens, JSON, errors."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import typer

from gcbatch.errors import GcbatchError
from gcbatch.plain import plain, plain_json, visible

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gcbatch.tables.catalog import Catalog
    from gcbatch.tables.orgs import OrgsCatalog

__all__ = [
    "forget_reader",
    "print_json",
    "print_screen",
    "print_sla",
    "reader_may_go",
    "say",
    "say_error",
]

WIDE: Final = 10_000
MOST_CHARS: Final = 4_000
"""Of one line of an error."""


def print_screen(screen: "RenderableType") -> None:
    """Print what rich lays out; as wide as it likes where no terminal shows it.

    Names are text: brackets in them are no markup, `:bell:` is no picture, and no
    control character gets through.
    """
    from rich.console import Console, ConsoleOptions
    from rich.segment import Segment

    class OurConsole(Console):
        def render(
            self, renderable: "RenderableType", options: ConsoleOptions | None = None
        ) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                text, style, control = segment
                lines = "\n".join(map(visible, text.split("\n")))
                yield segment if control else Segment(lines, style)

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would end the program here, with code 1

    console = OurConsole(markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        # A file has no edge to fit: nothing may be folded or cut, least of all paths.
        console.width = WIDE
    console.print(screen)


def print_sla(catalog: "Catalog | OrgsCatalog", period: str = "total") -> None:
    """Print the service levels of a job, of one kind of period."""
    from gcbatch.sla_screens import sla_screen

    print_screen(sla_screen(catalog.table("sla", period=period), period=period))


def print_json(content: object, default: Callable[[Any], str] | None = None) -> None:
    """Print plain data as JSON; see plain_json."""
    typer.echo(plain_json(content, indent=2, default=default))


def say(line: str, *, err: bool = False) -> None:
    """Print one line, whatever stands in it.

    Args:
        line: Without its end.
        err: Whether it goes to standard error.
    """
    typer.echo(plain(line, MOST_CHARS), err=err)


def say_error(error: GcbatchError) -> None:
    """Print on standard error what is wrong, what is missing for it, and what to do."""
    org = f"{error.org}: " if error.org else ""
    for line in error.problem.split("\n"):
        say(f"error: {org}{line}", err=True)
    if error.missing:
        say(f"missing: {error.missing}", err=True)
    if error.hint:
        say(f"hint: {error.hint}", err=True)


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
