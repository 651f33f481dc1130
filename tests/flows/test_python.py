"""gcbatch as a library: what docs/python.md promises to programs."""

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gcbatch
from tests.support.pages import ROOT

if TYPE_CHECKING:
    from tests.conftest import Workspace

DAY = {"from": "1999-08-01", "to": "1999-08-02", "timezone": "UTC"}
SECTIONS: dict[str, Any] = {"query": DAY, "fetch": {"settle": "PT0S"}}


def test_the_page_names_every_public_name() -> None:
    """And no other name of the package."""
    page = (ROOT / "docs" / "python.md").read_text("utf-8")
    named = set(re.findall(r"\bgcbatch\.(\w+)", page)) | set(
        re.findall(r"`(\w+)(?:\([^`]*\))?`", page)
    )

    assert set(gcbatch.__all__) <= named
    assert set(re.findall(r"\bgcbatch\.(\w+)\(", page)) <= set(gcbatch.__all__)


def test_an_old_name_goes_on_working() -> None:
    """`plan_job` of release 0.2.0."""
    assert gcbatch.plan_job is gcbatch.plan


def test_a_report_says_in_a_line_what_was_done(workspace: "Workspace") -> None:
    """Its rows are those of the outputs; a notebook shows the same as a table."""
    report = workspace.run(**SECTIONS)
    lines = (workspace.folder / "job.csv").read_text("utf-8").splitlines()
    shown = repr(report)

    assert shown.startswith("<RunReport job: 1999-08-01T00:00:00.000Z/")
    assert f"rows: {len(lines) - 1}; fetched: 1 of 1 queries" in shown
    assert f"{len(lines) - 1} rows in {workspace.folder / 'job.csv'}" in shown
    assert f"<td>rows</td><td>{len(lines) - 1}</td>" in report._repr_html_()
    assert report.row_counts == {"intervals": len(lines) - 1}


def test_a_report_names_what_is_not_as_it_should_be(workspace: "Workspace") -> None:
    """An export that was left alone, and a warning."""
    workspace.run(**SECTIONS)
    report = workspace.run(**SECTIONS)
    object.__setattr__(report, "warnings", ("<script>",))

    assert "(unchanged)" in repr(report)
    assert "<td>warning</td><td>&lt;script&gt;</td>" in report._repr_html_()


def test_async_twins_do_the_same(workspace: "Workspace") -> None:
    """Within a loop, each as its twin."""
    job = workspace.job(**SECTIONS)

    async def each() -> tuple[gcbatch.ResolvedPlan, int, int, bool, tuple[str, ...]]:
        planned = await gcbatch.aplan(job)
        rows = (await gcbatch.arun(job)).rows
        exported = (await gcbatch.aexport_job(job)).rows
        found = await gcbatch.averify(job)
        return planned, rows, exported, found.is_good, await gcbatch.acheck(job)

    planned, rows, exported, good, warnings = asyncio.run(each())

    assert (planned.stored, planned.requests) == (0, 1)
    assert repr(planned).endswith(": 1 queries, 0 stored; 1 requests>")
    assert rows == exported == gcbatch.run(job).rows > 0
    assert asyncio.run(gcbatch.asql(job, "FROM intervals")).num_rows == rows
    assert asyncio.run(gcbatch.achanges(job)).num_rows == 0
    assert good
    assert warnings == gcbatch.check(job)


def test_a_verification_says_what_is_wrong(workspace: "Workspace") -> None:
    """In its errors and in a line; a good one says so."""
    job = workspace.job(**SECTIONS)
    gcbatch.run(job)
    good = gcbatch.verify(job)
    Path(workspace.folder / "job.csv").unlink()
    bad = gcbatch.verify(job, offline=True)

    assert (good.is_good, repr(good)) == (True, "<Verification job: good>")
    assert not bad.is_good
    assert "job.csv" in repr(bad)
    assert [error.exit_code for error in bad.errors] == [5]
    assert bad.to_json()[""]["good"] is False
