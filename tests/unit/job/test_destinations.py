"""Exports may share a database file, but not a table in it."""

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gcbatch.errors import JobError
from gcbatch.job import load_job, refuse_shared_outputs
from gcbatch.job.job import Job
from tests.support.locked_exporter import SHARED, LockedOptions
from tests.unit.job.test_load import ENVIRON, NOW, usual


def shared(path: str = "x.db", **options: Any) -> dict[str, Any]:
    return {"exporter": SHARED, "table": "intervals", "path": path, **options}


def csv(path: str) -> dict[str, Any]:
    return {"exporter": "csv", "table": "intervals", "path": path}


def job_with(folder: Path, *exports: dict[str, Any], name: str = "job") -> Job:
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(usual(name=name, exports=list(exports)), indent=1))
    return load_job(path, now=NOW, environ=ENVIRON)


def problem_with(folder: Path, *exports: dict[str, Any]) -> str:
    with pytest.raises(JobError) as failed:
        job_with(folder, *exports)
    (line,) = failed.value.problem.replace(f"{folder}/", "").split("\n")
    return line


@pytest.mark.parametrize("second", ["x.db", "./x.db", "y/../x.db"])
def test_a_path_may_be_shared(tmp_path: Path, second: str) -> None:
    """By exports of one exporter that says where its rows go."""
    job = job_with(tmp_path, shared(name="a"), shared(second, name="b"))

    assert len(job.expanded_exports) == 2


@pytest.mark.parametrize("second", ["x.db", "./x.db", "y/../x.db"])
def test_a_destination_may_not(tmp_path: Path, second: str) -> None:
    """Both entries are named, and the table; however the path is written."""
    assert problem_with(tmp_path, csv("a"), shared(), shared(second)).endswith(
        f": exports[2]: exports[2] and exports[1] both write to {Path(second)}: rows; "
        "give each its own name"
    )


def test_tables_of_an_entry_may_not_share_one(tmp_path: Path) -> None:
    """If each is an export of its own; the tables are named."""
    entry = {
        "exporter": SHARED,
        "tables": ["intervals", "users"],
        "path": "x.db",
        "fails_in": "",
    }
    job_with(tmp_path, {**entry, "name": "{table}"})
    first = shared(name="users")

    assert problem_with(tmp_path, first, {**entry, "name": "{table}"}).endswith(
        "exports[1] (table users) and exports[0] both write to x.db: users; give each "
        "its own name"
    )


def test_destinations_of_several_tables_are_compared(tmp_path: Path) -> None:
    """An exporter that takes several says where each goes."""
    several = {"exporter": SHARED, "tables": ["users", "intervals"], "path": "x.db"}

    problem = problem_with(tmp_path, {**several, "name": "*"}, shared(name="intervals"))

    assert "both write to x.db: intervals" in problem


def test_tables_of_one_export_go_to_different_places(tmp_path: Path) -> None:
    """One name for several tables would mix their rows."""
    several = {"exporter": SHARED, "tables": ["users", "intervals"], "path": "x.db"}

    assert problem_with(tmp_path, several).endswith(
        "exports[0]: several tables would be written to x.db: rows; write {table} into "
        "the name, or leave it out"
    )


@pytest.mark.parametrize("path", ["x.db", "x.db/y.csv"])
def test_files_may_not_be_in_it(tmp_path: Path, path: str) -> None:
    """Nor be the same: whichever entry is the first."""
    for exports in ((shared(), csv(path)), (csv(path), shared())):
        assert "is the output of another export too" in problem_with(tmp_path, *exports)


def test_another_exporter_may_not_share_it(tmp_path: Path) -> None:
    """Two kinds of database do not fit into one file."""
    other = {**shared(name="b"), "exporter": f"{__name__}:Other"}

    assert "is the output of another export too" in problem_with(
        tmp_path, shared(name="a"), other
    )


def test_jobs_may_not_share_a_destination(tmp_path: Path) -> None:
    """In one run; they may share the file."""
    one = job_with(tmp_path, shared(), name="one")
    two = job_with(tmp_path, shared("./x.db"), name="two")
    three = job_with(tmp_path, shared(name="other"), name="three")

    refuse_shared_outputs([one, three])
    with pytest.raises(JobError, match=r"two and one both write to x\.db: rows"):
        refuse_shared_outputs([one, three, two])


def test_jobs_may_not_mix_files_and_databases(tmp_path: Path) -> None:
    """A file of one job is no database of another."""
    one = job_with(tmp_path, shared(), name="one")
    two = job_with(tmp_path, csv("x.db"), name="two")

    with pytest.raises(JobError, match=r"two and one both write to x\.db"):
        refuse_shared_outputs([one, two])


class Other:
    """Another exporter with destinations."""

    api_version: ClassVar[int] = 1
    Options: ClassVar[type[LockedOptions]] = LockedOptions

    def __init__(self, options: Any) -> None:
        self._options = options

    def destinations(self, names: list[str]) -> list[str]:
        return [f"{self._options.path}: {name}" for name in names]

    def export(self, tables: Any, target: Any) -> Any:
        raise NotImplementedError
