"""Two runs on one store: outputs of one run are made of the same parts."""

from typing import TYPE_CHECKING, Any

import pytest

from gcbatch.errors import ReplacedPartError
from gcbatch.exporting import export
from gcbatch.running import exports, job_run
from gcbatch.verifying import verify_org
from tests.support.old_parts import rewrite_metadata

if TYPE_CHECKING:
    from tests.conftest import Workspace


def replace_part_before(
    calls: set[int], workspace: "Workspace", monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """Replace a part as another run would before these exports; return all exports."""
    done: list[str] = []

    def after_the_other_run(exporter: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        done.append(name)
        if len(done) in calls:
            rewrite_metadata(workspace.parts[0], requests=1000 + len(done))
        return export(exporter, name, *args, **kwargs)

    monkeypatch.setattr(exports, "export", after_the_other_run)
    return done


def test_exports_start_again_when_a_part_is_replaced(
    workspace: "Workspace", monkeypatch: pytest.MonkeyPatch
) -> None:
    """All are of the new part, though one had been written of the old one."""
    done = replace_part_before({2}, workspace, monkeypatch)

    report = workspace.run()

    assert done == ["csv", "json", "csv", "json", "parquet"]
    assert report.warnings == ()
    assert verify_org(workspace.job(), offline=True).is_good


def test_a_part_that_is_replaced_again_and_again_is_an_error(
    workspace: "Workspace", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows how long the other run goes on."""
    done = replace_part_before(set(range(2, 99, 2)), workspace, monkeypatch)

    with pytest.raises(ReplacedPartError, match="another run replaced this part"):
        workspace.run()

    assert done == ["csv", "json"] * (len(job_run.PAUSES_S) + 1)
    assert not (workspace.folder / "job.parquet").exists()
