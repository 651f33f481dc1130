"""A run shows no secret of its exports, whether they succeed or fail."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

import gcbatch
from gcbatch import load_job
from gcbatch.exporting import ExporterEntry
from gcbatch.job import load_export
from gcbatch.running import tables_of
from gcbatch.running.export_cache import ExportFingerprints
from gcbatch.tables import Catalog
from tests.flows.test_secrets import everything_in, texts_of
from tests.support.locked_exporter import DRIVER_ERROR, PLACE, SHARED

if TYPE_CHECKING:
    from tests.conftest import Cli, Workspace

PASSWORD = "Marked-pa55/word@with 'odd' ü"
TOKEN = "marked-tok3n"
FILED = "marked-f1led"
URI = f"postgresql://user:{quote(PASSWORD, safe='')}@host/db"
SECRETS = (PASSWORD, quote(PASSWORD, safe=""), "Marked-pa55", TOKEN, FILED)

WAYS = {
    "whole": "${PG_URI}",
    "password": "postgresql://user:${PG_PASSWORD}@host/db",
    "keywords": "host=h user=u password=${PG_PASSWORD}",
}


@pytest.fixture
def environ(workspace: "Workspace") -> Iterator[dict[str, str]]:
    """Return the workspace's environment, with the secrets in it."""
    (workspace.folder / "token").write_text(f"{FILED}\n")
    workspace.environ |= {"PG_URI": URI, "PG_PASSWORD": PASSWORD, "TOKEN": TOKEN}
    yield workspace.environ
    (workspace.folder / "token").unlink()


def export_to(workspace: "Workspace", **options: Any) -> dict[str, Any]:
    out = str(workspace.folder / "out.txt")
    return {"exporter": PLACE, "table": "intervals", "path": out, **options}


def check_silence(said: str, folder: Path) -> None:
    """Assert that neither the words nor any file but the secret's own show one."""
    files = [p for p in folder.rglob("*") if p.is_file() and p.name != "token"]
    contents = b"\n".join([said.encode(), *(path.read_bytes() for path in files)])
    for secret in SECRETS:
        for form in (secret, json.dumps(secret)[1:-1], repr(secret)[1:-1]):
            assert form.encode() not in contents


@pytest.mark.parametrize("way", WAYS)
def test_commands_show_none(
    workspace: "Workspace", environ: dict[str, str], cli: "Cli", way: str
) -> None:
    """Every command, for people and for programs, on all streams and in all files."""
    del environ
    token = {"file": str(workspace.folder / "token")}
    exports = [
        export_to(workspace, uri=WAYS[way], password="${TOKEN}"),
        export_to(workspace, uri=WAYS[way], password=token, path="two.txt"),
    ]
    path = workspace.write(exports=exports)

    results = [
        cli(command, path, *options)
        for command, *options in (
            ["check"],
            ["plan"],
            ["plan", "--json"],
            ["run", "-v"],
            ["run", "-v", "--log-format", "json", "--json"],
            ["export"],
            ["export", "--json"],
            ["verify"],
            ["store", "ls"],
        )
        if command != "store"
    ]
    results += [cli("store", "ls"), cli("schema")]

    assert [result.exit_code for result in results[:7]] == [0] * 7
    said = "".join(result.output + result.stderr for result in results)
    assert "[hidden]" in said  # the exporter names its URI as its location
    check_silence(said, workspace.folder)


@pytest.mark.parametrize("raises", ["JobError", "ValueError", "KeyError"])
@pytest.mark.parametrize("where", ["init", "check", "export"])
def test_failures_show_none(
    workspace: "Workspace",
    environ: dict[str, str],
    caplog: pytest.LogCaptureFixture,
    where: str,
    raises: str,
) -> None:
    """Wherever the exporter fails: the error, its causes, the log and run.json."""
    caplog.set_level(logging.DEBUG)
    exports = [
        export_to(
            workspace,
            uri=WAYS["password"],
            password={"file": str(workspace.folder / "token")},
            fails_in=where,
            raises=raises,
        )
    ]
    job = load_job(workspace.write(exports=exports), environ=environ)

    with pytest.raises(Exception, match=DRIVER_ERROR) as failed:
        gcbatch.run(job)

    said = "".join(texts_of(failed.value))
    assert "[hidden]" in said
    check_silence(f"{said}{caplog.text}", workspace.folder)


def test_a_failure_on_the_command_line_shows_none(
    workspace: "Workspace", environ: dict[str, str], cli: "Cli"
) -> None:
    """Nor does the traceback of what counts as a bug."""
    del environ
    for where in ("init", "check", "export"):
        options = {"uri": WAYS["keywords"], "fails_in": where}
        path = workspace.write(exports=[export_to(workspace, **options)])

        result = cli("run", path, "-v", "--json")

        assert result.exit_code != 0
        said = f"{result.output}{result.stderr}{result.exception!r}"
        check_silence(said, workspace.folder)


