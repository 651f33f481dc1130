"""`gcbatch sql`: questions about the tables of the last run."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from gcbatch import Job, load_job, run
from gcbatch.cli import app
from gcbatch.errors import DamagedPartError, DataError, JobError
from gcbatch.running import sql
from tests.support.several_orgs import Orgs, orgs_of

if TYPE_CHECKING:
    from tests.conftest import Workspace, WorkspaceOf

Cli = Callable[..., Result]

BY_QUEUE = "select queue_id, sum(n_offered) as n from intervals group by 1 order by 1"


@pytest.fixture
def ran(workspace: "Workspace") -> Path:
    """Return a job whose run left its tables."""
    workspace.run(query={"group_by": ["queueId"]}, sla={})
    return workspace.folder / "job.yaml"


def from_parquet(folder: Path, query: str) -> list[dict[str, Any]]:
    """Return what DuckDB itself answers over what the job exported."""
    with duckdb.connect() as connection:
        table = pq.read_table(folder / "job.parquet")
        connection.register("intervals", table)
        rows = connection.sql(query).to_arrow_table().to_pylist()
    return [{k: _plain(v) for k, v in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    return int(value) if str(type(value)) == "<class 'decimal.Decimal'>" else value


def test_an_answer_is_duckdbs_over_the_exported_rows(
    cli: Cli, ran: Path, workspace: "Workspace"
) -> None:
    """Without a request: also with the service out of reach."""
    requests = len(workspace.simulator.requests("/"))

    result = cli("sql", ran, BY_QUEUE, "--format", "json")

    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert rows == from_parquet(workspace.folder, BY_QUEUE)
    assert sum(row["n"] for row in rows) == 10_982
    assert len(workspace.simulator.requests("/")) == requests


def test_a_screen_aligns_columns_and_counts_what_it_leaves_out(
    cli: Cli, ran: Path
) -> None:
    """Numbers stand right; null is empty."""
    query = (
        "select queue_name, sum(n_offered) as n, null as no from intervals "
        "group by 1 order by 2 desc"
    )

    result = cli("sql", ran, query, "--rows", "2")

    assert result.stdout.splitlines() == [
        "queue_name         n  no",
        "Retail banking  7325    ",
        "Prospects       1739    ",
        "and 4 more rows: --rows shows more, --output writes all",
    ]


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_rows_are_written_to_a_file(
    cli: Cli, ran: Path, workspace: "Workspace", form: str
) -> None:
    """As its name says; the same rows in each format."""
    path = workspace.folder / f"rows.{form}"

    result = cli("sql", ran, BY_QUEUE, "--output", path)

    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert f"6 rows written to {path}" in result.stderr
    with duckdb.connect() as connection:
        found = connection.sql(f"from '{path.as_posix()}' order by 1").fetchall()
    expected = from_parquet(workspace.folder, BY_QUEUE)
    assert [(str(q), n) for q, n in found] == [
        (r["queue_id"], r["n"]) for r in expected
    ]


def test_a_query_that_fails_leaves_the_file(
    cli: Cli, ran: Path, workspace: "Workspace"
) -> None:
    """As it was before, and prints no half result."""
    path = workspace.folder / "rows.csv"
    path.write_text("before", "utf-8")
    query = "select queue_id::int from intervals"

    to_file = cli("sql", ran, query, "--output", path)
    printed = cli("sql", ran, query, "--format", "csv")

    assert (to_file.exit_code, printed.exit_code) == (2, 2)
    assert path.read_text("utf-8") == "before"
    assert printed.stdout == ""
    assert "Traceback" not in printed.stderr


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (["select 1", "--format", "parquet"], "--format parquet: needs a file"),
        (["select 1", "--output", "x.txt"], "--output x.txt: its name does not say"),
        (
            ["select 1", "--output", "x.csv", "--format", "table"],
            "--format table: is for the screen",
        ),
        (["select 1", "--file", "x.sql"], "sql: QUERY and --file exclude each other"),
        (["--file", "nope.sql"], "--file nope.sql: cannot be read: No such file"),
        (["select 1; select 2", "--output", "x.csv"], "query: has 2 statements, and"),
        (
            ["select 1", "--output", "job.yaml", "--format", "csv"],
            "--output job.yaml: is the job file",
        ),
        (
            ["select 1", "--output", "store/job/x.csv"],
            "--output store/job/x.csv: is in the store",
        ),
        (["drop table intervals"], "query: is no query (DROP)"),
        (["select offred from sla"], "unknown column 'offred': did you mean offered?"),
        (["select 1", "--memory", "much"], "memory is not a size (much)"),
        (["-"], "query: is empty"),
    ],
)
def test_mistakes_end_with_2(
    cli: Cli, ran: Path, args: list[str], problem: str
) -> None:
    """And one line that says what is wrong."""
    result = cli("sql", ran, *args)

    assert result.exit_code == 2
    assert problem in result.stderr


def test_sql_comes_from_a_file_or_standard_input(
    ran: Path, workspace: "Workspace", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several statements are answered one after the other."""
    monkeypatch.setenv("GENESYS_CLIENT_SECRET", "unused")
    path = workspace.folder / "some.sql"
    path.write_text("select 1 as a; -- first\nselect 'x;' as b;", "utf-8")
    runner = CliRunner()

    monkeypatch.chdir(workspace.folder)
    from_file = runner.invoke(app, ["sql", str(ran), "-f", str(path)])
    piped = runner.invoke(app, ["sql", str(ran)], input=path.read_bytes())

    assert from_file.exit_code == 0, from_file.output
    assert from_file.stdout == piped.stdout == "a\n1\nb \nx;\n"


