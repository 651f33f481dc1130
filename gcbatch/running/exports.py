"""Runs the exports of a job: what would not change stays, the others are written."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from gcbatch.errors import DataError, GcbatchError
from gcbatch.exporting import (
    Exporter,
    ExporterEntry,
    PublishedFile,
    Receipt,
    export,
    held_export,
    remove_leftovers,
)
from gcbatch.fetching import Observer
from gcbatch.job import Export, ExportOfEntry
from gcbatch.objects import Buckets, is_object_url
from gcbatch.running.export_cache import ExportFingerprints, unchanged_export
from gcbatch.running.export_progress import export_names, observing_rows
from gcbatch.running.report import Exported, FailedExport
from gcbatch.running.side_by_side import RowFeed, feed_side_by_side
from gcbatch.table import Table
from gcbatch.tables import Catalog, MultiOrgCatalog

__all__ = ["CheckedExport", "ExportResults", "run_exports", "tables_for"]


@dataclass(frozen=True)
class CheckedExport:
    """An export of the job file, and the exporter that has checked it.

    Args:
        position: Its number among all exports of the job; the first is 0.
        export: The export of the job file.
        exporter: The exporter with its options.
        entry: Where the exporter comes from.
        options: Its options; no message shows their secrets.
        timeless: See Exported.
    """

    position: int
    export: ExportOfEntry
    exporter: Exporter
    entry: ExporterEntry
    options: BaseModel
    timeless: tuple[str, ...]

    @property
    def spec(self) -> Export:
        """What is exported, with the names of its tables."""
        return self.export.spec


@dataclass
class ExportResults:
    """What became of the exports of a job, by their position.

    Attributes:
        done: Those that were written, or left as they are, each with its files.
        failed: Those that failed.
    """

    done: dict[int, tuple[Exported, tuple[PublishedFile, ...]]] = field(
        default_factory=dict
    )
    failed: dict[int, FailedExport] = field(default_factory=dict)

    @property
    def exports(self) -> list[Exported]:
        """The exports that did not fail, in the order of the job file."""
        return [self.done[position][0] for position in sorted(self.done)]

    @property
    def published(self) -> list[PublishedFile]:
        """Their files, by path."""
        files = {file.path: file for _, files in self.done.values() for file in files}
        return [files[path] for path in sorted(files)]

    @property
    def failures(self) -> list[FailedExport]:
        """The exports that failed, in the order of the job file."""
        return [self.failed[position] for position in sorted(self.failed)]


def run_exports(
    exports: Sequence[CheckedExport],
    catalog: Catalog | MultiOrgCatalog,
    fingerprints: ExportFingerprints,
    last_report: Mapping[str, Any],
    stop: threading.Event,
    *,
    observer: Observer,
    buckets: Buckets,
    force: bool = False,
) -> ExportResults:
    """Run exports; those of one table of documents each share one pass over them.

    These come first, the others follow in the order of the job file.

    Args:
        exports: In the order of the job file.
        catalog: The tables.
        fingerprints: Computes what an export depends on.
        last_report: The run.json of the last run; empty if there is none.
        stop: Ends it between two batches.
        observer: Receives the progress.
        buckets: Access to object stores.
        force: Whether to write also what would not change.

    Raises:
        GcbatchError: If the tables cannot be read: that concerns all exports.
    """
    last_report = {} if force else last_report
    names = export_names({one.position: one.spec for one in exports})
    of_catalog = _ExportRound(
        catalog, fingerprints, last_report, stop, observer, buckets, names, force
    )
    return of_catalog.run(exports)


@dataclass
class _ExportRound:
    """The exports of one catalog; see run_exports."""

    catalog: Catalog | MultiOrgCatalog
    fingerprints: ExportFingerprints
    last_report: Mapping[str, Any]
    stop: threading.Event
    observer: Observer
    buckets: Buckets
    names: Mapping[int, str]
    force: bool
    results: ExportResults = field(default_factory=ExportResults)

    def run(self, exports: Sequence[CheckedExport]) -> ExportResults:
        """Run all exports."""
        shared: list[tuple[CheckedExport, str]] = []
        others: list[tuple[CheckedExport, str]] = []
        for one in exports:
            fingerprint = self.fingerprints.of(one.spec, one.exporter, one.entry)
            unchanged = unchanged_export(
                self.last_report, fingerprint, one.spec, self.buckets
            )
            if unchanged is not None:
                self.results.done[one.position] = unchanged
                _remove_leftovers(one.spec)
                continue
            if self._is_held(one, fingerprint):
                continue
            group = shared if self._can_share(one) else others
            group.append((one, fingerprint))
        if shared:
            self._run_shared(shared)
        for one, fingerprint in others:
            tables = tables_for(one.spec, self.catalog)
            self._note(one, partial(self._write, one, tables, fingerprint))
        return self.results

    def _is_held(self, one: CheckedExport, fingerprint: str) -> bool:
        """Note an export whose destination holds its rows already.

        Returns:
            Whether there is nothing left to do.
        """
        if self.force or not hasattr(one.exporter, "holds"):
            return False
        try:
            receipt = held_export(
                one.exporter,
                one.spec.exporter,
                tables_for(one.spec, self.catalog),
                options=one.options,
                stop=self.stop,
                fingerprint=fingerprint,
                buckets=self.buckets,
            )
        except GcbatchError:
            return False  # the export finds the same, and says so
        if receipt is None:
            return False
        exported = _exported(one, receipt, fingerprint)
        self.results.done[one.position] = replace(exported, unchanged=True), ()
        return True

    def _can_share(self, one: CheckedExport) -> bool:
        """Return whether an export can share a pass with others.

        One that takes several tables may read one to its end before the next: the pass
        would wait for ever.
        """
        name, *more = one.spec.table_names
        if more or not getattr(one.exporter, "side_by_side", False):
            return False
        return self.catalog.is_of_documents(name)

    def _run_shared(self, exports: Sequence[tuple[CheckedExport, str]]) -> None:
        """Run exports in threads, fed from one pass."""
        turn = threading.Condition()
        feeds, works = [], []
        for one, fingerprint in exports:
            ((name, table),) = tables_for(one.spec, self.catalog).items()
            feed = RowFeed(name, table.batches, turn)
            tables = {name: replace(table, batches=feed.open)}
            feeds.append(feed)
            works.append(partial(self._write, one, tables, fingerprint))
        done = feed_side_by_side(works, feeds, self.catalog.rows_of, turn, self.stop)
        for (one, _), future in zip(exports, done, strict=True):
            self._note(one, future.result)

    def _write(
        self, one: CheckedExport, tables: Mapping[str, Table], fingerprint: str
    ) -> tuple[Exported, tuple[PublishedFile, ...]]:
        name = self.names[one.position]
        with observing_rows(name, tables, self.observer) as counted:
            receipt, files = export(
                one.exporter,
                one.spec.exporter,
                counted,
                options=one.options,
                stop=self.stop,
                fingerprint=fingerprint,
                buckets=self.buckets,
            )
        return _exported(one, receipt, fingerprint, files), files

    def _note(
        self,
        one: CheckedExport,
        write: Callable[[], tuple[Exported, tuple[PublishedFile, ...]]],
    ) -> None:
        """Note the result of an export, or its failure.

        Raises:
            GcbatchError: If the failure concerns other exports too.
        """
        try:
            self.results.done[one.position] = write()
        except GcbatchError as exc:
            # Errors of the tables concern other exports too.
            if self.stop.is_set() or isinstance(exc, DataError) or exc.org:
                raise
            self.results.failed[one.position] = FailedExport.of(one.export, exc)


def _exported(
    one: CheckedExport,
    receipt: Receipt,
    fingerprint: str,
    files: Sequence[PublishedFile] = (),
) -> Exported:
    return Exported(
        one.spec.exporter,
        one.spec.table_names,
        receipt.location,
        receipt.rows,
        fingerprint,
        tuple(file.path for file in files),
        timeless=one.timeless,
    )


def tables_for(spec: Export, catalog: Catalog | MultiOrgCatalog) -> dict[str, Table]:
    """Return the tables of one export."""
    return {n: catalog.table(n, period=spec.period) for n in spec.table_names}


def _remove_leftovers(spec: Export) -> None:
    """Remove what a killed run left beside an output that is not written now."""
    path = spec.options.get("path")
    if isinstance(path, str) and not is_object_url(path):
        remove_leftovers(Path(path))
