"""Outputs, logs, errors, parts and reports contain no secret and no bearer token."""

import base64
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

import gcbatch
from gcbatch.cli import app
from gcbatch.simulator import Fault, Faults

if TYPE_CHECKING:
    from tests.conftest import Workspace, WorkspaceOf

CLIENT_ID = "marked-client"
SECRET = "Marked-s3cret~with+special/chars=and spaces ü"

FAILURES = {
    "nothing": (),
    "refused": (Fault("status", status=400),),
    "forbidden": (Fault("status", status=403),),
    "failing": (Fault("status", wait_s=0),),
    "throttled": (Fault("throttled", wait_s=0),),
    "unauthorized": (Fault("unauthorized", times=None),),
    "redirected": (Fault("redirect"),),
    "login redirected": (Fault("redirect", path="/oauth/token"),),
    "login refused": (Fault("status", path="/oauth/token", status=400),),
    "login of another shape": (
        Fault("garbage", path="/oauth/token", body=b'{"access_token": 5}', times=1),
    ),
    "wrong types": (Fault("wrong_types"),),
    "outside": (Fault("outside_bucket"),),
}


def forms_of(secret: str) -> Iterator[str]:
    """Yield a secret as it is, and as Base64 of it at any offset would show it."""
    yield secret
    raw = secret.encode()
    for offset in range(3):
        coded = base64.b64encode(b"\0" * offset + raw).decode()
        # The first and last groups also hold bits of what stands beside it.
        yield coded[4 if offset else 0 : -4]


def texts_of(error: BaseException) -> Iterator[str]:
    """Yield all that an error and its causes would say of themselves."""
    yield "".join(traceback.format_exception(error))
    seen: BaseException | None = error
    while seen is not None:
        yield f"{seen!r} {vars(seen)!r}"
        seen = seen.__cause__ or seen.__context__


def everything_in(folder: Path) -> Iterator[bytes]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.read_bytes()


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect every token that a simulator grants."""
    granted: list[str] = []

    def grant(access: Any, authorization: str, form: Any) -> dict[str, Any]:
        answer = original(access, authorization, form)
        granted.append(answer["access_token"])
        return answer

    from gcbatch.simulator.access import Access  # noqa: PLC0415 - watched only here

    original = Access.grant
    monkeypatch.setattr(Access, "grant", grant)
    return granted


def marked(workspace_of: "WorkspaceOf", failure: str) -> "Workspace":
    return workspace_of(
        client_id=CLIENT_ID, client_secret=SECRET, faults=Faults(*FAILURES[failure])
    )


def check_silence(said: str, folder: Path, tokens: list[str]) -> None:
    """Assert that neither the words nor any file holds a secret in any form."""
    contents = b"\n".join([said.encode(), *everything_in(folder)])
    for secret in (SECRET, *tokens):
        for form in forms_of(secret):
            assert form.encode() not in contents


@pytest.mark.one_in(5)
@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("options", [("-v",), ("-v", "--log-format", "json", "--json")])
def test_commands_keep_secrets(
    workspace_of: "WorkspaceOf",
    tokens: list[str],
    monkeypatch: pytest.MonkeyPatch,
    failure: str,
    options: tuple[str, ...],
) -> None:
    """Whatever happens in a run, no stream and no file holds a secret."""
    workspace = marked(workspace_of, failure)
    monkeypatch.setenv("GENESYS_CLIENT_SECRET", SECRET)
    job = str(workspace.write(fetch={"concurrency": 2}))

    results = [
        CliRunner().invoke(app, [command, job, *more])
        for command, more in (
            ("check", ()),
            ("plan", ()),
            ("run", options),
            ("export", options[2:] and ("--json",)),
        )
    ]

    said = "".join(result.output + result.stderr for result in results)
    assert "\nTraceback" not in said
    check_silence(said, workspace.folder, tokens)


@pytest.mark.parametrize("failure", FAILURES)
def test_the_library_keeps_secrets(
    workspace_of: "WorkspaceOf",
    tokens: list[str],
    caplog: pytest.LogCaptureFixture,
    failure: str,
) -> None:
    """Errors, their causes, jobs and logs at the finest level hold no secret."""
    caplog.set_level(logging.DEBUG)
    workspace = marked(workspace_of, failure)
    job = workspace.job(fetch={"concurrency": 2})
    said = [repr(job), str(job), job.model_dump_json()]

    try:
        report = gcbatch.run(job)
    except gcbatch.GcbatchError as error:
        said += texts_of(error)
    else:
        said += [repr(report), str(report.to_json())]
        assert tokens

    check_silence("\n".join([*said, caplog.text]), workspace.folder, tokens)


def test_the_search_would_find_them(tmp_path: Path) -> None:
    """The grep itself is sharp: a pair in Basic form or a token in a file is found."""
    pair = base64.b64encode(f"{CLIENT_ID}:{SECRET}".encode()).decode()
    for leak in (SECRET, pair, "tok-en"):
        (tmp_path / "file").write_text(f"x{leak}y", "utf-8")
        with pytest.raises(AssertionError):
            check_silence("", tmp_path, ["tok-en"])
