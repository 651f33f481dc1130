"""What changed: the table `changes`, against an independent comparison of exports."""

import csv
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from gcbatch import GcbatchError
from gcbatch.running import changes
from gcbatch.simulator import Document, generate_conversations, sample_tenant
from tests.support.details_world import tenant_of
from tests.support.later_states import (
    Diff,
    corrected,
    diff_of_rows,
    document_with,
    longer,
    read_rows,
)
from tests.support.old_parts import metadata_in, rewrite_metadata

if TYPE_CHECKING:
    from tests.conftest import Cli, Workspace, WorkspaceOf

DAYS = {"from": "1999-08-01", "to": "1999-08-04"}
GROUPS = {**DAYS, "group_by": ["queueId", "mediaType"]}


def parquet(workspace: "Workspace", *tables: str) -> list[dict[str, Any]]:
    """Return exports of tables to Parquet, each to a file of its name."""
    path = str(workspace.folder / "{table}.parquet")
    return [{"exporter": "parquet", "tables": [*tables], "path": path}]


def aggregates(workspace: "Workspace") -> dict[str, Any]:
    """Return the sections of a job of aggregates."""
    return {"query": GROUPS, "exports": parquet(workspace, "intervals", "changes")}


TABLES = {
    "conversations": ("conversation_id",),
    "segments": ("conversation_id", "session_number", "segment_number"),
    "evaluations": ("conversation_id", "evaluation_number"),
}
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
EARLY = generate_conversations(1, 30, BEGIN, BEGIN + 3 * DAY, size_bytes=850)
FIELDS: dict[int, dict[str, Any]] = {
    3: {"evaluations": [{"evaluationId": "e", "oTotalScore": 70}]},
    5: {"conversationEnd": "2026-03-05T00:00:00.000Z", "divisionIds": ["d"]},
    8: {"conversationStart": "2026-03-03T00:00:01.000Z"},  # was the day before
    21: {"participants": []},
}
"""What the service says later of some of the conversations."""


def later() -> tuple[Document, ...]:
    """Return the conversations as they are later: one is gone, and one is new."""
    new = generate_conversations(2, 1, BEGIN + DAY, BEGIN + 2 * DAY, size_bytes=850)
    changed = [document_with(d, **FIELDS.get(n, {})) for n, d in enumerate(EARLY)]
    return (*changed[:12], *changed[13:], *new)


def details(workspace: "Workspace") -> dict[str, Any]:
    """Return the sections of a job of details."""
    query: dict[str, Any] = {
        "endpoint": "conversation-details",
        "granularity": None,
        "metrics": [],
    }
    query |= {"from": "2026-03-02", "to": "2026-03-05", "timezone": "UTC"}
    return {"query": query, "exports": parquet(workspace, *TABLES, "changes")}


def rows_of(workspace: "Workspace", table: str) -> list[dict[str, Any]]:
    """Return the rows that were exported of a table."""
    return read_rows(workspace.folder / f"{table}.parquet")


def changes_of(workspace: "Workspace", table: str) -> Diff:
    """Return what the exported table `changes` says of a table."""
    rows = [row for row in rows_of(workspace, "changes") if row["table"] == table]
    found = {
        (row["key"], row["column"], row["old"], row["new"], row["change"])
        for row in rows
    }
    assert len(found) == len(rows)
    return found


def test_changes_of_intervals_are_the_difference_of_two_exports(
    workspace: "Workspace",
) -> None:
    """Every figure that differs is listed once, and no other."""
    sections = aggregates(workspace)
    workspace.run(**sections)
    before = rows_of(workspace, "intervals")
    assert rows_of(workspace, "changes") == []  # a first fetch is no change
    workspace.become(corrected(longer))
    workspace.run(fresh=True, **sections)

    after = rows_of(workspace, "intervals")

    key = ("interval_start", "queue_id", "media_type")
    without = ("interval_end", "queue_name")
    expected = diff_of_rows(before, after, key, by_figure=True, without=without)
    assert len(expected) > 20
    assert changes_of(workspace, "intervals") == expected


