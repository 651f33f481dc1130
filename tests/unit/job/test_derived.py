"""The section `tables:` of a job: what is wrong is said when the job is read."""

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from gcbatch import Job, JobError, load_job

DAILY: dict[str, Any] = {
    "sql": "select interval_start::date as day, 1 as n from intervals group by all",
    "key": ["day"],
    "time": "day",
}
BASE: dict[str, Any] = {
    "name": "some",
    "org": {"simulator": True},
    "query": {
        "from": "1999-08-01",
        "to": "1999-08-08",
        "granularity": "PT1H",
        "metrics": ["nOffered"],
    },
}


def job_of(folder: Path, tables: dict[str, Any], **sections: Any) -> Job:
    path = folder / "job.yaml"
    content = {**BASE, **sections, "tables": tables}
    path.write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")
    return load_job(path, environ={})


def problem(folder: Path, tables: dict[str, Any], **sections: Any) -> str:
    with pytest.raises(JobError) as refused:
        job_of(folder, tables, **sections)
    return refused.value.problem.partition(": ")[2]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (
            "selec 1",
            'tables.daily.sql: line 1, column 1: syntax error at or near "selec"',
        ),
        ("", "tables.daily.sql: must not be empty"),
        ("-- nothing", "tables.daily.sql: is empty: write one SELECT"),
        (
            "select 1; select 2",
            "tables.daily.sql: has 2 statements: write one SELECT",
        ),
        ("drop table intervals", "tables.daily.sql: is no SELECT (DROP)"),
        (
            "copy intervals to 'x.csv'",
            "tables.daily.sql: is no SELECT (COPY)",
        ),
        (
            "pivot intervals on queue_id using sum(n_offered)",
            "tables.daily.sql: its columns depend on the rows; name them: PIVOT",
        ),
        (
            "select * from interval",
            "tables.daily.sql: unknown table 'interval': did you mean intervals?",
        ),
        (
            "select * from 'x.parquet'",
            "tables.daily.sql: unknown table 'x.parquet'; there are",
        ),
        (
            "select * from sla",
            "tables.daily.sql: unknown table 'sla'",
        ),
        (
            "select * from conversations",
            "tables.daily.sql: unknown table 'conversations'",
        ),
        (
            "select * from later",
            "tables.daily.sql: the table later must stand before this one",
        ),
        (
            "select * from daily",
            "tables.daily.sql: the table daily must stand before this one",
        ),
    ],
)
def test_wrong_sql_is_refused(tmp_path: Path, sql: str, said: str) -> None:
    """With the place in the file, and the nearest name."""
    tables = {"daily": {**DAILY, "sql": sql}, "later": DAILY}

    assert problem(tmp_path, tables).startswith(said)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("intervals", "is the name of another table"),
        ("conversations", "is the name of another table"),
        ("queues", "is the name of another table"),
        ("Daily", "a name has lower-case letters"),
        ("2days", "a name has lower-case letters"),
        ("days_local", "a name has lower-case letters"),
        ("day-by-day", "a name has lower-case letters"),
    ],
)
def test_wrong_names_are_refused(tmp_path: Path, name: str, said: str) -> None:
    """Those that another table has, and those that SQL would need quotes for."""
    found = problem(tmp_path, {name: DAILY})

    assert found.startswith(f"tables.{name}: {said}")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"key": []}, "tables.daily.key: must not be empty"),
        ({"key": ["day", "day"]}, "tables.daily.key: named more than once: day"),
        ({"memory": "much"}, "tables.daily.memory: must be a size such as 500MB"),
        ({"sort": "day"}, "tables.daily.sort: unknown key 'sort'"),
    ],
)
def test_wrong_keys_are_refused(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    """As in all sections."""
    assert problem(tmp_path, {"daily": {**DAILY, **change}}).startswith(said)


def test_exports_name_derived_tables(tmp_path: Path) -> None:
    """As others, alone or by `all`."""
    one = {"exporter": "csv", "table": "daily", "path": "a.csv"}
    each = {"exporter": "csv", "tables": "all", "path": "{table}.csv"}

    job = job_of(tmp_path, {"daily": DAILY}, exports=[one, each])

    names = [export.spec.table_names for export in job.expanded_exports]
    assert names == [("daily",), ("intervals",), ("daily",)]


def test_a_misspelt_derived_table_has_the_nearest(tmp_path: Path) -> None:
    """In exports."""
    one = {"exporter": "csv", "table": "dayly", "path": "a.csv"}

    found = problem(tmp_path, {"daily": DAILY}, exports=[one])

    assert found == "exports[0].table: unknown table 'dayly': did you mean daily?"


def test_what_a_derived_table_reads_is_listed(tmp_path: Path) -> None:
    """Also what is read by the tables that it reads, and local twins."""
    named = {
        "known": {"sql": "from queues_local", "key": ["queue_id"]},
        "joined": {"sql": "from known join users on true", "key": ["queue_id"]},
    }

    job = job_of(tmp_path, named)

    assert job.entities == ("queues", "users")
    assert [*job.base_tables(["joined"])] == ["users", "queues"]
    assert job.derived_among(["joined", "intervals"]) == ["joined", "known"]


def test_the_longest_settling_counts_what_is_read(tmp_path: Path) -> None:
    """A derived table settles when its sources do."""
    exports = [{"exporter": "csv", "table": "daily", "path": "a.csv"}]
    fetch = {"settle": {"default": "PT1H", "intervals": "P9D"}}

    job = job_of(tmp_path, {"daily": DAILY}, exports=exports, fetch=fetch)

    assert str(job.settle) == "P9D"


def test_without_duckdb_the_section_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the line that installs it."""

    def missing(*_: object, **__: object) -> None:
        raise ModuleNotFoundError(name="duckdb")

    monkeypatch.setattr("gcbatch.selecting.connection.duckdb.connect", missing)

    assert problem(tmp_path, {"daily": DAILY}) == (
        "tables: needs DuckDB, which is not installed: pip install 'gcbatch[sql]'"
    )


def test_jobs_without_the_section_do_not_load_duckdb(tmp_path: Path) -> None:
    """A finished run of theirs is as light as before."""
    path = tmp_path / "job.yaml"
    path.write_text(yaml.safe_dump(BASE), "utf-8")
    before = {*sys.modules}

    load_job(path, environ={})

    assert not {"duckdb", "gcbatch.selecting"} & ({*sys.modules} - before)
