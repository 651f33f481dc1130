"""Listings for tables: read once, stored with the run, or reported as missing."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest
from pydantic import BaseModel

import gcbatch
from gcbatch import AccessError, DataError
from gcbatch.exporting import Options, Receipt, Target
from gcbatch.running.pipeline import arun_all, blocking, plan, tables_of
from gcbatch.simulator import Fault, Faults, User
from gcbatch.store.entity_files import has_entities
from gcbatch.store.maintenance import prune
from gcbatch.store.store import Store
from gcbatch.table import Table
from gcbatch.windows import Period
from tests.support.listed_org import (
    ANN,
    DAY,
    ORG,
    PATHS,
    STATES,
    exports,
    request_counts,
    rows,
    run,
)

if TYPE_CHECKING:
    from tests.conftest import WorkspaceOf


def test_exporting_again_asks_nothing(workspace_of: "WorkspaceOf") -> None:
    """Neither does a run that has all it needs; both write the same."""
    workspace = workspace_of(ORG)
    run(workspace, "users", "queues")
    files = [workspace.folder / f"{table}.csv" for table in ("users", "queues")]
    before = [file.read_bytes() for file in files]
    workspace.become(replace(ORG, users=()))

    workspace.export(query=DAY, exports=exports(workspace, "users", "queues"))
    exported = [file.read_bytes() for file in files]
    again = run(workspace, "users", "queues")

    assert exported == before == [file.read_bytes() for file in files]
    assert again.requests == 0
    assert not workspace.simulator.requests("/")


def test_names_and_tables_share_their_pages(workspace_of: "WorkspaceOf") -> None:
    """A listing is read once, also where three jobs of an org want it."""
    workspace = workspace_of(ORG)
    by_queue = {**DAY, "group_by": ["queueId"]}
    jobs = [
        workspace.job("names", query=by_queue),
        workspace.job(
            "one", query=by_queue, exports=exports(workspace, "queues", "users")
        ),
        workspace.job(
            "two", query=DAY, exports=exports(workspace, "users", kind="json")
        ),
    ]

    reports = blocking(arun_all(jobs))

    assert all(isinstance(report, gcbatch.RunReport) for report in reports)
    assert request_counts(workspace) == {
        "queues": 1,
        "users": len(STATES),
        "wrapup_codes": 0,
    }
    assert len(rows(workspace, "users")) == 2


def test_who_exports_none_lists_none(workspace_of: "WorkspaceOf") -> None:
    """Nor is a listing stored that no table reads."""
    workspace = workspace_of(ORG)

    run(workspace, "intervals")

    assert request_counts(workspace) == dict.fromkeys(PATHS, 0)
    assert not list(workspace.folder.glob("store/job/*.parquet"))


def test_an_export_that_came_later_is_listed(workspace_of: "WorkspaceOf") -> None:
    """By a run, which fetches no data again; an export refuses before it writes."""
    workspace = workspace_of(ORG)
    run(workspace, "intervals")
    queries = len(workspace.data_requests)
    written = workspace.folder / "intervals.csv"
    written.unlink()
    with pytest.raises(DataError, match="table users") as refused:
        workspace.export(query=DAY, exports=exports(workspace, "intervals", "users"))
    is_there = written.exists()

    run(workspace, "users")

    assert not is_there
    assert "gcbatch run" in (refused.value.hint or "")
    assert len(rows(workspace, "users")) == 2
    assert len(workspace.data_requests) == queries


def test_an_export_that_returns_is_listed_again(workspace_of: "WorkspaceOf") -> None:
    """What a run did not list whole is not taken from an earlier one."""
    workspace = workspace_of(ORG)
    run(workspace, "users")
    by_user = {"query": {**DAY, "group_by": ["userId"]}}
    run(workspace, "intervals", **by_user)
    workspace.become(replace(ORG, users=(User(id=ANN, name="Anna"),)))

    run(workspace, "users", **by_user)

    assert [row["user_name"] for row in rows(workspace, "users")] == ["Anna", "Bob"]


def test_a_missing_permission_ends_the_run(workspace_of: "WorkspaceOf") -> None:
    """Before the first query; where only names are wanted it is a warning."""
    workspace = workspace_of(
        ORG, permissions=frozenset({"analytics:conversationAggregate:view"})
    )
    by_code = {**DAY, "group_by": ["wrapUpCode"], "metrics": ["tHandle"]}
    jobs = [
        workspace.job("names", query=by_code),
        workspace.job("table", query=DAY, exports=exports(workspace, "wrapup_codes")),
    ]

    named, refused = blocking(arun_all(jobs))

    assert isinstance(named, gcbatch.RunReport)
    assert "wrap-up codes are shown by id" in named.warnings[0]
    assert isinstance(refused, AccessError)
    assert refused.problem.startswith("table wrapup_codes: GET /api/v2/routing/wrapup")
    assert "routing:wrapupCode:view" in (refused.hint or "")
    assert (
        len(workspace.data_requests),
        request_counts(workspace)["wrapup_codes"],
    ) == (1, 1)


def test_a_check_finds_it_too(workspace_of: "WorkspaceOf") -> None:
    """`gcbatch check` fails as the run would."""
    workspace = workspace_of(
        ORG, permissions=frozenset({"analytics:conversationAggregate:view"})
    )

    with pytest.raises(AccessError, match="table queues"):
        gcbatch.check(workspace.job(query=DAY, exports=exports(workspace, "queues")))


def test_an_incomplete_listing_ends_the_run(workspace_of: "WorkspaceOf") -> None:
    """It says how many are missing; names alone would do with what there is.

    The same page came for each state.
    """
    page = {"entities": [{"id": ANN, "name": "Ann"}], "pageCount": 1, "total": 2}
    fault = Fault("garbage", path="/api/v2/users$", body=json.dumps(page).encode(),
                  times=None)  # fmt: skip
    workspace = workspace_of(ORG, faults=Faults(fault))

    with pytest.raises(DataError, match=r"table users: .* 3 of 6 came") as failed:
        run(workspace, "users")

    assert failed.value.exit_code == 5
    assert not workspace.data_requests
    report = run(workspace, "intervals", query={**DAY, "group_by": ["userId"]})
    assert "users are listed incompletely" in report.warnings[0]


def test_a_partial_run_exports_what_it_listed(workspace_of: "WorkspaceOf") -> None:
    """It is not kept: what can be exported again is the last whole run."""
    workspace = workspace_of(ORG)
    workspace.simulator.faults.add(Fault("status", status=400, times=None))
    job = workspace.job(query=DAY, exports=exports(workspace, "users"))

    report = gcbatch.run(job, allow_partial=True)

    assert report.gaps
    assert [row["user_name"] for row in rows(workspace, "users")] == ["Ann", "Bob"]
    with pytest.raises(DataError):
        gcbatch.export_job(job)


def test_a_damaged_listing_is_made_again(workspace_of: "WorkspaceOf") -> None:
    """A run mends it, an export refuses, and who does not want it does not look."""
    workspace = workspace_of(ORG)
    report = run(workspace, "users", "intervals")
    kept = workspace.folder / "store/job/users.parquet"
    whole = kept.read_bytes()
    kept.write_bytes(whole[:50] + b"?" + whole[51:])
    with pytest.raises(DataError, match="table users"):
        workspace.export(query=DAY, exports=exports(workspace, "users"))
    with pytest.raises(DataError, match="damaged"):
        tables_of(workspace.job(query=DAY)).table("users").read_all()

    other = run(workspace, "intervals")
    run(workspace, "users")

    assert report.requests > other.requests == 0
    assert has_entities(Store(workspace.folder / "store", "job"), "users")
    assert request_counts(workspace)["users"] == 2 * len(STATES)


def test_without_a_listing_the_table_says_what_to_do(
    workspace_of: "WorkspaceOf",
) -> None:
    """In a program, where nothing was exported that needs it."""
    workspace = workspace_of(ORG)
    run(workspace, "intervals")
    table = tables_of(workspace.job(query=DAY)).table("queues")

    with pytest.raises(DataError, match=r"table queues: .* did not list it"):
        table.read_all()


def test_listings_go_with_the_last_part(workspace_of: "WorkspaceOf") -> None:
    """They name people; nothing of the job is left."""
    workspace = workspace_of(ORG)
    run(workspace, *PATHS)
    later = datetime.now(UTC) + timedelta(days=800)

    prune(workspace.folder / "store", Period.parse("P1Y"), now=later)

    assert not list((workspace.folder / "store").rglob("*"))


class Curious:
    """An exporter that reads what it is shown before the run."""

    api_version: ClassVar[int] = 1
    Options: ClassVar[type[BaseModel]] = Options

    def __init__(self, options: BaseModel) -> None:
        del options

    def check(self, tables: Mapping[str, Table]) -> None:
        assert [table.read_all().num_rows for table in tables.values()] == [0]

    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        del target
        return Receipt("nowhere", tables["users"].read_all().num_rows)


def test_before_the_run_the_table_has_no_rows(
    workspace_of: "WorkspaceOf", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exporter may look at it, as at any table, though nothing is listed yet."""
    workspace = workspace_of(ORG)
    info = tmp_path / "curious-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: curious\nVersion: 1\n")
    entry = f"[gcbatch.exporters]\ncurious = {__name__}:Curious\n"
    (info / "entry_points.txt").write_text(entry)
    monkeypatch.syspath_prepend(tmp_path)

    report = run(workspace, exports=[{"exporter": "curious", "table": "users"}])

    assert [export.rows for export in report.exports] == [2]