@pytest.mark.parametrize("days", [{0, 1, 2}, {1}, {0}, {0, 1}])
def test_changes_of_details_are_the_difference_of_two_exports(
    workspace_of: "WorkspaceOf", days: set[int]
) -> None:
    """So they are in each exported table, whichever days are fetched again.

    A row that comes or goes is listed once. A conversation whose begin moved to another
    day is no other conversation.
    """
    workspace = workspace_of(tenant_of(*EARLY))
    sections = details(workspace)
    workspace.run(**sections)
    before = {table: rows_of(workspace, table) for table in TABLES}
    workspace.become(tenant_of(*later()))
    for part in workspace.parts:
        window = metadata_in(part).window
        if (window.start - BEGIN).days in days:
            rewrite_metadata(part, asked_at=window.end)

    report = workspace.run(**sections)

    assert report.fetched == len(days)
    for table, key in TABLES.items():
        after = rows_of(workspace, table)
        expected = diff_of_rows(before[table], after, key, by_figure=False)
        assert changes_of(workspace, table) == expected, table
        assert bool(expected) is (table != "evaluations" or 0 in days)


@pytest.fixture
def corrected_org(workspace: "Workspace") -> "Workspace":
    """An org whose figures changed between two runs."""
    workspace.run(**aggregates(workspace))
    workspace.become(corrected(longer))
    workspace.run(fresh=True, **aggregates(workspace))
    return workspace


def test_the_columns_say_where_and_when(corrected_org: "Workspace") -> None:
    """Day and queue are those of the row; the run is that of the second fetch."""
    changes = rows_of(corrected_org, "changes")
    queues = {
        row["queue_id"]: row["queue_name"]
        for row in rows_of(corrected_org, "intervals")
    }
    run_id = corrected_org.run(**aggregates(corrected_org)).run_id

    for row in changes:
        key = json.loads(row["key"])
        at = datetime.fromisoformat(key["interval_start"])
        assert (row["row_time"], row["queue_id"]) == (at, key["queue_id"])
        assert row["day"] == str((at + timedelta(hours=3)).date())  # in Jerusalem
        assert row["queue_name"] == queues[row["queue_id"]]
        assert row["first_fetched_at"] < row["changed_at"]
        assert row["run_id"] == run_id


def test_a_run_that_fetches_nothing_changes_nothing(corrected_org: "Workspace") -> None:
    """Its outputs are unchanged, the table `changes` among them."""
    report = corrected_org.run(**aggregates(corrected_org))

    assert report.fetched == 0
    assert [export.unchanged for export in report.exports] == [True, True]


@pytest.mark.parametrize("end", ["export", "expect"])
def test_a_later_run_says_what_a_failed_one_changed(
    workspace: "Workspace", end: str
) -> None:
    """The failed run replaced parts, and no screen said it; once it is enough."""
    sections = aggregates(workspace)
    workspace.run(**sections)
    workspace.become(corrected(longer))
    if end == "expect":
        failing = {**sections, "expect": {"rows": ">=1000000"}}
    else:
        (workspace.folder / "file").write_text("")
        bad = {"exporter": "csv", "table": "intervals"}
        bad["path"] = str(workspace.folder / "file" / "a.csv")
        failing = {**sections, "exports": [*sections["exports"], bad]}
    with pytest.raises(GcbatchError):
        workspace.run(fresh=True, **failing)

    after = workspace.run(**sections)
    again = workspace.run(**sections)

    (said,) = after.changes
    assert after.fetched == 0
    assert said.count == len(rows_of(workspace, "changes")) > 20
    assert again.changes == ()


def test_a_database_keeps_what_the_store_has_dropped(
    corrected_org: "Workspace",
) -> None:
    """A load leaves the changes of earlier days, and has each change once."""
    path = corrected_org.folder / "out.duckdb"
    export = {"exporter": "duckdb", "tables": ["intervals", "changes"]}
    exports = [{**export, "path": str(path)}]
    sections: dict[str, Any] = {"query": GROUPS, "exports": exports}
    corrected_org.run(**sections)
    with duckdb.connect(path) as database:
        database.execute("UPDATE changes SET changed_at = '2026-01-01' WHERE old = '0'")
    for file in corrected_org.folder.glob("store/job/changes/*"):
        file.unlink()

    corrected_org.run(**sections)
    with duckdb.connect(path) as database:
        count = "SELECT count(*) FROM changes WHERE changed_at = '2026-01-01'"
        kept = database.execute(count).fetchall()
        total = database.execute("SELECT count(*) FROM changes").fetchall()

    expected = rows_of(corrected_org, "changes")
    assert total == [(len(expected),)]
    assert kept == [(sum(row["old"] == "0" for row in expected),)]


