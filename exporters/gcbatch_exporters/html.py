"""A report in one HTML file that opens anywhere and loads nothing."""

from collections.abc import Mapping
from typing import ClassVar, Final

from pydantic import BaseModel

from gcbatch.errors import JobError
from gcbatch.exporting import FileOptions, Receipt, Target
from gcbatch.table import Table
from gcbatch_exporters.base import FileExporter, require_tables
from gcbatch_exporters.report.markup import tag
from gcbatch_exporters.report.page import FOOT, head, report
from gcbatch_exporters.report.plain_table import listing
from gcbatch_exporters.report.summary import NEEDED, read_figures
from gcbatch_exporters.report.week_grid import (
    Heat,
    fits_hours,
    heat_of_intervals,
    heat_of_sla,
)

__all__ = ["HtmlExporter", "HtmlOptions"]

SLA: Final = "sla"
INTERVALS: Final = "intervals"


class HtmlOptions(FileOptions):
    """Options of the html exporter.

    Args:
        title: Heading of the page.
    """

    title: str = "Service level report"


class HtmlExporter(FileExporter[HtmlOptions]):
    """Writes the table `sla` as a report, any other as plain rows.

    The report compares queues with their targets, over time and over the hours of the
    week. The hours need `sla` by the hour, or `intervals` beside it. The page contains
    its style, runs no script and loads nothing; the same rows give the same bytes.
    """

    Options: ClassVar[type[BaseModel]] = HtmlOptions

    def check(self, tables: Mapping[str, Table]) -> None:
        """Refuse tables that give no page.

        Raises:
            JobError: If there is no table; if `sla` lacks columns, or comes with other
                tables than `intervals`; if the orgs have different time zones.
        """
        require_tables(tables, "html")
        if SLA not in tables:
            return
        if tables[SLA].zones_differ:
            msg = "exporter 'html': the orgs' days and hours differ by their time zones"
            raise JobError(msg, hint="give them one timezone, or export csv")
        if others := set(tables) - {SLA, INTERVALS}:
            names = ", ".join(sorted(others))
            msg = f"exporter 'html' makes a report of {SLA}, and has no use for {names}"
            raise JobError(
                msg, hint="write one export for the report, one for the rest"
            )
        if missing := set(NEEDED) - set(_basis(tables[SLA]).schema.names):
            msg = f"exporter 'html': table {SLA!r} lacks {', '.join(sorted(missing))}"
            raise JobError(msg, hint="hand it the table as gcbatch makes it")

    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        """Write the page.

        Raises:
            JobError: As in check.
        """
        self.check(tables)
        path = self._options.path
        staged = target.stage(path)
        if SLA in tables:
            page, rows = self._report(_basis(tables[SLA]), tables.get(INTERVALS))
            # Windows would change the line ends, and with them the hash of the style.
            staged.write_text(page, "utf-8", newline="\n")
            return Receipt(str(path), rows)
        with staged.open("w", encoding="utf-8", newline="\n") as file:
            file.write(head(self._options.title))
            file.write(tag("h1", self._options.title))
            rows = 0
            for table in tables.values():
                for piece, count in listing(table):
                    file.write(piece)
                    rows += count
            file.write(FOOT)
        return Receipt(str(path), rows)

    def _report(self, sla: Table, intervals: Table | None) -> tuple[str, int]:
        figures, spans = read_figures(sla)
        rows = figures.rows
        heat: Heat | None = None
        if fits_hours(spans, sla.timezone):
            heat = heat_of_sla(sla)
        elif intervals is not None:
            heat, more = heat_of_intervals(intervals)
            rows += more
        return report(self._options.title, sla, figures, heat), rows


def _basis(sla: Table) -> Table:
    # Percentages do not add up; the sums that they were computed from do.
    return sla if sla.basis is None else sla.basis
