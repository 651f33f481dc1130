"""Queues, users and wrap-up codes as tables: what their rows say."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

import gcbatch
from gcbatch import JobError
from gcbatch.coverage import Coverage
from gcbatch.running.pipeline import tables_of
from gcbatch.simulator import User
from tests.support.listed_org import (
    ANN,
    BOB,
    DAY,
    DONE,
    ORG,
    SALES,
    STATES,
    SUPPORT,
    exports,
    request_counts,
    rows,
    run,
    some_id,
    without,
)

if TYPE_CHECKING:
    from tests.conftest import WorkspaceOf


def test_queues_have_their_settings(workspace_of: "WorkspaceOf") -> None:
    """A row for each by id, with the service level of each medium."""
    workspace = workspace_of(ORG)

    run(workspace, "queues")

    sales, support = rows(workspace, "queues")
    assert (sales["queue_id"], support["queue_id"]) == (SALES, SUPPORT)
    assert (support["queue_name"], support["division_name"]) == ("Support", "North")
    assert (support["voice_target_pct"], support["voice_target_ms"]) == (
        "85.0",
        "30000",
    )
    assert (sales["email_target_pct"], sales["email_target_ms"]) == ("80.0", "20000")
    assert (sales["listed"], sales["member_count"]) == ("true", "2")
    assert json.loads(sales["extra"])["acwSettings"] == {"wrapupPrompt": "OPTIONAL"}


def test_users_are_all_there(workspace_of: "WorkspaceOf") -> None:
    """Also those who left, who are listed still; the last login is asked for."""
    workspace = workspace_of(ORG)

    run(workspace, "users")

    ann, bob = rows(workspace, "users")
    assert (ann["user_name"], ann["email"]) == ("Ann", "ann@example.com")
    assert (bob["user_id"], bob["state"], bob["listed"]) == (BOB, "deleted", "true")
    assert ann["date_last_login"] == "2024-01-01T00:00:00.000Z"
    assert ann["acd_auto_answer"] == "false"


@pytest.mark.parametrize("table", ["queues", "users", "wrapup_codes"])
def test_every_exporter_writes_them(workspace_of: "WorkspaceOf", table: str) -> None:
    """CSV, JSON Lines and Parquet have the same rows."""
    workspace = workspace_of(ORG)
    kinds = ("csv", "json", "parquet")
    sections = [spec for kind in kinds for spec in exports(workspace, table, kind=kind)]

    report = run(workspace, exports=sections)

    path = workspace.folder / table
    lines = path.with_suffix(".json").read_text("utf-8").splitlines()
    from_json = [json.loads(line) for line in lines]
    from_parquet = pq.read_table(path.with_suffix(".parquet")).to_pylist()
    key, name = list(from_json[0])[:2]
    written = [
        [(row[key], row[name]) for row in found]
        for found in (rows(workspace, table), from_json, from_parquet)
    ]
    assert written[0] == written[1] == written[2]
    assert (
        dict(written[0])
        == {
            "queues": {SALES: "Sales", SUPPORT: "Support"},
            "users": {ANN: "Ann", BOB: "Bob"},
            "wrapup_codes": {DONE: 'Done, "all"'},
        }[table]
    )
    assert isinstance(from_json[0]["extra"], dict)
    assert [export.rows for export in report.exports] == [len(from_json)] * 3


@pytest.mark.parametrize("table", ["queues", "users", "wrapup_codes"])
def test_a_job_of_details_exports_them_too(
    workspace_of: "WorkspaceOf", table: str
) -> None:
    """Whatever the endpoint; the names of its own rows come from the same pages."""
    workspace = workspace_of(ORG)
    query = {"endpoint": "conversation-details", "from": "2026-03-02",
             "to": "2026-03-03", "timezone": "UTC"}  # fmt: skip
    path = workspace.write(exports=exports(workspace, table, "conversations"))
    job = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**job, "query": query}), "utf-8")

    gcbatch.run(gcbatch.load_job(path, environ=workspace.environ))

    assert rows(workspace, table)
    assert request_counts(workspace) == {
        "queues": 1,
        "users": len(STATES),
        "wrapup_codes": 2,  # deleted ones have an address of their own
    }


def test_what_is_gone_keeps_its_last_name(workspace_of: "WorkspaceOf") -> None:
    """It is a row still, of no more than that; once listed again it is whole."""
    workspace = workspace_of(ORG)
    run(workspace, "queues")
    workspace.become(without(ORG, SALES))
    run(workspace, "queues", fresh=True)
    sales, support = rows(workspace, "queues")
    workspace.become(ORG)

    run(workspace, "queues", fresh=True)

    assert (sales["queue_id"], sales["queue_name"]) == (SALES, "Sales")
    assert (sales["listed"], support["listed"]) == ("false", "true")
    shown = {column for column, value in sales.items() if value}
    assert shown == {"queue_id", "queue_name", "listed", "listed_at"}
    assert [row["listed"] for row in rows(workspace, "queues")] == ["true", "true"]


def test_the_digest_of_queues_will_do(workspace_of: "WorkspaceOf") -> None:
    """Without settings, and with a warning that says which permission they take."""
    workspace = workspace_of(
        ORG,
        permissions=frozenset(
            {"analytics:conversationAggregate:view", "routing:queue:search"}
        ),
    )

    report = run(workspace, "queues")

    sales = rows(workspace, "queues")[0]
    assert (sales["queue_name"], sales["division_name"]) == ("Sales", "North")
    assert sales["voice_target_pct"] == ""
    (warning,) = report.warnings
    assert warning.startswith("queues are listed without their settings: ")
    assert "routing:queue:view" in warning


@pytest.mark.parametrize("unit", ["day", "month"])
def test_they_belong_to_no_day(workspace_of: "WorkspaceOf", unit: str) -> None:
    """Partitions by time are refused before any request, with what would do."""
    workspace = workspace_of(ORG)
    spec = exports(workspace, "users", kind="parquet")[0] | {"partition_by": [unit]}

    with pytest.raises(JobError, match=f"users has no '{unit}' to partition") as bad:
        run(workspace, exports=[spec])

    assert "division_name" in (bad.value.hint or "")
    assert not workspace.simulator.requests("/")


def test_they_are_partitioned_by_what_they_have(workspace_of: "WorkspaceOf") -> None:
    """A folder for each division."""
    workspace = workspace_of(ORG)
    spec = exports(workspace, "queues", kind="parquet")[0]

    run(workspace, exports=[spec | {"partition_by": ["division_name"]}])

    found = list((workspace.folder / "queues.parquet").glob("division_name=*"))
    assert [folder.name for folder in found] == ["division_name=North"]


def test_a_listing_has_several_pages(workspace_of: "WorkspaceOf") -> None:
    """All of them are rows, by id, whatever order they came in."""
    users = tuple(User(id=some_id(n), name=f"User {997 * n % 230}") for n in range(230))
    workspace = workspace_of(replace(ORG, users=users))

    run(workspace, "users")

    ids = [row["user_id"] for row in rows(workspace, "users")]
    assert ids == [user.id for user in users]
    pages = 3 + len(STATES) - 1  # of active ones, and of the others
    assert request_counts(workspace)["users"] == 2 * pages  # to see if any moved


def test_a_table_says_what_it_is(workspace_of: "WorkspaceOf") -> None:
    """Its key is the id, it covers the range of the run, and has no times of rows."""
    workspace = workspace_of(ORG)
    report = run(workspace, "users")

    table = tables_of(workspace.job(query=DAY)).table("users")

    assert (table.key, table.time) == (("user_id",), None)
    assert report.window is not None
    assert table.covered == Coverage.whole(report.window)
    assert table.run_id == report.run_id
    assert "users" not in report.tables
