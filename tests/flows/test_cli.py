"""The commands: what they print, write and exit with."""

import errno
import gzip
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import Result

from gcbatch.cli.run import _engine_options
from gcbatch.simulator import Fault
from tests.support.piped import first_line_of

if TYPE_CHECKING:
    from tests.conftest import Workspace, WorkspaceOf

ROOT = Path(__file__).parents[2]
CSV = {"exporter": "csv", "table": "intervals", "path": "o.csv"}
PLUGIN_GROUP = "[gcbatch.exporters]"


Cli = Callable[..., Result]


def messages(result: Result) -> list[str]:
    """Return the lines that name a problem."""
    return [line for line in result.stderr.splitlines() if line.startswith("error: ")]


def check_refusal(
    result: Result, code: int, *words: str, has_hint: bool = True
) -> None:
    """Assert one message with cause and way out, an exit code, and no traceback.

    A problem of a job file says what to write itself, and has no hint.
    """
    assert result.exit_code == code, result.output
    assert len(messages(result)) == 1, result.stderr
    said = result.stderr
    assert all(word in said for word in words), said
    assert "Traceback" not in said
    assert said.count("hint: ") == has_hint, said


class TestBadInput:
    @pytest.mark.parametrize(
        ("sections", "words"),
        [
            pytest.param(
                {"fetch": {"chunkk": "P1D"}},
                ("fetch.chunkk: unknown key", "did you mean chunk?"),
                id="key",
            ),
            pytest.param({"extra": 1}, ("extra: unknown key",), id="top key"),
            pytest.param(
                {"query": {"metrics": ["nOfered"]}},
                ("query.metrics[0]: unknown metric 'nOfered': did you mean nOffered?",),
                id="metric",
            ),
            pytest.param(
                {"query": {"group_by": ["queueid"]}},
                ("did you mean queueId?",),
                id="dimension",
            ),
            pytest.param(
                {"query": {"endpoint": "conversation-agregates"}},
                ("did you mean conversation-aggregates?",),
                id="endpoint",
            ),
            pytest.param(
                {"exports": [{**CSV, "exporter": "cvs"}]},
                ("exports[0].exporter: no exporter named 'cvs'; did you mean csv?",),
                id="exporter",
            ),
            pytest.param(
                {"exports": [{**CSV, "exporter": "kafka"}]},
                ("no exporter named 'kafka'; installed: csv, ",),
                id="unknown exporter",
            ),
            pytest.param(
                {"exports": [{**CSV, "table": "interval"}]},
                ("unknown table 'interval': did you mean intervals?",),
                id="table",
            ),
            pytest.param(
                {"exports": [{**CSV, "bomb": True}]},
                ("exports[0].bomb: unknown key 'bomb': did you mean bom?",),
                id="option",
            ),
            pytest.param(
                {"query": {"granularity": "1h"}},
                ("query.granularity: 1h is not an ISO 8601 duration", "PT1H"),
                id="granularity",
            ),
            pytest.param(
                {"query": {"granularity": "PT7M"}},
                ("does not divide a day evenly",),
                id="uneven granularity",
            ),
            pytest.param(
                {"query": {"timezone": "Europe/Dublinn"}},
                ("unknown time zone 'Europe/Dublinn': did you mean Europe/Dublin?\n",),
                id="time zone",
            ),
            pytest.param(
                {"query": {"from": "01.08.1999"}},
                ("query.from: '01.08.1999' is not a date", "write the year first"),
                id="date",
            ),
            pytest.param(
                {"query": {"to": "1999-02-30"}}, ("query.to",), id="no such day"
            ),
            pytest.param(
                {"query": {"from": "1999-08-08", "to": "1999-08-01"}},
                ("must be before", "to is exclusive"),
                id="from after to",
            ),
            pytest.param(
                {"query": {"from": "1999-08-08"}}, ("must be before",), id="empty range"
            ),
            pytest.param(
                {"query": {"from": "1999-08-01T00:30"}},
                ("not at the start of a PT1H bucket",),
                id="between buckets",
            ),
            pytest.param(
                {"fetch": {"chunk": "PT90M"}},
                ("fetch.chunk PT90M does not hold whole buckets of PT1H",),
                id="chunk",
            ),
            pytest.param(
                {"org": {"client_secret": "hunter2"}},
                ("org.client_secret: must not be in the file; write ${NAME}",),
                id="literal secret",
            ),
            pytest.param(
                {"org": {"client_secret": "${NO_SUCH_NAME}"}},
                ("environment variable NO_SUCH_NAME is not set",),
                id="missing variable",
            ),
            pytest.param(
                {"org": {"api_url": "http://api.example.com"}},
                ("org.api_url", "would send the secret unencrypted; use https"),
                id="plain http",
            ),
            pytest.param(
                {"query": {"queues": ["Prospect"]}},
                ("no queue is called 'Prospect'; the nearest: Prospects",),
                id="queue",
            ),
            pytest.param(
                {"name": "../up"}, ("name: must be letters, digits",), id="name"
            ),
        ],
    )
    def test_is_refused_with_cause_and_way_out(
        self,
        cli: Cli,
        workspace: "Workspace",
        sections: dict[str, Any],
        words: tuple[str, ...],
    ) -> None:
        """A job that cannot be meant is exit 2, one message, and no data request."""
        job = workspace.write(**sections)

        result = cli("run", job)

        is_of_a_line = ".yaml:" in result.stderr
        check_refusal(result, 2, *words, has_hint=not is_of_a_line)
        assert "hunter2" not in result.output
        assert not workspace.data_requests

    def test_every_problem_is_said_at_once(
        self, cli: Cli, workspace: "Workspace"
    ) -> None:
        """Each problem has its line and key."""
        job = workspace.write(
            query={"metrics": ["nOfered"], "timezone": "Mars"}, fetch={"speed": 1}
        )

        result = cli("check", job)

        assert result.exit_code == 2
        places = [re.match(rf"error: {job}:(\d+): ", m) for m in messages(result)]
        lines = [int(place[1]) for place in places if place]
        assert len(lines) == 3
        assert lines == sorted(lines)

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (None, "cannot be read"),
            (b"", "is empty"),
            (b"- a", "a job file is a mapping"),
            (b"name: [", "not valid YAML"),
            (b"\xff\xfe\x00", "is not UTF-8"),
        ],
        ids=["missing", "empty", "list", "no YAML", "no UTF-8"],
    )
    def test_a_file_that_is_no_job(
        self, cli: Cli, workspace: "Workspace", content: bytes | None, words: str
    ) -> None:
        """Whatever is given as a job file, the answer is a message."""
        job = workspace.folder / "some.yaml"
        if content is not None:
            job.write_bytes(content)

        check_refusal(cli("run", job), 2, words, "some.yaml")

    def test_two_jobs_of_one_name(self, cli: Cli, workspace: "Workspace") -> None:
        """Two jobs of one name would share a folder."""
        job = workspace.write()

        check_refusal(cli("run", job, job), 2, "two jobs are called job")

    def test_two_names_that_differ_by_case(
        self, cli: Cli, workspace: "Workspace"
    ) -> None:
        """Some systems have one folder for both."""
        jobs = [workspace.write(name) for name in ("sales", "SALES")]

        check_refusal(cli("run", *jobs), 2, "two jobs are called SALES and sales")

    @pytest.mark.parametrize("setting", ["fetch.concurrency", "=1", ""])
    def test_a_setting_without_a_value(
        self, cli: Cli, workspace: "Workspace", setting: str
    ) -> None:
        """--set wants KEY=VALUE."""
        check_refusal(cli("run", workspace.write(), "--set", setting), 2, "KEY=VALUE")

    def test_a_setting_names_itself(self, cli: Cli, workspace: "Workspace") -> None:
        """A problem of an override is reported as such, not by a line of the file."""
        result = cli("run", workspace.write(), "--set", "fetch.concurrency=many")

        check_refusal(
            result, 2, "error: --set fetch.concurrency: must be", has_hint=False
        )

    @pytest.mark.parametrize(
        ("option", "value", "words"),
        [
            ("--from", "soon", "'soon' is not a date"),
            ("--to", "1999-02-30", "'1999-02-30' is not a date"),
            ("--engine", "spark", "unknown engine 'spark'; there are local, dask"),
            ("--workers", "some", "must be a whole number"),
            ("--scheduler", "here", "must be an address such as tls://"),
        ],
    )
    def test_an_option_names_itself(
        self, cli: Cli, workspace: "Workspace", option: str, value: str, words: str
    ) -> None:
        """Not the key of the job file that it replaces."""
        result = cli("run", workspace.write(), option, value)

        check_refusal(result, 2, f"error: {option}: {words}", has_hint=False)

    @pytest.mark.parametrize("name", ["job.yaml", "daily.YML"])
    def test_a_job_file_without_a_command(self, cli: Cli, name: str) -> None:
        """The message says which command runs it."""
        result = cli(name)

        assert result.exit_code == 2
        assert f"gcbatch run {name}" in result.stderr


