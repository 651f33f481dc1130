"""Derived tables: what a job makes of its tables by SQL, exported as others are."""

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import gcbatch
from gcbatch import DataError, JobError, OutputError
from gcbatch.running import sql
from gcbatch.simulator import Fault
from tests.support.several_orgs import orgs_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Workspace, WorkspaceOf

DAILY: dict[str, Any] = {
    "sql": """
        select interval_start_local::date as day, queue_id,
               sum(n_offered) as offered,
               sum(t_handle_sum_ms) / sum(t_handle_count) / 1000 as aht_s
        from intervals_local group by all
    """,
    "key": ["day", "queue_id"],
    "time": "day",
    "description": "calls of a queue and local day",
}
OF_PARQUET = """
    select (interval_start at time zone 'Asia/Jerusalem')::date as day, queue_id,
           sum(n_offered)::bigint as offered,
           sum(t_handle_sum_ms) / sum(t_handle_count) / 1000 as aht_s
    from intervals group by all order by day, queue_id
"""
"""The same by DuckDB's own time zones, over the exported file."""

BY_QUEUE: dict[str, Any] = {"group_by": ["queueId"]}


def derived(workspace: "Workspace", *exports: dict[str, Any], **tables: Any) -> Any:
    """Return the sections of a job with derived tables."""
    plain = {"exporter": "parquet", "table": "intervals"}
    return {
        "query": BY_QUEUE,
        "tables": tables or {"daily": DAILY},
        "exports": [
            {**plain, "path": str(workspace.folder / "intervals.parquet")},
            *exports,
        ],
    }


def to(workspace: "Workspace", exporter: str, name: str, **more: Any) -> dict[str, Any]:
    export = {"exporter": exporter, "path": str(workspace.folder / name), **more}
    return export if "tables" in export else {"table": "daily", **export}


def expected(folder: "Path") -> list[dict[str, Any]]:
    """Return the derived rows as DuckDB makes them of the exported Parquet."""
    with duckdb.connect() as connection:
        connection.register("intervals", pq.read_table(folder / "intervals.parquet"))
        rows: list[dict[str, Any]] = (
            connection.sql(OF_PARQUET).to_arrow_table().to_pylist()
        )
    return rows


def without_start(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k != "day_start"} for row in rows]


def test_a_derived_table_is_duckdbs_over_the_exported_rows(
    workspace: "Workspace",
) -> None:
    """In Parquet, CSV, DuckDB and SQLite: the same rows, in the order of the key."""
    names = ["daily.parquet", "daily.csv", "all.duckdb", "all.sqlite"]
    exporters = ["parquet", "csv", "duckdb", "sqlite"]
    exports = [to(workspace, e, n) for e, n in zip(exporters, names, strict=True)]

    report = workspace.run(**derived(workspace, *exports))

    rows = expected(workspace.folder)
    assert len(rows) == 41
    table = pq.read_table(workspace.folder / "daily.parquet")
    assert without_start(table.to_pylist()) == rows
    assert table.schema.field("day").type == pa.date32()
    zone = ZoneInfo("Asia/Jerusalem")
    for row in table.to_pylist():
        begin = datetime.combine(row["day"], datetime.min.time(), zone)
        assert row["day_start"] == begin
    csv = (workspace.folder / "daily.csv").read_text("utf-8").splitlines()
    assert csv[0] == "day,day_start,queue_id,offered,aht_s"
    assert [line.split(",")[3] for line in csv[1:]] == [str(r["offered"]) for r in rows]
    with duckdb.connect(str(workspace.folder / "all.duckdb")) as connection:
        found = connection.sql("select * from daily order by day, queue_id")
        assert without_start(found.to_arrow_table().to_pylist()) == rows
    with closing(sqlite3.connect(workspace.folder / "all.sqlite")) as database:
        counts = database.execute("select sum(offered), count(*) from daily").fetchone()
    assert counts == (sum(row["offered"] for row in rows), 41)
    assert report.tables["daily"].read_all().equals(table)


