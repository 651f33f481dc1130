"""The command `sql`."""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gcbatch.cli.job_argument import exit_with_failures, load
from gcbatch.cli.options import From, JobFile, Sets, To
from gcbatch.cli.sql_format import Format, format_of
from gcbatch.errors import JobError

if TYPE_CHECKING:
    from gcbatch.job import Job
    from gcbatch.selecting import Statement

__all__ = ["sql"]

STDIN: Final = "-"
MAX_BYTES: Final = 16 << 20
"""Size of a file of SQL."""


def sql(
    job: JobFile,
    query: Annotated[
        str,
        typer.Argument(
            metavar="[QUERY]",
            help="A SELECT in DuckDB's SQL; - reads standard input. Without it, a "
            "terminal gets a prompt.",
        ),
    ] = "",
    *,
    start: From = "",
    end: To = "",
    settings: Sets = [],  # noqa: B006 - typer copies it
    file: Annotated[
        str, typer.Option("--file", "-f", help="Read the SQL from a file.")
    ] = "",
    form: Annotated[
        Format | None,
        typer.Option("--format", help="Default: table, or as the file's name ends."),
    ] = None,
    output: Annotated[
        str, typer.Option("--output", "-o", help="Write the rows to this file.")
    ] = "",
    rows: Annotated[
        int, typer.Option("--rows", min=1, help="Rows that a table on screen shows.")
    ] = 100,
    memory: Annotated[
        str, typer.Option("--memory", help="What a query may use, such as 4GB.")
    ] = "1GB",
    allow_files: Annotated[
        bool,
        typer.Option(
            "--allow-files",
            help="Let queries read and write files, use the network and do anything "
            "that DuckDB can.",
        ),
    ] = False,
) -> None:
    """Ask the tables of the last run in SQL, without any request."""
    if query and file:
        msg = "sql: QUERY and --file exclude each other"
        raise JobError(msg, hint="leave one of them out")
    chosen = format_of(form, output)
    loaded = load(job, start, end, settings)
    _refuse_own_files(output, job, loaded)
    from gcbatch.cli.interruptible import Interruptible
    from gcbatch.cli.sql_results import SqlResults
    from gcbatch.running import open_sql
    from gcbatch.selecting import Limits, Statements

    with Statements("sql") as reader:  # DuckDB is there, or said to be missing
        has_prompt = not query and not file and sys.stdin.isatty()
        given = [] if has_prompt else reader.read(_text(query, file), "query")
        if not has_prompt:
            _check(given, output)
        calls = Interruptible()
        limits = Limits(memory, allow_files)
        with open_sql(loaded, limits, stop=calls.stop) as tables:
            results = SqlResults(tables, chosen, output, rows)
            if has_prompt:
                from gcbatch.cli.sql_shell import SqlShell

                SqlShell(tables, results, reader, calls).run()
            for statement in given:
                calls.call(results.show, statement)
            failures = tables.failures
    exit_with_failures(failures.values())


def _refuse_own_files(output: str, path: Path, job: "Job") -> None:
    """Refuse to write over the job file, or into the store.

    Raises:
        JobError: If *output* is one of them.
    """
    from gcbatch.objects import is_object_url

    if not output or is_object_url(output):
        return
    target = Path(output).resolve()
    what = "the job file" if target == path.resolve() else ""
    store = str(job.fetch.store)
    if not is_object_url(store) and target.is_relative_to(Path(store).resolve()):
        what = "in the store"
    if what:
        msg = f"--output {output}: is {what}"
        raise JobError(msg, hint="write to another file")


def _check(statements: "list[Statement]", output: str) -> None:
    if not statements:
        msg = "query: is empty"
        raise JobError(msg, hint="write one SELECT")
    if output and len(statements) > 1:
        msg = f"query: has {len(statements)} statements, and --output takes one result"
        raise JobError(msg, hint="leave the others out")


def _text(query: str, file: str) -> str:
    """Return the SQL of an argument, a file or standard input.

    Raises:
        JobError: If it cannot be read.
    """
    if query and query != STDIN:
        return query
    name = file or STDIN
    what = "standard input" if name == STDIN else f"--file {name}"
    try:
        source = nullcontext(sys.stdin.buffer)
        with source if name == STDIN else Path(name).open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            msg = f"{what}: is longer than {MAX_BYTES:,} bytes"
            raise JobError(msg, hint="is it a file of SQL?")
        return content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        reason = getattr(exc, "strerror", None) or "not UTF-8"
        msg = f"{what}: cannot be read: {reason}"
        raise JobError(msg, hint="name a file of SQL, UTF-8") from exc