class TestOtherFailures:
    @pytest.mark.parametrize(
        ("command", "options"),
        [("run", ["--workers", "2"]), ("run", ["--engine", "dask"]), ("plan", []),
         ("check", [])],
    )  # fmt: skip
    def test_an_engine_that_is_not_installed(
        self,
        cli: Cli,
        workspace: "Workspace",
        monkeypatch: pytest.MonkeyPatch,
        command: str,
        options: list[str],
    ) -> None:
        """It is said before anything is planned or requested, with its extra."""
        monkeypatch.setitem(sys.modules, "distributed", None)
        job = workspace.write(**({} if options else {"engine": "dask"}))

        result = cli(command, job, *options)

        check_refusal(result, 2, "engine dask is not installed", "'gcbatch[dask]'")
        assert len(workspace.simulator.request_log) == 0
        assert not (workspace.folder / "store").exists()

    @pytest.mark.parametrize("command", ["run", "plan", "check"])
    def test_a_wrong_secret(
        self,
        cli: Cli,
        workspace: "Workspace",
        monkeypatch: pytest.MonkeyPatch,
        command: str,
    ) -> None:
        """Refused credentials are exit 3."""
        monkeypatch.setenv("GENESYS_CLIENT_SECRET", "hunter2")

        result = cli(command, workspace.write())

        check_refusal(result, 3, "POST /oauth/token: 401", "check client id and secret")
        assert "hunter2" not in result.output

    def test_no_server_listening(self, cli: Cli, workspace: "Workspace") -> None:
        """An address without a server is exit 4."""
        unreachable = "http://127.0.0.1:9"
        org = {"api_url": unreachable, "login_url": unreachable}

        result = cli("run", workspace.write(org=org, fetch={"give_up": "PT1S"}))

        check_refusal(result, 4, "cannot be reached", "check region, domain or api_url")

    def test_a_service_that_refuses(self, cli: Cli, workspace: "Workspace") -> None:
        """A refused query is exit 4, with the correlation id."""
        workspace.simulator.faults.add(Fault("status", status=400))

        result = cli("run", workspace.write(fetch={"concurrency": 1}))

        check_refusal(result, 4, "400 bad.request", "correlation id")

    @pytest.mark.parametrize(
        "kind", ["wrong_types", "outside_bucket", "overlapping_buckets"]
    )
    def test_contradictory_data(
        self, cli: Cli, workspace: "Workspace", kind: Any
    ) -> None:
        """An answer that cannot be right is exit 5, and writes nothing."""
        workspace.simulator.faults.add(Fault(kind))

        result = cli("run", workspace.write(fetch={"concurrency": 1}))

        assert result.exit_code == 5
        assert len(messages(result)) == 1
        assert not (workspace.folder / "job.csv").exists()

    @pytest.mark.parametrize("kind", ["float_numbers", "offset_intervals"])
    def test_harmless_oddities(
        self, cli: Cli, workspace: "Workspace", kind: Any
    ) -> None:
        """Whole numbers written as floats and local offsets mean what they say."""
        cli("run", workspace.write())
        written = workspace.outputs()
        workspace.simulator.faults.add(Fault(kind, times=None))

        result = cli("run", "--fresh", workspace.write())

        assert result.exit_code == 0
        assert workspace.outputs() == written

    def test_an_output_that_cannot_be_written(
        self, cli: Cli, workspace: "Workspace"
    ) -> None:
        """An output under a file is exit 6."""
        (workspace.folder / "file").touch()
        path = str(workspace.folder / "file" / "out.csv")
        job = workspace.write(exports=[{**CSV, "path": path}])

        check_refusal(cli("run", job), 6, "cannot be written")

    def test_an_output_that_is_a_folder(self, cli: Cli, workspace: "Workspace") -> None:
        """A folder is no place for a file: exit 6."""
        job = workspace.write(exports=[{**CSV, "path": str(workspace.folder)}])

        check_refusal(cli("run", job), 6, "is a folder")

    def test_a_store_that_is_a_file(self, cli: Cli, workspace: "Workspace") -> None:
        """A store that cannot be written is exit 6, before any data request."""
        (workspace.folder / "store").touch()

        check_refusal(cli("run", workspace.write()), 6, "check fetch.store")
        assert not workspace.data_requests

    @pytest.mark.parametrize("command", ["run", "plan", "check", "export"])
    def test_exporters_refuse_before_any_request(
        self, cli: Cli, workspace: "Workspace", command: str
    ) -> None:
        """A job whose export cannot be made is refused by every command at once."""
        export = {**CSV, "exporter": "parquet", "partition_by": ["no_such_column"]}

        result = cli(command, workspace.write(exports=[export]))

        assert result.exit_code == 2, result.output
        assert len(workspace.simulator.request_log) == 0


