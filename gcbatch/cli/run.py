"""`gcbatch run`."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Self

import typer

from gcbatch.cli.job_argument import load
from gcbatch.cli.logs import LogFormat, logging_to_stderr
from gcbatch.cli.options import AsJson, From, JobFiles, LogAs, Sets, To, Verbose
from gcbatch.cli.output import print_json, print_screen, print_sla, say, say_error
from gcbatch.errors import DataError, GcbatchError, JobError
from gcbatch.text import one_line

if TYPE_CHECKING:
    from gcbatch.job import Job
    from gcbatch.running import RunReport

__all__ = ["run"]

BREACHED: Final = 7


def run(
    jobs: JobFiles,
    *,
    start: From = "",
    end: To = "",
    settings: Sets = [],  # noqa: B006 - typer copies it
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Fetch again what is stored already.")
    ] = False,
    allow_partial: Annotated[
        bool,
        typer.Option(
            "--allow-partial",
            help="Go on where a query fails, export what there is, and exit 5.",
        ),
    ] = False,
    fail_on_breach: Annotated[
        bool,
        typer.Option("--fail-on-breach", help="Exit 7 if a target is missed."),
    ] = False,
    engine: Annotated[
        str, typer.Option("--engine", help="local, or dask: spread over workers.")
    ] = "",
    scheduler: Annotated[
        str, typer.Option("--scheduler", help="Of a standing Dask cluster: tls://…")
    ] = "",
    workers: Annotated[
        str, typer.Option("--workers", help="Processes of this machine, with dask.")
    ] = "",
    as_json: AsJson = False,
    log_format: LogAs = LogFormat.TEXT,
    verbose: Verbose = False,
) -> None:
    """Fetch what is missing, and export all of it."""
    settings = [*settings, *_engine_settings(engine, scheduler, workers)]
    outcomes = [_Outcome.of(path, start, end, settings) for path in jobs]
    loaded = [outcome.job for outcome in outcomes if outcome.job]
    # Some systems' folders ignore case.
    count = Counter(job.name.lower() for job in loaded)
    if twice := {job.name for job in loaded if count[job.name.lower()] > 1}:
        msg = f"two jobs are called {' and '.join(sorted(twice))}"
        raise JobError(
            msg, hint="the name is a job's folder in the store; tell them apart"
        )
    from gcbatch.cli.progress import observing
    from gcbatch.job import refuse_shared_outputs
    from gcbatch.running import arun_all, blocking

    refuse_shared_outputs(loaded)

    lines = as_json or verbose or log_format is LogFormat.JSON
    with (
        logging_to_stderr(log_format, verbose=verbose),
        observing(lines=lines) as observer,
    ):
        done = blocking(
            arun_all(
                loaded, fresh=fresh, allow_partial=allow_partial, observer=observer
            )
        )
    for outcome in outcomes:
        if outcome.job:
            outcome.settle(done.pop(0))
    codes = [outcome.error.exit_code for outcome in outcomes if outcome.error]
    for outcome in outcomes:
        failures = outcome.report.failures if outcome.report else {}
        codes += [failure.exit_code for failure in failures.values()]
        for gap in outcome.report.gaps if outcome.report else ():
            org = f"{gap.org}: " if gap.org else ""
            say(f"error: {outcome.path}: {org}missing {one_line(gap)}", err=True)
            codes.append(DataError.exit_code)
    missed = sum(outcome.report.breaches for outcome in outcomes if outcome.report)
    if fail_on_breach and missed:
        say(f"targets missed: {missed}", err=True)
        codes.append(BREACHED)
    if as_json:
        told = [outcome.to_json() for outcome in outcomes]
        print_json(told[0] if len(told) == 1 else told)
    for outcome in outcomes:
        outcome.say(named=len(outcomes) > 1, aloud=not as_json)
    if codes:
        raise typer.Exit(max(codes))


@dataclass
class _Outcome:
    """What became of one job file of a run; one bad file does not stop the others."""

    path: Path
    job: "Job | None" = None
    report: "RunReport | None" = None
    error: GcbatchError | None = None

    @classmethod
    def of(cls, path: Path, start: str, end: str, settings: Sequence[str]) -> Self:
        try:
            return cls(path, job=load(path, start, end, settings))
        except GcbatchError as exc:
            return cls(path, error=exc)

    def settle(self, result: "RunReport | GcbatchError") -> None:
        if isinstance(result, GcbatchError):
            self.error = result
        else:
            self.report = result

    def to_json(self) -> dict[str, Any]:
        if self.report:
            return self.report.to_json()
        told = self.error.to_json() if self.error else {}
        return {"job": self.job.name if self.job else str(self.path), **told}

    def say(self, *, named: bool, aloud: bool) -> None:
        if self.error:
            if named:
                name = self.job.name if self.job else self.path
                say(f"{name}:", err=True)
            say_error(self.error)
        elif self.report and self.job and aloud:
            from gcbatch.cli.screens.run import report_screen

            print_screen(report_screen(self.report, self.job.query.zone))
            if self.job.sla and self.report.catalog:
                print_sla(self.job, self.report.catalog)
        if self.report:
            for failure in self.report.failures.values():
                say_error(failure)


def _engine_settings(engine: str, scheduler: str, workers: str) -> Iterator[str]:
    """Yield the options about the engine as overrides of the job file."""
    given = {"name": engine, "scheduler": scheduler, "workers": workers}
    if (scheduler or workers) and not engine:
        given["name"] = "dask"
    yield from (f"engine.{key}={value}" for key, value in given.items() if value)
