"""The commands about exporters: what they list, explain, write and refuse."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import Result

from tests.flows.test_cli import check_refusal
from tests.support.new_packages import module_name

if TYPE_CHECKING:
    from tests.conftest import Workspace

Cli = Callable[..., Result]
Install = Callable[[str, str], None]

GOOD = '''
from typing import Literal
from gcbatch.exporting import FileOptions

class AcmeOptions(FileOptions):
    """Options.

    Args:
        mode: How it writes. `fast` is less safe.
    """

    mode: Literal["fast", "safe"] = "safe"

class Exporter:
    """Writes to Acme.

    More about it.

    Args:
        options: Not shown.
    """

    api_version = 2
    Options = AcmeOptions
    def __init__(self, options): pass
    def export(self, tables, target): pass
'''


@pytest.fixture
def install(
    workspace: "Workspace", monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, str], None]:
    """Install the package acme-export with an exporter of a name, and its code."""

    def install(name: str, code: str) -> None:
        module = f"acme_{name}_{abs(hash(code))}"
        info = workspace.folder / name / "acme_export-1.2.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Name: acme-export\nVersion: 1.2\n")
        entry = f"[gcbatch.exporters]\n{name} = {module}:Exporter\n"
        (info / "entry_points.txt").write_text(entry)
        (info.parent / f"{module}.py").write_text(code)
        monkeypatch.syspath_prepend(str(info.parent))

    return install


def listed(cli: Cli, name: str) -> dict[str, Any]:
    rows = json.loads(cli("exporters", "--json").stdout)
    (found,) = (row for row in rows if row["name"] == name)
    return dict(found)


class TestList:
    def test_options_and_version_are_listed(self, cli: Cli, install: Install) -> None:
        """With what `gcbatch schema` says of a key; a screen has their names."""
        install("acme", GOOD)

        row, screen = listed(cli, "acme"), cli("exporters").stdout

        assert row["state"] == "ok"
        assert row["api_version"] == 2
        assert row["options"][1] == {
            "name": "mode",
            "value": "fast, safe",
            "default": "safe",
            "meaning": "How it writes. fast is less safe.",
        }
        (line,) = (line for line in screen.splitlines() if line.startswith("acme "))
        assert line.split() == [
            "acme",
            "2",
            "path,",
            "mode",
            "acme-export",
            "1.2",
            "ok",
        ]

    def test_an_older_api_works_and_says_what_it_lacks(
        self, cli: Cli, install: Install
    ) -> None:
        """It gets no spans of each org."""
        install("acme", GOOD.replace("api_version = 2", "api_version = 1"))

        row = listed(cli, "acme")

        assert row["api_version"] == 1
        assert row["state"] == "ok, API 1: works, but does not know what each org lacks"

    def test_a_missing_extra_is_named(self, cli: Cli, install: Install) -> None:
        """With the command that installs it; the options are known without it."""
        code = GOOD.replace("    api", "    requires = ('no_such_driver',)\n    api")
        install("acme", code)

        row = listed(cli, "acme")

        assert row["state"] == "not installed: pip install 'acme-export[acme]'"
        assert [option["name"] for option in row["options"]] == ["path", "mode"]

    def test_options_that_cannot_be_described_are_blamed(
        self, cli: Cli, install: Install
    ) -> None:
        """One plugin's fault does not hide the others."""
        install("acme", GOOD.replace("Options = AcmeOptions", "Options = dict"))

        row = listed(cli, "acme")

        assert row["state"].startswith("Options: AttributeError: ")
        assert listed(cli, "csv")["state"] == "ok"


class TestShow:
    def test_each_option_is_explained(self, cli: Cli, install: Install) -> None:
        """Below what the exporter does, by its docstring."""
        install("acme", GOOD)

        lines = cli("exporters", "acme").stdout.splitlines()

        assert lines[:5] == [
            "acme, API 2 (acme-export 1.2)",
            "state: ok",
            "",
            "Writes to Acme.",
            "",
        ]
        assert "Not shown." not in "\n".join(lines)
        assert lines[-1].split("  ")[0] == "mode"
        assert lines[-1].rstrip().endswith("How it writes. fast is less safe.")

    @pytest.mark.parametrize("where", ["before", "after"])
    def test_as_json(self, cli: Cli, where: str) -> None:
        """The same as in the list; the option may stand on either side of the name."""
        words = ["csv", "--json"] if where == "after" else ["--json", "csv"]

        assert json.loads(cli("exporters", *words).stdout) == listed(cli, "csv")

    def test_a_class_can_be_shown_by_its_place(self, cli: Cli) -> None:
        """As jobs name one that is not installed."""
        shown = cli("exporters", "gcbatch_exporters.csv:CsvExporter")

        assert shown.stdout.startswith("gcbatch_exporters.csv:CsvExporter, API ")

    def test_an_unknown_name_gets_the_nearest(self, cli: Cli) -> None:
        """As in a job."""
        check_refusal(cli("exporters", "excel"), 2, "'excel'", "did you mean xlsx?")


