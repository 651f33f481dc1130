"""Shared by tests of tables: sources of tables, made of a plan and stored parts."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import pyarrow as pa

from gcbatch.endpoints.base import AggregateEndpoint
from gcbatch.genesys.names import Names
from gcbatch.job.job import Job
from gcbatch.planning.plan import Plan
from gcbatch.registry import load_member
from gcbatch.store.store import Store
from gcbatch.table import Table
from gcbatch.tables.source import TableSource

GROUPS = ("queue_id", "media_type")


@dataclass(frozen=True)
class FakeEndpoint:
    """An endpoint whose parts have a schema, and hold what the table `sla` adds up."""

    part: pa.Schema

    def schema(self, _query: object) -> pa.Schema:
        return self.part

    def groups(self, _query: object) -> tuple[str, ...]:
        return GROUPS

    def derive_columns(self, rows: pa.Table) -> pa.Table:
        return rows.select([])

    def sla_inputs(self, rows: pa.Table) -> pa.Table:
        return rows


@cache
def job_in(timezone: str) -> Job:
    """Return a job without a section `sla`."""
    query: dict[str, Any] = {
        "from": "2026-10-01",
        "to": "2026-10-03",
        "timezone": timezone,
    }
    query |= {"metrics": ["nOffered"], "granularity": "PT1H"}
    org = {"simulator": True}
    return Job.model_validate({"name": "j", "org": org, "query": query})


def source_of(
    plan: Plan,
    store: object,
    *,
    part: pa.Schema | None = None,
    names: Mapping[str, Mapping[str, str]] | None = None,
    timezone: str = "UTC",
    **more: Any,
) -> TableSource:
    """Return the source of tables that are read from the parts of a plan.

    Args:
        plan: The plan.
        store: Where the parts are.
        part: The schema of parts of aggregates.
        names: For each dimension, names by id.
        timezone: The job's.
        more: What else a source has.
    """
    source = {
        "job": job_in(timezone),
        "endpoint": cast("AggregateEndpoint", FakeEndpoint(part or pa.schema([]))),
        "names": Names(names or {}),
        **more,
    }
    return TableSource(plan=plan, store=cast("Store", store), **source)


def aggregate_table(name: str, source: TableSource) -> Table:
    """Return a table of aggregates."""
    table: Table = load_member("tables/aggregates", name, "table")(source)
    return table
