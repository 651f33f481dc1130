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
MAX_CHARS: Final = 4_000
"""Length of one line of an error."""


def print_screen(screen: "RenderableType") -> None:
    """Print a screen; without a terminal, lines have any length.

    Names are plain text: brackets in them are not markup, `:bell:` is not an emoji, and
    control characters are replaced.
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
        # In a file nothing may be folded or cut, least of all paths.
        console.width = WIDE
    console.print(screen)


def print_sla(
    job: "Job", catalog: "Catalog | MultiOrgCatalog", period: str = "total"
) -> None:
    """Print the service levels of a job by period."""
    from gcbatch.cli.screens.sla import sla_screen

    table, shape = catalog.table("sla", period=period), job.query.shape
    print_screen(sla_screen(table, period=period, per_offer=shape.per_offer))


def print_json(content: object, default: Callable[[Any], str] | None = None) -> None:
    """Print plain data as JSON; characters that the encoding lacks are escaped.

    Args:
        content: The data.
        default: Returns text for values that are not plain data.
    """
    text = plain_json(content, indent=2, default=default)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        text = plain_json(content, indent=2, default=default, only_ascii=True)
    print_text(text)


def say(line: str, *, err: bool = False) -> None:
    """Print text as one line."""
    print_text(one_line(line, MAX_CHARS), err=err)


def print_text(text: str, *, err: bool = False) -> None:
    """Print our own lines as they are, at once."""
    # Not typer.echo, which writes UTF-8 even if the encoding is ASCII.
    print(text, file=sys.stderr if err else sys.stdout, flush=True)


def say_error(error: GcbatchError) -> None:
    """Print on standard error what is wrong, what is missing, and what to do."""
    org = f"{error.org}: " if error.org else ""
    for line in error.problem.split("\n"):
        say(f"error: {org}{line}", err=True)
    if error.missing:
        say(f"missing: {error.missing}", err=True)
    if error.hint:
        say(f"hint: {error.hint}", err=True)
