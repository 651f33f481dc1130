"""Recognises outputs that would not change, so that they are not written again.

An exporter can say that it is `deterministic`: the same tables and options give the
same files. Its export then has a fingerprint, a hash over all that determines the
files; run.json has it, with the digests of the files. If the fingerprint is the same
and the files are unchanged, there is nothing to write. Parts are checked in any case,
so that a damaged one is found.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.metadata import version
from threading import Event
from typing import Any, Final

from gcbatch.errors import OutputError, tagging_org
from gcbatch.exporting import (
    Exporter,
    ExporterEntry,
    PublishedFile,
    are_unchanged,
    published_files,
)
from gcbatch.genesys import ENTITY_TABLES
from gcbatch.job import CHANGES_TABLE, Export
from gcbatch.objects import Buckets
from gcbatch.planning import digest_parts
from gcbatch.query import canonical
from gcbatch.running.report import Exported
from gcbatch.table import StoppedError
from gcbatch.tables import TableSource, tables_in_changes

__all__ = ["ExportFingerprints", "unchanged_export"]

FORMAT: Final = 1
PACKAGES: Final = ("gcbatch", "pyarrow", "tzdata")
"""Packages whose versions can change tables and files."""

SHOWN: Final = ("by_dimension", "former", "targets")
"""Keys of the names that tables show. Times of listings are not among them."""


class ExportFingerprints:
    """Computes the fingerprints of a job's exports from what its tables are made of."""

    def __init__(self, sources: Sequence[TableSource], stop: Event) -> None:
        self._sources = sources
        self._stop = stop
        self._described: list[Any] | None = None

    def of(self, spec: Export, exporter: Exporter, entry: ExporterEntry) -> str:
        """Return the fingerprint of an export; empty if it has none.

        Raises:
            DataError: As Store.read does.
        """
        if not (getattr(exporter, "deterministic", False) and entry.distribution):
            return ""
        job = self._sources[0].job
        derived = {t: job.derived[t] for t in job.derived_among(spec.table_names)}
        if not all(job.statements[table].is_repeatable for table in derived):
            return ""  # the same parts give other rows
        named = job.base_tables(spec.table_names)
        listings: list[dict[str, str]] = []
        for source in self._sources:
            tables = [t for t in named if t in ENTITY_TABLES]
            listings.append(source.listing_checksums(tables))
            if len(listings[-1]) < len(tables):
                return ""  # not stored, as in a run with gaps
        if self._described is None:
            self._described = [_describe(own, self._stop) for own in self._sources]
        content: dict[str, Any] = {
            "format": FORMAT,
            "versions": {package: version(package) for package in PACKAGES},
            "exporter": [str(entry), entry.entry.value],
            "export": spec.model_dump(mode="json"),
            "sources": self._described,
        }
        if derived:
            content["versions"]["duckdb"] = version("duckdb")
            content["derived"] = {
                name: table.model_dump(mode="json") for name, table in derived.items()
            }
        if any(listings):
            content["listings"] = listings
        if CHANGES_TABLE in named:
            content["changes"] = [_describe_changes(own) for own in self._sources]
        return sha256(canonical(content)).hexdigest()


def _describe_changes(source: TableSource) -> dict[str, Any]:
    """Return what the table `changes` of an org is made of, besides its parts."""
    stamps = source.store.changes.stamps()
    log = {name: stamp.decode() for name, stamp in stamps.items()}
    return {"tables": tables_in_changes(source.job), "log": log}


def _describe(source: TableSource, stop: Event) -> dict[str, Any]:
    """Return all that determines the tables of an org."""
    job, store = source.job, source.store
    plan = source.latest.compared if source.latest else source.plan
    with tagging_org(job.org_name):
        digests = {query.digest for query in plan.queries}
        store.expect(digests)
        for digest in digests:
            if stop.is_set():
                raise StoppedError
            if store.has(digest):
                store.check(digest)
    names = source.names.to_json()
    asked: dict[str, Any] = {}
    if job.local_zone:
        asked["local_time"] = job.local_zone.key
    if source.provisional:
        asked["provisional"] = [span.to_json() for span in source.provisional]
        asked["is_provisional"] = job.is_provisional
    if job.calendar:
        asked["calendar"] = job.calendar.model_dump(mode="json")
    if job.sla:
        asked["thresholds"] = names["thresholds"]
    return {
        "org": job.org_name,
        "query": job.query.model_dump(mode="json", by_alias=True),
        "sla": job.sla and job.sla.model_dump(mode="json"),
        "plan": source.plan.run_id,
        "inputs": digest_parts(plan, store).sha256,
        "names": {part: names[part] for part in SHOWN},
        **asked,
    }


def unchanged_export(
    last_report: Mapping[str, Any], fingerprint: str, spec: Export, buckets: Buckets
) -> tuple[Exported, tuple[PublishedFile, ...]] | None:
    """Return an export whose files are as this run would write them, and the files.

    Args:
        last_report: The run.json of the last run; empty if there is none.
        fingerprint: The fingerprint of the export.
        spec: The export of the job file.
        buckets: Access to object stores.

    Returns:
        None if it must be written: no export has this fingerprint, or its files are
        missing or changed.
    """
    if not fingerprint:
        return None
    try:
        published = {file.path: file for file in published_files(last_report)}
        known = {e.get("mark"): e for e in last_report["exports"]}[fingerprint]
        outputs = tuple(published[path] for path in known["files"])
        if not outputs or not are_unchanged(outputs, buckets):
            return None
        exported = Exported(
            spec.exporter,
            spec.table_names,
            str(known["location"]),
            int(known["rows"]),
            fingerprint,
            tuple(output.path for output in outputs),
            unchanged=True,
        )
    except (KeyError, TypeError, ValueError, AttributeError, OSError, OutputError):
        return None  # an object store that fails makes the export fail, and says so
    return exported, outputs