class TestRun:
    def test_says_what_was_fetched_and_written(
        self, cli: Cli, workspace: "Workspace"
    ) -> None:
        """The table at the end names rows and outputs; logs go to the other stream."""
        result = cli("run", workspace.write())

        assert result.exit_code == 0
        assert "7 of 7 queries fetched · 0 from the store" in result.stdout
        assert "485 rows" in result.stdout
        assert str(workspace.folder / "job.parquet") in result.stdout
        assert "7 queries, 0 of them stored" in result.stderr
        assert "7 of 7" in result.stderr

    def test_prints_json(self, cli: Cli, workspace: "Workspace") -> None:
        """--json prints the report and nothing else."""
        report = json.loads(cli("run", workspace.write(), "--json").stdout)
        again = json.loads(cli("export", workspace.write(), "--json").stdout)

        assert (report["rows"], report["fetched"]) == (485, 7)
        assert [e["rows"] for e in report["exports"]] == [485] * 3
        assert again["exports"] == report["exports"]

    def test_prints_a_report_for_each_job(
        self, cli: Cli, workspace: "Workspace"
    ) -> None:
        """Several jobs give a list; one that fails is shown as failed."""
        good, bad = (
            workspace.write("good"),
            workspace.write("bad", query={"queues": ["x"]}),
        )

        result = cli("run", "--json", good, bad)

        one, two = json.loads(result.stdout)
        assert result.exit_code == 2
        assert one["job"] == "good"
        assert two["exit_code"] == 2
        assert "bad:" in result.stderr.splitlines()

    @pytest.mark.parametrize("options", [(), ("-v",)])
    def test_logs_json_lines(
        self, cli: Cli, workspace: "Workspace", options: tuple[str, ...]
    ) -> None:
        """Every log line is a JSON object."""
        result = cli("run", "--log-format", "json", *options, workspace.write())

        lines = [json.loads(line) for line in result.stderr.splitlines()]
        assert {"time", "level", "logger", "message"} == set(lines[0])
        assert any(line["level"] == "debug" for line in lines) == bool(options)

    def test_options_override_the_file(self, cli: Cli, workspace: "Workspace") -> None:
        """--from, --to and --set win over the file."""
        options = ("--from", "1999-08-02", "--to", "1999-08-04")
        setting = ("--set", "query.granularity=P1D", "--set", "exports.0.path=o.csv")

        result = cli("run", workspace.write(), "--json", *options, *setting)

        report = json.loads(result.stdout)
        assert report["queries"] == 2
        assert workspace.data_requests[0].request["granularity"] == "P1D"
        assert (workspace.folder / "o.csv").exists()

    def test_a_warning_is_no_failure(
        self, cli: Cli, workspace_of: "WorkspaceOf"
    ) -> None:
        """Queues that may not be listed are shown by id: exit 0, one warning."""
        permissions = frozenset({"analytics:conversationAggregate:view"})
        workspace = workspace_of(permissions=permissions)

        result = cli("run", workspace.write())
        checked = cli("check", workspace.write())

        assert (result.exit_code, checked.exit_code) == (0, 0)
        assert result.stdout.count("warning: queues are shown by id") == 1
        assert checked.stderr.count("warning: queues are shown by id") == 1

    def test_fresh_asks_again(self, cli: Cli, workspace: "Workspace") -> None:
        """--fresh is handed on."""
        cli("run", workspace.write())

        report = json.loads(cli("run", "--fresh", "--json", workspace.write()).stdout)

        assert report["fetched"] == 7


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        (("", "", ""), {}),
        (("local", "", ""), {"name": "local"}),
        (("", "", "2"), {"name": "dask", "workers": "2"}),
        (("", "tls://x", ""), {"name": "dask", "scheduler": "tls://x"}),
        (("local", "", "2"), {"name": "local", "workers": "2"}),
    ],
)
def test_workers_are_dasks(
    options: tuple[str, str, str], settings: dict[str, str]
) -> None:
    """Naming them, or their scheduler, is choosing that engine; a named one stays."""
    assert _engine_options(*options) == {f"engine.{k}": settings[k] for k in settings}


