"""Jobs that load a destination, with the Parquet of the same runs beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

import gcbatch
from gcbatch import Job, RunReport
from gcbatch.simulator import Fault, Tenant
from tests.support.destinations import Destination, Row, rows_of
from tests.support.several_orgs import DAYS

if TYPE_CHECKING:
    from tests.conftest import Workspace

__all__ = ["DAY0", "LoadedJob", "calls_left_out", "parquet_exports", "renamed"]

DAY0 = datetime(2026, 3, 2, tzinfo=UTC)
"""The first day of the calls of several_orgs.tenant."""

TABLES = ("intervals", "sla")
METRICS = ("nOffered", "tAnswered", "tAbandon", "tHandle", "oServiceLevel")


def parquet_exports(folder: Path, *tables: str) -> list[dict[str, Any]]:
    """Return exports to Parquet, a file for each table."""
    return [
        {"exporter": "parquet", "table": t, "path": str(folder / f"{t}.parquet")}
        for t in tables
    ]


def calls_left_out(of: Tenant, day: int) -> Tenant:
    """Return a tenant without a queue's calls of a day, and with others twice."""
    start, end = (DAY0 + timedelta(days=n) for n in (day, day + 1))
    sales = of.queues[1].id
    of_day = [call for call in of.calls if start <= call.offered < end]
    others = [call for call in of.calls if call not in of_day]
    kept = [call for call in of_day if call.queue_id != sales]
    return replace(of, calls=(*others, *kept, *kept))


def renamed(of: Tenant) -> Tenant:
    """Return a tenant whose first queue has another name."""
    first, *others = of.queues
    return replace(of, queues=(replace(first, name="Renamed"), *others))


@dataclass
class LoadedJob:
    """A job of one org that loads `intervals` and `sla` into a destination.

    Args:
        workspace: A simulator of several_orgs.tenant, and a folder.
        place: The destination.
        options: Options of its exporter.
    """

    workspace: "Workspace"
    place: Destination
    tables: tuple[str, ...] = TABLES
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.workspace.folder

    def job(
        self, first: float = 0, last: float = DAYS, *, name: str = "job", **more: Any
    ) -> Job:
        """Return a job about some of the days; the first is 0."""
        return self.workspace.job(name, **self.sections(first, last, **more))

    def sections(
        self, first: float = 0, last: float = DAYS, **more: Any
    ) -> dict[str, Any]:
        ends = [
            (DAY0 + timedelta(days=n)).strftime("%Y-%m-%dT%H:%M") for n in (first, last)
        ]
        query = {
            "from": ends[0],
            "to": ends[1],
            "timezone": "UTC",
            "metrics": list(METRICS),
            **more.pop("query", {}),
        }
        options = {**self.options, **more.pop("options", {})}
        return {
            "query": query,
            "sla": {},
            "exports": [
                *parquet_exports(self.folder, *self.tables),
                *self.place.exports(self.folder, *self.tables, **options),
            ],
            **more,
        }

    def run(
        self,
        first: float = 0,
        last: float = DAYS,
        *,
        fresh: bool = False,
        allow_partial: bool = False,
        **more: Any,
    ) -> RunReport:
        """Run the job."""
        job = self.job(first, last, **more)
        return gcbatch.run(job, fresh=fresh, allow_partial=allow_partial)

    def parquet(self, table: str) -> pa.Table:
        """Return what the last run wrote as Parquet."""
        return pq.read_table(self.folder / f"{table}.parquet")

    def rows(self, table: str, schema: pa.Schema | None = None) -> list[Row]:
        """Return the rows of the destination, in the columns of a schema.

        Args:
            table: The name of the table.
            schema: Default: that of the Parquet.
        """
        schema = schema or self.parquet(table).schema
        return rows_of(self.place.read(self.folder, table, schema))

    def state(self) -> Mapping[str, list[Row]]:
        """Return all rows of all tables."""
        return {table: self.rows(table) for table in self.tables}

    def exported(self) -> Mapping[str, list[Row]]:
        """Return all rows that the last run wrote as Parquet."""
        return {table: rows_of(self.parquet(table)) for table in self.tables}

    def break_queries(self, *nth: int) -> None:
        """Have the service refuse some queries for good; the first is 1."""
        fault = Fault("status", status=400, path="/analytics/", nth=nth)
        self.workspace.simulator.faults.add(fault)


def begun(rows: list[Row], first: float, last: float) -> list[Row]:
    """Return the rows whose first instant is in some of the days."""
    start, end = (DAY0 + timedelta(days=n) for n in (first, last))

    def at(row: Row) -> datetime:
        instant = next(value for value in row if isinstance(value, datetime))
        return instant.replace(tzinfo=UTC)

    return [row for row in rows if start <= at(row) < end]
