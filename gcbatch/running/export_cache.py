"""What an earlier run exported, so that what would be written again is left as it is.

An exporter may say that it is `deterministic`: the same tables and options give the
same files. Its export has a mark then, a hash over all that determines it, which is
kept in run.json with the digests of the files. Where the mark is the same and the files
are still what they were, there is nothing to do. Parts are looked at all the same: one
that is damaged is found as if it were exported.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from threading import Event
from typing import Any, Final

from gcbatch.errors import tagging_org
from gcbatch.exporting import Exporter, ExporterEntry, PublishedFile, digest_file
from gcbatch.job import ENTITY_TABLES, Export
from gcbatch.planning import digest_parts
from gcbatch.query import canonical
from gcbatch.running.report import Exported
from gcbatch.table import StoppedError
from gcbatch.tables import TableSource

__all__ = ["ExportFingerprints", "PreviousExports"]

FORMAT: Final = 1
PACKAGES: Final = ("gcbatch", "pyarrow", "tzdata")
"""Whose versions tables and files may depend on."""

SHOWN: Final = ("by_dimension", "former", "targets")
"""Of names, what tables show; when they were listed is in none."""


class ExportFingerprints:
    """Marks the exports of a job, by what its tables are made of.

    Args:
        sources: Of each org.
        stop: Once set, an error comes instead of a mark.
    """

    def __init__(self, sources: Sequence[TableSource], stop: Event) -> None:
        self._sources = sources
        self._stop = stop
        self._about: list[Any] | None = None

    def of(self, spec: Export, exporter: Exporter, entry: ExporterEntry) -> str:
        """Return the mark of an export; empty where none can be told.

        Args:
            spec: Of the job file.
            exporter: What writes it.
            entry: How that is registered.

        Raises:
            DataError: As Store.read does.
        """
        if not (getattr(exporter, "deterministic", False) and entry.distribution):
            return ""
        if not {*ENTITY_TABLES}.isdisjoint(spec.table_names):
            return ""  # what is listed has no seal
        if self._about is None:
            self._about = [_about(source, self._stop) for source in self._sources]
        told = {
            "format": FORMAT,
            "versions": {package: version(package) for package in PACKAGES},
            "exporter": [str(entry), entry.entry.value],
            "export": spec.model_dump(mode="json"),
            "sources": self._about,
        }
        return sha256(canonical(told)).hexdigest()


def _about(source: TableSource, stop: Event) -> dict[str, Any]:
    """Return all that determines the tables of an org."""
    job, store = source.job, source.store
    plan = source.latest.compared if source.latest else source.plan
    with tagging_org(job.org_name):
        for digest in {query.digest for query in plan.queries}:
            if stop.is_set():
                raise StoppedError
            if store.path(digest).exists():
                store.check(digest)
    names = source.names.to_json()
    return {
        "org": job.org_name,
        "query": job.query.model_dump(mode="json", by_alias=True),
        "sla": job.sla and job.sla.model_dump(mode="json"),
        "plan": source.plan.run_id,
        "inputs": digest_parts(plan, store).sha256,
        "names": {part: names[part] for part in SHOWN},
    }


@dataclass(frozen=True)
class PreviousExports:
    """What an earlier run exported.

    Args:
        note: Its run.json; nothing where there is none.
    """

    note: Mapping[str, Any]

    def same(
        self, mark: str, exporter: str, tables: Sequence[str]
    ) -> tuple[Exported, tuple[PublishedFile, ...]] | None:
        """Return an export that is still there, and its files.

        Args:
            mark: Of the export.
            exporter: Its name.
            tables: That it is given.

        Returns:
            None where it has to be done: nothing like it was, or its files are gone or
            are other ones.
        """
        if not mark:
            return None
        try:
            digests = {o["path"]: o["sha256"] for o in self.note["digests"]["outputs"]}
            known = {e.get("mark"): e for e in self.note["exports"]}[mark]
            outputs = [digest_file(Path(path)) for path in known["files"]]
            if not outputs or any(digests[o.path] != o.sha256 for o in outputs):
                return None
            done = Exported(
                exporter,
                tuple(tables),
                str(known["location"]),
                int(known["rows"]),
                mark=mark,
                files=tuple(output.path for output in outputs),
                unchanged=True,
            )
        except (KeyError, TypeError, ValueError, AttributeError, OSError):
            return None
        return done, tuple(outputs)
