"""`tables: all`, and `{table}` in an option: one entry, several exports."""

import json
from pathlib import Path
from typing import Any

import pytest

from gcbatch.errors import JobError
from gcbatch.job import load_job
from gcbatch.job.job import Job
from tests.support.locked_exporter import PLACE
from tests.unit.job.test_load import NOW, USUAL, usual

ENVIRON = {
    "GENESYS_CLIENT_SECRET": "correct-horse-battery",
    "GENESYS_CLIENT_ID": "an-id",
    "ODD": "pw{table}",
    "UNSET": "",
}
DETAILS = {
    "from": "2026-10-01",
    "to": "2026-10-08",
    "endpoint": "conversation-details",
}
SLA = {"sla": {}, "query": {k: v for k, v in USUAL["query"].items() if k != "metrics"}}
FIRST: dict[str, Any] = {"exporter": "csv", "table": "queues", "path": "q.csv"}


def job_with(folder: Path, *exports: dict[str, Any], **sections: Any) -> Job:
    path = folder / "job.yaml"
    job = {**usual(exports=list(exports)), **sections}
    path.write_text(json.dumps(job, indent=1), "utf-8")
    return load_job(path, now=NOW, environ=ENVIRON)


def problems_with(folder: Path, *exports: dict[str, Any], **sections: Any) -> list[str]:
    with pytest.raises(JobError) as failed:
        job_with(folder, *exports, **sections)
    return failed.value.problem.replace(f"{folder}/", "").split("\n")


def test_all_are_the_tables_of_the_endpoint(tmp_path: Path) -> None:
    """Not the entities, which every job can list; `sla` only with its section."""
    html = {"exporter": "html", "tables": "all", "path": "x.html"}
    (one,) = job_with(tmp_path, html).expanded_exports
    (with_sla,) = job_with(tmp_path, html, **SLA).expanded_exports
    details = job_with(tmp_path, html, query=DETAILS)
    (of_details,) = details.expanded_exports

    assert one.spec.table_names == ("intervals",)
    assert with_sla.spec.table_names == ("intervals", "sla")
    assert of_details.spec.table_names == details.tables
    assert "conversations" in details.tables
    assert details.entities == ()


def test_an_entry_becomes_an_export_per_table(tmp_path: Path) -> None:
    """With its name in the text; each has the number of the entry."""
    entry = {"exporter": "csv", "tables": "all", "path": "out/{table}/x-{table}.csv"}
    job = job_with(tmp_path, FIRST, entry, query=DETAILS)

    first, *others = job.expanded_exports

    assert (first.place, first.spec.table_names) == ("exports[0]", ("queues",))
    assert [one.spec.table for one in others] == list(job.tables)
    assert {one.number for one in others} == {1}
    assert others[0].place == f"exports[1] (table {job.tables[0]})"
    assert [one.spec.options["path"] for one in others] == [
        f"out/{name}/x-{name}.csv" for name in job.tables
    ]


def test_a_list_and_a_single_table_work_too(tmp_path: Path) -> None:
    """Entities can be listed; a single table has no need to be named."""
    several = {"exporter": "csv", "tables": ["users", "queues"], "path": "{table}.csv"}
    single = {"exporter": "csv", "table": "intervals", "path": "{table}.csv"}
    job = job_with(tmp_path, several, single)

    assert [
        (one.place, one.spec.table, one.spec.options["path"])
        for one in job.expanded_exports
    ] == [
        ("exports[0] (table users)", "users", "users.csv"),
        ("exports[0] (table queues)", "queues", "queues.csv"),
        ("exports[1]", "intervals", "intervals.csv"),
    ]
    assert job.entities == ("queues", "users")


def test_any_text_option_can_have_it(tmp_path: Path) -> None:
    """Not only the path; what a variable holds as a secret stays as it is."""
    entry = {
        "exporter": PLACE.replace("Locked", "Shared"),
        "tables": ["intervals", "queues"],
        "path": "x.db",
        "name": "my_{table}",
        "password": "${ODD}",
    }

    ours, theirs = job_with(tmp_path, entry).expanded_exports

    assert ours.spec.options["name"] == "my_intervals"
    assert theirs.spec.options["name"] == "my_queues"
    assert ours.spec.options["password"].get_secret_value() == "pw{table}"


def test_only_sla_keeps_the_period(tmp_path: Path) -> None:
    """It has no meaning for the others."""
    entry = {
        "exporter": "csv", "tables": "all", "path": "{table}.csv", "period": "month",
    }  # fmt: skip

    found = job_with(tmp_path, entry, **SLA).expanded_exports

    periods = {one.spec.table: one.spec.period for one in found}
    assert periods == {"intervals": None, "sla": "month"}


def test_problems_of_all_tables_are_named_once(tmp_path: Path) -> None:
    """At the place of the entry."""
    entry = {"exporter": "csv", "tables": "all", "path": "{table}.csv", "bomb": True}

    (line,) = problems_with(tmp_path, entry, query=DETAILS)

    assert line.endswith(": exports[0].bomb: unknown key 'bomb': did you mean bom?")


def test_a_problem_of_some_tables_names_them(tmp_path: Path) -> None:
    """As a choice that only one table's name is."""
    entry = {
        "exporter": "csv",
        "tables": ["intervals", "users"],
        "path": "{table}.csv",
        "formulas": "{table}",
    }
    keep = {"exporter": PLACE, "tables": "all", "path": "x{table}", "raises": "{table}"}

    one, *_ = problems_with(tmp_path, entry)
    other, *_ = problems_with(tmp_path, keep)

    assert one.endswith("exports[0].formulas: must be 'escape' or 'keep'")
    assert "exports[0].raises: must be" in other


def test_outputs_of_an_entry_must_differ(tmp_path: Path) -> None:
    """If only another option has `{table}`, each would overwrite the one before."""
    entry = {
        "exporter": PLACE,
        "tables": ["intervals", "users"],
        "path": "same",
        "name": "{table}",
    }

    assert problems_with(tmp_path, entry)[0].endswith(
        "exports[0].path: same is of several tables; write {table} in the path too"
    )


def test_an_expanded_output_conflicts_with_others(tmp_path: Path) -> None:
    """As if it were written in full."""
    entry = {"exporter": "csv", "tables": ["users", "queues"], "path": "{table}.csv"}
    other = {"exporter": "csv", "table": "users", "path": "queues.csv"}

    assert problems_with(tmp_path, entry, other)[0].endswith(
        "exports[1].path: queues.csv is the output of another export too"
    )


@pytest.mark.parametrize("tables", ["intervals", "ALL", "", 5, [], ["all"], {}])
def test_other_values_are_refused(tmp_path: Path, tables: Any) -> None:
    """A text that is not `all` is no list of one."""
    entry = {"exporter": "csv", "tables": tables, "path": "x.csv"}

    lines = problems_with(tmp_path, entry)

    assert len(lines) == 1
    assert "exports[0].tables: " in lines[0]


def test_table_and_tables_exclude_each_other(tmp_path: Path) -> None:
    """Also `all`."""
    entry = {"exporter": "csv", "table": "users", "tables": "all", "path": "x.csv"}

    assert "give either table or tables" in problems_with(tmp_path, entry)[0]


def test_options_are_checked_though_the_job_is_wrong(tmp_path: Path) -> None:
    """All problems are reported at once."""
    entry = {"exporter": "csv", "tables": "all", "path": "{table}.csv", "bomb": True}

    lines = problems_with(tmp_path, entry, fetch={"concurrency": 0})

    assert len(lines) == 2
