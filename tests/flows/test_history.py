"""Tables of versions: an org changes between runs, and its history can be joined."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import gcbatch
from gcbatch import AccessError, load_job
from gcbatch.running.pipeline import tables_of
from gcbatch.simulator import Fault, Tenant, User, WrapUpCode
from gcbatch.store.maintenance import prune
from gcbatch.verifying.verifier import verify_org
from gcbatch.windows import Period
from tests.support.listed_org import (
    ANN,
    BOB,
    DAY,
    DONE,
    ORG,
    exports,
    list_tables,
    rows,
    tables_alone,
)

if TYPE_CHECKING:
    from tests.conftest import Workspace, WorkspaceOf
    from tests.support.s3_server import S3Bucket

FIRST = datetime(2026, 3, 1, 6, tzinfo=UTC)
HISTORY = {"history": True}
CODES = {
    "done": WrapUpCode(id=DONE, name="Done"),
    "renamed": WrapUpCode(id=DONE, name="Solved"),
}


def users(**names: str) -> Tenant:
    """Return the org with users of some names."""
    ids = {"ann": ANN, "bob": BOB}
    return replace(
        ORG, users=tuple(User(id=ids[who], name=name) for who, name in names.items())
    )


class Org:
    """An org whose job lists at set times of the service's clock."""

    def __init__(self, workspace: "Workspace") -> None:
        self.workspace = workspace

    def run_on(
        self, day: int, tenant: Tenant, *tables: str, **sections: Any
    ) -> gcbatch.RunReport:
        """Run the job as on a day."""
        now = FIRST + timedelta(days=day)
        self.workspace.become(tenant, now=lambda: now)
        sections = {"listings": HISTORY, **sections}
        return list_tables(
            self.workspace, *(tables or ("users",)), fresh=True, **sections
        )

    def versions(self, table: str = "users") -> list[tuple[str, int, int | None]]:
        """Return name, and the days from and to which it is valid, in order."""
        named = {"users": "user_name", "wrapup_codes": "wrap_up_code_name"}[table]
        return [
            (row[named], _day(row["valid_from"]), _day_or_none(row["valid_to"]))
            for row in rows(self.workspace, table)
        ]


def _day(text: str) -> int:
    # The service's clock is some milliseconds before or after the set time.
    return round((datetime.fromisoformat(text) - FIRST) / timedelta(days=1))


def _day_or_none(text: str) -> int | None:
    return _day(text) if text else None


@pytest.fixture
def org(workspace_of: "WorkspaceOf") -> Org:
    return Org(workspace_of(ORG))


def test_changes_open_and_end_versions(org: Org) -> None:
    """A user is renamed, leaves, and comes back; the other one stays."""
    org.run_on(0, users(ann="Ann", bob="Bob"))
    org.run_on(1, users(ann="Ann", bob="Bob"))
    org.run_on(2, users(ann="Anna", bob="Bob"))
    org.run_on(3, users(bob="Bob"))
    org.run_on(4, users(bob="Bob"))
    org.run_on(5, users(ann="Anna", bob="Bob"))

    assert org.versions() == [
        ("Ann", 0, 2),
        ("Anna", 2, 3),
        ("Anna", 5, None),
        ("Bob", 0, None),
    ]


def test_the_key_is_id_and_start(org: Org) -> None:
    """There is no `listed`: an end says it. All rows have the time of the listing."""
    org.run_on(0, users(ann="Ann"))
    org.run_on(1, users(ann="Anna"))
    path = tables_alone(org.workspace, "users", listings=HISTORY)

    table = tables_of(load_job(path, environ=org.workspace.environ)).table("users")

    assert table.key == ("user_id", "valid_from")
    assert table.schema.names[:4] == ["user_id", "user_name", "valid_from", "valid_to"]
    assert "listed" not in table.schema.names
    found = table.read_all()
    (listed_at,) = {*found["listed_at"].to_pylist()}
    assert listed_at == found["valid_from"][1].as_py() == found["valid_to"][0].as_py()


