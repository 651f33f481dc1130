"""Keys that are true or false: text is neither, as YAML 1.2 has it."""

from pathlib import Path
from typing import Any

import pytest

from gcbatch.errors import JobError
from gcbatch.job import Job, load_job

JOB = """\
name: j
org: {{simulator: {simulator}}}
query: {{from: today-7d, to: today, metrics: [nOffered], queues: {queues}}}
exports: [{{exporter: csv, table: intervals, path: o.csv, bom: {bom}}}]
"""


def read(folder: Path, environ: Any = None, **values: Any) -> Job:
    usual = {"simulator": "true", "queues": "[Sales]", "bom": "false"}
    path = folder / "job.yaml"
    path.write_text(JOB.format(**{**usual, **values}), "utf-8")
    return load_job(path, environ=environ or {})


@pytest.mark.parametrize("word", ["yes", "on", "Yes", "y", "True", "1", "'true '"])
@pytest.mark.parametrize(
    ("key", "place"), [("simulator", "org.simulator"), ("bom", r"exports\[0\]\.bom")]
)
def test_only_true_and_false_are_booleans(
    tmp_path: Path, key: str, place: str, word: str
) -> None:
    """In sections and in options of exporters; the message says what is."""
    with pytest.raises(JobError, match=f"{place}: must be true or false"):
        read(tmp_path, **{key: word})


def test_yes_and_on_are_text_where_text_belongs(tmp_path: Path) -> None:
    """Queues called so keep their names."""
    job = read(tmp_path, queues="[yes, No, on, off]")

    assert job.query.queues == ("yes", "No", "on", "off")


def test_a_variable_can_say_true(tmp_path: Path) -> None:
    """Its value is text, as is all that comes from the environment."""
    job = read(tmp_path, {"BOM": "true"}, bom="'${BOM}'")
    assert job.exports[0].options["bom"] == "true"

    with pytest.raises(JobError, match="must be true or false"):
        read(tmp_path, {"BOM": "yes"}, bom="'${BOM}'")
