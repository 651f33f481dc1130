"""The run of one job: its orgs are fetched at the same time and exported together."""

import asyncio
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Final

from pydantic import BaseModel

from gcbatch.concurrency import for_each
from gcbatch.errors import (
    DamagedPartError,
    DataError,
    GcbatchError,
    JobError,
    OutputError,
    ReplacedPartError,
    tagging_org,
)
from gcbatch.exporting import (
    hiding_secrets,
    secret_files,
    secret_values,
)
from gcbatch.fetching import CombinedObserver, Observer, OrgSessions, client_key
from gcbatch.job import Job, load_export
from gcbatch.running.export_cache import ExportFingerprints
from gcbatch.running.exports import CheckedExport, run_exports, tables_for
from gcbatch.running.missing_rows import (
    OrgRows,
    emptied_exports,
    empty_warnings,
    refuse_missing_rows,
)
from gcbatch.running.narrowing import timeless_places
from gcbatch.running.open_engine import LazyEngine, require_engine
from gcbatch.running.options import RunOptions
from gcbatch.running.org_run import OrgRun
from gcbatch.running.report import RunReport, report_of_all
from gcbatch.tables import Catalog, MultiOrgCatalog

__all__ = ["JobRun"]

PAUSES_S: Final = (0.1, 0.5, 2.0)
"""How long a run waits before it starts its exports again, each time that a part was
replaced: the other run that did so may replace more. Damaged parts need no wait."""

ORGS_AT_ONCE: Final = 50
"""Orgs fetched at the same time by one process: with 8 queries in flight each, their
connections and files stay below the 1,024 that systems let a process open; and one core
keeps about as many busy at the usual quota (docs/scale.md)."""

Exporters = Sequence[CheckedExport]


