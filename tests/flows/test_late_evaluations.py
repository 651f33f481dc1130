"""Evaluations that arrive weeks after their conversation, and when a run has them."""

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from gcbatch import RunReport
from gcbatch.simulator import Tenant, generate_conversations
from tests.support.details_world import tenant_of
from tests.support.old_parts import metadata_in

if TYPE_CHECKING:
    from tests.conftest import Workspace, WorkspaceOf

DAY = timedelta(days=1)
FROM = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - 30 * DAY
"""Three days, which ended 27 days ago."""

DETAILS: dict[str, Any] = {
    "endpoint": "conversation-details",
    "from": str(FROM.date()),
    "to": str((FROM + 3 * DAY).date()),
    "timezone": "UTC",
    "granularity": None,
    "metrics": [],
}
BY_TABLE = {"default": "P4D", "evaluations": "P45D"}
DOCUMENTS = generate_conversations(1, 30, FROM, FROM + 3 * DAY, size_bytes=850)
EARLY = tenant_of(*DOCUMENTS)
EVALUATED = (3, 14)
"""Conversations of two of the days, by their place."""


def evaluation(number: int) -> dict[str, Any]:
    """Return an evaluation, 20 days after the first conversation."""
    return {
        "evaluationId": f"e{number}",
        "evaluationStatus": "Finished",
        "eventTime": (FROM + 20 * DAY).isoformat(timespec="milliseconds"),
        "oTotalScore": 70 + number,
    }


def later() -> Tenant:
    """Return the tenant once the evaluations have arrived."""
    documents = list(DOCUMENTS)
    for number in EVALUATED:
        sent = json.loads(documents[number].json)
        sent["evaluations"] = [evaluation(number)]
        documents[number] = replace(documents[number], json=json.dumps(sent).encode())
    return tenant_of(*documents)


LATER = later()
TABLES = ("conversations", "evaluations")


def run(
    workspace: "Workspace",
    settle: Any,
    tables: Sequence[str] = TABLES,
    query: dict[str, Any] = DETAILS,
) -> RunReport:
    return workspace.run(
        query=query,
        fetch={"settle": settle, "chunk": "P1D"},
        exports=[
            {"exporter": "csv", "table": t, "path": str(workspace.folder / f"{t}.csv")}
            for t in tables
        ],
    )


def rows(workspace: "Workspace", table: str) -> list[dict[str, str]]:
    with (workspace.folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def workspace(workspace_of: "WorkspaceOf") -> "Workspace":
    """An org whose evaluations have not arrived; its names are listed."""
    return workspace_of(EARLY)


@pytest.mark.parametrize(
    ("settle", "has_them"), [("P4D", False), (BY_TABLE, True), ("P45D", True)]
)
def test_a_second_run_has_what_has_not_settled(
    workspace: "Workspace", settle: Any, *, has_them: bool
) -> None:
    """With P4D the part is final before they arrive; with P45D it is asked again."""
    run(workspace, settle)
    before = rows(workspace, "evaluations")
    workspace.become(LATER)

    run(workspace, settle)

    found = {
        (r["conversation_id"], r["o_total_score"]) for r in rows(workspace, TABLES[1])
    }
    expected = {(DOCUMENTS[n].id, str(70 + n)) for n in EVALUATED}
    assert before == []
    assert found == (expected if has_them else set())
    assert len(rows(workspace, "conversations")) == len(DOCUMENTS)


def test_a_third_run_doubles_nothing(workspace: "Workspace") -> None:
    """Each time the whole window takes the place of the one before."""
    for tenant in (LATER, EARLY, LATER):
        workspace.become(tenant)
        run(workspace, BY_TABLE)

    assert len(rows(workspace, "evaluations")) == len(EVALUATED)
    assert len(rows(workspace, "conversations")) == len(DOCUMENTS)


def test_a_job_without_the_table_does_not_pay(workspace: "Workspace") -> None:
    """Its parts are final after the default, and the second run makes no request."""
    run(workspace, BY_TABLE, ["conversations"])
    asked = len(workspace.simulator.requests("/details/query"))

    report = run(workspace, BY_TABLE, ["conversations"])

    assert len(workspace.simulator.requests("/details/query")) == asked
    assert report.to_json()["settle"] == "P4D"


def test_a_job_that_only_evaluated_ones_concern(workspace: "Workspace") -> None:
    """By a filter, the rest of the range is not fetched again."""
    exists = {"dimension": "evaluationId", "operator": "exists"}
    wanted = {"type": "and", "predicates": [exists]}
    query = {**DETAILS, "filter": {"evaluationFilters": [wanted]}}
    run(workspace, BY_TABLE, ["evaluations"], query)
    workspace.become(LATER)

    run(workspace, BY_TABLE, ["evaluations"], query)

    assert len(rows(workspace, "evaluations")) == len(EVALUATED)
    stored = [metadata_in(part).rows for part in workspace.parts]
    assert sum(stored) == len(EVALUATED)
