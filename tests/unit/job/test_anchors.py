"""Anchors in job files: what sections share, and the keys that hold it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gcbatch.errors import JobError
from gcbatch.job import Job, load_job

NOW = datetime(2026, 10, 16, 13, 47, tzinfo=UTC)
JOB = """\
name: shared
org: {simulator: true}
query: {from: today-7d, to: today, metrics: [nOffered]}
"""


def read(folder: Path, text: str, **environ: str) -> Job:
    path = folder / "job.yaml"
    path.write_text(text, "utf-8")
    return load_job(path, now=NOW, environ=environ)


def test_exports_share_their_keys_through_an_anchor(tmp_path: Path) -> None:
    """An `x-` key holds the shared ones, and each entry adds its own."""
    job = read(
        tmp_path,
        "x-file: &file {exporter: csv, table: intervals}\n"
        f"{JOB}exports:\n"
        "- {<<: *file, path: a.csv}\n"
        "- {<<: *file, path: b.csv, bom: true}\n",
    )

    assert [(e.exporter, e.options) for e in job.exports] == [
        ("csv", {"path": "a.csv"}),
        ("csv", {"path": "b.csv", "bom": True}),
    ]


def test_what_an_anchor_key_holds_is_not_read_by_itself(tmp_path: Path) -> None:
    """Variables that only it names need not be set; an alias of it needs them."""
    unused = read(tmp_path, f"x-spare: {{a: '${{NOT_SET}}', b: 1}}\n{JOB}")
    assert unused.name == "shared"

    used = f"x-id: &id '${{NOT_SET}}'\n{JOB}exports: [{{exporter: csv, table: *id}}]\n"
    with pytest.raises(JobError, match="NOT_SET is not set"):
        read(tmp_path, used)


def test_a_secret_in_an_anchor_is_refused_where_it_is_used(tmp_path: Path) -> None:
    """A merged secret is one as any other, and not repeated."""
    text = (
        "x-org: &org\n"
        "  region: eu-west-1\n"
        "  client_id: an-id\n"
        "  client_secret: hunter2\n" + JOB.replace("{simulator: true}", "{<<: *org}")
    )
    with pytest.raises(JobError, match=r":4: org\.client_secret: must not be in the "):
        read(tmp_path, text)


def test_a_problem_of_a_merged_key_names_the_line_of_the_anchor(tmp_path: Path) -> None:
    """That is where it can be mended."""
    text = (
        "x-file: &file\n  exporter: csv\n  table: intervals\n  bomb: true\n"
        f"{JOB}exports: [{{<<: *file, path: a.csv}}]\n"
    )
    with pytest.raises(JobError, match=r"job\.yaml:4: exports\[0\]\.bomb: unknown key"):
        read(tmp_path, text)


def test_merging_is_bounded(tmp_path: Path) -> None:
    """A file of some kilobytes that merges a million keys is refused, not read."""
    keys = ", ".join(f"k{n}: 1" for n in range(1000))
    bases = "\n".join(f"  - &b{n} {{<<: *all, own{n}: 1}}" for n in range(400))
    merged = ", ".join(f"*b{n}" for n in range(400))
    path = tmp_path / "job.yaml"
    text = f"x-all: &all {{{keys}}}\nx-b:\n{bases}\nname: {{<<: [{merged}]}}\n"
    path.write_text(text, "utf-8")

    with pytest.raises(JobError, match="too long"):
        load_job(path)


def test_a_key_without_the_mark_is_unknown_as_before(tmp_path: Path) -> None:
    """Only `x-` begins a key that is not read, and only at the top."""
    with pytest.raises(JobError, match="xfile: unknown key"):
        read(tmp_path, f"xfile: 1\n{JOB}")
    with pytest.raises(JobError, match=r"query\.x-y: unknown key"):
        read(tmp_path, JOB.replace("{from", "{x-y: 1, from"))
