"""The commands `store ls` and `store prune`."""

from typing import Annotated

import typer

from gcbatch.cli.options import DEFAULT_STORE, AsJson, StoreFolder
from gcbatch.cli.output import print_json, print_screen, say

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
    folder: StoreFolder = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """List jobs with their ranges, parts, sizes and last runs."""
    from gcbatch.store import list_store

    jobs = list_store(folder, names)
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
    folder: StoreFolder = DEFAULT_STORE,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be removed, and keep it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove old parts, and what interrupted runs left behind."""
    from datetime import UTC, datetime

    from gcbatch.store import parse_age, prune

    now = datetime.now(UTC)
    done = prune(folder, parse_age(older_than), now=now, dry_run=dry_run)
    if as_json:
        print_json(done.to_json(dry_run=dry_run))
        return
    from gcbatch.cli.screens.store import pruned_line

    say(pruned_line(done, dry_run=dry_run))
