"""The commands `store ls` and `store prune`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gcbatch.cli.job_argument import load
from gcbatch.cli.options import DEFAULT_STORE, AsJson, StoreOfJob, StorePlace
from gcbatch.cli.output import print_json, print_screen, say
from gcbatch.errors import JobError

if TYPE_CHECKING:
    from gcbatch.store import StoreRoot

__all__ = ["store_app"]

store_app = typer.Typer(
    help="List what is stored, and remove what is old.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@store_app.command(name="ls")
def list_store(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME", help="Names of jobs; leave out for all."),
    ] = [],  # noqa: B006 - typer copies it
    *,
    place: StorePlace = DEFAULT_STORE,
    job: StoreOfJob = None,
    as_json: AsJson = False,
) -> None:
    """List jobs with their ranges, parts, sizes and last runs."""
    from gcbatch.store import list_store

    jobs = list_store(_opened(place, job), names)
    if as_json:
        print_json([job.to_json() for job in jobs])
        return
    from gcbatch.cli.screens.store import store_screen

    print_screen(store_screen(jobs))


@store_app.command(name="prune")
def prune_store(
    *,
    older_than: Annotated[
        str,
        typer.Option("--older-than", help="Age of a window's end: 30d, 12w, 6mo, 1y."),
    ],
    place: StorePlace = DEFAULT_STORE,
    job: StoreOfJob = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be removed, and keep it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove old parts, and what interrupted runs left behind."""
    from datetime import UTC, datetime

    from gcbatch.store import parse_age, prune

    now = datetime.now(UTC)
    done = prune(_opened(place, job), parse_age(older_than), now=now, dry_run=dry_run)
    if as_json:
        print_json(done.to_json(dry_run=dry_run))
        return
    from gcbatch.cli.screens.store import pruned_line

    say(pruned_line(done, dry_run=dry_run))


def _opened(place: str, job: Path | None) -> "StoreRoot":
    """Return the store of a job file, or at a place.

    Raises:
        JobError: If both are given, or one is not usable.
    """
    from pydantic import TypeAdapter, ValidationError

    from gcbatch.exporting import OutputPath
    from gcbatch.store import open_root

    if job is not None:
        if place != DEFAULT_STORE:
            msg = "--store and --job both name a store"
            raise JobError(msg, hint="give one of them")
        return load(job, "", "", []).open_store()
    try:
        path = TypeAdapter(OutputPath).validate_python(place)
    except ValidationError as exc:
        msg = f"--store: {exc.errors()[0]['ctx']['error']}"
        raise JobError(msg, hint="write a folder, or s3://bucket/folder") from exc
    return open_root(path)