def test_a_derived_table_can_be_asked(workspace: "Workspace") -> None:
    """As others, with its local times."""
    sections = derived(workspace)
    workspace.run(**sections)

    rows = sql(
        workspace.job(**sections), "select count(*) as n, min(day) as d from daily"
    )

    assert rows.to_pylist() == [{"n": 41, "d": date(1999, 8, 1)}]


def test_one_may_read_another_that_stands_before(workspace: "Workspace") -> None:
    """And a listed table, which the run then lists."""
    named = {
        "daily": DAILY,
        "named": {
            "sql": "select queue_name, sum(offered) as n from daily "
            "join queues using (queue_id) group by 1",
            "key": ["queue_name"],
        },
    }
    export = to(workspace, "parquet", "named.parquet", table="named")

    workspace.run(**derived(workspace, export, **named))

    table = pq.read_table(workspace.folder / "named.parquet")
    assert table.num_rows == 6
    assert dict(zip(*table.to_pydict().values(), strict=True))["Retail banking"] == 7325


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"sql": "select sum(offered) as n from intervals"},
            "tables.daily.sql: line 1, column 12: unknown column 'offered': did you",
        ),
        (
            {"key": ["dya"]},
            "tables.daily.key: unknown column 'dya': did you mean day?",
        ),
        (
            {"time": "days"},
            "tables.daily.time: unknown column 'days': did you mean day?",
        ),
        (
            {"time": "queue_id"},
            "tables.daily.time: queue_id is no instant and no date (string)",
        ),
        (
            {
                "sql": "select ended_local as day, queue_id from (select "
                "interval_start_local as ended_local, queue_id from intervals_local)"
            },
            "tables.daily.time: day is no instant and no date (timestamp[ms])",
        ),
        (
            {"sql": "select current_date as day, count(*) from intervals"},
            "tables.daily.sql: the column 'count_star()' has no name of its own",
        ),
        (
            {"sql": "select interval_start::date as day, 1 as Day from intervals"},
            "tables.daily.sql: two columns are called day",
        ),
        (
            {"sql": "select interval_start::date as day, 1 as day_start, queue_id "
             "from intervals"},
            "tables.daily.sql: gcbatch adds a column day_start",
        ),
    ],
)  # fmt: skip
def test_wrong_columns_are_found_before_the_first_request(
    workspace: "Workspace", change: dict[str, Any], said: str
) -> None:
    """By the tables' schemas, without a row."""
    tables = {"daily": {**DAILY, **change}}
    export = to(workspace, "csv", "daily.csv")

    with pytest.raises(JobError) as refused:
        workspace.run(**derived(workspace, export, **tables))

    assert refused.value.problem.startswith(said)
    assert not workspace.simulator.requests("/")


@pytest.mark.parametrize("order", ["", " order by n"])
def test_two_rows_with_one_key_are_refused(workspace: "Workspace", order: str) -> None:
    """And the key is named, in whichever order the rows come."""
    query = f"select queue_id, n_offered as n from intervals{order}"  # noqa: S608 - ours
    tables = {"daily": {"sql": query, "key": ["queue_id"]}}
    path = workspace.folder / "daily.csv"

    with pytest.raises(DataError) as refused:
        workspace.run(**derived(workspace, to(workspace, "csv", path.name), **tables))

    assert ": two rows have the key " in refused.value.problem
    assert not path.exists()


def test_rows_come_in_an_order_of_their_own(workspace: "Workspace") -> None:
    """If the query ends with one."""
    query = f"{DAILY['sql']} order by offered desc, day, queue_id"
    tables = {"daily": {**DAILY, "sql": query}}

    workspace.run(**derived(workspace, to(workspace, "parquet", "d.parquet"), **tables))

    offered = pq.read_table(workspace.folder / "d.parquet")["offered"].to_pylist()
    assert offered == sorted(offered, reverse=True)


@pytest.mark.parametrize(
    "day", ["date '1999-08-08'", "date '1999-07-31'", "null::date"]
)
def test_a_time_beyond_the_range_is_refused(workspace: "Workspace", day: str) -> None:
    """It would be in no run's range, or in another's."""
    query = f"select {day} as day, queue_id from intervals group by all"  # noqa: S608 - ours
    tables = {"daily": {"sql": query, "key": ["queue_id"], "time": "day"}}

    with pytest.raises(DataError, match=r"tables\.daily: a row's day is not in "):
        workspace.run(**derived(workspace, to(workspace, "csv", "d.csv"), **tables))