def test_service_levels_have_all_periods(ran: Path, workspace: "Workspace") -> None:
    """`sla` by the job's period, and `sla_month` and so on by others."""
    job = workspace.job(query={"group_by": ["queueId"]}, sla={})

    days = sql(job, "select sum(offered) as n, count(distinct period) as p from sla")
    weeks = sql(job, "select sum(offered) as n, count(*) as p from sla_total")

    assert ran.exists()
    assert days.to_pylist() == [{"n": 10_982, "p": 7}]
    assert weeks.to_pylist() == [{"n": 10_982, "p": 6}]


def test_local_days_are_those_of_the_job(ran: Path, workspace: "Workspace") -> None:
    """By the table with local times, as `sla` has them by day."""
    job = workspace.job(query={"group_by": ["queueId"]}, sla={})

    local = sql(
        job,
        "select strftime(interval_start_local, '%Y-%m-%d') as day, "
        "sum(n_offered) as n from intervals_local group by 1 order by 1",
    )
    days = sql(
        job, "select period as day, sum(offered) as n from sla group by 1 order by 1"
    )

    assert ran.exists()
    assert local.equals(days)
    assert local["day"].to_pylist()[0] == "1999-08-01"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["sql", "job.yaml", "select 1"], "error: sql: needs DuckDB, which is not"),
        (["check", "derived.yaml"], "tables: needs DuckDB, which is not installed"),
    ],
)
def test_without_duckdb_the_extra_is_named(
    ran: Path, workspace: "Workspace", args: list[str], said: str
) -> None:
    """In a process of its own, that cannot import it."""
    tables = {"one": {"sql": "select 1 as n", "key": ["n"]}}
    workspace.write("derived", tables=tables)
    code = (
        "import sys; sys.modules['duckdb'] = None; from gcbatch.cli import main; "
        "sys.argv[0] = 'gcbatch'; main()"
    )

    done = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-c", code, *args],
        cwd=ran.parent,
        env=workspace.process_environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert said in done.stderr
    assert "pip install 'gcbatch[sql]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_is_said_of_leaked_instances(ran: Path, workspace: "Workspace") -> None:
    """DuckDB says so at the exit of a process whose garbage is left."""
    command = [sys.executable, "-m", "gcbatch", "sql", str(ran), "select nope from sla"]

    done = subprocess.run(  # noqa: S603 - ours
        command, env=workspace.process_environ, capture_output=True, check=False
    )

    assert done.returncode == 2
    assert b"leaked" not in done.stderr


