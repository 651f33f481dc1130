"""Jobs without `query:`: which tables they can export, and what they refuse."""

import json
from pathlib import Path
from typing import Any

import pytest

from gcbatch.errors import JobError
from gcbatch.genesys.entities import ENTITY_TABLES
from gcbatch.job.job import Job
from gcbatch.job.load import load_job

ORG = {"simulator": True}
USERS = {"exporter": "csv", "table": "users", "path": "users.csv"}


def load(folder: Path, settings: dict[str, str] | None = None, **sections: Any) -> Job:
    path = folder / "job.yaml"
    job = {"name": "dims", "org": ORG, "exports": [USERS], **sections}
    path.write_text(json.dumps(job, indent=1), "utf-8")
    return load_job(path, environ={}, settings=settings)


def problem(folder: Path, settings: dict[str, str] | None = None, **kw: Any) -> str:
    with pytest.raises(JobError) as caught:
        load(folder, settings, **kw)
    assert caught.value.exit_code == 2
    (line,) = caught.value.problem.split("\n")
    return line.partition(": ")[2]


def test_its_tables_are_those_that_it_lists(tmp_path: Path) -> None:
    """It can export every table of entities, and lists what its exports name."""
    job = load(tmp_path)

    assert job.lists_only
    assert job.tables == job.entities == ("users",)
    assert job.exportable == ENTITY_TABLES


@pytest.mark.parametrize(
    "table", ["intervals", "sla", "conversations", "segments", "user_presence"]
)
def test_a_table_of_figures_needs_a_query(tmp_path: Path, table: str) -> None:
    """The message names the table, the section, and the tables that do without."""
    said = problem(tmp_path, exports=[USERS, {**USERS, "table": table, "path": "a"}])

    assert said.startswith(
        f"exports[1].table: the table {table} needs a section `query:`; without one"
    )
    assert all(listed in said for listed in ENTITY_TABLES)


def test_all_is_refused(tmp_path: Path) -> None:
    """To list everything can take long, so the job says what it wants."""
    entry = {"exporter": "csv", "tables": "all", "path": "{table}.csv"}

    said = problem(tmp_path, exports=[entry])

    assert said.startswith("exports[0].tables: without a section `query:`, name the")
    assert all(listed in said for listed in ENTITY_TABLES)


def test_a_misspelt_table_gets_the_nearest(tmp_path: Path) -> None:
    """As in any job."""
    said = problem(tmp_path, exports=[{**USERS, "table": "user"}])

    assert said == "exports[0].table: unknown table 'user': did you mean users?"


@pytest.mark.parametrize("exports", [[], None])
def test_a_job_that_lists_nothing_lacks_its_query(
    tmp_path: Path, exports: list[Any] | None
) -> None:
    """Without exports there is nothing to do, so the query was forgotten."""
    sections = {} if exports is None else {"exports": exports}
    path = tmp_path / "job.yaml"
    path.write_text(json.dumps({"name": "dims", "org": ORG, **sections}), "utf-8")

    with pytest.raises(JobError, match="query: is required, unless exports name"):
        load_job(path, environ={})


def test_service_levels_need_a_query(tmp_path: Path) -> None:
    """They are computed from its answers."""
    assert problem(tmp_path, sla={}).startswith("sla: needs a section `query:`")


@pytest.mark.parametrize("key", ["from", "to"])
def test_there_is_no_range_to_replace(tmp_path: Path, key: str) -> None:
    """`--from` and `--to` are refused rather than taken for a query."""
    said = problem(tmp_path, {f"query.{key}": "2026-10-01"})

    assert said == "the job has no section `query:`, so it has no range"


def test_an_override_can_add_the_query(tmp_path: Path) -> None:
    """As a whole section, `--set` makes it a job of figures."""
    query = "{from: today-1d, to: today, metrics: [nOffered]}"

    job = load(tmp_path, {"query": query, "query.from": "today-2d"})

    assert not job.lists_only
    assert job.query.start == "today-2d"


def test_an_org_has_no_queues_to_fetch(tmp_path: Path) -> None:
    """The key would be without any effect."""
    path = tmp_path / "job.yaml"
    job = {
        "name": "dims",
        "orgs": {"north": {"simulator": True, "queues": ["Support"]}},
        "exports": [USERS],
    }
    path.write_text(json.dumps(job), "utf-8")

    with pytest.raises(JobError, match=r"orgs\.north\.queues: the job has no section"):
        load_job(path, environ={})


def test_a_query_that_says_nothing_is_no_missing_one(tmp_path: Path) -> None:
    """`query:` with all its keys commented out is a mistake, not a wish."""
    assert problem(tmp_path, query=None) == "query: must be a mapping"
