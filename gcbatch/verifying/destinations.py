"""Reads databases and lakes back, and compares them with what the last run has."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from gcbatch.errors import DataError, GcbatchError
from gcbatch.exporting import Mismatch, mismatches
from gcbatch.job import Export, Job, LoadedExport, load_export
from gcbatch.running import tables_of
from gcbatch.verifying.result import MAX_LISTED, VerifyResult

__all__ = ["Destination", "DestinationsResult", "verify_destinations"]

Orgs = frozenset[str]


@dataclass
class Destination:
    """What comparing the destination of one export found.

    Args:
        exporter: The export's exporter, as the job names it.
        tables: The names of its tables.
        location: Where their rows are, as the user would name it.
        rows: How many rows the tables have; None if they were not read to the end.
        differing: How many days differ, by org; a table without days counts as one.
        mismatches: The first of them, in order.
        left_out: Why an org was not compared, by its name; in a job of one org by "".
        failure: The error that ended the comparison, such as a database that cannot be
            reached.
    """

    exporter: str
    tables: tuple[str, ...]
    location: str
    rows: int | None = None
    differing: Counter[str] = field(default_factory=Counter)
    mismatches: list[Mismatch] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    failure: GcbatchError | None = None

    def add(self, found: Mismatch) -> None:
        """Count a mismatch, and list the first ones."""
        self.differing[found.org] += 1
        if len(self.mismatches) < MAX_LISTED:
            self.mismatches.append(found)

    def described(self, mismatch: Mismatch) -> str:
        """Return a mismatch in words; the table of an export of one goes without."""
        if len(self.tables) > 1:
            return str(mismatch)
        return str(replace(mismatch, table="")).removeprefix(": ")

    def is_good(self, org: str) -> bool:
        """Return whether an org's rows were not found to differ."""
        return self.failure is None and not (self.differing[org] or self.differing[""])

    def to_json(self, org: str) -> dict[str, Any]:
        """Return what concerns an org as plain data."""
        return {
            "exporter": self.exporter,
            "tables": list(self.tables),
            "location": self.location,
            "rows": self.rows,
            "differing": sum(self.differing[o] for o in {org, ""}),
            "mismatches": [
                {
                    "table": one.table,
                    "org": one.org,
                    "day": None if one.day is None else one.day.isoformat(),
                    "problem": one.problem,
                }
                for one in self.mismatches
                if one.org in (org, "")
            ],
            "not_compared": self.left_out.get(org),
            "error": self.failure.problem if self.failure else None,
        }


@dataclass
class DestinationsResult:
    """What comparing the destinations of a job found.

    Args:
        job: The job's name.
        destinations: In the order of the job file; exports that cannot be read back,
            such as files, are not among them.
    """

    job: str
    destinations: list[Destination] = field(default_factory=list)

    @property
    def errors(self) -> list[GcbatchError]:
        """What to act on: the first difference, and what could not be compared."""
        differing = [one for one in self.destinations if one.differing]
        lines = [f"{self.job}: {one.location}: {_first(one)}" for one in differing]
        hint = "`gcbatch export JOB` writes the rows again"
        found: list[GcbatchError] = [DataError(lines, hint=hint)] if lines else []
        return found + [one.failure for one in self.destinations if one.failure]

    def is_good(self, org: str) -> bool:
        """Return whether no destination was found to differ in an org's rows."""
        return all(one.is_good(org) for one in self.destinations)

    def to_json(self, org: str) -> list[dict[str, Any]]:
        """Return what concerns an org as plain data."""
        return [one.to_json(org) for one in self.destinations]


def _first(found: Destination) -> str:
    """Return how many days differ, and the first of them."""
    many, first = found.differing.total(), found.mismatches[0]
    said = found.described(first)
    return said if many == 1 else f"{many:,} days differ, first {said}"


def verify_destinations(
    job: Job, checked: Mapping[str, VerifyResult]
) -> DestinationsResult:
    """Compare the destinations of a job's exports with the tables of the last run.

    Sends no request to the service. An org is compared if its parts are whole, and are
    those that its last run exported to the destination; otherwise the result says why
    not.

    Args:
        job: The job.
        checked: The result of `verify` by org; an org that is missing is left out. The
            key is empty in a job of one org.
    """
    result = DestinationsResult(job.name)
    orgs = [org_job.org_name for org_job in job.per_org()]

    @cache
    def tables(left_out: Orgs) -> Any:
        return tables_of(job, without=left_out)

    for export in job.expanded_exports:
        loaded = load_export(export)
        if not hasattr(loaded.kind, "verify"):
            continue
        found = _undone(loaded, orgs, checked)
        result.destinations.append(found)
        if len(found.left_out) == len(orgs):
            continue
        try:
            catalog = tables(frozenset(found.left_out))
            _compare(found, loaded, catalog)
        except GcbatchError as exc:
            found.failure = exc
    return result


def _undone(
    loaded: LoadedExport,
    orgs: Sequence[str],
    checked: Mapping[str, VerifyResult],
) -> Destination:
    """Return a destination before the comparison, with the orgs to leave out."""
    spec, places = loaded.spec, loaded.destinations()
    location = ", ".join(places)
    left_out = {}
    for org in orgs:
        org_result = checked.get(org)
        if org_result is None:
            left_out[org] = "it could not be checked"
        elif org_result.outdated:
            left_out[org] = org_result.outdated
        elif (written := _written(spec, places, org_result.report)) is None:
            left_out[org] = "the last run did not write it"
        else:
            location = written
    return Destination(
        spec.exporter, spec.table_names, location or spec.exporter, left_out=left_out
    )


def _written(
    spec: Export, places: Sequence[str], report: Mapping[str, Any]
) -> str | None:
    """Return the location that the last run wrote this export to; None if it did not.

    Args:
        spec: The export of the job file, which may have changed since.
        places: Where it writes now; empty if that is not known.
        report: The run.json of the last run.
    """
    with suppress(KeyError, TypeError, AttributeError):  # not our run.json
        for export in report["exports"]:
            location = str(export["location"])
            same = (export["exporter"], tuple(export["tables"]))
            if same == (spec.exporter, spec.table_names) and all(
                _is_at(place, location) for place in places
            ):
                return location
    return None


def _is_at(place: str, location: str) -> bool:
    """Return whether a place is the location, or in it, as a table in a database.

    A table `intervals_2` is not in `intervals`.
    """
    return place == location or place.startswith((f"{location}:", f"{location}/"))


def _compare(found: Destination, loaded: LoadedExport, catalog: Any) -> None:
    """Compare the rows of a destination.

    Raises:
        GcbatchError: If it cannot be read, or the tables cannot.
    """
    spec, options = loaded.spec, loaded.options
    tables = {n: catalog.table(n, period=spec.period) for n in spec.table_names}
    for mismatch in mismatches(loaded.make(), spec.exporter, tables, options=options):
        found.add(mismatch)
    counts = [table.rows_read for table in tables.values()]
    if None not in counts:
        found.rows = sum(filter(None, counts))