def test_a_job_of_tables_alone_can_be_asked(workspace: "Workspace") -> None:
    """And can derive tables of what it lists."""
    path = workspace.folder / "kinds.csv"
    sections: dict[str, Any] = {
        "tables": {
            "initials": {
                "sql": "select queue_name[1] as initial, count(*) as n from queues "
                "group by 1",
                "key": ["initial"],
            }
        },
        "exports": [{"exporter": "csv", "table": "initials", "path": str(path)}],
    }
    raw = json.loads(workspace.write(**sections).read_text("utf-8"))
    del raw["query"]
    job = load_job_of(workspace, raw)

    run(job)

    rows = sql(job, "select sum(n) as n from initials")
    assert rows.to_pylist() == sql(job, "select count(*) as n from queues").to_pylist()
    assert path.read_text("utf-8").startswith("initial,n")


def load_job_of(workspace: "Workspace", raw: dict[str, Any]) -> Job:
    path = workspace.folder / "alone.yaml"
    path.write_text(json.dumps(raw), "utf-8")
    return load_job(path, environ=workspace.environ)


def test_what_changed_can_be_asked(ran: Path, workspace: "Workspace") -> None:
    """The table `changes`, which is empty as long as nothing did."""
    job = workspace.job(query={"group_by": ["queueId"]}, sla={})

    rows = sql(job, 'select count(*) as n from changes where "table" = $$sla$$')

    assert ran.exists()
    assert rows.to_pylist() == [{"n": 0}]


class TestFromPython:
    def test_an_answer_is_an_arrow_table(self, workspace: "Workspace") -> None:
        """Which pandas and Polars read."""
        workspace.run()

        table = sql(workspace.job(), "select sum(n_offered) as n from intervals")

        assert isinstance(table, pa.Table)
        assert table.to_pylist() == [{"n": 10_982}]

    def test_it_needs_a_run(self, workspace: "Workspace") -> None:
        """As `export` does."""
        with pytest.raises(DataError, match="holds no run of this job"):
            sql(workspace.job(), "select 1")

    def test_a_damaged_part_is_named(self, workspace: "Workspace") -> None:
        """The error is gcbatch's own."""
        workspace.run()
        workspace.parts[3].write_bytes(b"nonsense")

        with pytest.raises(DataError) as refused:
            sql(workspace.job(), "select count(*) from intervals")

        assert "damaged" in refused.value.problem
        assert isinstance(refused.value, DamagedPartError) or refused.value.hint

    def test_files_are_refused_unless_allowed(self, workspace: "Workspace") -> None:
        """By an option of its own."""
        workspace.run()
        query = f"select count(*) as n from '{workspace.folder}/job.parquet'"  # noqa: S608 - ours

        with pytest.raises(JobError, match="unknown table"):
            sql(workspace.job(), query)
        allowed = sql(workspace.job(), query, allow_files=True)

        assert allowed["n"].to_pylist()[0] > 0


class TestOfSeveralOrgs:
    @pytest.fixture
    def orgs(self, workspace_of: "WorkspaceOf") -> Orgs:
        return orgs_of(workspace_of)

    def test_rows_have_their_org(self, orgs: Orgs) -> None:
        """In all tables."""
        orgs.run()

        rows = sql(
            orgs.job(),
            "select org, sum(n_offered) as n from intervals_local group by all "
            "order by all",
        )

        assert rows.to_pylist() == [
            {"org": name, "n": 12} for name in ("north", "south", "west")
        ]

    def test_an_org_without_rows_is_an_error(self, orgs: Orgs) -> None:
        """No answer is silently about the others alone."""
        orgs.run()
        for part in orgs.folder.glob("store/job@south/plan.json"):
            part.unlink()

        with pytest.raises(DataError):
            sql(orgs.job(), "select 1")


