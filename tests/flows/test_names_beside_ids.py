"""Names beside ids: of what a job's tables show, and of nothing else."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import gcbatch
from gcbatch.simulator import Presence, Tenant
from tests.support.listed_org import (
    ANN,
    DAY,
    NORTH,
    ORG,
    START,
    exports,
    rows,
    run,
    some_id,
)

if TYPE_CHECKING:
    from tests.conftest import Workspace, WorkspaceOf

DIVISIONS = "/api/v2/authorization/divisions"
BY_DIVISION = {**DAY, "group_by": ["divisionId"]}
NAMED: Tenant = replace(ORG, entities={"divisions": ({"id": NORTH, "name": "North"},)})


def asked(workspace: "Workspace") -> set[str]:
    """Return the addresses of the requests that were sent, without those of data."""
    sent = workspace.simulator.requests("/api/v2/")
    return {entry.path for entry in sent if "analytics" not in entry.path}


def run_details(workspace: "Workspace", table: str) -> None:
    """Run a job of details that exports one table."""
    path = workspace.write(table, exports=exports(workspace, table))
    job = json.loads(path.read_text("utf-8"))
    days = {key: DAY[key] for key in ("from", "to", "timezone")}
    job["query"] = {**days, "endpoint": "conversation-details"}
    path.write_text(json.dumps(job), "utf-8")
    gcbatch.run(gcbatch.load_job(path, environ=workspace.environ))


def test_ids_of_divisions_have_names(workspace_of: "WorkspaceOf") -> None:
    """The name that the org's listing has is in the column behind the id."""
    workspace = workspace_of(NAMED)

    run(workspace, "intervals", query=BY_DIVISION)

    (row,) = rows(workspace, "intervals")
    assert (row["division_id"], row["division_name"]) == (NORTH, "North")


def test_only_what_is_shown_is_listed(workspace_of: "WorkspaceOf") -> None:
    """Divisions, and the deleted ones; no skills, teams, flows or campaigns."""
    workspace = workspace_of(NAMED)

    run(workspace, "intervals", query=BY_DIVISION)

    assert asked(workspace) == {DIVISIONS, f"{DIVISIONS}/deleted"}


def test_a_job_without_such_ids_lists_none(workspace_of: "WorkspaceOf") -> None:
    """A group by medium has no names."""
    workspace = workspace_of(NAMED)

    run(workspace, "intervals")

    assert asked(workspace) == set()


def test_tables_of_details_are_asked_what_they_show(
    workspace_of: "WorkspaceOf",
) -> None:
    """Participants have teams; conversations have none."""
    workspace = workspace_of(ORG)
    run_details(workspace, "conversations")
    without = asked(workspace)

    run_details(workspace, "participants")

    assert asked(workspace) - without == {"/api/v2/teams"}


def test_presences_of_the_org_have_names(workspace_of: "WorkspaceOf") -> None:
    """Qualifiers of the one metric are ids; a presence's name is its English label."""
    lunch = some_id(41)
    presence = Presence(
        user_id=ANN,
        system_presence="MEAL",
        organization_presence_id=lunch,
        start=START,
        end=START + timedelta(hours=1),
    )
    definition = {"id": lunch, "languageLabels": {"en_US": "Lunch"}}
    org = replace(
        ORG, presences=(presence,), entities={"presence_definitions": (definition,)}
    )
    workspace = workspace_of(org)
    metrics = ["tOrganizationPresence"]
    query = {**DAY, "endpoint": "user-aggregates", "group_by": ["userId"]}

    run(workspace, "intervals", query={**query, "metrics": metrics})

    (row,) = rows(workspace, "intervals")
    assert (row["qualifier"], row["qualifier_name"]) == (lunch, "Lunch")


def test_a_missing_permission_is_one_warning_for_a_day(
    workspace_of: "WorkspaceOf",
) -> None:
    """Ids stand for names; the next run on the same day does not ask again."""
    data = "analytics:conversationAggregate:view"
    skills = {**DAY, "group_by": ["requestedRoutingSkillId"]}
    workspace = workspace_of(ORG, permissions=frozenset({data}))

    first = run(workspace, "intervals", query=skills)
    second = run(workspace, "intervals", query=skills)

    (warning,) = first.warnings
    assert "skills are shown by id" in warning
    assert "routing:skill:view" in warning
    assert (first.requests, second.requests) == (2, 0)
