"""Asks on a terminal what a new job needs to know of an org."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

from gcbatch.cli.new_job import read_region, read_zone
from gcbatch.cli.output import print_text, say
from gcbatch.errors import GcbatchError, JobError
from gcbatch.text import one_line

__all__ = ["ask_queues", "ask_region", "ask_zone", "is_terminal"]

T = TypeVar("T")

MAX_SHOWN: Final = 40
"""Queues of an org that are shown; more do not fit on a screen."""

REGION: Final = "eu-west-1"


def is_terminal() -> bool:
    """Return whether someone can be asked: both ends are a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def ask_region() -> str:
    """Return the region of the org."""
    print_text("Where is your org? Its region, or the address in your browser.")
    return _ask("region", REGION, read_region)


def ask_zone(environ: Mapping[str, str]) -> str:
    """Return the time zone of the days that are counted.

    Args:
        environ: The environment, whose TZ names the zone of this machine.
    """
    print_text("Which time zone do your days begin in? Such as Europe/Dublin.")
    return _ask("time zone", _zone_of_machine(environ), read_zone)


def ask_queues(names: Sequence[str]) -> list[str]:
    """Return those of the org's queues that are wanted; none means all."""
    print_text(f"Your org has {len(names)} queues:")
    for number, name in enumerate(names[:MAX_SHOWN], start=1):
        print_text(f"{number:4}  {one_line(name)}")
    if len(names) > MAX_SHOWN:
        print_text(f"      and {len(names) - MAX_SHOWN} more")
    print_text("Which ones? Numbers or names, with commas between; empty for all.")

    def read(answer: str) -> list[str]:
        given = [part.strip() for part in answer.split(",")]
        return list(dict.fromkeys(_queue(one, names) for one in given if one))

    return _ask("queues", "", read)


def _queue(answer: str, names: Sequence[str]) -> str:
    """Return the queue that is meant by a number or a name.

    Raises:
        JobError: If there is none.
    """
    from gcbatch.suggest import unknown

    same = [name for name in names if name.casefold() == answer.casefold()]
    if not same and answer.isdecimal() and 0 < int(answer) <= len(names):
        same = [names[int(answer) - 1]]
    if not same:
        raise JobError(unknown("queue", answer, names))
    return same[0]


def _ask(what: str, default: str, read: Callable[[str], T]) -> T:
    """Ask until the answer can be read; the end of input means the default."""
    prompt = f"{what} [{default}]: " if default else f"{what}: "
    while True:
        try:
            answer = input(prompt).strip()
        except EOFError:
            print_text("")
            return read(default)
        try:
            return read(answer or default)
        except GcbatchError as exc:
            say(exc.problem)


def _zone_of_machine(environ: Mapping[str, str]) -> str:
    """Return the time zone of this machine; UTC if it does not say."""
    from gcbatch.job import is_zone

    linked = str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2]
    for name in (environ.get("TZ", ""), linked):
        if is_zone(name):
            return name
    return "UTC"
