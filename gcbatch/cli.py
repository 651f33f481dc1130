"""The commands. Alone prints, exits and reads the environment."""

import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Self, TypeVar

import typer
from typer.core import TyperGroup

from gcbatch.errors import DataError, GcbatchError, JobError, OutputError
from gcbatch.logs import LogFormat, logging_to_stderr
from gcbatch.plain import plain

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gcbatch.job import Job
    from gcbatch.planning import Planned
    from gcbatch.report import RunReport
    from gcbatch.tables.catalog import Catalog
    from gcbatch.tables.orgs import OrgsCatalog
    from gcbatch.verification import Verification

DEFAULT_STORE: Final = Path(".gcbatch")
WIDE: Final = 10_000
MOST_CHARS: Final = 4_000
"""Of one line of an error."""

INTERRUPTED: Final = 130
TERMINATED: Final = 143
BREACHED: Final = 7

log = logging.getLogger("gcbatch")
T = TypeVar("T")


class _Boundary(TyperGroup):
    """The one place where errors become a message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        stopped_by: list[int] = []

        def stop(number: int, _frame: object) -> None:
            # Ctrl-C's way out closes connections and keeps what is stored.
            stopped_by.append(number)
            if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
                raise KeyboardInterrupt  # a shell's `&` has Ctrl-C ignored
            signal.raise_signal(signal.SIGINT)

        before = signal.signal(signal.SIGTERM, stop)
        try:
            return super().invoke(ctx)
        except GcbatchError as exc:
            log.debug("%s", exc.problem, exc_info=True)
            _say_error(exc)
            raise typer.Exit(exc.exit_code) from exc
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            if ctx.invoked_subcommand == "run":
                hint = "what was fetched is kept; run it again to go on from there"
                typer.echo(f"hint: {hint}", err=True)
            raise typer.Exit(TERMINATED if stopped_by else INTERRUPTED) from None
        except BrokenPipeError:
            _forget_reader()
            raise typer.Exit(0) from None
        finally:
            signal.signal(signal.SIGTERM, before)


app = typer.Typer(
    cls=_Boundary,
    name="gcbatch",
    help="Genesys Cloud analytics in bulk: a YAML job in, exact tables out.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals hold secrets
    context_settings={"help_option_names": ["-h", "--help"]},
)


store_app = typer.Typer(
    help="See what is stored, and remove what is old.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(store_app, name="store")


JobFile = Annotated[Path, typer.Argument(metavar="JOB", help="A job file (YAML).")]
JobFiles = Annotated[
    list[Path], typer.Argument(metavar="JOB", help="Job files (YAML).")
]
From = Annotated[str, typer.Option("--from", help="Instead of query.from.")]
To = Annotated[str, typer.Option("--to", help="Instead of query.to; exclusive.")]
Sets = Annotated[
    list[str],
    typer.Option("--set", metavar="KEY=VALUE", help="Override any key."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
LogAs = Annotated[LogFormat, typer.Option("--log-format", help="Of log lines.")]
StoreFolder = Annotated[
    Path, typer.Option("--store", help="The folder that `fetch.store` names.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log every query.")]


def main() -> None:
    """Run the command line."""
    app()


@app.callback(invoke_without_command=True)
def options(
    ctx: typer.Context,
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.")
    ] = False,
) -> None:
    """Genesys Cloud analytics in bulk: a YAML job in, exact tables out."""
    if version:
        from importlib.metadata import version as version_of

        typer.echo(f"gcbatch {version_of('gcbatch')}")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


@app.command()
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
    names = [job.name for job in loaded]
    if twice := {name for name in names if names.count(name) > 1}:
        msg = f"two jobs are called {' and '.join(sorted(twice))}"
        raise JobError(
            msg, hint="the name is a job's folder in the store; tell them apart"
        )
    from gcbatch.outputs import clashes_between
    from gcbatch.pipeline import arun_all, blocking
    from gcbatch.progress import observing

    clashes_between(loaded)

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
            typer.echo(f"error: {outcome.path}: {org}missing {plain(gap)}", err=True)
            codes.append(DataError.exit_code)
    missed = sum(outcome.report.breaches for outcome in outcomes if outcome.report)
    if fail_on_breach and missed:
        typer.echo(f"targets missed: {missed}", err=True)
        codes.append(BREACHED)
    # Whoever reads our output may go before it ends; the code stays.
    with _reader_may_go():
        if as_json:
            told = [outcome.to_json() for outcome in outcomes]
            _print_json(told[0] if len(told) == 1 else told)
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
            return cls(path, job=_load(path, start, end, settings))
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
                typer.echo(f"{name}:", err=True)
            _say_error(self.error)
        elif self.report and self.job and aloud:
            from gcbatch.screens import report_screen

            _print(report_screen(self.report, self.job.query.zone))
            if self.job.sla and self.report.catalog:
                _print_sla(self.report.catalog)
        if self.report:
            for failure in self.report.failures.values():
                _say_error(failure)


def _settle(failures: Iterable[GcbatchError]) -> None:
    """Tell what kept orgs from being had, of several; exit with the worst code."""
    told = list(failures)
    for failure in told:
        _say_error(failure)
    if told:
        raise typer.Exit(max(failure.exit_code for failure in told))


def _engine_settings(engine: str, scheduler: str, workers: str) -> Iterator[str]:
    """Yield the options about the engine as overrides of the job file."""
    given = {"name": engine, "scheduler": scheduler, "workers": workers}
    if (scheduler or workers) and not engine:
        given["name"] = "dask"
    yield from (f"engine.{key}={value}" for key, value in given.items() if value)


@app.command()
def plan(
    job: JobFile,
    *,
    start: From = "",
    end: To = "",
    settings: Sets = [],  # noqa: B006 - typer copies it
    as_json: AsJson = False,
) -> None:
    """Show what a run would ask and what that costs; no data request."""
    loaded = _load(job, start, end, settings)
    from gcbatch.pipeline import plan_job

    shares = _Shares(loaded)
    plans = list(shares.each(plan_job))
    with _reader_may_go():
        if as_json:
            _print_json(shares.told([_plan_json(*one) for one in plans]))
        else:
            from gcbatch.screens import plan_screen

            for share, planned in plans:
                _print(plan_screen(share, planned))
    _settle(shares.failures)


class _Shares:
    """The orgs of a job, one after the other; one that fails stops no other."""

    def __init__(self, job: "Job") -> None:
        self._job = job
        self.failures: list[GcbatchError] = []

    def each(self, work: "Callable[[Job], T]") -> "Iterator[tuple[Job, T]]":
        """Yield what *work* makes of each org that does not fail."""
        for share in self._job.shares():
            try:
                done = work(share)
            except GcbatchError as exc:
                if self._job.orgs is None:
                    raise
                exc.org = share.org_name
                self.failures.append(exc)
            else:
                yield share, done

    def told(self, found: list[dict[str, Any]]) -> object:
        """Return what is told of the one org, or a list of what is told of each."""
        if self._job.orgs is None:
            return found[0]
        failed = [
            {"job": self._job.name, "org": failure.org, **failure.to_json()}
            for failure in self.failures
        ]
        return sorted([*found, *failed], key=lambda one: str(one["org"]))


def _told_of(job: "Job", found: "Verification") -> dict[str, Any]:
    org = {"org": job.org_name} if job.org_name else {}
    return {**found.to_json(), **org}


def _plan_json(job: "Job", planned: "Planned") -> dict[str, Any]:
    from gcbatch.windows import iso

    each = planned.price.least
    requests = each * len(planned.plan.queries)
    per_minute = job.fetch.requests_per_minute
    windows = [
        {"from": iso(w.start), "to": iso(w.end), "requests": each * len(queries)}
        for w, queries in planned.plan.windows
    ]
    org = {"org": job.org_name} if job.org_name else {}
    return {
        "job": job.name,
        **org,
        "requests": requests,
        "requests_exact": planned.price.is_exact,
        "stored": planned.stored,
        "minutes": round((requests - each * planned.stored) / per_minute, 3),
        "windows": windows,
        "exports": [e.model_dump(mode="json") for e in job.exports],
        "warnings": list(planned.names.warnings),
    }


@app.command()
def check(
    job: JobFile,
    *,
    start: From = "",
    end: To = "",
    settings: Sets = [],  # noqa: B006 - typer copies it
) -> None:
    """Try the file, the credentials and the permissions."""
    loaded = _load(job, start, end, settings)
    typer.echo(f"{job}: the file is good")
    from gcbatch.pipeline import check as check_job

    shares = _Shares(loaded)
    for share, warnings in shares.each(check_job):
        org = f"{share.org_name}: " if share.org_name else ""
        endpoint = share.query.endpoint
        typer.echo(f"{org}{endpoint}: credentials and permission are good")
        for warning in warnings:
            typer.echo(f"warning: {org}{warning}", err=True)
    _settle(shares.failures)


@app.command(name="export")
def export_again(
    job: JobFile,
    *,
    start: From = "",
    end: To = "",
    settings: Sets = [],  # noqa: B006 - typer copies it
    as_json: AsJson = False,
) -> None:
    """Export again from the store, without any request."""
    loaded = _load(job, start, end, settings)
    from gcbatch.pipeline import export_job

    report = export_job(loaded)
    if as_json:
        _print_json(report.to_json())
    else:
        from gcbatch.screens import report_screen

        _print(report_screen(report, loaded.query.zone))
    _settle(report.failures.values())


@app.command()
def report(
    job: JobFile,
    *,
    start: From = "",
    end: To = "",
    settings: Sets = [],  # noqa: B006 - typer copies it
    period: Annotated[
        str,
        typer.Option(help="interval, hour, day, week, month or total."),
    ] = "total",
    as_json: AsJson = False,
) -> None:
    """Print the service levels again from the store, without any request."""
    loaded = _load(job, start, end, settings)
    if loaded.sla is None:
        msg = f"{job}: has no section sla to report on"
        hint = "add `sla: {}`"
        if loaded.query.details:
            hint = "use endpoint: conversation-aggregates; details have no buckets"
        raise JobError(msg, hint=hint)
    from gcbatch.job import PERIODS
    from gcbatch.suggest import unknown

    if period not in PERIODS:
        msg = f"--period: {unknown('period', period, PERIODS)}"
        raise JobError(msg, hint="add `--period day`, for example")
    if misfit := loaded.misfit_of_period(period):
        msg = f"--period {period}: {misfit}"
        raise JobError(msg, hint="change query.granularity, or name a longer period")
    from gcbatch.pipeline import tables_of
    from gcbatch.tables.orgs import OrgsCatalog

    catalog = tables_of(loaded)
    with _reader_may_go():
        if as_json:
            rows = catalog.table("sla", period=period).read_all().to_pylist()
            typer.echo(json.dumps(rows, indent=2, ensure_ascii=False, default=_instant))
        else:
            _print_sla(catalog, period)
    if isinstance(catalog, OrgsCatalog):
        _settle(catalog.failures.values())


@app.command()
def verify(
    job: JobFile,
    *,
    start: From = "",
    end: To = "",
    settings: Sets = [],  # noqa: B006 - typer copies it
    offline: Annotated[
        bool, typer.Option("--offline", help="Leave the service alone.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check parts and outputs, and compare with the service's own day totals."""
    loaded = _load(job, start, end, settings)
    from gcbatch.verifying import verify as verify_job

    shares = _Shares(loaded)
    checked = shares.each(lambda share: verify_job(share, offline=offline))
    found = list(checked)
    with _reader_may_go():
        if as_json:
            _print_json(shares.told([_told_of(*one) for one in found]))
        else:
            from gcbatch.store_screens import verification_screen

            for _, one in found:
                _print(verification_screen(one))
    _settle([*(one.error for _, one in found if one.error), *shares.failures])


