"""One job's run: its orgs fetched side by side, what came of them exported together."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

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
    Exporter,
    ExporterEntry,
    PublishedFile,
    export,
    find_exporter,
    installed_exporters,
    load_exporter,
    remove_leftovers,
)
from gcbatch.fetching import CombinedObserver, Observer, OrgSessions, client_key
from gcbatch.job import Export, Job
from gcbatch.running.export_cache import ExportFingerprints, PreviousExports
from gcbatch.running.open_engine import LazyEngine
from gcbatch.running.org_run import OrgRun
from gcbatch.running.report import Exported, FailedExport, RunReport, report_of_all
from gcbatch.table import Table
from gcbatch.tables import Catalog, MultiOrgCatalog

__all__ = ["JobRun"]

MOST_ROUNDS: Final = 3
"""So often parts that are damaged, or that another run replaces, are put up with."""

ORGS_AT_ONCE: Final = 50
"""Fetched by one process: with 8 queries in flight each, their connections and files
stay below the 1,024 that systems let a process open; and one core keeps about as many
busy at the usual quota (docs/scale.md)."""

Exporters = Sequence[tuple[Export, Exporter, ExporterEntry]]


class JobRun:
    """One job on its way from file to report: a run for each org, exports for all.

    Args:
        job: Of one org or several.
        observer: Is told of progress.

    Raises:
        GcbatchError: If none of its orgs can be asked.
    """

    def __init__(self, job: Job, observer: Observer) -> None:
        self._job = job
        self._runs: list[OrgRun] = []
        self._failures: dict[str, GcbatchError] = {}
        self._together = CombinedObserver(job.name, observer)
        for share in job.per_org():
            with self._noting(share.org_name):
                own = observer if job.orgs is None else self._together.part()
                self._runs.append(OrgRun(share, own))

    @property
    def only(self) -> OrgRun:
        """The run of the one org.

        Raises:
            JobError: If there are several.
        """
        if self._job.orgs is not None:
            msg = f"{self._job.name}: asks several orgs"
            raise JobError(msg, hint="take its orgs one by one: Job.per_org()")
        (run,) = self._runs
        return run

    async def run(
        self, orgs: OrgSessions, *, fresh: bool, allow_partial: bool
    ) -> RunReport:
        """Fetch what is missing, export all of it."""
        exporters = self.exporters()
        async with LazyEngine(self._job, orgs.secrets) as engine:

            async def fetch(taking_turns: Sequence[OrgRun]) -> None:
                for run in taking_turns:
                    with self._noting(run.org):
                        await run.fetch(
                            orgs, engine, fresh=fresh, allow_partial=allow_partial
                        )

            clients = self._by_client()
            is_local = self._job.engine.name == "local"
            at_once = ORGS_AT_ONCE if is_local else len(clients)
            try:
                await for_each(clients, fetch, at_once=at_once)
            finally:
                self._together.finished()
            if engine.failure:
                engine.failure.org = ""
                raise engine.failure  # which is no org's own
            for _ in range(MOST_ROUNDS):
                try:
                    return await self._finished(exporters)
                except ReplacedPartError:
                    for run in self._left():
                        run.reset_seen()
                except DamagedPartError:
                    for run in self._left():
                        with self._noting(run.org):
                            await run.mend(orgs, engine)
                    self._together.finished()
            return await self._finished(exporters, is_last=True)

    def _by_client(self) -> list[list[OrgRun]]:
        """Return the runs by the client they ask with.

        Those of one client take turns: its quota is theirs together, what it lists
        serves all of them, and what each of them spends can be told.
        """
        clients: dict[object, list[OrgRun]] = {}
        for run in self._left():
            known = client_key(run.job.own_org)
            clients.setdefault(known or run.org, []).append(run)
        return list(clients.values())

    @contextmanager
    def _noting(self, org: str) -> Iterator[None]:
        """Note what keeps one of several orgs from being had; the others go on."""
        try:
            yield
        except GcbatchError as exc:
            if self._job.orgs is None:
                raise
            exc.org = org
            self._failures[org] = exc

    def _left(self) -> list[OrgRun]:
        """Return the runs that did not fail.

        Raises:
            GcbatchError: As the worst of them, if all failed; names all orgs.
        """
        left = [run for run in self._runs if run.org not in self._failures]
        if left:
            return left
        failures = [self._failures[org] for org in sorted(self._failures)]
        worst = max(failures, key=lambda failure: failure.exit_code)
        told = [
            f"{failure.org}: {line}"
            for failure in failures
            for line in failure.problem.split("\n")
        ]
        raise type(worst)(told, hint=worst.hint, response=worst.response) from worst

    async def _finished(
        self, exporters: Exporters, *, is_last: bool = False
    ) -> RunReport:
        """Export in a thread, so that Ctrl-C is heard; it stops between two batches."""
        stop = threading.Event()
        try:
            return await asyncio.to_thread(
                self._finish, exporters, stop, is_last=is_last
            )
        except asyncio.CancelledError:
            stop.set()
            raise

    def export_again(self) -> RunReport:
        """Export what the last run fetched."""
        exporters = self.exporters()
        self._use_kept()
        for run in self._left():
            with self._noting(run.org):
                run.planner.require_listings()
        return self._finish(exporters, threading.Event(), is_last=True, anew=True)

    def kept_catalog(self) -> Catalog | MultiOrgCatalog:
        """Return the tables of what the last run fetched."""
        self._use_kept()
        return self._catalog([run.catalog() for run in self._left()])

    def _use_kept(self) -> None:
        for run in self._left():
            with self._noting(run.org):
                run.use_kept()

    def exporters(self) -> Exporters:
        """Make the exporters, and let them refuse the job before any request."""
        made: list[tuple[Export, Exporter, ExporterEntry]] = []
        empty = self._catalog([run.empty_catalog() for run in self._left()])
        known = installed_exporters()
        for spec in self._job.exports:
            entry = find_exporter(spec.exporter, known)
            kind = load_exporter(entry)
            exporter = kind(kind.Options.model_validate(spec.options))
            if (refuse := getattr(exporter, "check", None)) is not None:
                refuse(_given(spec, empty))
            made.append((spec, exporter, entry))
        return made

    def _catalog(self, catalogs: Sequence[Catalog]) -> Catalog | MultiOrgCatalog:
        """Return the tables of the job, of all its orgs together."""
        if self._job.orgs is None:
            (only,) = catalogs
            return only
        own = {catalog.job.org_name: catalog for catalog in catalogs}
        return MultiOrgCatalog(own, self._failures)

    def _finish(
        self,
        exporters: Exporters,
        stop: threading.Event,
        *,
        is_last: bool,
        anew: bool = False,
    ) -> RunReport:
        """Export, and report; without an org whose rows turn out not to be had.

        Args:
            exporters: What to write.
            stop: Ends it, between two batches.
            is_last: Whether parts that are damaged or replaced are put up with no more.
            anew: Whether to write also what is there already.
        """
        while True:
            try:
                return self._exported(self._left(), exporters, stop, anew=anew)
            except GcbatchError as exc:
                passing = isinstance(exc, (DamagedPartError, ReplacedPartError))
                if not exc.org or (passing and not is_last):
                    raise
                self._failures[exc.org] = exc

    def _exported(
        self,
        runs: Sequence[OrgRun],
        exporters: Exporters,
        stop: threading.Event,
        *,
        anew: bool,
    ) -> RunReport:
        catalogs = [run.catalog(stop) for run in runs]
        catalog = self._catalog(catalogs)
        marks = ExportFingerprints([own.source for own in catalogs], stop)
        earlier = PreviousExports({} if anew else runs[0].last_report())
        exports: list[Exported] = []
        outputs: dict[str, PublishedFile] = {}
        failed: list[FailedExport] = []
        for number, (spec, exporter, entry) in enumerate(exporters):
            mark = marks.of(spec, exporter, entry)
            if same := earlier.same(mark, spec.exporter, spec.table_names):
                done, files = same
                _remove_leftovers(spec)
            else:
                try:
                    given = _given(spec, catalog)
                    receipt, files = export(exporter, spec.exporter, given, stop=stop)
                except GcbatchError as exc:
                    if stop.is_set():
                        raise  # no failure of its own, and none to be noted
                    if isinstance(exc, DataError) or exc.org:
                        raise  # the tables' own, of which others are made too
                    failed.append(_failed(number, spec, exc))
                    continue
                done = Exported(
                    spec.exporter,
                    spec.table_names,
                    receipt.location,
                    receipt.rows,
                    mark=mark,
                    files=tuple(file.path for file in files),
                )
            exports.append(done)
            outputs |= {file.path: file for file in files}
        told = [outputs[path] for path in sorted(outputs)]
        reports: dict[str, RunReport] = {}
        for run, own in zip(runs, catalogs, strict=True):
            with tagging_org(run.org):
                reports[run.org] = run.report(own, exports, told, failed=failed)
        for run in runs:
            run.keep(reports[run.org])
        if isinstance(catalog, Catalog):
            (report,) = reports.values()
        else:
            report = report_of_all(self._job, reports, self._failures, catalog)
        _refuse_unwritten(report)
        return report


def _failed(number: int, spec: Export, exc: GcbatchError) -> FailedExport:
    return FailedExport(number, spec.exporter, spec.table_names, exc.problem, exc.hint)


def _refuse_unwritten(report: RunReport) -> None:
    """Say which exports could not be written; all others are, and in the account.

    Raises:
        OutputError: If there is one; names each, and whatever else the run lacks.
    """
    failed = report.failed_exports
    if not failed:
        return
    told = [*map(str, failed)]
    told += (f"{org}: {exc.problem}" for org, exc in report.failures.items())
    hints = dict.fromkeys(export.hint for export in failed if export.hint)
    error = OutputError(told, hint="; ".join(hints) or None)
    error.missing = "; ".join(map(str, report.gaps))
    raise error


def _remove_leftovers(spec: Export) -> None:
    """Remove what a killed run left beside an output that is not written now."""
    path = spec.options.get("path")
    if isinstance(path, str):
        remove_leftovers(Path(path))


def _given(spec: Export, catalog: Catalog | MultiOrgCatalog) -> dict[str, Table]:
    """Return the tables that an export is handed."""
    return {n: catalog.table(n, period=spec.period) for n in spec.table_names}
