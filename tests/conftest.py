"""Shared by end-to-end tests: a simulator, and jobs that fetch from it."""

import asyncio
import gc
import json
import logging
import os
import selectors
import signal
import sys
import threading
from collections import Counter
from collections.abc import (
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterator,
    Mapping,
)
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit
from zlib import crc32

import pytest
from hypothesis import settings
from typer.testing import CliRunner, Result

from gcbatch import Job, RunReport, export_job, load_job, run
from gcbatch.cli import app
from gcbatch.simulator import Entry, Simulator, Tenant, sample_tenant
from tests.support.requirements import require

if TYPE_CHECKING:
    from tests.support.azure_server import AzureContainer, AzureServer
    from tests.support.kept_servers import S
    from tests.support.postgres_server import PostgresDatabase, PostgresServer
    from tests.support.s3_proxy import FaultyS3
    from tests.support.s3_server import S3Bucket, S3Server

T = TypeVar("T")

# How long an example takes says more of the machine than of the code. Examples are the
# same each time, so that a change is judged by itself; `search` looks for new ones.
settings.register_profile(
    "repeatable", deadline=None, derandomize=True, max_examples=40
)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile("repeatable")


# A shell starts what it runs in the background with Ctrl-C ignored; tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True, wrapper=True)
def pytest_collection_modifyitems(
    items: list[pytest.Item],
) -> Generator[None, None, None]:
    """Mark tests; with GCBATCH_ONE_CASE, keep one case of each that is selected."""
    _mark(items)
    yield
    if os.environ.get("GCBATCH_ONE_CASE"):
        items[:] = _one_case_each(items)


def _one_case_each(items: list[pytest.Item]) -> list[pytest.Item]:
    """Return for each test the case that a hash of its name picks."""
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    return [own[crc32(name.encode()) % len(own)] for name, own in cases.items()]


def _mark(items: list[pytest.Item]) -> None:
    """Mark the flows; leave every nth case of a truth over many to the default command.

    A number without a divisor in common with those of the parameters meets all of
    their values.
    """
    seen: Counter[str] = Counter()
    for item in items:
        if "flows" in item.path.parts:
            item.add_marker(pytest.mark.flow)
        if (mark := item.get_closest_marker("one_in")) is not None:
            name = item.nodeid.partition("[")[0]
            if seen[name] % mark.args[0]:
                item.add_marker(pytest.mark.slow)
            seen[name] += 1


def pytest_collection_finish() -> None:
    """Look for garbage among what tests make alone, not in what was collected.

    5,000 tests and their modules are a large heap to go through again and again: it
    took a twelfth of the time.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def unsynced() -> Iterator[None]:
    """Force nothing to disk: no test cuts the power, and it takes an eighth of all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


WIDE = 1_000_000
"""A quota that no test reaches, so that none waits for it."""

QUERY = {
    "from": "1999-08-01",
    "to": "1999-08-08",
    "timezone": "Asia/Jerusalem",
    "granularity": "PT1H",
    "metrics": ["nOffered", "tAnswered", "tAbandon", "tHandle", "oServiceLevel"],
}
"""The sample's week, seven windows long in the jobs below."""


STORAGE = {
    "s3": {
        "endpoint": "${AWS_ENDPOINT_URL}",
        "region": "${AWS_REGION}",
        "access_key_id": "${AWS_ACCESS_KEY_ID}",
        "secret_access_key": "${AWS_SECRET_ACCESS_KEY}",
    }
}
"""The section of a job that uses the S3 server of the tests."""


