"""Exporters: found by entry point, blamed by package, published by rename."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, ValidationError

from gcbatch.errors import DataError, JobError, OutputError
from gcbatch.exporting import (
    API_VERSION,
    OLDEST_API_VERSION,
    Exporter,
    FileOptions,
    Receipt,
    Target,
    export,
)
from gcbatch.exporting.discovery import installed_exporters, load_exporter
from gcbatch.table import Table
from gcbatch.testing import sample_table

GOOD = """
from gcbatch.exporting import Options

class Good:
    api_version = 1
    Options = Options
    def __init__(self, options): pass
    def export(self, tables, target): pass
"""


class Lines:
    """Writes a file for each of its names, then calls a function."""

    api_version: ClassVar[int] = 1
    Options: ClassVar[type[BaseModel]] = FileOptions

    def __init__(self, options: BaseModel) -> None:
        self.options = options
        self.paths: list[Path] = []
        self.then: Callable[[Target], object] = repr

    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        for path in self.paths:
            target.stage(path).write_text(f"{len(tables)} table")
        self.then(target)
        return Receipt("somewhere", 0)


def lines(*paths: Path) -> Lines:
    made = Lines(FileOptions(path=Path()))
    made.paths = list(paths)
    return made


def run(exporter: Exporter) -> tuple[Path, ...]:
    _, outputs = export(exporter, "lines", {"intervals": sample_table(0)})
    return tuple(Path(output.path) for output in outputs)


def raising(error: BaseException) -> Callable[[Target], None]:
    def raise_it(target: Target) -> None:
        del target
        raise error

    return raise_it


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Install a distribution that registers one exporter; undone afterwards."""
    made: list[str] = []

    def install(dist: str, name: str, code: str, attr: str = "Good") -> None:
        folder = tmp_path / dist
        module = f"{dist.replace('-', '_')}_module"
        info = folder / f"{dist.replace('-', '_')}-1.5.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {dist}\nVersion: 1.5\n"
        )
        (info / "entry_points.txt").write_text(
            f"[gcbatch.exporters]\n{name} = {module}:{attr}\n"
        )
        (folder / f"{module}.py").write_text(code)
        monkeypatch.syspath_prepend(folder)
        made.append(module)

    yield install
    for module in made:
        sys.modules.pop(module, None)


