"""Says, or refuses, that a run lacks rows that a reader would expect."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gcbatch.errors import DataError
from gcbatch.job import Expect
from gcbatch.running.empty_queues import OrgRows
from gcbatch.running.exports import CheckedExport, tables_for
from gcbatch.running.report import Exported
from gcbatch.tables import Catalog, MultiOrgCatalog

__all__ = [
    "emptied_exports",
    "empty_warnings",
    "refuse_emptiness",
]


def empty_warnings(
    exports: Sequence[Exported], last_report: Mapping[str, Any]
) -> Iterator[str]:
    """Yield a warning for each export without rows that had some in the last run."""
    before = _rows_before(last_report)
    for one in exports:
        rows = before.get((one.exporter, one.tables), 0)
        if rows and not one.rows:
            yield _emptied(one.exporter, one.tables, rows)


def emptied_exports(
    exports: Sequence[CheckedExport],
    catalog: Catalog | MultiOrgCatalog,
    last_report: Mapping[str, Any],
) -> Iterator[str]:
    """Yield a line for each export that would have no rows, and had some before.

    Each of their tables is read up to its first row.
    """
    before = _rows_before(last_report)
    for one in exports:
        spec = one.spec
        rows = before.get((spec.exporter, spec.table_names), 0)
        tables = tables_for(spec, catalog).values()
        if rows and not any(b.num_rows for t in tables for b in t.batches()):
            yield _emptied(spec.exporter, spec.table_names, rows)


def _emptied(exporter: str, tables: Sequence[str], rows: int) -> str:
    return f"{exporter} {', '.join(tables)}: no rows, where the last run wrote {rows:,}"


def _rows_before(report: Mapping[str, Any]) -> dict[tuple[str, tuple[str, ...]], int]:
    """Return the rows of the exports of a run report, by exporter and tables."""
    try:
        return {
            (one["exporter"], tuple(one["tables"])): int(one["rows"])
            for one in report["exports"]
        }
    except (KeyError, TypeError, ValueError):
        return {}


def refuse_emptiness(
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
