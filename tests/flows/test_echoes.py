"""A service that echoes credentials is not repeated: no part, note or log has them."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_plus

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from gcbatch.cli import app
from gcbatch.simulator import sample_tenant
from gcbatch.store.store import Store
from tests.support.echoing import PLACES, EchoingService, forms_of

if TYPE_CHECKING:
    from tests.conftest import Workspace, WorkspaceOf

CLIENT_ID: Final = "marked-client"
SECRET: Final = "Marked-s3cret~with+special/chars=and spaces"

TABLES: Final = {
    "conversation-aggregates": "intervals",
    "conversation-aggregates-jobs": "intervals",
    "interval-report": "intervals",
    "queue-summary": "intervals",
    "conversation-details": "conversations",
    "conversation-details-jobs": "conversations",
    "user-details": "user_presence",
}
"""A table of each way to ask."""


def job_of(workspace: "Workspace", url: str, endpoint: str) -> Path:
    """Write a job of two days of an endpoint, at the address of an echoing service."""
    table = TABLES[endpoint]
    asked: dict[str, Any] = {"endpoint": endpoint, "to": "1999-08-03"}
    if not endpoint.startswith("conversation-aggregates"):
        asked["metrics"] = []
    if table != "intervals":
        asked["granularity"] = None
    exports = [
        {
            "exporter": kind,
            "table": table,
            "path": str(workspace.folder / f"job.{kind}"),
        }
        for kind in ("csv", "json", "parquet")
    ]
    exports.append(
        {
            "exporter": "csv",
            "table": "queues",
            "path": str(workspace.folder / "queues.csv"),
        }
    )
    path = workspace.write(
        exports=exports, query=asked, fetch={"concurrency": 1, "job_wait": "PT1S"}
    )
    job = json.loads(path.read_text())
    job["org"] |= {"api_url": url, "login_url": url}
    job["query"] = {k: v for k, v in job["query"].items() if v not in (None, [])}
    path.write_text(json.dumps(job))
    return path


def contents_of(folder: Path) -> Iterator[str]:
    """Yield all that files hold, also what is compressed."""
    for path in folder.rglob("*"):
        if path.suffix == ".parquet" and path.is_file():
            table = pq.read_table(path, partitioning=None)
            yield repr(table.to_pylist())
        if path.is_file():
            yield path.read_bytes().decode("utf-8", "replace")


def traces_of(tokens: list[str]) -> set[str]:
    """Return what would be seen of credentials, whatever form they came in."""
    found = {f for token in tokens for f in forms_of(CLIENT_ID, SECRET, token)}
    for text in (SECRET, *tokens):
        for offset in range(3):
            coded = base64.b64encode(b"\0" * offset + text.encode()).decode()
            found.add(coded[4 if offset else 0 : -4])
    return found


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect every note that is ever written, also those that go again."""
    notes: list[str] = []
    write = Store.write_note

    def watched(store: Store, name: str, content: dict[str, Any]) -> None:
        notes.append(repr(content))
        write(store, name, content)

    monkeypatch.setattr(Store, "write_note", watched)
    return notes


def marks_of(endpoint: str, place: str) -> list[pytest.MarkDecorator]:
    """Leave three places of one endpoint to the default command; the rest is long."""
    if endpoint != "conversation-aggregates":
        return [pytest.mark.chaos]
    return [] if place in {"names", "damaged", "403"} else [pytest.mark.slow]


@pytest.mark.parametrize(
    ("endpoint", "place"),
    [
        pytest.param(endpoint, place, marks=marks_of(endpoint, place))
        for endpoint in TABLES
        for place in PLACES
    ],
)
def test_echoes_appear_in_no_output(
    workspace_of: "WorkspaceOf",
    monkeypatch: pytest.MonkeyPatch,
    kept: list[str],
    endpoint: str,
    place: str,
) -> None:
    """In any form, in any place of any answer: no stream, note, part or output has it.

    Data are no exception: a name that holds the token is kept without it, and a warning
    says so.
    """
    monkeypatch.setattr("gcbatch.genesys.retry_rules.backoff_s", lambda _: 0.0)
    monkeypatch.setenv("GENESYS_CLIENT_SECRET", SECRET)
    sample = sample_tenant()
    few = replace(sample, calls=sample.calls[:20])
    workspace = workspace_of(few, client_id=CLIENT_ID, client_secret=SECRET)
    simulator_thread = workspace.simulator_thread
    # A listing that fails ends a run before its queries: both are tried.
    for at in ("/api/v2/analytics", "/api/v2/"):
        service = EchoingService(
            workspace.simulator.url, CLIENT_ID, SECRET, place=place, at=at
        )
        job = str(job_of(workspace, simulator_thread.do(service.start()), endpoint))
        try:
            results = [
                CliRunner().invoke(app, [command, job, *options])
                for command, *options in (
                    ("run", "-v"),
                    ("run", "-v", "--fresh", "--allow-partial", "--log-format", "json"),
                    ("export", "--json"),
                )
            ]
        finally:
            simulator_thread.do(service.stop())
        said = "".join(result.output + result.stderr for result in results)
        assert service.echoed
        is_told = "warning: answers that repeated the credentials" in said
        assert is_told or place != "names" or at != "/api/v2/"
        assert not any(result.exit_code == 1 for result in results), said
        contents = "\n".join([said, *kept, *contents_of(workspace.folder)])
        assert [t for t in traces_of(service.tokens) if t in contents] == []
        unquoted = unquote_plus(contents)
        assert not any(text in unquoted for text in (SECRET, *service.tokens))
