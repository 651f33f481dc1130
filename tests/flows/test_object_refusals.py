"""What whole commands say of a store in a bucket that they may not use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import pytest
from typer.testing import Result

from tests.conftest import STORAGE, Workspace
from tests.support.ports import HOST, free_port
from tests.support.s3_server import BLIND, READER, S3Bucket

Cli = Callable[..., Result]

WRONG: Final = "not+the/secret"

RUN: Final = ("run", "job.yaml")
PRUNE: Final = ("store", "prune", "--older-than", "1y", "--job", "job.yaml")
LOOKS: Final = (
    ("plan", "job.yaml"),
    ("verify", "job.yaml"),
    ("store", "ls", "--job", "job.yaml"),
)
WRITES: Final = (RUN, (*RUN, "--fresh"), ("export", "job.yaml"))


@dataclass(frozen=True)
class Refusal:
    """What is wrong, and what is said of it.

    Args:
        said: Cause, in the message.
        hint: Way out.
        who: Whose credentials are used; empty: those of who may do everything.
        environ: What is different in the environment.
        bucket: Another bucket than that of the test.
    """

    said: str
    hint: str
    who: str = ""
    environ: Mapping[str, str] | None = None
    bucket: str = ""


WRONG_SECRET: Final = Refusal(
    "cannot be listed: the secret key is wrong (403 SignatureDoesNotMatch)",
    "check the credentials of the environment, or `storage:` in the job",
    environ={"AWS_SECRET_ACCESS_KEY": WRONG},
)
UNKNOWN_KEY: Final = Refusal(
    "cannot be listed: the service does not know the access key",
    "check the credentials of the environment, or `storage:` in the job",
    environ={"AWS_ACCESS_KEY_ID": "unknown"},
)
NO_BUCKET: Final = Refusal(
    "cannot be listed: there is no such bucket (404 NoSuchBucket)",
    "create it, or check its name",
    who=READER,
    bucket="no-such-bucket",
)
NO_LISTING: Final = Refusal(
    "cannot be listed: s3:ListBucket is refused (403 AccessDenied)",
    "allow it, or use other credentials",
    who=BLIND,
)
READ_ONLY: Final = Refusal(
    "cannot be written: s3:PutObject is refused (403 AccessDenied)",
    "allow it, or use other credentials",
    who=READER,
)


@dataclass(frozen=True)
class Caller:
    """Runs commands on the job of a workspace, whose store is in a bucket."""

    cli: Cli
    workspace: Workspace
    s3: S3Bucket
    patch: pytest.MonkeyPatch

    def __call__(self, *args: str, refusal: Refusal | None = None) -> Result:
        """Run a command, with what is wrong."""
        environ, name = self.s3.environ, self.s3.name
        if refusal is not None:
            environ |= self.s3.environ_of(refusal.who) if refusal.who else {}
            environ |= refusal.environ or {}
            name = refusal.bucket or name
        for variable, value in environ.items():
            self.patch.setenv(variable, value)
        store = f"s3://{name}/some/store"
        self.workspace.write(storage=STORAGE, fetch={"store": store})
        return self.cli(*args)

    @property
    def objects(self) -> dict[str, bytes]:
        """The content of each object."""
        return {key: self.s3.read(key) for key in self.s3.keys()}  # noqa: SIM118 - a method

    def assert_said(self, done: Result, refusal: Refusal) -> None:
        """Check that one message ends it, with cause and way out."""
        error, hint = done.output.splitlines()[-2:]
        assert done.output.count("error: ") == 1
        assert error.startswith(f"error: s3://{refusal.bucket or self.s3.name}/some/")
        assert refusal.said in error
        assert hint == f"hint: {refusal.hint}"
        assert done.exit_code == 6

    def assert_no_secret(self, done: Result) -> None:
        """Check that no secret is in the output, a file or an object."""
        secrets = [WRONG, *self.s3.server.keys.values()]
        secrets += [quote(secret, safe="") for secret in secrets]
        files = (p for p in self.workspace.folder.rglob("*") if p.is_file())
        written = [path.read_bytes() for path in files]
        written += [done.output.encode(), *self.objects.values()]
        for secret in secrets:
            assert not any(secret.encode() in content for content in written)


@pytest.fixture
def call(
    cli: Cli, workspace: Workspace, s3: S3Bucket, monkeypatch: pytest.MonkeyPatch
) -> Caller:
    """Run commands."""
    return Caller(cli, workspace, s3, monkeypatch)


@pytest.mark.parametrize("command", [*LOOKS, *WRITES, PRUNE], ids=" ".join)
@pytest.mark.parametrize(
    "refusal",
    [WRONG_SECRET, UNKNOWN_KEY, NO_BUCKET, NO_LISTING],
    ids=["wrong secret", "unknown key", "no bucket", "no listing"],
)
def test_a_store_that_cannot_be_listed_ends_each_command(
    call: Caller, command: tuple[str, ...], refusal: Refusal
) -> None:
    """By one message, before the service is asked anything; the store stays."""
    call.s3.open().put("some/store/job/parts/x", b"kept")

    done = call(*command, refusal=refusal)

    call.assert_said(done, refusal)
    call.assert_no_secret(done)
    assert call.workspace.simulator.requests("/") == []
    assert call.objects == {"some/store/job/parts/x": b"kept"}


@pytest.mark.parametrize("command", WRITES[:2], ids=" ".join)
def test_a_store_that_cannot_be_written_ends_a_run(
    call: Caller, command: tuple[str, ...]
) -> None:
    """Before the service is asked anything."""
    done = call(*command, refusal=READ_ONLY)

    call.assert_said(done, READ_ONLY)
    call.assert_no_secret(done)
    assert call.workspace.simulator.requests("/") == []
    assert call.objects == {}


def test_who_may_only_read_looks_at_what_is_there(call: Caller) -> None:
    """What writes or removes is refused, and nothing is lost."""
    assert call(*RUN).exit_code == 0
    stored, outputs = call.objects, call.workspace.outputs()

    looks = [call(*command, refusal=READ_ONLY) for command in LOOKS]
    asked = len(call.workspace.data_requests)  # verify asks too
    writes = [call(*command, refusal=READ_ONLY) for command in WRITES]
    pruned = call(*PRUNE, refusal=READ_ONLY)

    assert [done.exit_code for done in looks] == [0] * len(LOOKS)
    for done in writes:
        call.assert_said(done, READ_ONLY)
    assert "s3:DeleteObject is refused" in pruned.output
    assert pruned.exit_code == 6
    assert call.objects == stored
    assert call.workspace.outputs() == outputs
    assert call(*RUN).exit_code == 0
    assert len(call.workspace.data_requests) == asked


def test_an_endpoint_at_which_nothing_listens_is_said(call: Caller) -> None:
    """Where it is wrong: after repetitions, which take seconds."""
    refusal = Refusal(
        "cannot be listed: the service cannot be reached",
        "check the endpoint and the network",
        environ={"AWS_ENDPOINT_URL": f"http://{HOST}:{free_port()}"},
    )

    done = call(*RUN, refusal=refusal)

    call.assert_said(done, refusal)
    call.assert_no_secret(done)
    assert call.workspace.simulator.requests("/") == []