LICENSES = "/api/v2/license/users"


def test_a_table_without_names_is_listed_once_a_day(
    workspace_of: "WorkspaceOf",
) -> None:
    """Also by runs that fetch figures; with `--fresh`, each lists it."""
    licensed = ({"id": ANN, "licenses": ["engage1"]},)
    workspace = workspace_of(replace(ORG, entities={"user_licenses": licensed}))
    again = {**DAY, "metrics": ["nOffered"]}
    run(workspace, "user_licenses")

    run(workspace, "user_licenses", query=again)

    assert len(workspace.simulator.requests(LICENSES)) == 1
    assert [row["user_id"] for row in rows(workspace, "user_licenses")] == [ANN]

    run(workspace, "user_licenses", query={**again, "metrics": ["tHandle"]}, fresh=True)

    assert len(workspace.simulator.requests(LICENSES)) == 2


def test_users_that_are_gone_have_no_licenses(workspace_of: "WorkspaceOf") -> None:
    """Names of users are kept; rows of another table about them are not made up."""
    licensed = ({"id": ANN, "licenses": ["engage1"]},)
    org = replace(ORG, entities={"user_licenses": licensed})
    workspace = workspace_of(org)
    run(workspace, "users", "user_licenses")
    workspace.become(replace(org, users=org.users[1:]))

    run(workspace, "users", "user_licenses", fresh=True)

    assert [row["listed"] for row in rows(workspace, "users")] == ["true", "false"]
    assert [row["user_id"] for row in rows(workspace, "user_licenses")] == [ANN]