@store_app.command(name="ls")
def list_store(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME", help="Names of jobs; none is all.")
    ] = [],  # noqa: B006 - typer copies it
    *,
    folder: StoreFolder = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """List jobs: ranges, parts, sizes, last runs."""
    from gcbatch.housekeeping import list_store

    jobs = list_store(folder, names)
    if as_json:
        _print_json([job.to_json() for job in jobs])
        return
    from gcbatch.store_screens import store_screen

    _print(store_screen(jobs))


@store_app.command(name="prune")
def prune_store(
    *,
    older_than: Annotated[
        str, typer.Option("--older-than", help="30d, 12w, 6mo, 1y: by window's end.")
    ],
    folder: StoreFolder = DEFAULT_STORE,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, and leave it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove parts of long ago, and what belongs to nothing else."""
    from datetime import UTC, datetime

    from gcbatch.housekeeping import age, prune

    now = datetime.now(UTC)
    done = prune(folder, age(older_than), now=now, dry_run=dry_run)
    if as_json:
        _print_json(done.to_json(dry_run=dry_run))
        return
    from gcbatch.store_screens import pruned_line

    typer.echo(pruned_line(done, dry_run=dry_run))


@app.command()
def exporters(*, as_json: AsJson = False) -> None:
    """List the installed exporters."""
    from gcbatch.exporting import installed_exporters, load_exporter

    rows = []
    for entry in installed_exporters():
        try:
            load_exporter(entry.name)
            state = "ok"
        except GcbatchError as exc:
            state = exc.problem
        rows.append(
            {
                "name": entry.name,
                "distribution": entry.distribution,
                "version": entry.version,
                "state": state,
            }
        )
    if as_json:
        _print_json(rows)
        return
    from gcbatch.screens import rows_screen

    _print(rows_screen(rows))


@app.command()
def schema(
    *,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="As a page, for people.")
    ] = False,
) -> None:
    """Print the JSON Schema of job files, for editors."""
    from gcbatch.jobschema import job_schema

    if markdown:
        from gcbatch.jobreference import job_reference

        typer.echo(job_reference(job_schema()), nl=False)
        return
    _print_json(job_schema())


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="Where to.")] = Path("job.yaml"),
) -> None:
    """Write a job file to start from."""
    from importlib.resources import files

    text = (files("gcbatch") / "starter.yaml").read_text("utf-8")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as exc:
        msg = f"{path}: is there already"
        raise OutputError(msg, hint="name another path") from exc
    except OSError as exc:
        msg = f"{path}: cannot be written: {exc.strerror}"
        raise OutputError(msg, hint="name another path") from exc
    typer.echo(f"wrote {path}; next: gcbatch check {path}")


@app.command()
def simulate(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 is any free one.")] = 0,
    calls: Annotated[
        Path | None, typer.Option(help="A call log to replay instead of the sample.")
    ] = None,
    requests_per_minute: Annotated[
        int, typer.Option(min=1, help="The quota it enforces.")
    ] = 300,
) -> None:
    """Run a local Genesys Cloud that replays a call log, until Ctrl-C."""
    from gcbatch.simulator import call_log_tenant, sample_tenant, serve

    try:
        tenant = call_log_tenant(calls) if calls else sample_tenant()
    except (OSError, ValueError) as exc:
        msg = f"{calls}: is no call log: {exc}"
        raise JobError(msg, hint="see docs/simulator.md for its columns") from exc

    def ready(url: str, client_id: str, client_secret: str) -> None:
        typer.echo(f"{tenant.name} at {url}, until Ctrl-C; in a job file:")
        typer.echo(f"\norg:\n  api_url: {url}\n  login_url: {url}")
        typer.echo(
            f"  client_id: {client_id}\n  client_secret: ${{GENESYS_CLIENT_SECRET}}"
        )
        typer.echo(f"\nand: export GENESYS_CLIENT_SECRET={client_secret}")

    try:
        serve(tenant, port=port, on_ready=ready, requests_allowed=requests_per_minute)
    except OSError as exc:
        msg = f"port {port} cannot be had: {exc.strerror}"
        raise OutputError(msg, hint="name another --port") from exc


def _load(path: Path, start: str, end: str, settings: Sequence[str]) -> "Job":
    from gcbatch.memory import let_go_of_memory

    let_go_of_memory(os.environ, sys.platform)

    from gcbatch.loading import load_job

    overrides: dict[str, str] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not (key and equals):
            msg = f"--set {setting}: is no KEY=VALUE"
            raise JobError(msg, hint="write for example --set fetch.concurrency=4")
        overrides[key] = value
    if start:
        overrides["query.from"] = start
    if end:
        overrides["query.to"] = end
    return load_job(path, settings=overrides, environ=os.environ)


@contextmanager
def _reader_may_go() -> Iterator[None]:
    """Go on where whoever read our output has gone, as in `gcbatch schema | head`."""
    try:
        yield
    except BrokenPipeError:
        _forget_reader()


def _forget_reader() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_sla(catalog: "Catalog | OrgsCatalog", period: str = "total") -> None:
    from gcbatch.sla_screens import sla_screen

    _print(sla_screen(catalog.table("sla", period=period), period=period))


def _instant(value: Any) -> str:
    from gcbatch.windows import iso

    return iso(value)


def _print(screen: "RenderableType") -> None:
    from rich.console import Console

    class OurConsole(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would end the program here, with code 1

    console = OurConsole()
    if not console.is_terminal:
        # A file has no edge to fit: nothing may be folded or cut, least of all paths.
        console = OurConsole(width=WIDE)
    console.print(screen)


def _print_json(content: object) -> None:
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False))


def _say_error(error: GcbatchError) -> None:
    org = f"{error.org}: " if error.org else ""
    for line in error.problem.split("\n"):
        typer.echo(f"error: {org}{plain(line, MOST_CHARS)}", err=True)
    if error.missing:
        typer.echo(f"missing: {plain(error.missing, MOST_CHARS)}", err=True)
    if error.hint:
        typer.echo(f"hint: {error.hint}", err=True)