def test_a_report_on_the_past_has_the_names_of_then(org: Org, tmp_path: Path) -> None:
    """Joined by id and time in SQL, as docs/tables.md shows it."""
    org.run_on(0, users(ann="Ann", bob="Bob"))
    org.run_on(10, users(ann="Anna", bob="Bob"))
    org.run_on(20, users(ann="Anna"))
    version_file = tmp_path / "users.parquet"
    org.run_on(
        30,
        users(ann="Anna", bob="Bobby"),
        exports=[{"exporter": "parquet", "table": "users", "path": str(version_file)}],
    )
    days = [-5, 5, 15, 25, 35]
    facts = pa.table(
        {
            "at": pa.array(
                [FIRST + timedelta(days=d) for d in days for _ in (ANN, BOB)],
                pa.timestamp("ms", "UTC"),
            ),
            "user_id": [ANN, BOB] * len(days),
        }
    )
    pq.write_table(facts, tmp_path / "facts.parquet")
    docs = (Path(__file__).parents[2] / "docs" / "tables.md").read_text("utf-8")
    (query,) = [
        text.partition("```")[0]
        for text in docs.split("```sql\n")[1:]
        if "valid_to" in text.partition("```")[0]
    ]
    query = query.replace("'facts.parquet'", f"'{tmp_path}/facts.parquet'")
    query = query.replace("'users.parquet'", f"'{version_file}'")

    with duckdb.connect() as db:
        query = query.rstrip().rstrip(";")
        joined = db.sql(query).order('"at", user_id')
        found = joined.project("user_name").fetchall()

    assert [name for (name,) in found] == [
        None, None,  # before the first listing nothing is known
        "Ann", "Bob", "Anna", "Bob", "Anna", None, "Anna", "Bobby",
    ]  # fmt: skip
    assert len(found) == facts.num_rows


def test_only_named_tables_have_a_history(org: Org) -> None:
    """The others show what is listed now."""
    both = {"exports": exports(org.workspace, "users", "wrapup_codes")}
    for day, code in ((0, "done"), (1, "renamed")):
        tenant = replace(users(ann="Ann"), wrap_up_codes=(CODES[code],))
        org.run_on(day, tenant, listings={"history": ["wrapup_codes"]}, **both)

    assert org.versions("wrapup_codes") == [("Done", 0, 1), ("Solved", 1, None)]
    (row,) = rows(org.workspace, "users")
    assert row["listed"] == "true"
    assert "valid_from" not in row


def test_a_failed_listing_ends_no_version(org: Org) -> None:
    """Refused or broken off, it says nothing of who is gone."""
    org.run_on(0, users(ann="Ann", bob="Bob"))
    kept = org.workspace.folder / "store/job/users.history.parquet"
    before = kept.read_bytes()
    page = {"entities": [{"id": ANN, "name": "Ann"}], "pageCount": 1, "total": 2}
    body = json.dumps(page).encode()
    for fault in (
        Fault("status", path="/api/v2/users$", status=400, times=None),
        Fault("garbage", path="/api/v2/users$", body=body, times=None),
    ):
        org.workspace.become(users(ann="Ann", bob="Bob"))
        org.workspace.simulator.faults.add(fault)
        with pytest.raises(gcbatch.GcbatchError, match="table users"):
            list_tables(org.workspace, "users", fresh=True, listings=HISTORY)

    assert kept.read_bytes() == before


def test_a_poorer_listing_opens_no_version(workspace_of: "WorkspaceOf") -> None:
    """Without the permission for settings, each queue would seem to have changed."""
    org = Org(workspace_of(ORG))
    org.run_on(0, ORG, "queues")
    org.workspace.become(ORG, permissions=frozenset({"routing:queue:search"}))

    with pytest.raises(AccessError, match="queues: its history needs the whole"):
        list_tables(org.workspace, "queues", fresh=True, listings=HISTORY)


def test_counts_of_members_open_no_version(org: Org) -> None:
    """They change from hour to hour; the current version has the newest."""
    org.run_on(0, ORG, "queues")
    org.run_on(1, replace(ORG, users=ORG.users[:1]), "queues")

    assert {row["valid_to"] for row in rows(org.workspace, "queues")} == {""}


def test_a_run_with_gaps_notes_what_it_listed(org: Org) -> None:
    """The queries failed, the listing did not."""
    org.run_on(0, users(ann="Ann"))
    org.workspace.become(users(ann="Anna"), now=lambda: FIRST + timedelta(days=1))
    fault = Fault("status", path="/api/v2/analytics/", status=400, times=None)
    org.workspace.simulator.faults.add(fault)
    job = org.workspace.job(
        query=DAY, exports=exports(org.workspace, "users"), listings=HISTORY
    )

    report = gcbatch.run(job, allow_partial=True)

    assert report.gaps
    assert org.versions() == [("Ann", 0, 1), ("Anna", 1, None)]