class TestDiscovery:
    def test_loads_by_name(self, install: Any) -> None:
        """What a package registers is there, with its package and version."""
        install("acme-good", "good", GOOD)

        loaded = load_exporter("good")

        assert loaded.__name__ == "Good"
        assert isinstance(loaded(loaded.Options()), Exporter)
        assert "'good' (acme-good 1.5)" in map(str, installed_exporters())

    def test_a_package_that_was_installed_meanwhile_is_found(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A notebook installs it, and goes on."""
        monkeypatch.syspath_prepend(tmp_path)
        before = installed_exporters()
        info = tmp_path / "acme-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Name: acme\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[gcbatch.exporters]\nlate = m:C\n")

        after = installed_exporters()

        assert {e.name for e in after} - {e.name for e in before} == {"late"}

    @pytest.mark.parametrize("reader", ["importlib.metadata", "importlib_metadata"])
    def test_damaged_metadata_is_no_reason_to_fail(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str
    ) -> None:
        """The library of that name, if anything imports it, refuses what is missing."""
        pytest.importorskip(reader)
        monkeypatch.syspath_prepend(tmp_path)
        info = tmp_path / "acme-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Summary: nothing\n")
        (info / "entry_points.txt").write_text("[gcbatch.exporters]\nodd = m:C\n")

        assert "'odd' (unknown package)" in map(str, installed_exporters())

    def test_listing_imports_nothing(self, install: Any) -> None:
        """A broken plugin does not stop jobs that do not use it."""
        install("acme-bad", "bad", "raise SystemExit")

        names = [entry.name for entry in installed_exporters()]

        assert "bad" in names
        assert names == sorted(names)
        assert "acme_bad_module" not in sys.modules

    def test_unknown_name_lists_the_installed(self, install: Any) -> None:
        """A typo shows what there is."""
        install("acme-good", "good", GOOD)

        with pytest.raises(JobError, match="no exporter named 'god'") as error:
            load_exporter("god")

        assert "good" in str(error.value.hint)

    def test_doubled_name_blames_both(self, install: Any) -> None:
        """Which of two would win is not left to chance."""
        install("acme-good", "good", GOOD)
        install("other-good", "good", GOOD)

        with pytest.raises(JobError, match="more than one package") as error:
            load_exporter("good")

        assert error.value.hint == "uninstall all but one of: acme-good, other-good"

    def test_same_package_twice_on_the_path_is_one(
        self, install: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An editable install beside a folder on the path is no conflict."""
        install("acme-good", "good", GOOD)
        copy = tmp_path / "copy"
        (tmp_path / "acme-good").rename(copy)
        (tmp_path / "acme-good").symlink_to(copy)
        monkeypatch.syspath_prepend(copy)

        assert load_exporter("good").__name__ == "Good"

    @pytest.mark.parametrize(
        ("code", "problem"),
        [
            pytest.param(
                "import no_such", "ModuleNotFoundError: No module", id="import"
            ),
            pytest.param("1 / 0", "ZeroDivisionError: division by zero", id="any"),
            pytest.param("", "AttributeError: ", id="attribute"),
        ],
    )
    def test_broken_import_names_the_package(
        self, install: Any, code: str, problem: str
    ) -> None:
        """The message names the plugin to report it to."""
        install("acme-bad", "bad", code)

        with pytest.raises(JobError) as error:
            load_exporter("bad")

        text = "exporter 'bad' (acme-bad 1.5) cannot be imported: " + problem
        assert error.value.problem.startswith(text)
        assert "acme-bad" in str(error.value.hint)

    @pytest.mark.parametrize(
        ("version", "hint"),
        [
            (API_VERSION + 1, "upgrade gcbatch"),
            (OLDEST_API_VERSION - 1, "upgrade acme-other"),
        ],
    )
    def test_other_api_version_says_what_to_upgrade(
        self, install: Any, version: int, hint: str
    ) -> None:
        """Too new or too old."""
        code = GOOD.replace("api_version = 1", f"api_version = {version}")
        install("acme-other", "other", code)

        with pytest.raises(JobError, match=f"needs exporter API {version}") as error:
            load_exporter("other")

        assert error.value.hint == hint

    @pytest.mark.parametrize(
        ("old", "new", "problem"),
        [
            ("    Options = Options\n", "", "lacks Options"),
            ("def export", "def exprt", "lacks export"),
            ("    api_version = 1\n", "", "is not a class with an api_version"),
            (
                "api_version = 1",
                "api_version = '1'",
                "is not a class with an api_version",
            ),
            ("class Good:", "def Good(): pass\nclass Other:", "is not a class"),
        ],
    )
    def test_incomplete_class_says_what_it_lacks(
        self, install: Any, old: str, new: str, problem: str
    ) -> None:
        """Before it is made, and with the package."""
        install("acme-half", "half", GOOD.replace(old, new))

        with pytest.raises(JobError, match=rf"\(acme-half 1\.5\) {problem}"):
            load_exporter("half")


class TestPublication:
    def test_files_appear_together_and_under_their_name(self, tmp_path: Path) -> None:
        """Nothing is in place before all is written."""
        paths = tmp_path / "a", tmp_path / "deep" / "b"
        seen: list[bool] = []
        exporter = lines(*paths)
        exporter.then = lambda _: seen.extend(path.exists() for path in paths)

        published = run(exporter)

        assert seen == [False, False]
        assert published == paths
        assert [path.read_text() for path in paths] == ["1 table"] * 2
        assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "deep"]

    @pytest.mark.parametrize(
        ("error", "seen", "problem"),
        [
            (DataError("part: damaged"), DataError, "part: damaged"),
            (
                OSError(28, "No space left"),
                OutputError,
                "'lines' failed: No space left",
            ),
            (ValueError("x"), OutputError, "'lines' failed: ValueError: x"),
            (OSError("odd"), OutputError, "'lines' failed: OSError: odd"),
            (KeyboardInterrupt(), KeyboardInterrupt, "^$"),
        ],
    )
    def test_failure_leaves_what_was_there(
        self,
        tmp_path: Path,
        error: BaseException,
        seen: type[BaseException],
        problem: str,
    ) -> None:
        """The previous output stays, no litter, no new folders; the error is named."""
        (tmp_path / "a").write_text("previous")
        exporter = lines(tmp_path / "a", tmp_path / "new" / "deep" / "b")
        exporter.then = raising(error)

        with pytest.raises(seen, match=problem):
            run(exporter)

        assert (tmp_path / "a").read_text() == "previous"
        assert [p.name for p in tmp_path.iterdir()] == ["a"]

    def test_full_disk_at_the_end_leaves_what_was_there(self, tmp_path: Path) -> None:
        """What cannot be forced to disk is not published."""
        (tmp_path / "a").write_text("previous")

        def full(handle: int) -> None:
            del handle
            raise OSError(28, "No space left")

        with (
            pytest.raises(OutputError, match="a: cannot be written: No space left"),
            Target(sync=full) as target,
        ):
            target.stage(tmp_path / "a").write_text("new")

        assert (tmp_path / "a").read_text() == "previous"
        assert [p.name for p in tmp_path.iterdir()] == ["a"]

    def test_a_file_is_on_disk_before_its_name(self, tmp_path: Path) -> None:
        """First every file, then its folder; a power cut leaves old or new."""
        path = tmp_path / "a"
        order: list[tuple[bool, bool]] = []

        def sync(handle: int) -> None:
            is_folder = os.path.samestat(os.fstat(handle), tmp_path.stat())
            order.append((is_folder, path.exists()))

        with Target(sync=sync) as target:
            target.stage(path).write_text("new")

        assert order == [(False, False), (True, True)]

    @pytest.mark.parametrize("umask", [0o022, 0o027, 0o077])
    def test_files_follow_the_umask(self, tmp_path: Path, umask: int) -> None:
        """Colleagues may read what the user lets them read."""
        before = os.umask(umask)
        try:
            run(lines(tmp_path / "a"))
        finally:
            os.umask(before)

        assert (tmp_path / "a").stat().st_mode & 0o777 == 0o666 & ~umask

    def test_staging_twice_is_one_file(self, tmp_path: Path) -> None:
        """A path has one staged file."""
        with Target() as target:
            staged = target.stage(tmp_path / "a")

            assert target.stage(tmp_path / "a") == staged

    def test_a_link_staged_twice_is_one_file(self, tmp_path: Path) -> None:
        """Under its own name, another link's or the file's; nothing is left behind."""
        file, *links = (tmp_path / name for name in ("x", "link", "other"))
        file.write_text("old", "utf-8")
        for link in links:
            link.symlink_to(file)

        with Target() as target:
            staged = {target.stage(path) for path in (*links, links[0], file)}
            for path in staged:
                path.write_text("new", "utf-8")

        assert len(staged) == 1
        assert {path.read_text("utf-8") for path in tmp_path.iterdir()} == {"new"}
        assert all(link.is_symlink() for link in links)

    def test_a_folder_in_place_of_the_file(self, tmp_path: Path) -> None:
        """Is said before anything is written."""
        with pytest.raises(OutputError, match="is a folder") as error:
            run(lines(tmp_path))

        assert "name a file" in str(error.value.hint)

    def test_a_file_in_place_of_a_folder(self, tmp_path: Path) -> None:
        """The system's reason is in the message."""
        (tmp_path / "a").touch()

        with pytest.raises(OutputError, match="b: cannot be written: "):
            run(lines(tmp_path / "a" / "b"))

    def test_outdated_files_go_last(self, tmp_path: Path) -> None:
        """With the folders they leave empty, but never the root or what is not ours."""
        root = tmp_path / "root"
        for name in ("x/deep/old", "y/old", "y/mine", "kept/old"):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        exporter = lines(root / "y" / "new", root / "kept" / "old")

        def discard(target: Target) -> None:
            for name in ("x/deep/old", "y/old", "kept/old", "gone/old"):
                target.discard(root / name, root=root)

        exporter.then = discard

        run(exporter)

        left = sorted(p.relative_to(root).as_posix() for p in root.rglob("*"))
        assert left == ["kept", "kept/old", "y", "y/mine", "y/new"]

    def test_the_root_stays(self, tmp_path: Path) -> None:
        """Empty or not: it is the folder that the user named."""
        old = tmp_path / "root" / "x" / "old"
        old.parent.mkdir(parents=True)
        old.touch()
        exporter = lines()
        exporter.then = lambda target: target.discard(old, root=tmp_path / "root")

        run(exporter)

        assert list(tmp_path.rglob("*")) == [tmp_path / "root"]

    def test_without_a_root_only_the_file_goes(self, tmp_path: Path) -> None:
        """Whose the folder is, Target does not know."""
        (tmp_path / "x").mkdir()
        (tmp_path / "x" / "old").touch()
        exporter = lines()
        exporter.then = lambda target: target.discard(tmp_path / "x" / "old")

        run(exporter)

        assert list(tmp_path.rglob("*")) == [tmp_path / "x"]


def test_options_are_closed() -> None:
    """A misspelt option is an error."""
    with pytest.raises(ValidationError, match="Extra inputs"):
        FileOptions.model_validate({"path": "a", "pth": "b"})