class TestJob:
    @pytest.mark.parametrize(
        ("name", "meant"),
        [("parqet", "parquet"), ("Excel", "xlsx"), ("nd-json", "json")],
    )
    def test_a_misspelt_exporter_gets_the_nearest_name(
        self, cli: Cli, workspace: "Workspace", name: str, meant: str
    ) -> None:
        """Before any request, with the line."""
        job = workspace.write(
            exports=[{"exporter": name, "table": "intervals", "path": "o"}]
        )

        words = f"no exporter named {name!r}; did you mean {meant}?"
        check_refusal(cli("run", job), 2, words, has_hint=False)


class TestNew:
    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("Call-History", ("no name for an exporter", "lower-case letters")),
            ("call_history", ("no name for an exporter",)),
            ("call history", ("no name for an exporter",)),
            ("7days", ("no name for an exporter",)),
            ("a--b", ("no name for an exporter",)),
            ("a-", ("no name for an exporter",)),
            ("ü", ("no name for an exporter",)),
            ("", ("no name for an exporter",)),
            ("../up", ("no name for an exporter",)),
            ("a" * 31, ("no name for an exporter", "at most 30")),
            ("csv", ("an exporter has this name ('csv' (gcbatch ",)),
            ("new", ("a word of gcbatch's own (new)",)),
            ("exporters", ("a word of gcbatch's own (exporters)",)),
        ],
    )
    def test_a_wrong_name_is_refused(
        self, cli: Cli, workspace: "Workspace", name: str, words: tuple[str, ...]
    ) -> None:
        """It becomes a package, a module and a class; nothing is written."""
        before = set(workspace.folder.iterdir())

        check_refusal(cli("exporters", "new", name), 2, *words)

        assert set(workspace.folder.iterdir()) == before

    def test_an_installed_plugins_name_is_refused(
        self, cli: Cli, install: Install
    ) -> None:
        """Two exporters of one name are refused."""
        install("acme", GOOD)

        check_refusal(cli("exporters", "new", "acme"), 2, "acme-export 1.2")

    @pytest.mark.parametrize("kind", ["folder", "file", "link"])
    def test_what_is_there_stays(
        self, cli: Cli, workspace: "Workspace", kind: str
    ) -> None:
        """The folder must be new."""
        path = workspace.folder / "there"
        if kind == "folder":
            path.mkdir()
        elif kind == "file":
            path.touch()
        else:
            path.symlink_to("nowhere")

        refused = cli("exporters", "new", "calls", "--folder", path)

        check_refusal(refused, 2, "exists already", "--folder")
        assert path.is_symlink() or not path.is_dir() or not [*path.iterdir()]

    @pytest.mark.skipif(os.name == "nt", reason="a file is no folder there either")
    def test_a_folder_that_cannot_be_written(
        self, cli: Cli, workspace: "Workspace"
    ) -> None:
        """That is an output: exit 6."""
        (workspace.folder / "file").touch()
        folder = workspace.folder / "file" / "new"

        refused = cli("exporters", "new", "calls", "--folder", folder)

        check_refusal(refused, 6, "cannot be written: Not a directory")

    def test_an_unknown_kind_is_refused(self, cli: Cli) -> None:
        """With the kinds that there are."""
        refused = cli("exporters", "new", "calls", "--kind", "cloud")

        assert refused.exit_code == 2
        assert "database" in refused.stderr

    def test_it_says_how_to_go_on(
        self, cli: Cli, workspace: "Workspace", tmp_path: Path
    ) -> None:
        """The folder is named for the exporter unless it is given; paths are quoted."""
        del workspace
        written = cli("exporters", "new", "my-calls")
        other = cli("exporters", "new", "my-calls", "--folder", tmp_path / "a b")

        assert written.stdout.splitlines() == [
            "wrote gcbatch-my-calls; next:",
            "  cd gcbatch-my-calls",
            "  pip install -e '.[dev]'",
            "  pytest",
        ]
        assert f"cd '{tmp_path / 'a b'}'" in other.stdout
        assert (tmp_path / "a b" / module_name("my-calls") / "__init__.py").is_file()