def test_dates_need_a_range_that_begins_at_midnight(workspace: "Workspace") -> None:
    """The first day would begin before the range; that is said before a request."""
    export = to(workspace, "csv", "daily.csv")
    sections = derived(workspace, export)
    sections["query"] = {**BY_QUEUE, "from": "1999-08-03T12:00:00"}

    with pytest.raises(JobError) as refused:
        workspace.run(**sections)

    assert refused.value.problem == (
        "tables.daily.time: day is a date, and the range begins at 12:00 of "
        "1999-08-03, so that its first day is not whole"
    )
    assert not workspace.simulator.requests("/")


def test_instants_need_no_midnight(workspace: "Workspace") -> None:
    """No row begins before the range."""
    query = "select interval_start as at, sum(n_offered) as n from intervals group by 1"
    own = {"sql": query, "key": ["at"], "time": "at"}
    sections = derived(workspace, to(workspace, "csv", "own.csv"), daily=own)
    sections["query"] = {**BY_QUEUE, "from": "1999-08-03T12:00:00"}

    workspace.run(**sections)

    assert (workspace.folder / "own.csv").read_text("utf-8").count("\n") > 1


def test_a_query_that_fails_over_the_rows_fails_its_export(
    workspace: "Workspace",
) -> None:
    """The others are written."""
    query = "select queue_name::int as day from intervals group by 1"
    tables = {"daily": {"sql": query, "key": ["day"]}}

    with pytest.raises(OutputError) as refused:
        workspace.run(**derived(workspace, to(workspace, "csv", "d.csv"), **tables))

    assert "tables.daily.sql" in refused.value.problem
    assert "Convert" in refused.value.problem or "convert" in refused.value.problem
    assert (workspace.folder / "intervals.parquet").exists()
    assert not (workspace.folder / "d.csv").exists()


def test_a_query_that_needs_too_much_memory_fails_its_export(
    workspace: "Workspace",
) -> None:
    """And says which key allows more."""
    query = (
        "select distinct i.range, i.range::varchar || 'x' as s from range(9000000) i"
    )
    tables = {"daily": {"sql": query, "key": ["range"], "memory": "30MB"}}

    with pytest.raises(OutputError) as refused:
        workspace.run(**derived(workspace, to(workspace, "csv", "d.csv"), **tables))

    assert "tables.daily.sql: needs more than 30MB of memory" in refused.value.problem
    assert "tables.daily.memory" in (refused.value.hint or "")


def test_a_derived_table_reads_no_files(workspace: "Workspace") -> None:
    """By no function, whatever the command allows."""
    query = f"select * from read_text('{workspace.folder}/job.yaml')"  # noqa: S608 - ours
    tables = {"daily": {"sql": query, "key": ["filename"]}}

    with pytest.raises(JobError) as refused:
        workspace.run(**derived(workspace, to(workspace, "csv", "d.csv"), **tables))

    assert "disabled by configuration" in refused.value.problem
    assert "reads tables of its job" in (refused.value.hint or "")


def unchanged(report: gcbatch.RunReport) -> list[bool]:
    return [export.unchanged for export in report.exports]


def test_an_output_stays_while_sql_and_rows_do(workspace: "Workspace") -> None:
    """Another query writes it again, also of a table that it reads."""
    over = {
        "sql": "select day, sum(offered) as n from daily group by 1",
        "key": ["day"],
    }
    export = to(workspace, "csv", "over.csv", table="over")
    sections = derived(workspace, export, daily=DAILY, over=over)
    workspace.run(**sections)
    parts = workspace.parts
    sent = len(workspace.data_requests)

    again = workspace.run(**sections)
    halved = {**DAILY, "sql": DAILY["sql"].replace("n_offered)", "n_offered) // 2")}
    changed = workspace.run(**derived(workspace, export, daily=halved, over=over))

    assert unchanged(again) == [True, True]
    assert unchanged(changed) == [True, False]
    assert workspace.parts == parts
    assert len(workspace.data_requests) == sent


