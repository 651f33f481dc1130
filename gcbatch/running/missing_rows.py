"""Says, or refuses, that a run lacks rows that a reader would expect."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gcbatch.errors import DataError
from gcbatch.job import Expect, Export
from gcbatch.running.empty_queues import EmptyQueues
from gcbatch.running.exports import CheckedExport, tables_for
from gcbatch.running.report import Exported
from gcbatch.tables import Catalog, MultiOrgCatalog

__all__ = ["OrgRows", "emptied_exports", "empty_warnings", "refuse_missing_rows"]

_Kind = tuple[str, tuple[str, ...]]
"""The exporter and the tables of an export."""


@dataclass(frozen=True, slots=True)
class OrgRows:
    """What a run has of an org.

    Args:
        org: The org's name in the job; empty in a job of one org.
        rows: Its rows; those of listed tables in a job of tables alone.
        rows_before: Those of the last run; None if there was none.
        queues: Its queues without rows.
    """

    org: str
    rows: int
    rows_before: int | None
    queues: EmptyQueues

    @property
    def warnings(self) -> Iterator[str]:
        """What is to be said of the org."""
        if self.rows == 0:
            if self.rows_before:
                yield f"no rows, where the last run had {self.rows_before:,}"
            elif self.org:
                yield "no rows"
        elif self.queues.names:
            yield str(self.queues)


def empty_warnings(
    exports: Sequence[Exported], last_report: Mapping[str, Any]
) -> Iterator[str]:
    """Yield a warning for each export without rows that had some in the last run."""
    now = Counter[_Kind]()
    for one in exports:
        now[one.exporter, one.tables] += one.rows
    before = _rows_before(last_report)
    for (exporter, tables), rows in now.items():
        if not rows and before[exporter, tables]:
            yield _emptied(exporter, tables, before[exporter, tables])


def emptied_exports(
    exports: Sequence[CheckedExport],
    catalog: Catalog | MultiOrgCatalog,
    last_report: Mapping[str, Any],
) -> Iterator[str]:
    """Yield a line for each export that would have no rows, and had some before.

    Each of their tables is read up to its first row.
    """
    before = _rows_before(last_report)
    alike: dict[_Kind, list[Export]] = {}
    for one in exports:
        alike.setdefault((one.spec.exporter, one.spec.table_names), []).append(one.spec)
    for (exporter, names), specs in alike.items():
        rows = before[exporter, names]
        tables = (t for spec in specs for t in tables_for(spec, catalog).values())
        if rows and not any(b.num_rows for t in tables for b in t.batches()):
            yield _emptied(exporter, names, rows)


def _emptied(exporter: str, tables: Sequence[str], rows: int) -> str:
    return f"{exporter} {', '.join(tables)}: no rows, where the last run wrote {rows:,}"


def _rows_before(report: Mapping[str, Any]) -> Counter[_Kind]:
    """Return the rows of the exports of a run report."""
    rows = Counter[_Kind]()
    try:
        for one in report["exports"]:
            rows[one["exporter"], tuple(one["tables"])] += int(one["rows"])
    except (KeyError, TypeError, ValueError):
        return Counter()
    return rows


def refuse_missing_rows(
    orgs: Sequence[OrgRows],
    expect: Expect | None,
    emptied: Iterable[str],
    *,
    fail_on_empty: bool,
) -> None:
    """Refuse a run that lacks what is expected, before an output is replaced.

    Args:
        orgs: What the run has of each org.
        expect: The section of the job.
        emptied: The lines of emptied_exports.
        fail_on_empty: Whether nothing is a failure.

    Raises:
        DataError: If it lacks something; names all of it.
    """
    lines: list[str] = []
    rows = sum(one.rows for one in orgs)
    if expect and expect.rows and not expect.rows.fits(rows):
        wanted = f"expect.rows: expected {expect.rows.text} rows"
        lines.append(f"{wanted}, the run has {rows:,}")
    for one in orgs:
        org = f"{one.org}: " if one.org else ""
        if expect and expect.queues:
            if one.queues.unknown:
                lines.append(f"expect.queues: {org}{one.queues.unknown}")
            elif one.queues.names:
                lines.append(f"expect.queues: {org}{one.queues}")
        elif fail_on_empty and one.rows and one.queues.names:
            lines.append(f"{org}{one.queues}")
        if fail_on_empty and not one.rows:
            lines.append(f"{org}{next(one.warnings, 'no rows')}")
    if fail_on_empty and rows:
        lines += emptied
    if lines:
        raise DataError(lines, hint=_hint(expect, fail_on_empty=fail_on_empty))


def _hint(expect: Expect | None, *, fail_on_empty: bool) -> str:
    ways = ["without --fail-on-empty"] if fail_on_empty else []
    ways += ["with another `expect:`"] if expect else []
    return (
        "the outputs are as they were, and what was fetched is stored; `gcbatch run "
        f"JOB` {' and '.join(ways)} writes them"
    )
