"""A job from a file, from text and from plain data of a program."""

from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from gcbatch import JobError, load_job

JOB: dict[str, Any] = {
    "name": "retail",
    "org": {
        "region": "eu-west-1",
        "client_id": "${ID}",
        "client_secret": "${SECRET}",
    },
    "query": {
        "from": "2026-10-01",
        "to": "2026-11-01",
        "metrics": ["nOffered", "tAnswered"],
    },
    "exports": [{"exporter": "csv", "table": "intervals", "path": "out/retail.csv"}],
}
ENVIRON = {"ID": "an id", "SECRET": "a secret"}


def test_file_text_and_data_are_the_same_job(tmp_path: Path) -> None:
    """A text of several lines is the content of a file, a mapping what it means."""
    text = yaml.safe_dump(JOB)
    path = tmp_path / "job.yaml"
    path.write_text(text, "utf-8")

    jobs = [load_job(s, environ=ENVIRON) for s in (path, str(path), text, JOB)]

    assert jobs == [jobs[0]] * 4


def test_data_of_a_program_count_as_their_text() -> None:
    """Dates, instants, paths and tuples."""
    query = {
        "from": date(2026, 10, 1),
        "to": datetime(2026, 11, 1, tzinfo=UTC),
        "metrics": ("nOffered",),
    }
    export = {**JOB["exports"][0], "path": PurePosixPath("out/retail.csv")}

    job = load_job({**JOB, "query": query, "exports": (export,)}, environ=ENVIRON)

    assert job.query.start == "2026-10-01"
    assert job.query.end == "2026-11-01T00:00:00+00:00"
    assert job.query.metrics == ("nOffered",)
    assert job.exports[0].options["path"] == "out/retail.csv"


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ({**JOB, "querry": 1}, "job: querry: unknown key"),
        (f"# a job\nzone: 1\n{yaml.safe_dump(JOB)}", "job:2: zone: unknown key"),
        ({**JOB, "name": object()}, "job: name: is not plain data (object)"),
        ({7: 1}, "job: top level: a key must be text (7)"),
        ({"a": {"b": [{1, 2}]}}, "job: a.b.0: is not plain data (set)"),
        ("[1,\n 2]", "job:1: a job file is a mapping"),
        ("name: job", "name: job: cannot be read: No such file"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(source: Any, problem: str) -> None:
    """The line of a text, the key of data."""
    with pytest.raises(JobError) as caught:
        load_job(source, environ=ENVIRON)

    assert problem in str(caught.value)


def test_data_that_contain_themselves_are_refused() -> None:
    """They would have no end."""
    endless: dict[str, Any] = {**JOB}
    endless["fetch"] = endless

    with pytest.raises(JobError, match="nested too deeply"):
        load_job(endless)


@pytest.mark.parametrize("source", [JOB, yaml.safe_dump(JOB)], ids=["data", "text"])
def test_a_secret_is_never_part_of_a_job(source: Any) -> None:
    """A literal one is refused, whatever it is in, and not repeated."""
    literal = "Xk93jsLq0-literal"
    if isinstance(source, dict):
        source = {**JOB, "org": {**JOB["org"], "client_secret": literal}}
    else:
        source = source.replace("${SECRET}", literal)

    with pytest.raises(JobError) as caught:
        load_job(source, environ=ENVIRON)

    assert "org.client_secret" in str(caught.value)
    assert literal not in str(caught.value)


@pytest.mark.parametrize("end", ["2026-10-02", date(2026, 10, 2)])
def test_settings_are_texts_or_values(end: Any) -> None:
    """A text is YAML, another value counts as it does in data."""
    settings = {"query.to": end, "fetch.concurrency": 4}
    job = load_job(JOB, settings=settings, environ=ENVIRON)

    assert (job.query.end, job.fetch.concurrency) == ("2026-10-02", 4)


def test_a_setting_that_is_no_plain_data_is_a_problem() -> None:
    """Not a traceback."""
    with pytest.raises(JobError, match="is not plain data"):
        load_job(JOB, settings={"query.to": object()}, environ=ENVIRON)


def test_settings_replace_keys_of_data() -> None:
    """As `--set` does; the data of the caller stay as they are."""
    job = load_job(JOB, settings={"query.to": "2026-10-02"}, environ=ENVIRON)

    assert job.query.end == "2026-10-02"
    assert JOB["query"]["to"] == "2026-11-01"