def test_an_export_again_writes_the_same(org: Org) -> None:
    """From the store, without a request; a run on the same day leaves it."""
    org.run_on(0, users(ann="Ann"))
    org.run_on(1, users(ann="Anna"))
    written = (org.workspace.folder / "users.csv").read_bytes()
    path = tables_alone(org.workspace, "users", listings=HISTORY)
    job = load_job(path, environ=org.workspace.environ)

    gcbatch.export_job(job)

    assert (org.workspace.folder / "users.csv").read_bytes() == written
    assert verify_org(job, offline=True).error is None
    assert verify_org(job, offline=True).listings == 1


def test_a_history_that_is_switched_off_stays(org: Org) -> None:
    """It goes on when it is switched on again."""
    org.run_on(0, users(ann="Ann"))
    org.run_on(1, users(ann="Anna"), listings={})
    assert "valid_from" not in rows(org.workspace, "users")[0]

    org.run_on(2, users(ann="Anna"))

    assert org.versions() == [("Ann", 0, 2), ("Anna", 2, None)]


def test_old_versions_are_dropped(org: Org) -> None:
    """`listings.keep` bounds the file, and what it says of people."""
    keep = {"listings": {"history": True, "keep": "P30D"}}
    for day, name in ((0, "Ann"), (5, "Anna"), (40, "Anne")):
        org.run_on(day, users(ann=name), **keep)

    assert org.versions() == [("Anna", 5, 40), ("Anne", 40, None)]


@pytest.mark.parametrize(("days", "is_kept"), [(20, True), (40, False)])
def test_prune_keeps_it_with_the_job(org: Org, days: int, *, is_kept: bool) -> None:
    """It goes when the last listing is older than the age."""
    org.run_on(0, users(ann="Ann"))
    store = org.workspace.folder / "store"

    prune(store, Period.parse("P30D"), now=datetime.now(UTC) + timedelta(days=days))

    assert (store / "job/users.history.parquet").exists() is is_kept


def test_it_can_be_in_a_bucket(workspace_of: "WorkspaceOf", s3: "S3Bucket") -> None:
    """Read and written there, from run to run."""
    org = Org(workspace_of(ORG, bucket=s3))
    org.run_on(0, users(ann="Ann", bob="Bob"))
    org.run_on(1, users(ann="Anna"))

    assert org.versions() == [("Ann", 0, 1), ("Anna", 1, None), ("Bob", 0, 1)]


@pytest.mark.parametrize(
    ("history", "said"),
    [
        (["queues"], r"listings\.history\[0\]: no export names queues"),
        (["user"], r"listings\.history\[0\]: unknown table 'user': did you mean"),
        (["users", "users"], r"listings\.history: named more than once: users"),
        ([], r"listings\.history: must not be empty"),
        (False, r"listings\.history: must be true"),
    ],
)
def test_a_wrong_history_is_refused(org: Org, history: Any, said: str) -> None:
    """At its place, before any request."""
    path = tables_alone(org.workspace, "users", listings={"history": history})

    with pytest.raises(gcbatch.JobError, match=said):
        load_job(path, environ=org.workspace.environ)


def test_a_division_is_that_of_then(org: Org) -> None:
    """Any column that changes is a version, here the division of a queue."""
    moved = [replace(queue, division_id="") for queue in ORG.queues]
    org.run_on(0, ORG, "queues")
    org.run_on(1, replace(ORG, queues=tuple(moved)), "queues")

    found = rows(org.workspace, "queues")

    assert [row["division_name"] for row in found][::2] == ["North", "North"]
    assert [_day_or_none(row["valid_to"]) for row in found] == [1, None] * 2


def test_an_org_without_teams_has_a_history(workspace_of: "WorkspaceOf") -> None:
    """No user of it is in a team: that is no part that the service left out."""
    org = Org(workspace_of(ORG))

    org.run_on(0, ORG, "user_teams")

    assert rows(org.workspace, "user_teams") == []


def test_a_run_that_does_not_list_leaves_the_history(
    workspace_of: "WorkspaceOf",
) -> None:
    """Licenses are listed once a day; the next run of that day fetches figures."""
    licensed = ({"id": ANN, "licenses": ["engage1"]},)
    workspace = workspace_of(replace(ORG, entities={"user_licenses": licensed}))
    sections: dict[str, Any] = {
        "exports": exports(workspace, "user_licenses"),
        "listings": HISTORY,
    }
    workspace.run(query=DAY, **sections)
    before = rows(workspace, "user_licenses")

    workspace.run(query={**DAY, "metrics": ["nOffered"]}, **sections)

    assert len(before) == 1
    assert rows(workspace, "user_licenses") == before