@pytest.mark.slow
class TestReaderGone:
    @pytest.mark.parametrize("as_json", [["--json"], []])
    def test_the_code_stays(self, workspace: "Workspace", as_json: list[str]) -> None:
        """The output may be closed early; the exit code still shows a missed target."""
        job = workspace.write(sla={"target": 100}, exports=[])
        run = f'{sys.executable} -m gcbatch run "$@" --fail-on-breach'
        script = f"{run} | true; echo ${{PIPESTATUS[0]}}"

        done = subprocess.run(  # noqa: S603 - our own command
            ["bash", "-c", script, "-", str(job), *as_json],  # noqa: S607 - as above
            env=workspace.process_environ,
            capture_output=True,
            text=True,
            check=True,
        )

        assert done.stdout.strip() == "7"


class TestOtherCommands:
    def test_plan_shows_windows_and_cost(
        self, cli: Cli, workspace: "Workspace"
    ) -> None:
        """What a run would ask, and what that costs, without one data request."""
        shown = cli("plan", workspace.write())
        reported = json.loads(cli("plan", "--json", workspace.write()).stdout)

        assert "7 requests" in shown.stdout
        assert "0 stored, 7 to fetch" in shown.stdout
        assert str(workspace.folder / "job.csv") in shown.stdout
        assert (reported["requests"], reported["stored"]) == (7, 0)
        assert [w["requests"] for w in reported["windows"]] == [1] * 7
        assert reported["windows"][0]["from"] == "1999-07-31T21:00:00.000Z"
        assert not workspace.data_requests

    def test_check_tries_credentials_and_permission(
        self, cli: Cli, workspace: "Workspace"
    ) -> None:
        """Checking asks one query at most, and writes nothing."""
        result = cli("check", workspace.write())

        assert result.exit_code == 0
        assert "credentials and permission are good" in result.stdout
        assert len(workspace.data_requests) == 1
        assert not (workspace.folder / "store").exists()

    def test_export_needs_a_run(self, cli: Cli, workspace: "Workspace") -> None:
        """What was never fetched cannot be exported: exit 5."""
        check_refusal(cli("export", workspace.write()), 5, "holds no run of this job")

    def test_export_of_another_question(self, cli: Cli, workspace: "Workspace") -> None:
        """A changed query has to be run first: exit 2."""
        cli("run", workspace.write())

        result = cli("export", workspace.write(query={"granularity": "P1D"}))

        check_refusal(result, 2, "requests other data", "`gcbatch run JOB`")

    def test_exporters_are_listed(self, cli: Cli) -> None:
        """Each with its distribution, version and state, or how to install it."""
        project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
        shipped = project["entry-points"]["gcbatch.exporters"]

        rows = json.loads(cli("exporters", "--json").stdout)

        own = {r["name"]: r["state"] for r in rows if r["distribution"] == "gcbatch"}
        assert list(own) == sorted(shipped)
        assert not [
            name
            for name, state in own.items()
            if state not in ("ok", f"not installed: pip install 'gcbatch[{name}]'")
        ]
        assert "parquet" in cli("exporters").stdout

    def test_a_broken_exporter_is_blamed(
        self, cli: Cli, workspace: "Workspace", monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A plugin that cannot be imported is listed, and stops who asks for it."""
        info = workspace.folder / "site" / "acme_export-1.2.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Name: acme-export\nVersion: 1.2\n")
        entry = f"{PLUGIN_GROUP}\nacme = no_such_module_of_acme:Exporter\n"
        (info / "entry_points.txt").write_text(entry)
        monkeypatch.syspath_prepend(str(info.parent))
        asking = [{**CSV, "exporter": "acme"}]

        rows = json.loads(cli("exporters", "--json").stdout)
        refused = cli("run", workspace.write("other", exports=asking))

        (acme,) = (row for row in rows if row["name"] == "acme")
        assert (acme["distribution"], acme["version"]) == ("acme-export", "1.2")
        assert "cannot be imported" in acme["state"]
        check_refusal(
            refused, 2, "acme-export 1.2", "cannot be imported", has_hint=False
        )
        assert cli("run", workspace.write()).exit_code == 0

    def test_schema_describes_the_job_file(self, cli: Cli) -> None:
        """Editors get a JSON Schema with the keys as job files write them."""
        schema = json.loads(cli("schema").stdout)

        assert {"name", "org", "query", "fetch", "exports"} <= set(schema["properties"])
        assert '"from"' in json.dumps(schema)

    def test_init_writes_a_job_to_start_from(
        self, cli: Cli, workspace: "Workspace"
    ) -> None:
        """The file is valid except for the environment, and overwrites no other."""
        path = workspace.folder / "new" / "job.yaml"

        written = cli("init", path)
        content = path.read_text("utf-8")
        again = cli("init", path)

        assert written.exit_code == 0
        assert "client_secret: ${" in content
        check_refusal(again, 6, "exists already")
        assert path.read_text("utf-8") == content

    @pytest.mark.parametrize(
        ("name", "content", "reason"),
        [
            ("none.csv", None, "cannot be read: No such file"),
            ("a.csv", b"call_id,outcome\n", "is not a call log: missing columns: "),
            ("a.csv.gz", b"call_id,outcome\n", "is not a call log: Not a gzip"),
            (
                "cut.csv.gz",
                gzip.compress(b"call_id", mtime=0)[:-6],
                "is not a call log: Compressed",
            ),
        ],
    )
    def test_a_log_that_cannot_be_replayed(
        self, cli: Cli, tmp_path: Path, name: str, content: bytes | None, reason: str
    ) -> None:
        """It is named with the reason; nothing is served."""
        if content is not None:
            (tmp_path / name).write_bytes(content)

        result = cli("simulate", "--calls", str(tmp_path / name))

        check_refusal(result, 2, f"{name}: {reason}")

    def test_a_port_that_is_taken(self, cli: Cli) -> None:
        """One short reason, and the option that chooses another."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            result = cli("simulate", "--port", str(port))

        wanted = f"port {port}: cannot be opened: {os.strerror(errno.EADDRINUSE)}\n"
        check_refusal(result, 6, wanted, "--port")

    def test_version_and_help(self, cli: Cli) -> None:
        """Both are exit 0; without a command there is help."""
        assert re.fullmatch(r"gcbatch \d+\.\d+.*\n", cli("--version").stdout)
        assert "simulate" in cli("--help").stdout
        assert "simulate" in cli().output


class TestProcess:
    """What only a process of its own shows."""

    def python(self, *args: str, **kwargs: Any) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(  # noqa: S603 - our own commands
            [sys.executable, *args],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
            **kwargs,
        )

    def test_help_loads_nothing_heavy(self) -> None:
        """`--help` is quick: neither pyarrow nor aiohttp nor pydantic is imported."""
        code = (
            "import sys; from gcbatch.cli import app\n"
            "try: app(['--help'])\n"
            "except SystemExit: pass\n"
            "heavy = {'pyarrow', 'aiohttp', 'pydantic', 'msgspec', 'yaml'}\n"
            "print('loaded:', sorted(heavy & set(sys.modules)))"
        )

        assert self.python("-c", code).stdout.splitlines()[-1] == "loaded: []"

    def test_a_finished_run_loads_nothing_that_fetches(
        self, workspace: "Workspace"
    ) -> None:
        """No request is sent, and nothing that sends one is loaded."""
        job = workspace.write()
        code = (
            "import sys; from gcbatch.cli import app\n"
            "try: app(['run', sys.argv[1]])\n"
            "except SystemExit: pass\n"
            "idle = {'aiohttp', 'gcbatch.genesys.client', 'pyarrow.compute',"
            " 'duckdb', 'gcbatch.selecting'}\n"
            "print('loaded:', sorted(idle & set(sys.modules)))"
        )
        runs = [
            self.python("-c", code, str(job), env=workspace.process_environ).stdout
            for _ in range(2)
        ]

        first, again = (run.splitlines()[-1] for run in runs)
        assert "aiohttp" in first
        assert again == "loaded: []"

    @pytest.mark.slow
    def test_exit_codes_reach_the_shell(self, workspace: "Workspace") -> None:
        """A process exits with the code, and says nothing of its insides."""
        environ = {**workspace.process_environ, "GENESYS_CLIENT_SECRET": "hunter2"}

        done = self.python("-m", "gcbatch", "run", str(workspace.write()), env=environ)

        assert done.returncode == 3
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        assert "hunter2" not in done.stderr

    @pytest.mark.slow
    def test_a_reader_that_leaves_is_no_failure(self) -> None:
        """`gcbatch schema | head -1` ends in peace."""
        done = first_line_of("schema")

        assert (done.returncode, done.stderr) == (0, "")

    @pytest.mark.slow
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_simulate_serves_until_it_is_stopped(self, number: signal.Signals) -> None:
        """It prints its address, answers, and ends when it is interrupted."""
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "gcbatch", "simulate"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        url = ""
        while not url.startswith("http"):
            url = process.stdout.readline().strip().removeprefix("api_url: ")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{url}/api/v2/users", timeout=10)  # noqa: S310 - our own
        refused.value.close()
        process.send_signal(number)
        _, said = process.communicate(timeout=30)

        assert refused.value.code == 401
        assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[number]
        assert "Traceback" not in said