@dataclass
class Workspace:
    """A simulator, and a folder for jobs that fetch from it.

    Args:
        simulator: The service; it runs in another thread.
        folder: For job files, stores and outputs.
        simulator_thread: The thread of the simulator.
        bucket: Has the stores of the jobs; None: a folder has them.
    """

    simulator: Simulator
    folder: Path
    simulator_thread: "SimulatorThread"
    bucket: "S3Bucket | None" = None
    environ: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.environ = {"GENESYS_CLIENT_SECRET": self.simulator.client_secret}
        if self.bucket is not None:
            self.environ |= self.bucket.environ

    @property
    def process_environ(self) -> dict[str, str]:
        """For a process of its own, which needs the rest of ours too."""
        return {**os.environ, **self.environ}

    @property
    def data_requests(self) -> list[Entry]:
        """The requests for data, however they were answered."""
        return self.simulator.requests("/api/v2/analytics/")

    @property
    def parts(self) -> list[Path]:
        """The parts of all jobs."""
        return sorted(self.folder.glob("store/*/parts/*.parquet"))

    def become(self, tenant: Tenant, **options: Any) -> None:
        """Put another tenant at the address, as when an org changes between runs."""
        port = urlsplit(self.simulator.url).port
        self.simulator_thread.do(self.simulator.stop())
        options = {"requests_allowed": WIDE, "port": port, **options}
        self.simulator = Simulator(tenant, **options)
        self.simulator_thread.do(self.simulator.start())

    def write(self, name: str = "job", **sections: Any) -> Path:
        """Write a job file; sections are merged into the usual job."""
        job: dict[str, Any] = {
            "name": name,
            "org": {
                "api_url": self.simulator.url,
                "login_url": self.simulator.url,
                "client_id": self.simulator.client_id,
                "client_secret": "${GENESYS_CLIENT_SECRET}",
            },
            "query": dict(QUERY),
            "fetch": {
                "chunk": "P1D",
                "requests_per_minute": WIDE,
                "store": str(self.folder / "store"),
            },
            "exports": [
                {
                    "exporter": kind,
                    "table": "intervals",
                    "path": str(self.folder / f"{name}.{kind}"),
                }
                for kind in ("csv", "json", "parquet")
            ],
        }
        if self.bucket is not None:
            job["storage"] = STORAGE
            job["fetch"]["store"] = f"{self.bucket.url}/{self.folder.name}/store"
        for section, content in sections.items():
            is_part = isinstance(content, Mapping) and section in job
            job[section] = {**job[section], **content} if is_part else content
        path = self.folder / f"{name}.yaml"
        path.write_text(json.dumps(job, indent=1), "utf-8")  # JSON is YAML
        return path

    def job(self, name: str = "job", **sections: Any) -> Job:
        """Write a job file and load it."""
        return load_job(self.write(name, **sections), environ=self.environ)

    def run(
        self,
        name: str = "job",
        *,
        fresh: bool = False,
        refetch: str | None = None,
        **sections: Any,
    ) -> RunReport:
        """Run a job."""
        return run(self.job(name, **sections), fresh=fresh, refetch=refetch)

    def export(self, name: str = "job", **sections: Any) -> RunReport:
        """Export a job again."""
        return export_job(self.job(name, **sections))

    def outputs(self, name: str = "job") -> dict[str, bytes]:
        """Return what was written in each format."""
        kinds = ("csv", "json", "parquet")
        return {kind: (self.folder / f"{name}.{kind}").read_bytes() for kind in kinds}


class SimulatorThread:
    """A thread with an event loop, in which simulators run during the tests."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run *work* there and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=30)

    def close(self) -> None:
        """Cancel what is still at work and end the thread."""
        self.do(_cancel_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others)


@pytest.fixture(scope="session")
def simulator_thread() -> Iterator[SimulatorThread]:
    simulator_thread = SimulatorThread()
    yield simulator_thread
    simulator_thread.close()


WorkspaceOf = Callable[..., Workspace]


@pytest.fixture
def workspace_of(
    simulator_thread: SimulatorThread, tmp_path: Path
) -> Iterator[WorkspaceOf]:
    """Start simulators of given tenants and options."""
    workspaces: list[Workspace] = []

    def start(
        tenant: Tenant | None = None,
        *,
        bucket: "S3Bucket | None" = None,
        **options: Any,
    ) -> Workspace:
        options = {"requests_allowed": WIDE, **options}
        simulator = Simulator(tenant or sample_tenant(), **options)
        simulator_thread.do(simulator.start())
        folder = tmp_path / f"workspace{len(workspaces)}"
        folder.mkdir()
        workspaces.append(Workspace(simulator, folder, simulator_thread, bucket))
        return workspaces[-1]

    yield start
    for workspace in workspaces:
        simulator_thread.do(workspace.simulator.stop())


@pytest.fixture
def workspace(workspace_of: WorkspaceOf) -> Workspace:
    """Start a simulator of the sample week."""
    return workspace_of()


Cli = Callable[..., Result]


@pytest.fixture
def cli(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run a command in this process, with the workspace's secret in the environment."""
    monkeypatch.chdir(workspace.folder)
    for name, value in workspace.environ.items():
        monkeypatch.setenv(name, value)

    def invoke(*args: object) -> Result:
        return CliRunner().invoke(app, [str(arg) for arg in args])

    return invoke


@pytest.fixture(scope="session")
def sdk() -> Any:
    """Import the official SDK, which takes seconds and sets up logging of its own."""
    level = logging.getLogger().level
    import PureCloudPlatformClientV2  # noqa: PLC0415 - slow, and few need it

    logging.getLogger().setLevel(level)
    return PureCloudPlatformClientV2


@pytest.fixture
def api(sdk: Any, workspace: Workspace) -> Iterator[Any]:
    """Log the SDK in to the workspace's simulator."""
    simulator = workspace.simulator
    client = sdk.api_client.ApiClient(simulator.url)
    client.get_client_credentials_token(simulator.client_id, simulator.client_secret)
    yield client
    client.http_client.rest_client.pool_manager.clear()


