"""What a killed export leaves is removed by the next; what is under way is not."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gcbatch.exporting.draft_folders import DraftFolders, remove_leftovers
from gcbatch.exporting.target import Target
from gcbatch.testing import sample_table
from tests.exporters.test_exporters_parquet import write
from tests.flows.test_bounded import calls_to

if sys.platform == "win32":
    pytest.skip("Windows tells by age alone", allow_module_level=True)

STAGE = """
import sys
from pathlib import Path
from gcbatch.exporting import Target
path, within = (Path(text) for text in sys.argv[1:])
with Target() as target:
    target.stage(path, within=None if within == path else within).write_text("half")
    print("staged", flush=True)
    sys.stdin.read()
"""


@contextmanager
def exporting(path: Path, within: Path | None = None) -> "Iterator[Any]":
    """Have another process write an output, until it is ended or let go on."""
    command = [sys.executable, "-c", STAGE, str(path), str(within or path)]
    with subprocess.Popen(  # noqa: S603 - our own
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"staged\n"
        try:
            yield process
        finally:
            process.kill()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_killed_exports_leftover_goes_with_the_next(tmp_path: Path) -> None:
    """Of the same output, whether or not the kill came a moment ago."""
    path = tmp_path / "out.csv"
    with exporting(path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert len(names(tmp_path)) == 1

    with Target() as target:
        target.stage(path).write_text("new")

    assert names(tmp_path) == ["out.csv"]


def test_a_killed_partitioned_exports_leftover_goes(tmp_path: Path) -> None:
    """It lies beside the folder, which has nothing but data."""
    folder = tmp_path / "out"
    with exporting(folder / "day=2026-10-01/data.parquet", folder) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert list(folder.iterdir()) == []

    write(folder, sample_table(5), "day")

    assert names(tmp_path) == ["out"]


def test_a_run_under_way_keeps_its_files(tmp_path: Path) -> None:
    """Another run at the same time ends first, and removes nothing of it."""
    path = tmp_path / "out.csv"
    with exporting(path) as process:
        with Target() as target:
            target.stage(path).write_text("mine")
        process.communicate(timeout=30)

        assert process.returncode == 0

    assert path.read_text() == "half"
    assert names(tmp_path) == ["out.csv"]


def test_what_older_releases_left_goes_too(tmp_path: Path) -> None:
    """They wrote a file beside the output; others of a like name stay."""
    others = [
        ".out.csv.part",
        ".other.csv.0123456789ab.part",
        "out.csv.0123456789ab.part",
    ]
    for name in (".out.csv.0123456789ab.part", *others):
        (tmp_path / name).touch()

    remove_leftovers(tmp_path / "out.csv")

    assert names(tmp_path) == sorted(others)


def test_a_folder_that_is_just_being_made_stays(tmp_path: Path) -> None:
    """Its lock comes a moment after it; a day later no run makes it any more."""
    folder = tmp_path / ".out.csv.0123456789ab.part"
    folder.mkdir()
    remove_leftovers(tmp_path / "out.csv")
    assert folder.exists()

    os.utime(folder, (0, 0))
    remove_leftovers(tmp_path / "out.csv")

    assert not folder.exists()


def test_what_gcbatch_did_not_put_there_stays(tmp_path: Path) -> None:
    """Also in a folder that looks like one of drafts, and behind links."""
    mine = tmp_path / ".out.csv.0123456789ab.part"
    mine.mkdir()
    (mine / "lock").touch()
    (mine / "thesis.txt").touch()
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "0.part").touch()
    (tmp_path / ".out.csv.0123456789ac.part").symlink_to(tmp_path / "far")

    remove_leftovers(tmp_path / "out.csv")

    assert names(mine) == ["thesis.txt"]
    assert names(tmp_path / "far") == ["0.part"]


def test_a_long_name_leaves_space_for_its_draft(tmp_path: Path) -> None:
    """A name of 255 bytes can be written, whatever is added to it on the way."""
    for name in ("x" * 255, "窓" * 85):
        with Target() as target:
            target.stage(tmp_path / name).write_text("new")

        assert (tmp_path / name).read_text() == "new"


def test_drafts_are_distinguished(tmp_path: Path) -> None:
    """Each has a path of its own; closing removes all of them."""
    drafts = DraftFolders.beside(tmp_path / "out.csv")
    paths = {drafts.create() for _ in range(3)}
    assert len(paths) == 3

    drafts.close()

    assert names(tmp_path) == []


def test_no_folder_stays_without_its_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the disk is full in that moment, it goes at once and not after a day."""

    def full(*_args: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", full)
        with pytest.raises(OSError, match="No space left"):
            DraftFolders.beside(tmp_path / "out.csv")

    assert names(tmp_path) == []


def test_thousands_of_outputs_share_a_folder(tmp_path: Path) -> None:
    """Looking for leftovers of each costs no call for each of the others."""
    for number in range(400):
        (tmp_path / f"{number}.csv").touch()

    calls = calls_to(lambda: remove_leftovers(tmp_path / "0.csv"))

    assert calls < 3 * 400
