"""Queues, users and wrap-up codes as tables: what their rows say."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

import gcbatch
from gcbatch import JobError
from gcbatch.genesys.entities import ENTITY_KINDS
from gcbatch.job.job import ENTITY_TABLES
from gcbatch.running.pipeline import tables_of
from gcbatch.simulator import User
from tests.listed_org import (
    ANN,
    BOB,
    DAY,
    DONE,
    ORG,
    SALES,
    STATES,
    SUPPORT,
    asked,
    exports,
    rows,
    run,
    some_id,
    without,
)

if TYPE_CHECKING:
    from tests.conftest import BenchOf


def test_all_speak_of_the_same_tables() -> None:
    """What job files may name is listed, and made."""
    assert tuple(listing.table for listing in ENTITY_KINDS) == ENTITY_TABLES


def test_queues_have_their_settings(bench_of: "BenchOf") -> None:
    """A row for each by id, with the service level of each medium."""
    bench = bench_of(ORG)

    run(bench, "queues")

    sales, support = rows(bench, "queues")
    assert (sales["queue_id"], support["queue_id"]) == (SALES, SUPPORT)
    assert (support["queue_name"], support["division_name"]) == ("Support", "North")
    assert (support["voice_target_pct"], support["voice_target_ms"]) == (
        "85.0",
        "30000",
    )
    assert (sales["email_target_pct"], sales["email_target_ms"]) == ("80.0", "20000")
    assert (sales["listed"], sales["member_count"]) == ("true", "2")
    assert json.loads(sales["extra"])["acwSettings"] == {"wrapupPrompt": "OPTIONAL"}


def test_users_are_all_there(bench_of: "BenchOf") -> None:
    """Also those who left, who are listed still; the last login is asked for."""
    bench = bench_of(ORG)

    run(bench, "users")

    ann, bob = rows(bench, "users")
    assert (ann["user_name"], ann["email"]) == ("Ann", "ann@example.com")
    assert (bob["user_id"], bob["state"], bob["listed"]) == (BOB, "deleted", "true")
    assert ann["date_last_login"] == "2024-01-01T00:00:00.000Z"
    assert ann["acd_auto_answer"] == "false"


@pytest.mark.parametrize("table", ENTITY_TABLES)
def test_every_exporter_writes_them(bench_of: "BenchOf", table: str) -> None:
    """CSV, JSON Lines and Parquet have the same rows."""
    bench = bench_of(ORG)
    kinds = ("csv", "json", "parquet")
    sections = [spec for kind in kinds for spec in exports(bench, table, kind=kind)]

    report = run(bench, exports=sections)

    path = bench.folder / table
    lines = path.with_suffix(".json").read_text("utf-8").splitlines()
    from_json = [json.loads(line) for line in lines]
    from_parquet = pq.read_table(path.with_suffix(".parquet")).to_pylist()
    key, name = list(from_json[0])[:2]
    written = [[(row[key], row[name]) for row in found]
               for found in (rows(bench, table), from_json, from_parquet)]  # fmt: skip
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


@pytest.mark.parametrize("table", ENTITY_TABLES)
def test_a_job_of_details_exports_them_too(bench_of: "BenchOf", table: str) -> None:
    """Whatever the endpoint; the names of its own rows come from the same pages."""
    bench = bench_of(ORG)
    query = {"endpoint": "conversation-details", "from": "2026-03-02",
             "to": "2026-03-03", "timezone": "UTC"}  # fmt: skip
    path = bench.write(exports=exports(bench, table, "conversations"))
    job = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**job, "query": query}), "utf-8")

    gcbatch.run(gcbatch.load_job(path, environ=bench.environ))

    assert rows(bench, table)
    assert asked(bench) == {"queues": 1, "users": len(STATES), "wrapup_codes": 1}


def test_what_is_gone_keeps_its_last_name(bench_of: "BenchOf") -> None:
    """It is a row still, of no more than that; once listed again it is whole."""
    bench = bench_of(ORG)
    run(bench, "queues")
    bench.become(without(ORG, SALES))
    run(bench, "queues", fresh=True)
    sales, support = rows(bench, "queues")
    bench.become(ORG)

    run(bench, "queues", fresh=True)

    assert (sales["queue_id"], sales["queue_name"]) == (SALES, "Sales")
    assert (sales["listed"], support["listed"]) == ("false", "true")
    shown = {column for column, value in sales.items() if value}
    assert shown == {"queue_id", "queue_name", "listed"}
    assert [row["listed"] for row in rows(bench, "queues")] == ["true", "true"]


def test_the_digest_of_queues_will_do(bench_of: "BenchOf") -> None:
    """Without settings, and with a warning that says which permission they take."""
    bench = bench_of(
        ORG,
        permissions=frozenset(
            {"analytics:conversationAggregate:view", "routing:queue:search"}
        ),
    )

    report = run(bench, "queues")

    sales = rows(bench, "queues")[0]
    assert (sales["queue_name"], sales["division_name"]) == ("Sales", "North")
    assert sales["voice_target_pct"] == ""
    (warning,) = report.warnings
    assert warning.startswith("queues are listed without their settings: ")
    assert "routing:queue:view" in warning


@pytest.mark.parametrize("unit", ["day", "month"])
def test_they_belong_to_no_day(bench_of: "BenchOf", unit: str) -> None:
    """Partitions by time are refused before any request, with what would do."""
    bench = bench_of(ORG)
    spec = exports(bench, "users", kind="parquet")[0] | {"partition_by": [unit]}

    with pytest.raises(JobError, match=f"users has no '{unit}' to partition") as bad:
        run(bench, exports=[spec])

    assert "division_name" in (bad.value.hint or "")
    assert not bench.simulator.requests("/")


def test_they_are_partitioned_by_what_they_have(bench_of: "BenchOf") -> None:
    """A folder for each division."""
    bench = bench_of(ORG)
    spec = exports(bench, "queues", kind="parquet")[0]

    run(bench, exports=[spec | {"partition_by": ["division_name"]}])

    found = list((bench.folder / "queues.parquet").glob("division_name=*"))
    assert [folder.name for folder in found] == ["division_name=North"]


def test_a_listing_has_several_pages(bench_of: "BenchOf") -> None:
    """All of them are rows, by id, whatever order they came in."""
    users = tuple(User(id=some_id(n), name=f"User {997 * n % 230}") for n in range(230))
    bench = bench_of(replace(ORG, users=users))

    run(bench, "users")

    ids = [row["user_id"] for row in rows(bench, "users")]
    assert ids == [user.id for user in users]
    pages_of_active = 3
    assert asked(bench)["users"] == pages_of_active + len(STATES) - 1


def test_a_table_says_what_it_is(bench_of: "BenchOf") -> None:
    """Its key is the id, it covers the range of the run, and has no times of rows."""
    bench = bench_of(ORG)
    report = run(bench, "users")

    table = tables_of(bench.job(query=DAY)).table("users")

    assert (table.key, table.time) == (("user_id",), None)
    assert table.covered == report.window
    assert table.run_id == report.run_id
    assert "users" not in report.tables
