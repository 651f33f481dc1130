"""The commands `store ls` and `store prune`."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from gcbatch.cli.job_argument import load
from gcbatch.cli.options import DEFAULT_STORE, AsJson, StoreOfJob, StorePlace
from gcbatch.cli.output import print_json, print_screen, say
from gcbatch.errors import GcbatchError, JobError

if TYPE_CHECKING:
    from gcbatch.store import StoreRoot

__all__ = ["store_app"]

T = TypeVar("T")

store_app = typer.Typer(
    help="List what is stored, and remove what is old.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@store_app.command(name="ls")
def list_store(
    names: Annotated[
        list[str],
        typer.Argument(metavar="JOB", help="Job files, or names; leave out for all."),
    ] = [],  # noqa: B006 - typer copies it
    *,
    place: StorePlace = DEFAULT_STORE,
    job: StoreOfJob = None,
    as_json: AsJson = False,
) -> None:
    """List jobs with their ranges, parts, sizes and last runs."""
    from gcbatch.store import list_store

    jobs = [
        found
        for root, of_root, file in _stores(names, place, job)
        for found in _within(file, partial(list_store, root, of_root))
    ]
    if as_json:
        print_json([job.to_json() for job in jobs])
        return
    from gcbatch.cli.screens.store import store_screen

    print_screen(store_screen(jobs))


@store_app.command(name="prune")
def prune_store(
    job_file: Annotated[
        Path | None,
        typer.Argument(metavar="JOB", help="A job file; leave out for all jobs."),
    ] = None,
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

    age, now = parse_age(older_than), datetime.now(UTC)
    named = [] if job_file is None else [str(job_file)]
    ((root, names, file),) = _stores(named, place, job)
    done = _within(
        file, partial(prune, root, age, now=now, dry_run=dry_run, names=names)
    )
    if as_json:
        print_json(done.to_json(dry_run=dry_run))
        return
    from gcbatch.cli.screens.store import pruned_line

    say(pruned_line(done, dry_run=dry_run))


def _stores(
    given: Sequence[str], place: str, job: Path | None
) -> "list[tuple[StoreRoot, list[str], str]]":
    """Return the stores that are asked for.

    Args:
        given: Names of jobs in the store, and job files.
        place: The folder or URL of the store.
        job: The job file of the store.

    Returns:
        For each store the names of the jobs that are asked for, none for all, and the
        job file that named it; empty if none did.

    Raises:
        JobError: If two arguments name a store, or a job file is not usable.
    """
    files = [one for one in given if _is_file(one)]
    if files and (job is not None or place != DEFAULT_STORE):
        option = "--store" if job is None else "--job"
        msg = f"{files[0]} and {option} both name a store"
        raise JobError(msg, hint="give one of them")
    stores: list[tuple[StoreRoot, list[str], str]] = []
    for file in files:
        loaded = load(Path(file), "", "", [])
        stores.append((loaded.open_store(), [loaded.name], file))
    if len(files) < len(given) or not given:
        names = [one for one in given if one not in files]
        stores.append((_opened(place, job), names, ""))
    return stores


def _is_file(given: str) -> bool:
    """Return whether an argument is a job file, and not the name of a job."""
    return given.lower().endswith((".yaml", ".yml")) or Path(given).is_file()


def _within(file: str, work: Callable[[], T]) -> T:
    """Return what *work* returns; its error names the job file, if there is one."""
    try:
        return work()
    except GcbatchError as exc:
        if not file:
            raise
        hint = "`gcbatch run JOB` stores what it fetches"
        is_new = isinstance(exc, JobError)
        raise exc.within(file, hint=hint if is_new else None) from exc


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