def test_a_database_keeps_what_the_store_dropped_of_the_same_day(
    corrected_org: "Workspace",
) -> None:
    """A load replaces no change that is older than the oldest in the store."""
    path = corrected_org.folder / "out.duckdb"
    export = {"exporter": "duckdb", "tables": ["intervals", "changes"]}
    exports = [{**export, "path": str(path)}]
    sections: dict[str, Any] = {"query": GROUPS, "exports": exports}
    corrected_org.run(**sections)
    count = "SELECT count(*) FROM changes"
    with duckdb.connect(path) as database:
        first = database.execute(count).fetchall()[0][0]
    for file in corrected_org.folder.glob("store/job/changes/*"):
        file.unlink()
    corrected_org.become(sample_tenant())

    corrected_org.run(fresh=True, **sections)
    with duckdb.connect(path) as database:
        both = database.execute(count).fetchall()[0][0]

    new = changes(corrected_org.job(**sections)).num_rows
    assert both == first + new
    assert new > 20


def test_changes_false_notes_nothing(workspace: "Workspace") -> None:
    """And leaves what was noted before."""
    workspace.run(**aggregates(workspace))
    workspace.become(corrected(longer))
    workspace.run(fresh=True, fetch={"changes": False}, **aggregates(workspace))

    assert rows_of(workspace, "changes") == []


def test_other_metrics_are_another_query(corrected_org: "Workspace") -> None:
    """What an earlier query had is not taken for a change of this one."""
    sections = aggregates(corrected_org)
    sections["query"] = {**GROUPS, "metrics": ["nOffered"]}

    corrected_org.run(**sections)

    assert rows_of(corrected_org, "changes") == []


def test_several_orgs_have_their_changes_in_one_table(workspace: "Workspace") -> None:
    """With the column `org`, which is the first of the key."""
    job = workspace.job(**aggregates(workspace))
    org = json.loads((workspace.folder / "job.yaml").read_text("utf-8"))["org"]
    sections = {**aggregates(workspace), "org": None, "orgs": {"b": org, "a": org}}
    assert job.org is not None
    workspace.run(**sections)
    workspace.become(corrected(longer))
    workspace.run(fresh=True, **sections)

    rows = rows_of(workspace, "changes")

    by_org = Counter(row["org"] for row in rows)
    assert by_org["a"] == by_org["b"] > 20
    assert next(iter(rows[0])) == "org"


def test_the_command_lists_them(corrected_org: "Workspace", cli: "Cli") -> None:
    """By table, day, queue and column, with the sum of the day; --json has them all."""
    job = corrected_org.write(**aggregates(corrected_org))
    rows = rows_of(corrected_org, "changes")

    screen = cli("changes", job)
    listed = json.loads(cli("changes", job, "--json").stdout)
    table = list(csv.DictReader(StringIO(cli("changes", job, "--csv").stdout)))
    of_day = json.loads(cli("changes", job, "--json", "--day", "1999-08-02").stdout)

    assert screen.exit_code == 0
    assert f"{len(rows)} changes of 3 days" in screen.stdout
    assert [row["key"] for row in listed] == [row["key"] for row in rows]
    assert [row["new"] or None for row in table] == [row["new"] for row in rows]
    assert len(of_day) == sum(row["day"] == "1999-08-02" for row in rows) > 0