@pytest.fixture(scope="session")
def postgres_server(
    tmp_path_factory: pytest.TempPathFactory,
) -> "Iterator[PostgresServer]":
    """Start a PostgreSQL server, one for all processes of the session.

    Where none is installed, the test is skipped, or fails if GCBATCH_REQUIRE_POSTGRES
    is set.
    """
    _skip_without_shared_locks()
    from tests.support import postgres_server as support  # noqa: PLC0415 - has a driver

    if support.find_postgres() is None:
        require("GCBATCH_REQUIRE_POSTGRES", support.MISSING)
    yield from _shared(support.PostgresServer, tmp_path_factory)


def _skip_without_shared_locks() -> None:
    if sys.platform == "win32":
        pytest.skip("Windows has no locks that a process shares with its keeper")


def _shared(kind: "type[S]", tmp_path_factory: pytest.TempPathFactory) -> "Iterator[S]":
    """Give the server of the session."""
    from tests.support.kept_servers import shared_server  # noqa: PLC0415 - not on Windows

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # that of the session
    with shared_server(kind, folder) as server:
        yield server


@pytest.fixture
def postgres(postgres_server: "PostgresServer") -> "Iterator[PostgresDatabase]":
    """Create a database of the test's own, whose owner needs a password."""
    from tests.support.postgres_server import new_database  # noqa: PLC0415 - as above

    with new_database(postgres_server) as database:
        yield database


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[S3Server]":
    """Start an S3 server, one for all processes of the session.

    Where none is installed, the test is skipped, or fails if GCBATCH_REQUIRE_S3 is set.
    """
    _skip_without_shared_locks()
    from tests.support import s3_server as support  # noqa: PLC0415 - needs the extra

    if support.find_weed() is None:
        require("GCBATCH_REQUIRE_S3", support.MISSING)
    yield from _shared(support.S3Server, tmp_path_factory)


@pytest.fixture
def s3(s3_server: "S3Server") -> "Iterator[S3Bucket]":
    """Create a bucket of the test's own."""
    from tests.support.s3_server import new_bucket  # noqa: PLC0415 - as above

    with new_bucket(s3_server) as bucket:
        yield bucket


@pytest.fixture(scope="session")
def azure_server(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[AzureServer]":
    """Start a server of Azure's blobs, one for all processes of the session.

    Where none is installed, the test is skipped, or fails if GCBATCH_REQUIRE_AZURE is
    set.
    """
    _skip_without_shared_locks()
    from tests.support import azure_server as support  # noqa: PLC0415 - needs the extra

    if support.find_azurite() is None:
        require("GCBATCH_REQUIRE_AZURE", support.MISSING)
    yield from _shared(support.AzureServer, tmp_path_factory)


@pytest.fixture
def azure(azure_server: "AzureServer") -> "Iterator[AzureContainer]":
    """Create a container of the test's own."""
    from tests.support.azure_server import new_container  # noqa: PLC0415 - as above

    with new_container(azure_server) as container:
        yield container


@pytest.fixture
def faulty_s3(
    s3_server: "S3Server", simulator_thread: SimulatorThread
) -> "Iterator[FaultyS3]":
    """Start an address that leads to the S3 server, through faults."""
    from tests.support.s3_proxy import FaultyS3  # noqa: PLC0415 - few need it

    proxy = FaultyS3(s3_server.endpoint)
    simulator_thread.do(proxy.start())
    yield proxy
    simulator_thread.do(proxy.stop())


class TurnedSelector(selectors.SelectSelector):
    """Lets time pass in no time: waiting turns the clock on."""

    now = 0.0

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        # Work takes time too; without it, waits that round to nothing never end.
        self.now += max(timeout or 0.0, 1e-6)
        return super().select(0)


class TurnedLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only while all tasks sleep."""

    def __init__(self) -> None:
        self.turned = TurnedSelector()
        super().__init__(self.turned)

    def time(self) -> float:
        return self.turned.now

    async def shutdown_default_executor(self, *_: object) -> None:
        """Wait for threads without a limit: they do not follow this clock."""
        await super().shutdown_default_executor()


def in_turned_time(work: Callable[[Callable[[], float]], Awaitable[None]]) -> None:
    """Run *work* with its clock."""
    with asyncio.Runner(loop_factory=TurnedLoop) as runner:

        async def run() -> None:
            await work(asyncio.get_running_loop().time)

        runner.run(run())


@pytest.fixture(name="in_turned_time")
def in_turned_time_fixture() -> Callable[
    [Callable[[Callable[[], float]], Awaitable[None]]], None
]:
    """Run work whose waits take no time, with its clock."""
    return in_turned_time