@pytest.mark.skipif(sys.platform == "win32", reason="has no pseudo terminals")
class TestThePrompt:
    @pytest.fixture
    def prompt(self, ran: Path, workspace: "Workspace") -> "Iterator[Terminal]":
        terminal = Terminal(["sql", ran.name], workspace)
        yield terminal
        terminal.close()

    def test_it_answers_until_it_is_left(self, prompt: "Terminal") -> None:
        """Statements of several lines, its own commands, and mistakes."""
        assert "a statement ends with ;" in prompt.read()
        tables = prompt.ask(".tables")
        assert "sla_month" in tables.split()
        assert "n" in prompt.ask("select sum(n_offered) as n", until="...> ")
        assert "10982" in prompt.ask("from intervals;")
        assert "did you mean n_offered?" in prompt.ask("select offered from intervals;")
        assert "interval_start_local" in prompt.ask(".schema intervals_local")
        assert "did you mean intervals?" in prompt.ask(".schema interval")
        assert "unknown command '.tabels': did you mean .tables?" in prompt.ask(
            ".tabels"
        )
        assert ".quit" in prompt.ask(".help")

        assert prompt.end(".quit") == 0

    def test_ctrl_c_ends_a_query_and_not_the_prompt(self, prompt: "Terminal") -> None:
        """Nor does it run what is half typed."""
        prompt.read()
        prompt.send("select count(*) from range(1000000000000) t(i) where hash(i)%7=1;")
        prompt.read(until="=1;\r\n")
        prompt.send("\x03", end="")
        assert "interrupted" in prompt.read()
        prompt.ask("select 'half'", until="...> ")
        prompt.wait_until_it_reads()
        prompt.send("\x03", end="")
        prompt.read()

        assert "whole" in prompt.ask("select 'whole' as it;")
        assert prompt.end("\x04", line_end="") == 0


@pytest.mark.skipif(sys.platform == "win32", reason="has no pseudo terminals")
def test_texts_have_no_control_characters_on_a_terminal(
    ran: Path, workspace: "Workspace"
) -> None:
    """In no format: they could change what it shows."""
    query = "select 'a' || chr(27) || '[2J' as it -- end"
    for form in ("table", "csv", "json"):
        terminal = Terminal(["sql", ran.name, query, "--format", form], workspace)
        shown = terminal.rest()
        terminal.close()

        assert "it" in shown
        assert "[2J" in shown
        assert "\x1b[2J" not in shown


class Terminal:
    """A gcbatch on a pseudo terminal."""

    def __init__(self, args: list[str], workspace: "Workspace") -> None:
        import pty  # noqa: PLC0415 - not on Windows

        environ = {**workspace.process_environ, "TERM": "dumb"}
        # Not by pty.fork: a fork of a process with threads can hang.
        program = ["setsid", "--ctty", sys.executable, "-m", "gcbatch", *args]
        self._terminal, other_end = pty.openpty()
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            program,
            cwd=workspace.folder,
            env=environ,
            stdin=other_end,
            stdout=other_end,
            stderr=other_end,
        )
        os.close(other_end)

    def send(self, text: str, end: str = "\n") -> None:
        os.write(self._terminal, f"{text}{end}".encode())

    def ask(self, text: str, until: str = "gcbatch> ") -> str:
        self.send(text)
        return self.read(until)

    def read(self, until: str = "gcbatch> ") -> str:
        """Return what it printed, up to a prompt."""
        deadline = time.monotonic() + 60
        found = b""
        while not found.endswith(until.encode()):
            assert time.monotonic() < deadline, found.decode()
            if select.select([self._terminal], [], [], 1)[0]:
                try:
                    found += os.read(self._terminal, 4096)
                except OSError:  # it has ended
                    pytest.fail(found.decode())
        return found.decode().replace("\r", "")

    def wait_until_it_reads(self) -> None:
        """Wait until it sleeps in the read that follows its prompt.

        Python sees a Ctrl-C that comes between the two only when the read returns.
        """
        stat = Path(f"/proc/{self._process.pid}/stat")
        deadline = time.monotonic() + 60
        while stat.exists() and stat.read_text().rpartition(") ")[2][0] != "S":
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def end(self, text: str, line_end: str = "\n") -> int:
        """Send its last line, and return its exit code."""
        self.send(text, line_end)
        self.rest()
        return self._process.wait(60)

    def rest(self) -> str:
        """Return what it prints until it ends."""
        found = b""
        try:
            while some := os.read(self._terminal, 4096):
                found += some
        except OSError:  # the other end is closed
            pass
        return found.decode()

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(60)
        os.close(self._terminal)