def test_since_leaves_out_what_was_fetched_before(
    corrected_org: "Workspace", cli: "Cli"
) -> None:
    """By a date, an instant or a relative date; the Python function does so too."""
    job = corrected_org.write(**aggregates(corrected_org))
    loaded = corrected_org.job(**aggregates(corrected_org))
    rows = rows_of(corrected_org, "changes")

    all_of_today = json.loads(
        cli("changes", job, "--json", "--since", "today-1d").stdout
    )
    later = cli("changes", job, "--since", "2100-01-01")
    last = max(row["changed_at"] for row in rows)

    assert len(all_of_today) == len(rows)
    assert later.stdout == "no changes are noted\n"
    found = changes(loaded, since=last).read_all().to_pylist()
    assert found == [row for row in rows if row["changed_at"] == last]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--table", "interval"), "unknown table 'interval'"),
        (("--day", "yesterday"), "--day: 'yesterday' is not a date"),
        (("--since", "soon"), "--since: 'soon' is not a date"),
        (("--json", "--csv"), "both say how to print"),
    ],
)
def test_a_wrong_option_ends_with_2(
    workspace: "Workspace", cli: "Cli", options: tuple[str, ...], said: str
) -> None:
    """It is named, with what would be right."""
    end = cli("changes", workspace.write(), *options)

    assert end.exit_code == 2
    assert said in end.stderr


def test_the_run_says_what_it_changed(workspace: "Workspace") -> None:
    """How many figures of which days, and the biggest; in run.json too."""
    workspace.run(**aggregates(workspace))
    quiet = workspace.run(fresh=True, **aggregates(workspace))
    workspace.become(corrected(longer))

    report = workspace.run(fresh=True, **aggregates(workspace))

    rows = rows_of(workspace, "changes")
    (said,) = report.changes
    assert quiet.changes == ()
    assert (said.table, said.figures) == ("intervals", len(rows))
    assert said.days == Counter(row["day"] for row in rows)
    assert report.to_json()["changes"][0]["figures"] == len(rows)
    assert f"{len(rows)} figures of 3 days (1999-08-01 to 1999-08-03) changed" in str(
        said
    )
    counts = [row for row in rows if row["column"] == "n_offered"]
    biggest = max(abs(int(r["new"] or 0) - int(r["old"] or 0)) for r in counts)
    old, new = said.example.rpartition(": offered ")[2].split(" → ")
    assert abs(int(new) - int(old)) == biggest


def test_the_screen_has_a_line_for_each_table(
    workspace_of: "WorkspaceOf", cli: "Cli"
) -> None:
    """Rows that came and went are counted apart from figures."""
    workspace = workspace_of(tenant_of(*EARLY))
    workspace.run(**details(workspace))
    workspace.become(tenant_of(*later()))

    end = cli("run", workspace.write(**details(workspace)), "--fresh")

    changed = [x for x in end.stdout.splitlines() if x.startswith("changed: ")]
    assert [line.split(":")[1] for line in changed] == [f" {t}" for t in sorted(TABLES)]
    assert "1 row added, 1 row removed" in changed[0]


def test_a_database_with_changes_can_be_verified(
    corrected_org: "Workspace", cli: "Cli"
) -> None:
    """What it holds is what the store says, day by day."""
    path = str(corrected_org.folder / "out.duckdb")
    export = {"exporter": "duckdb", "tables": ["intervals", "changes"], "path": path}
    sections: dict[str, Any] = {"query": GROUPS, "exports": [export]}
    corrected_org.run(**sections)

    end = cli("verify", corrected_org.write(**sections), "--json", "--offline")

    (destination,) = json.loads(end.stdout)["destinations"]
    assert end.exit_code == 0
    assert (destination["differing"], destination["not_compared"]) == (0, None)
    assert destination["rows"] > len(rows_of(corrected_org, "changes"))


def test_an_instant_needs_a_time_zone(corrected_org: "Workspace") -> None:
    """A naive one would be taken for UTC without a word."""
    with pytest.raises(ValueError, match="no time zone"):
        changes(corrected_org.job(**aggregates(corrected_org)), datetime(2026, 1, 1))  # noqa: DTZ001 - on purpose


def test_a_narrowed_run_may_replace_its_file(
    corrected_org: "Workspace", cli: "Cli"
) -> None:
    """It has all changes whatever the range is, so it loses none."""
    exports = parquet(corrected_org, "changes")
    sections: dict[str, Any] = {"query": GROUPS, "exports": exports}
    corrected_org.run(**sections)
    before = rows_of(corrected_org, "changes")

    end = cli("run", corrected_org.write(**sections), "--to", "1999-08-02")

    assert end.exit_code == 0, end.stderr
    assert rows_of(corrected_org, "changes") == before