def test_a_fingerprint_has_no_secret_in_it(
    workspace: "Workspace", environ: dict[str, str]
) -> None:
    """With another password it is the same: no attacker can try passwords on it."""

    def fingerprint() -> str:
        exports = [export_to(workspace, uri=WAYS["password"], password="${TOKEN}")]
        job = load_job(workspace.write(exports=exports), environ=environ)
        catalog = tables_of(job)
        assert isinstance(catalog, Catalog)
        loaded = load_export(job.expanded_exports[0])
        entry = ExporterEntry("locked", "package", "1", loaded.entry.entry)
        made = ExportFingerprints([catalog.source], Event())
        return made.of(loaded.spec, loaded.make(), entry)

    workspace.run(exports=[])
    before = fingerprint()
    environ |= {"PG_PASSWORD": "another", "TOKEN": "another"}

    assert before
    assert fingerprint() == before


def test_the_search_would_find_them(tmp_path: Path) -> None:
    """The search itself is sharp."""
    for leak in SECRETS:
        (tmp_path / "file").write_text(f"x{leak}y", "utf-8")
        with pytest.raises(AssertionError):
            check_silence("", tmp_path)
    assert list(everything_in(tmp_path))


class TestExpanded:
    """One entry, several exports."""

    def test_each_is_written_and_reported(self, workspace: "Workspace") -> None:
        """By its own name; none hides another of its entry."""
        path = str(workspace.folder / "{table}.csv")
        entry = {"exporter": "csv", "tables": ["intervals", "queues"], "path": path}
        exports = [export_to(workspace), entry]

        report = workspace.run(exports=exports)
        again = workspace.run(exports=exports)

        assert [e.tables for e in report.exports] == [
            ("intervals",), ("intervals",), ("queues",),
        ]  # fmt: skip
        assert [Path(e.location).name for e in report.exports[1:]] == [
            "intervals.csv",
            "queues.csv",
        ]
        assert [e.unchanged for e in again.exports] == [False, True, True]
        assert (workspace.folder / "queues.csv").exists()

    def test_failures_name_the_entry_and_the_table(
        self, workspace: "Workspace"
    ) -> None:
        """In the message and in run.json."""
        entry = export_to(
            workspace,
            exporter=SHARED,
            name="{table}",
            fails_in="export",
            tables=["intervals", "queues"],
        )
        del entry["table"]
        one = str(workspace.folder / "one.txt")

        with pytest.raises(gcbatch.OutputError) as failed:
            workspace.run(exports=[{**export_to(workspace), "path": one}, entry])

        assert [
            line.partition(": ")[0] for line in failed.value.problem.split("\n")
        ] == [
            f"exports[1] ({SHARED}, intervals)",
            f"exports[1] ({SHARED}, queues)",
        ]
        note = json.loads((workspace.folder / "store/job/run.json").read_text())
        assert [
            (e["number"], e["tables"], e["table"]) for e in note["failed_exports"]
        ] == [(1, ["intervals"], "intervals"), (1, ["queues"], "queues")]

    def test_a_refusal_names_them_too(self, workspace: "Workspace") -> None:
        """Before the first request."""
        entry = export_to(
            workspace, fails_in="check", raises="JobError", path="{table}.txt"
        )
        del entry["table"]

        with pytest.raises(
            gcbatch.JobError, match=r"exports\[0\] \(table queues\): no"
        ):
            workspace.run(exports=[{**entry, "tables": ["queues", "users"]}])

        assert not workspace.data_requests

    def test_an_exporter_of_one_table_says_the_way_out(
        self, workspace: "Workspace"
    ) -> None:
        """`{table}` in its path."""
        exports = [
            {"exporter": "csv", "tables": ["intervals", "users"], "path": "x.csv"}
        ]

        with pytest.raises(gcbatch.JobError, match="takes one table, got 2") as failed:
            workspace.run(exports=exports)

        assert "path: out/{table}.csv" in str(failed.value.hint)

    def test_the_plan_shows_each(self, workspace: "Workspace", cli: "Cli") -> None:
        """With its own path."""
        entry = {
            "exporter": "csv",
            "tables": ["intervals", "users"],
            "path": "{table}.c",
        }
        path = workspace.write(exports=[entry])

        screen, data = cli("plan", path), cli("plan", path, "--json")

        assert "intervals → intervals.c (csv)" in screen.output
        assert "users → users.c (csv)" in screen.output
        exports = json.loads(data.output)["exports"]
        assert [e["path"] for e in exports] == ["intervals.c", "users.c"]
