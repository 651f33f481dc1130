"""The command `init`."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gcbatch.cli.output import say
from gcbatch.errors import GcbatchError, JobError, OutputError

if TYPE_CHECKING:
    from gcbatch.job import Job

__all__ = ["init"]

CREDENTIALS: Final = ("GENESYS_CLIENT_ID", "GENESYS_CLIENT_SECRET")
SOON: Final = "PT5S"
"""So long an address is tried that cannot be reached: someone waits for the answer."""

HOW_TO_SIGN_IN: Final = (
    "for its data, set GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET: an OAuth client of "
    "the type client credentials, whose role has "
    "analytics:conversationAggregate:view and routing:queue:view"
)


def init(
    path: Annotated[Path, typer.Argument(help="The new job file.")] = Path("job.yaml"),
    *,
    sample: Annotated[
        bool,
        typer.Option("--sample", help="A job on the simulator, which runs as it is."),
    ] = False,
    region: Annotated[
        str, typer.Option(help="Region of the org, or its address, as mypurecloud.ie.")
    ] = "",
    timezone: Annotated[
        str, typer.Option(help="Time zone of the days, such as Europe/Dublin.")
    ] = "",
    name: Annotated[str, typer.Option(help="Name of the job.")] = "",
    queues: Annotated[
        list[str],
        typer.Option("--queue", help="A queue to fetch; repeat it for several."),
    ] = [],  # noqa: B006 - typer copies it
) -> None:
    """Write a commented job file; a terminal is asked for region and time zone."""
    from gcbatch.cli.new_job import sample_text, starter_text

    _refuse_existing(path)
    if sample:
        if region or timezone or name or queues:
            msg = "--sample has its own region, time zone, name and queues"
            raise JobError(msg, hint="leave out --sample for a job on your own org")
        _write(path, sample_text())
        say(f"wrote {path}; next: gcbatch run {path}")
        return
    values = _values(region, timezone, name)
    text = starter_text(values, queues or _offered_queues(starter_text(values)))
    _check(text)
    _write(path, text)
    say(f"wrote {path}; next: gcbatch check {path}")
    if not all(map(os.environ.get, CREDENTIALS)):
        say(HOW_TO_SIGN_IN)


def _values(region: str, timezone: str, name: str) -> dict[str, str]:
    """Return the values of a new job: as options say, and on a terminal as answered."""
    from gcbatch.cli.new_job import read_region, read_zone
    from gcbatch.cli.questions import ask_region, ask_zone, is_terminal

    asks = is_terminal()
    values: dict[str, str] = {}
    if name:
        values["name"] = name
    if region:
        values["region"] = _of_option("--region", read_region, region)
    elif asks:
        values["region"] = ask_region()
    if timezone:
        values["timezone"] = _of_option("--timezone", read_zone, timezone)
    elif asks:
        values["timezone"] = ask_zone(os.environ)
    return values


def _of_option(option: str, read: Callable[[str], str], given: str) -> str:
    try:
        return read(given)
    except JobError as exc:
        raise exc.within(option) from exc


def _offered_queues(text: str) -> list[str]:
    """Return the queues that are chosen on a terminal; none means all.

    The org is asked for its queues only if the environment has credentials. If it does
    not answer, that is said, and all queues are taken.

    Args:
        text: The job as it is so far.
    """
    from gcbatch.cli.questions import is_terminal

    if not is_terminal() or not all(map(os.environ.get, CREDENTIALS)):
        return []
    from gcbatch.job import load_job

    say("asking your org for its queues ...")
    try:
        return _chosen_queues(load_job(text, settings={"fetch.give_up": SOON}))
    except GcbatchError as exc:
        say(f"the queues cannot be listed: {exc.problem}")
        return []


def _chosen_queues(job: "Job") -> list[str]:
    """Return the queues of the org of a job that are chosen on the terminal.

    Raises:
        GcbatchError: If they cannot be listed.
    """
    from gcbatch.cli.listed_entities import entities_of
    from gcbatch.cli.questions import ask_queues
    from gcbatch.running import list_table

    rows = entities_of(list_table(job, "queues"), "")
    names = sorted({one.name for one in rows if one.state != "deleted"})
    return ask_queues(names) if names else []


def _check(text: str) -> None:
    """Refuse options that do not make a job.

    Raises:
        JobError: If the job cannot be read; the message names the key.
    """
    from gcbatch.job import load_job

    load_job(text, environ=dict.fromkeys(CREDENTIALS, "here"))


def _refuse_existing(path: Path) -> None:
    """Refuse a path that is taken, before anything is asked.

    Raises:
        OutputError: If something is there.
    """
    if path.exists() or path.is_symlink():
        msg = f"{path}: exists already"
        raise OutputError(msg, hint="name another path")


def _write(path: Path, text: str) -> None:
    """Write a new file.

    Raises:
        OutputError: If it cannot be written, or is there already.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as exc:
        msg = f"{path}: cannot be written: {exc.strerror}"
        raise OutputError(msg, hint="name another path") from exc
