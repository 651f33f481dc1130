"""What commands print: screens, JSON, errors."""

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from gcbatch.errors import GcbatchError
from gcbatch.text import one_line, plain_json, visible

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gcbatch.job import Job
    from gcbatch.tables import Catalog, MultiOrgCatalog

__all__ = [
    "print_json",
    "print_screen",
    "print_sla",
    "print_text",
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

    console = OurConsole(markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        # A file has no edge to fit: nothing may be folded or cut, least of all paths.
        console.width = WIDE
    console.print(screen)


def print_sla(
    job: "Job", catalog: "Catalog | MultiOrgCatalog", period: str = "total"
) -> None:
    """Print the service levels of a job, of one kind of period."""
    from gcbatch.cli.screens.sla import sla_screen

    table, shape = catalog.table("sla", period=period), job.query.shape
    print_screen(sla_screen(table, period=period, per_offer=shape.per_offer))


def print_json(content: object, default: Callable[[Any], str] | None = None) -> None:
    """Print plain data as JSON; escaped where the encoding lacks a character of it.

    Args:
        content: What to print.
        default: Makes text of what is no plain data.
    """
    text = plain_json(content, indent=2, default=default)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        text = plain_json(content, indent=2, default=default, only_ascii=True)
    print_text(text)


def say(line: str, *, err: bool = False) -> None:
    """Print one line, whatever stands in it.

    Args:
        line: Without its end.
        err: Whether it goes to standard error.
    """
    print_text(one_line(line, MOST_CHARS), err=err)


def print_text(text: str, *, err: bool = False) -> None:
    """Print lines of our own as they are, at once.

    Args:
        text: The lines, without the end of the last.
        err: Whether they go to standard error.
    """
    # Not typer.echo, which writes UTF-8 where the encoding is ASCII.
    print(text, file=sys.stderr if err else sys.stdout, flush=True)


def say_error(error: GcbatchError) -> None:
    """Print on standard error what is wrong, what is missing for it, and what to do."""
    org = f"{error.org}: " if error.org else ""
    for line in error.problem.split("\n"):
        say(f"error: {org}{line}", err=True)
    if error.missing:
        say(f"missing: {error.missing}", err=True)
    if error.hint:
        say(f"hint: {error.hint}", err=True)
