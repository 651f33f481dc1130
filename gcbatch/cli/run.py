"""The command `run`."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from gcbatch.cli.job_argument import load
from gcbatch.cli.logs import LogFormat, logging_to_stderr
from gcbatch.cli.options import (
    AsJson,
    From,
    JobFiles,
    LogAs,
    Refetch,
    Replace,
    Sets,
    To,
    Verbose,
)
from gcbatch.cli.output import print_json, print_screen, print_sla, say, say_error
from gcbatch.errors import DataError, GcbatchError, JobError
from gcbatch.text import one_line

if TYPE_CHECKING:
    from gcbatch.job import Job
    from gcbatch.running import RunReport

__all__ = ["run"]

BREACHED: Final = 7
"""Exit code for a missed target."""


def run(
    jobs: JobFiles,
    *,
    start: From = "",
    end: To = "",
    settings: Sets = [],  # noqa: B006 - typer copies it
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Fetch again what is stored already.")
    ] = False,
    refetch: Refetch = [],  # noqa: B006 - typer copies it
    replace: Replace = False,
    allow_partial: Annotated[
        bool,
        typer.Option(
            "--allow-partial",
            help="Continue if a query fails, export what there is, and exit with 5.",
        ),
    ] = False,
    fail_on_empty: Annotated[
        bool,
        typer.Option(
            "--fail-on-empty",
            help="Exit with 5 and replace nothing if the run, an org or a queue has "
            "no rows.",
        ),
    ] = False,
    fail_on_breach: Annotated[
        bool,
        typer.Option("--fail-on-breach", help="Exit with 7 if a target is missed."),
    ] = False,
    engine: Annotated[
        str, typer.Option("--engine", help="local, or dask to use workers.")
    ] = "",
    scheduler: Annotated[
        str, typer.Option("--scheduler", help="Address of a Dask cluster: tls://…")
    ] = "",
    workers: Annotated[
        str, typer.Option("--workers", help="Dask workers to start on this machine.")
    ] = "",
    as_json: AsJson = False,
    log_format: LogAs = LogFormat.TEXT,
    verbose: Verbose = False,
) -> None:
    """Fetch what is missing, and export all of it."""
    options = _engine_options(engine, scheduler, workers)
    outcomes = [_load(path, start, end, settings, options) for path in jobs]
    loaded = [outcome.job for outcome in outcomes if outcome.job]
    # Folders of some systems ignore case.
    count = Counter(job.name.lower() for job in loaded)
    if same := {job.name for job in loaded if count[job.name.lower()] > 1}:
        msg = f"two jobs are called {' and '.join(sorted(same))}"
        hint = "each job needs its own name, which is its folder in the store"
        raise JobError(msg, hint=hint)
    from gcbatch.cli.progress import observing
    from gcbatch.job import refuse_shared_outputs
    from gcbatch.running import RunReport, arun_all, blocking

    refuse_shared_outputs(loaded)

    lines = as_json or verbose or log_format is LogFormat.JSON
    with (
        logging_to_stderr(log_format, verbose=verbose),
        observing(lines=lines) as observer,
    ):
        results = blocking(
            arun_all(
                loaded,
                fresh=fresh,
                refetch=[*refetch],
                allow_partial=allow_partial,
                replace=replace,
                fail_on_empty=fail_on_empty,
                observer=observer,
            )
        )
    for outcome in outcomes:
        if outcome.job:
            outcome.result = results.pop(0)
    codes = [code for outcome in outcomes for code in outcome.exit_codes()]
    reports = {o.path: o.result for o in outcomes if isinstance(o.result, RunReport)}
    for path, report in reports.items():
        for gap in report.gaps:
            org = f"{gap.org}: " if gap.org else ""
            say(f"error: {path}: {org}missing {one_line(gap)}", err=True)
    missed = sum(report.breaches for report in reports.values())
    if fail_on_breach and missed:
        say(f"targets missed: {missed}", err=True)
        codes.append(BREACHED)
    if as_json:
        content = [outcome.to_json() for outcome in outcomes]
        print_json(content[0] if len(content) == 1 else content)
    for outcome in outcomes:
        outcome.say(named=len(outcomes) > 1, with_screen=not as_json)
    if codes:
        raise typer.Exit(max(codes))


@dataclass
class _Outcome:
    """The result of one job file; a bad file does not stop the others."""

    path: Path
    job: "Job | None" = None
    result: "RunReport | GcbatchError | None" = None

    def exit_codes(self) -> Iterator[int]:
        if isinstance(self.result, GcbatchError):
            yield self.result.exit_code
        elif self.result:
            yield from (error.exit_code for error in self.result.failures.values())
            if self.result.gaps:
                yield DataError.exit_code

    def to_json(self) -> dict[str, Any]:
        if isinstance(self.result, GcbatchError):
            name = self.job.name if self.job else str(self.path)
            return {"job": name, **self.result.to_json()}
        return self.result.to_json() if self.result else {}

    def say(self, *, named: bool, with_screen: bool) -> None:
        if isinstance(self.result, GcbatchError):
            if named:
                say(f"{self.job.name if self.job else self.path}:", err=True)
            say_error(self.result)
        elif self.result:
            if self.job and with_screen:
                from gcbatch.cli.screens.run import report_screen

                print_screen(report_screen(self.result, self.job.query.zone))
                if self.job.sla and self.result.catalog:
                    print_sla(self.job, self.result.catalog)
            for failure in self.result.failures.values():
                say_error(failure)


def _load(
    path: Path,
    start: str,
    end: str,
    settings: Sequence[str],
    engine: Mapping[str, str],
) -> _Outcome:
    try:
        return _Outcome(path, load(path, start, end, settings, engine))
    except GcbatchError as exc:
        return _Outcome(path, result=exc)


def _engine_options(engine: str, scheduler: str, workers: str) -> dict[str, str]:
    """Return the keys of the job file that the options of the engine replace."""
    given = {"name": engine, "scheduler": scheduler, "workers": workers}
    if (scheduler or workers) and not engine:
        given["name"] = "dask"
    return {f"engine.{key}": value for key, value in given.items() if value}
