"""An org of a few queues, users and codes, and jobs that export them."""

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import gcbatch
from gcbatch.simulator import Call, Queue, Tenant, User, WrapUpCode

if TYPE_CHECKING:
    from tests.conftest import Workspace


def some_id(number: int) -> str:
    return str(UUID(int=number + (4 << 76) + (8 << 60)))


SALES, SUPPORT, ANN, BOB, DONE = (some_id(n) for n in (1, 2, 11, 12, 21))
NORTH = some_id(31)
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
ORG = Tenant(
    name="Small",
    version="1",
    queues=(
        Queue(
            id=SUPPORT,
            name="Support",
            division_id=NORTH,
            target=0.85,
            service_level_ms=30_000,
        ),
        Queue(id=SALES, name="Sales", division_id=NORTH),
    ),
    users=(User(id=BOB, name="Bob", state="deleted"), User(id=ANN, name="Ann")),
    wrap_up_codes=(WrapUpCode(id=DONE, name='Done, "all"'),),
    calls=(Call(queue_id=SALES, offered=START, answered=START, ended=START),),
    divisions={NORTH: "North"},
)
DAY = {
    "from": "2026-03-02",
    "to": "2026-03-03",
    "timezone": "UTC",
    "group_by": ["mediaType"],
}
STATES = ("active", "inactive", "deleted")
"""Of users, which are listed one after the other; each takes a page."""

PATHS = {
    "queues": "/routing/queues",
    "users": "/api/v2/users",
    "wrapup_codes": "/routing/wrapupcodes",
}


def exports(
    workspace: "Workspace", *tables: str, kind: str = "csv"
) -> list[dict[str, Any]]:
    """Return exports of some tables to files called like them."""
    return [
        {"exporter": kind, "table": t, "path": str(workspace.folder / f"{t}.{kind}")}
        for t in tables
    ]


def run(workspace: "Workspace", *tables: str, **sections: Any) -> gcbatch.RunReport:
    """Run a job of one query that exports some tables."""
    return workspace.run(
        **{"query": DAY, "exports": exports(workspace, *tables), **sections}
    )


def tables_alone(
    workspace: "Workspace", *tables: str, name: str = "job", **sections: Any
) -> Path:
    """Write a job file without a query that exports some tables."""
    sections = {"exports": exports(workspace, *tables), **sections}
    path = workspace.write(name, **sections)
    job = json.loads(path.read_text("utf-8"))
    del job["query"]
    path.write_text(json.dumps(job, indent=1), "utf-8")
    return path


def list_tables(
    workspace: "Workspace", *tables: str, fresh: bool = False, **sections: Any
) -> gcbatch.RunReport:
    """Run a job of tables alone."""
    path = tables_alone(workspace, *tables, **sections)
    job = gcbatch.load_job(path, environ=workspace.environ)
    return gcbatch.run(job, fresh=fresh)


def rows(workspace: "Workspace", table: str) -> list[dict[str, str]]:
    """Return what a CSV file has; nothing is an empty text."""
    with (workspace.folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def request_counts(workspace: "Workspace") -> dict[str, int]:
    """Return how many requests each listing took."""
    return {table: len(workspace.simulator.requests(p)) for table, p in PATHS.items()}


def without(tenant: Tenant, queue_id: str) -> Tenant:
    """Return an org that has deleted a queue."""
    queues = tuple(replace(q, deleted=q.id == queue_id) for q in tenant.queues)
    return replace(tenant, queues=queues)