class JobRun:
    """The run of one job, from plan to report.

    Raises:
        GcbatchError: If no org of the job can be used.
    """

    def __init__(self, job: Job, observer: Observer) -> None:
        self._job = job
        self._runs: list[OrgRun] = []
        self._failures: dict[str, GcbatchError] = {}
        self._options = RunOptions()
        self._exports_observer = observer  # orgs are exported together
        self._observer = CombinedObserver(job.store_name, observer)
        self._buckets = job.storage.buckets()
        root = job.open_store(self._buckets)
        for org_job in job.per_org():
            with self._isolating_org(org_job.org_name):
                observer = self._observer.for_org()
                self._runs.append(OrgRun(org_job, observer, root))

    @property
    def only(self) -> OrgRun:
        """The run of the one org.

        Raises:
            JobError: If there are several.
        """
        if self._job.orgs is not None:
            msg = f"{self._job.name}: has several orgs"
            raise JobError(msg, hint="take its orgs one by one: Job.per_org()")
        (run,) = self._runs
        return run

    async def run(self, orgs: OrgSessions, options: RunOptions) -> RunReport:
        """Fetch what is missing, then export all of it; note what failed."""
        self._options = options
        failures: Mapping[str, GcbatchError] = self._failures
        try:
            return await self._run(orgs, options)
        except GcbatchError as exc:
            failures = {run.org: exc for run in self._runs} | self._failures
            raise
        finally:
            await asyncio.to_thread(self._note_failures, failures)

    def _note_failures(self, failures: Mapping[str, GcbatchError]) -> None:
        for run in self._runs:
            error = failures.get(run.org)
            if error is not None and not isinstance(error, JobError):
                run.notes.write_failure(error)

    async def _run(self, orgs: OrgSessions, options: RunOptions) -> RunReport:
        require_engine(self._job)
        exporters = await asyncio.to_thread(self.exporters)
        await asyncio.to_thread(self._check_options, options, exporters)
        sections = (self._job.storage, *(one.options for one in exporters))
        secrets = orgs.secrets.union(*map(_secrets_of, sections))
        async with LazyEngine(self._job, secrets) as engine:

            async def fetch(runs: Sequence[OrgRun]) -> None:
                for run in runs:
                    with self._isolating_org(run.org):
                        await run.fetch(orgs, engine, options)

            clients = self._by_client()
            is_local = self._job.engine.name == "local"
            at_once = ORGS_AT_ONCE if is_local else len(clients)
            try:
                await for_each(clients, fetch, at_once=at_once)
            finally:
                self._observer.finished()
            if engine.failure:
                engine.failure.org = ""
                raise engine.failure  # it concerns all orgs
            for pause_s in PAUSES_S:
                try:
                    return await self._export_in_thread(exporters)
                except ReplacedPartError:
                    for run in self._remaining():
                        run.reset_seen()
                    await asyncio.sleep(pause_s)
                except DamagedPartError:
                    try:
                        for run in self._remaining():
                            with self._isolating_org(run.org):
                                await run.refetch_damaged(orgs, engine)
                    finally:
                        self._observer.finished()
            return await self._export_in_thread(exporters, is_last=True)

    def _check_options(self, options: RunOptions, exporters: Exporters) -> None:
        """Refuse options that do not fit the job, before the first request.

        Raises:
            JobError: If a span to fetch again is not within the range, or a narrowed
                range would replace outputs of a wider one.
        """
        runs = self._remaining()
        for run in runs:
            with tagging_org(run.org):
                run.planner.range.refetched(options.refetch)
                if not options.may_replace:
                    run.refuse_narrowing(exporters)
        for span in options.refetch:
            if runs and not any(run.planner.range.refetched([span]) for run in runs):
                msg = f"refetch {span}: is not within the range of any org"
                raise JobError(msg, hint="name days of the range of the job")

    def _by_client(self) -> list[list[OrgRun]]:
        """Return the runs grouped by their client.

        Runs of one client take turns: they share its quota and its listings, and the
        usage of each can be counted.
        """
        clients: dict[object, list[OrgRun]] = {}
        for run in self._remaining():
            key = client_key(run.job.own_org)
            clients.setdefault(key or run.org, []).append(run)
        return list(clients.values())

    @contextmanager
    def _isolating_org(self, org: str) -> Iterator[None]:
        """Note the failure of one of several orgs; the others continue."""
        try:
            yield
        except GcbatchError as exc:
            if self._job.orgs is None:
                raise
            exc.org = org
            self._failures[org] = exc

    def _remaining(self) -> list[OrgRun]:
        """Return the runs that did not fail.

        Raises:
            GcbatchError: If all failed: the one with the highest exit code; its message
                has the failures of all orgs.
        """
        remaining = [run for run in self._runs if run.org not in self._failures]
        if remaining:
            return remaining
        failures = [self._failures[org] for org in sorted(self._failures)]
        worst = max(failures, key=lambda failure: failure.exit_code)
        lines = [
            f"{failure.org}: {line}"
            for failure in failures
            for line in failure.problem.split("\n")
        ]
        raise type(worst)(lines, hint=worst.hint, response=worst.response) from worst

    async def _export_in_thread(
        self, exporters: Exporters, *, is_last: bool = False, force: bool = False
    ) -> RunReport:
        """Export in a thread, so that Ctrl-C can stop it between two batches."""
        stop = threading.Event()
        try:
            return await asyncio.to_thread(
                self._export, exporters, stop, is_last=is_last, force=force
            )
        except asyncio.CancelledError:
            stop.set()
            raise

    async def export_again(self, options: RunOptions) -> RunReport:
        """Export what the last run fetched."""
        self._options = options
        exporters = self.exporters()
        self._check_options(options, exporters)
        self._use_saved_plans()
        for run in self._remaining():
            with self._isolating_org(run.org):
                run.planner.require_listings()
        return await self._export_in_thread(exporters, is_last=True, force=True)

    def saved_catalog(
        self, without: Collection[str] = (), stop: threading.Event | None = None
    ) -> Catalog | MultiOrgCatalog:
        """Return the tables of what the last run fetched, without some orgs.

        Once *stop* is set, reading them ends between two batches.
        """
        for org in without:
            self._failures[org] = DataError(f"{self._job.name}: is left out")
        self._use_saved_plans()
        return self._catalog([run.catalog(stop) for run in self._remaining()])

    def _use_saved_plans(self) -> None:
        for run in self._remaining():
            with self._isolating_org(run.org):
                run.use_saved_plan()

    def empty_catalog(self) -> Catalog | MultiOrgCatalog:
        """Return the tables without rows, from the job alone."""
        return self._catalog([run.empty_catalog() for run in self._remaining()])

    def exporters(self) -> Exporters:
        """Return the exporters; each checks the job now, before the first request."""
        checked: list[CheckedExport] = []
        empty = self.empty_catalog()
        for name in self._job.derived:
            empty.table(name)  # checks its columns, whether an export names it or not
        for position, export in enumerate(self._job.expanded_exports):
            loaded = load_export(export, self._buckets)
            try:
                tables = tables_for(export.spec, empty)
                exporter = loaded.make()
                timeless = timeless_places(tables, loaded.destinations())
                if (check := getattr(exporter, "check", None)) is not None:
                    what = f"exporter {export.spec.exporter!r}"
                    hiding_secrets(loaded.options, what, partial(check, tables))
            except GcbatchError as exc:
                if export.shown:  # one of several, so say which
                    raise exc.within(export.place) from exc
                raise
            entry, options = loaded.entry, loaded.options
            checked.append(
                CheckedExport(position, export, exporter, entry, options, timeless)
            )
        return checked

    def _catalog(self, catalogs: Sequence[Catalog]) -> Catalog | MultiOrgCatalog:
        """Return the tables of the job; those of several orgs have the column `org`."""
        if self._job.orgs is None:
            (only,) = catalogs
            return only
        by_org = {catalog.job.org_name: catalog for catalog in catalogs}
        return MultiOrgCatalog(by_org, self._failures)

    def _export(
        self,
        exporters: Exporters,
        stop: threading.Event,
        *,
        is_last: bool,
        force: bool = False,
    ) -> RunReport:
        """Export and report; orgs whose rows cannot be read are left out.

        Args:
            exporters: What to write.
            stop: Ends it between two batches.
            is_last: Whether a damaged or replaced part makes its org fail.
            force: Whether to write also what would not change.
        """
        while True:
            try:
                return self._export_orgs(
                    self._remaining(), exporters, stop, force=force
                )
            except GcbatchError as exc:
                is_passing = isinstance(exc, (DamagedPartError, ReplacedPartError))
                if not exc.org or (is_passing and not is_last):
                    raise
                self._failures[exc.org] = exc

    def _rows_of(
        self, runs: Sequence[OrgRun], catalogs: Sequence[Catalog]
    ) -> dict[str, OrgRows]:
        """Return what the run has of each org, by its name."""
        found: dict[str, OrgRows] = {}
        for run, own in zip(runs, catalogs, strict=True):
            with tagging_org(run.org):
                found[run.org] = run.count_rows(own)
        return found

    def _export_orgs(
        self,
        runs: Sequence[OrgRun],
        exporters: Exporters,
        stop: threading.Event,
        *,
        force: bool,
    ) -> RunReport:
        catalogs = [run.catalog(stop) for run in runs]
        catalog = self._catalog(catalogs)
        fingerprints = ExportFingerprints([own.source for own in catalogs], stop)
        last_report, found = runs[0].notes.last_report, self._rows_of(runs, catalogs)
        fail_on_empty = self._options.fail_on_empty
        refuse_missing_rows(
            list(found.values()),
            self._job.expect,
            emptied_exports(exporters, catalog, last_report),
            fail_on_empty=fail_on_empty,
        )
        done = run_exports(
            exporters,
            catalog,
            fingerprints,
            last_report,
            stop,
            observer=self._exports_observer,
            buckets=self._buckets,
            force=force,
        )
        reports: dict[str, RunReport] = {}
        for run, own in zip(runs, catalogs, strict=True):
            with tagging_org(run.org):
                reports[run.org] = run.report(
                    own,
                    done.exports,
                    done.published,
                    failed=done.failures,
                    rows=found[run.org],
                )
        sent = self._buckets.meter.count
        reports = {
            org: replace(report, object_requests=sent)
            for org, report in reports.items()
        }
        if isinstance(catalog, Catalog):
            (report,) = reports.values()
        else:
            report = report_of_all(self._job, reports, self._failures, catalog)
        if report.rows or report.window is None:
            emptied = tuple(empty_warnings(done.exports, last_report))
            report = replace(report, warnings=(*report.warnings, *emptied))
            reports = {
                org: replace(one, warnings=(*one.warnings, *emptied))
                for org, one in reports.items()
            }
        for run in runs:
            run.write_report(reports[run.org])
        _refuse_failed_exports(report)
        return report


def _secrets_of(section: BaseModel) -> frozenset[str]:
    """Return the secrets of a section, and the paths of their files."""
    return secret_values(section).union(map(str, secret_files(section)))


def _refuse_failed_exports(report: RunReport) -> None:
    """Refuse a run with exports that failed; the others are written and reported.

    Raises:
        OutputError: If an export failed; names each, and what else the run lacks.
    """
    failed = report.failed_exports
    if not failed:
        return
    lines = [*map(str, failed)]
    lines += (f"{org}: {exc.problem}" for org, exc in report.failures.items())
    hints = dict.fromkeys(export.hint for export in failed if export.hint)
    error = OutputError(lines, hint="; ".join(hints) or None)
    error.missing = "; ".join(map(str, report.gaps))
    raise error
