"""A run: the only package that knows all stages."""

from gcbatch.running.history import PastRun, runs_of
from gcbatch.running.listed_changes import achanges, changes, changes_in
from gcbatch.running.open_engine import LazyEngine
from gcbatch.running.options import RunOptions
from gcbatch.running.org_run import OrgRun
from gcbatch.running.pipeline import (
    acheck,
    aexport_job,
    aplan,
    arun,
    arun_all,
    blocking,
    check,
    declared_tables,
    export_job,
    last_run_of,
    list_table,
    plan,
    run,
    tables_of,
)
from gcbatch.running.report import RunReport
from gcbatch.running.resolved_plan import ResolvedPlan
from gcbatch.running.sql_session import SqlTables, asql, open_sql, sql
from gcbatch.running.writable_outputs import check_outputs

__all__ = [
    "LazyEngine",
    "OrgRun",
    "PastRun",
    "ResolvedPlan",
    "RunOptions",
    "RunReport",
    "SqlTables",
    "achanges",
    "acheck",
    "aexport_job",
    "aplan",
    "arun",
    "arun_all",
    "asql",
    "blocking",
    "changes",
    "changes_in",
    "check",
    "check_outputs",
    "declared_tables",
    "export_job",
    "last_run_of",
    "list_table",
    "open_sql",
    "plan",
    "run",
    "runs_of",
    "sql",
    "tables_of",
]