def test_a_query_that_asks_for_the_time_is_run_each_time(
    workspace: "Workspace",
) -> None:
    """The same rows give other ones."""
    query = "select queue_id, now() as at from intervals group by 1"
    tables = {"daily": {"sql": query, "key": ["queue_id"]}}
    sections = derived(workspace, to(workspace, "csv", "daily.csv"), **tables)
    workspace.run(**sections)

    again = workspace.run(**sections)

    assert unchanged(again) == [True, False]


def test_local_days_are_those_of_the_job(workspace: "Workspace") -> None:
    """Columns of local times may be of another zone."""
    sections = derived(workspace, to(workspace, "csv", "daily.csv"))
    workspace.run(**sections)
    before = (workspace.folder / "daily.csv").read_bytes()

    workspace.run(local_time="Pacific/Kiritimati", **sections)

    assert (workspace.folder / "daily.csv").read_bytes() == before


def test_a_later_run_replaces_its_days(workspace: "Workspace") -> None:
    """In a database: those of its range, and no other."""
    export = to(workspace, "duckdb", "all.duckdb")
    sections = derived(workspace, export)
    workspace.run(**sections)
    part = {"from": "1999-08-03", "to": "1999-08-05"}
    doubled = {**DAILY, "sql": DAILY["sql"].replace("n_offered)", "n_offered) * 2")}
    later = derived(workspace, export, daily=doubled)

    workspace.run(**{**later, "query": {**BY_QUEUE, **part}})

    with duckdb.connect(str(workspace.folder / "all.duckdb")) as connection:
        found = dict(
            connection.sql("select day, sum(offered) from daily group by 1").fetchall()
        )
    with duckdb.connect() as connection:
        every = pq.read_table(workspace.folder / "intervals.parquet")
        assert every.num_rows < 485  # of the later run
    assert len(found) == 7
    days = {date(1999, 8, n): found[date(1999, 8, n)] for n in range(1, 8)}
    whole = workspace.run("whole", **derived(workspace))
    plain = whole.tables["daily"].read_all().to_pylist()
    for day, offered in days.items():
        once = sum(row["offered"] for row in plain if row["day"] == day)
        assert offered == once * (
            2 if day in (date(1999, 8, 3), date(1999, 8, 4)) else 1
        )


def test_partitions_are_of_local_days(workspace: "Workspace") -> None:
    """A folder has a file for each day that the rows are of."""
    export = to(workspace, "parquet", "days", partition_by=["day"])
    query = DAILY["sql"].replace("as day", "as at")
    tables = {"daily": {"sql": query, "key": ["at", "queue_id"], "time": "at"}}

    workspace.run(**derived(workspace, export, **tables))

    for path in (workspace.folder / "days").rglob("*.parquet"):
        (label,) = [p.partition("=")[2] for p in path.parts if p.startswith("day=")]
        days = {row["at"] for row in pq.ParquetFile(path).read().to_pylist()}
        assert days == {date.fromisoformat(label)}


def test_gaps_keep_what_a_database_has(workspace: "Workspace") -> None:
    """A row may lack what could not be fetched, whatever its own time is."""
    query = "select date '1999-08-01' as day, sum(n_offered) as n from intervals"
    tables = {"daily": {"sql": query, "key": ["day"], "time": "day"}}
    exports = [to(workspace, "sqlite", "all.sqlite"), to(workspace, "csv", "d.csv")]
    sections = derived(workspace, *exports, **tables)
    workspace.run(**sections)
    workspace.simulator.faults.add(Fault("status", status=400, nth=(3,), times=None))

    job = workspace.job(**sections)
    report = gcbatch.run(job, fresh=True, allow_partial=True)

    assert report.gaps
    with closing(sqlite3.connect(workspace.folder / "all.sqlite")) as database:
        kept = database.execute("select n from daily").fetchall()
    assert kept == [(10_982,)]
    written = (workspace.folder / "d.csv").read_text("utf-8").split(",")[-1]
    assert int(written) < 10_982


