"""Progress and results in a notebook, run by a real kernel."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.support.pages import ROOT
from tests.support.requirements import require

CELL = f"""
import gcbatch
job = gcbatch.load_job({str(ROOT / "configs" / "quickstart.yaml")!r})
report = gcbatch.run(job)
report
"""


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The cells of a notebook that ran a job and showed its report and a table."""
    if not all(map(find_spec, ("nbformat", "nbclient", "ipykernel"))):
        require("GCBATCH_REQUIRE_FRAMES", "nbclient and ipykernel are no tools")
    import nbformat  # noqa: PLC0415 - not among the tools
    from nbclient import NotebookClient  # noqa: PLC0415 - as above

    folder = tmp_path_factory.mktemp("notebook")
    notebook = nbformat.v4.new_notebook()
    for source in (CELL, 'report.tables["intervals"]', "print(repr(report))"):
        notebook.cells.append(nbformat.v4.new_code_cell(source))
    context = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=120, resources=context).execute()
    assert sorted(p.name for p in Path(folder, "out").iterdir())
    return list(notebook.cells)


def test_a_run_shows_its_progress_below_its_cell(cells: list[Any]) -> None:
    """One output that is updated, and ends with the last export."""
    shown = [o for o in cells[0].outputs if o.output_type == "display_data"]

    assert len(shown) == 1
    assert "quickstart: " in shown[0].data["text/plain"]
    assert shown[0].data["text/plain"].endswith(" 485 rows")


def test_a_report_is_shown_as_html(cells: list[Any]) -> None:
    """With the rows of each export."""
    (result,) = [o for o in cells[0].outputs if o.output_type == "execute_result"]

    assert result.data["text/html"].count("<td>485 rows in ") == 3
    assert result.data["text/plain"].startswith("<RunReport quickstart: ")


def test_a_table_is_shown_with_its_first_rows(cells: list[Any]) -> None:
    """Ten of them below the names of the columns."""
    (result,) = cells[1].outputs

    assert result.data["text/html"].count("<tr>") == 11
    assert "<th>n_offered</th>" in result.data["text/html"]


def test_nothing_is_written_to_the_error_output(cells: list[Any]) -> None:
    """Neither warnings nor log lines."""
    streams = [o for cell in cells for o in cell.outputs if o.output_type == "stream"]

    assert {stream.name for stream in streams} == {"stdout"}