def test_all_missing_permissions_are_named_at_once(
    workspace_of: "WorkspaceOf",
) -> None:
    """One run says all that a client may not list."""
    workspace = workspace_of(
        ORG, permissions=frozenset({"analytics:conversationAggregate:view"})
    )

    with pytest.raises(AccessError) as caught:
        run(workspace, "skills", "flows")

    assert "table flows: " in caught.value.problem
    assert "table skills: " in caught.value.problem


def test_a_plan_prices_what_a_run_would_list(workspace_of: "WorkspaceOf") -> None:
    """A run with something to fetch lists queues, with their names, and no licenses."""
    licensed = ({"id": ANN, "licenses": ["engage1"]},)
    workspace = workspace_of(replace(ORG, entities={"user_licenses": licensed}))
    tables = exports(workspace, "queues", "user_licenses")
    run(workspace, "queues", "user_licenses")
    again = {**DAY, "metrics": ["nOffered"]}
    job = gcbatch.load_job(
        workspace.write(query=again, exports=tables), environ=workspace.environ
    )

    priced = {one.table: one.min_requests for one in plan(job).planned_listings}

    assert priced == {"queues": 1, "user_licenses": 0}


def test_an_export_says_which_ids_have_no_names_yet(
    workspace_of: "WorkspaceOf",
) -> None:
    """A table that came later shows ids that the last run had no names for."""
    query = {**DAY, "group_by": ["divisionId"]}
    workspace = workspace_of(ORG)
    workspace.run(query=query, exports=[])

    report = workspace.export(query=query, exports=exports(workspace, "intervals"))

    assert any("divisions are shown by id" in warning for warning in report.warnings)