def test_a_damaged_part_is_fetched_again_for_it(workspace: "Workspace") -> None:
    """As for other tables: the run mends it, and the rows are whole."""
    export = to(workspace, "parquet", "daily.parquet")
    sections = derived(workspace, export)
    workspace.run(**sections)
    before = pq.read_table(workspace.folder / "daily.parquet")
    (workspace.folder / "daily.parquet").unlink()
    workspace.parts[2].write_bytes(b"nonsense")

    workspace.run(**sections)

    assert pq.read_table(workspace.folder / "daily.parquet").equals(before)


def test_a_table_that_no_export_names_is_checked_too(workspace: "Workspace") -> None:
    """Before the first request."""
    tables = {"daily": {**DAILY, "time": "days"}}

    with pytest.raises(JobError, match=r"tables\.daily\.time: unknown column"):
        workspace.run(**derived(workspace, **tables))

    assert not workspace.simulator.requests("/")


def test_columns_are_those_of_the_sql_where_a_job_asks_for_local_times(
    workspace: "Workspace",
) -> None:
    """None is added to a derived table; the twins in SQL have clocks as ever."""
    sections = derived(workspace, to(workspace, "parquet", "daily.parquet"))
    sections["local_time"] = True

    workspace.run(**sections)

    rows = pq.read_table(workspace.folder / "daily.parquet").to_pylist()
    assert [*rows[0]] == ["day", "day_start", "queue_id", "offered", "aht_s"]
    assert without_start(rows) == expected(workspace.folder)
    twins = sql(
        workspace.job(**sections), "select max(day_start_local) from daily_local"
    )
    assert twins.column(0).to_pylist() == [datetime(1999, 8, 7)]  # noqa: DTZ001 - a clock's


class TestOfSeveralOrgs:
    def test_each_org_is_derived_from_its_own_rows(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """In its own time zone; the column org comes first, in the key too."""
        orgs = orgs_of(workspace_of, "north", "south")
        own = {"north": {"timezone": "Pacific/Auckland"}}
        by_day = {
            "sql": "select interval_start_local::date as day, sum(n_offered) as n "
            "from intervals_local group by 1",
            "key": ["day"],
            "time": "day",
        }
        path = orgs.folder / "by_day.parquet"
        export = {"exporter": "parquet", "table": "by_day", "path": str(path)}

        report = orgs.run(own=own, tables={"by_day": by_day}, exports=[export])

        table = pq.read_table(path)
        assert table.column_names == ["org", "day", "day_start", "n"]
        assert report.tables["by_day"].key == ("org", "day")
        rows = [(r["org"], r["day"].day, r["n"]) for r in table.to_pylist()]
        assert [row for row in rows if row[0] == "south"] == [
            ("south", day, 4) for day in (2, 3, 4)
        ]
        starts = {r["day_start"] for r in table.to_pylist() if r["org"] == "north"}
        assert {start.hour for start in starts} == {11}  # midnight in Auckland
        assert {start.tzinfo.utcoffset(start) for start in starts} == {
            datetime.now(UTC).utcoffset()
        }

    def test_a_column_org_is_refused(self, workspace_of: "WorkspaceOf") -> None:
        """All tables of several orgs get it."""
        orgs = orgs_of(workspace_of, "north", "south")
        own = {"sql": "select 'x' as org, count(*) as n from intervals", "key": ["org"]}
        export = {"exporter": "csv", "table": "own", "path": str(orgs.folder / "o.csv")}

        with pytest.raises(JobError, match="has a column org"):
            orgs.run(tables={"own": own}, exports=[export])


def test_report_and_tables_name_it(workspace: "Workspace") -> None:
    """`run.json` counts its rows."""
    export = to(workspace, "csv", "daily.csv")

    report = workspace.run(**derived(workspace, export))

    rows = [one.rows for one in report.exports if one.tables == ("daily",)]
    assert rows == [41]
    assert [e["rows"] for e in report.to_json()["exports"]] == [485, 41]
