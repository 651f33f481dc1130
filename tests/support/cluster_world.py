"""Shared by tests of real clusters: runs, clusters, and what they leave."""

import datetime as dt
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gcbatch.simulator import Tenant, generate_conversations, sample_tenant
from tests.support.ports import free_port

if TYPE_CHECKING:
    from tests.conftest import Workspace

WINDOW_S = 6.0
WEEK = ("1999-08-01", "1999-08-08")
HOURS = 7 * 24
TIMEOUT_S = 90.0
"""Nothing that tests wait for takes so long, unless it never comes."""


def until(happened: Callable[[], bool], *, timeout_s: float = TIMEOUT_S) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + timeout_s
    while not happened():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)


def aggregates_sections() -> dict[str, Any]:
    """Return the sections of a job of 168 queries."""
    return {"query": {"granularity": "PT15M"}, "fetch": {"chunk": "PT1H"}}


def details_sections(workspace: "Workspace") -> dict[str, Any]:
    """Return the sections of a job of seven days of conversations."""
    start, end = WEEK
    return {
        "query": {
            "endpoint": "conversation-details",
            "from": start,
            "to": end,
            "timezone": "UTC",
        },
        "fetch": {"chunk": "P1D"},
        "exports": [
            {
                "exporter": kind,
                "table": "conversations",
                "path": str(workspace.folder / f"{{name}}.{kind}"),
            }
            for kind in ("csv", "json", "parquet")
        ],
    }


def tenant_with_conversations() -> Tenant:
    """Return the sample's org with some thousand conversations beside its calls."""
    start, end = (dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC) for day in WEEK)
    documents = generate_conversations(7, 2_000, start, end)
    sample = sample_tenant()
    return Tenant(
        name="tenant_with_conversations",
        version="1",
        queues=sample.queues,
        calls=sample.calls,
        documents=documents,
    )


def job_file(workspace: "Workspace", name: str, sections: Mapping[str, Any]) -> Path:
    """Write a job file; `{name}` in the paths of exports is filled in."""
    if "exports" not in sections:
        return workspace.write(name, **sections)
    exports = [
        {**export, "path": export["path"].format(name=name)}
        for export in sections["exports"]
    ]
    path = workspace.write(name, **{**sections, "exports": exports})
    job = json.loads(path.read_text("utf-8"))
    job["query"] = sections["query"]  # not merged with that of aggregates
    path.write_text(json.dumps(job), "utf-8")
    return path


class Run:
    """`gcbatch run` in a process of its own.

    Args:
        workspace: Where.
        job: The file.
        options: The options of the command.
        environ: Beside the usual one.
    """

    def __init__(
        self,
        workspace: "Workspace",
        job: Path,
        *options: str,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._out = workspace.folder / f"{job.stem}.{time.monotonic_ns()}.log"
        with self._out.open("wb") as out:
            self.process = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-m", "gcbatch", "run", str(job), "--json", *options],
                env={**workspace.process_environ, **(environ or {})},
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def end(self, *, code: int = 0) -> str:
        """Wait for its end and return what it printed."""
        found = self.process.wait(timeout=TIMEOUT_S)
        assert found == code, self.printed
        return self.printed

    @property
    def printed(self) -> str:
        return self._out.read_text("utf-8")

    def workers(self) -> list[int]:
        """Return the ids of its workers' processes."""
        return [
            pid
            for pid in children(self.process.pid)
            if "spawn_main" in (command(pid) or "")
        ]

    def kill(self) -> None:
        """Kill the process that runs the job, and nothing else."""
        self.process.kill()
        self.process.wait()


def children(pid: int) -> list[int]:
    """Return the ids of a process's children."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            stat = (entry / "stat").read_text() if entry.name.isdigit() else ""
        except OSError:
            continue
        if stat and int(stat.rpartition(")")[2].split()[1]) == pid:
            found.append(int(entry.name))
    return sorted(found)


def command(pid: int) -> str | None:
    """Return the command line of a process; None if it is gone, or a zombie."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().replace("\0", " ")
    except OSError:
        return None


class PartWatch:
    """Watches the parts of a workspace while runs go on.

    Args:
        workspace: Whose parts.

    Attributes:
        seen: By a part's path, the files that it was: number and time of change.
    """

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.seen: dict[str, set[tuple[int, int]]] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(0.005):
            for path in self._workspace.parts:
                found = path.stat()
                files = self.seen.setdefault(str(path), set())
                files.add((found.st_ino, found.st_mtime_ns))

    def rewritten(self) -> list[str]:
        """Return the names of parts that were put in place more than once."""
        return [name for name, files in self.seen.items() if len(files) > 1]


def quota_used(workspace: "Workspace", allowed: int) -> float:
    """Return the part of the quota that was used from the second window of data on.

    The first one goes by while workers start; the last one is not over.
    """
    windows: list[list[Any]] = []
    opened = -WINDOW_S
    for entry in workspace.simulator.requests("/api/"):
        if entry.at >= opened + WINDOW_S:
            opened = entry.at
            windows.append([])
        windows[-1].append(entry)
    first = next(n for n, w in enumerate(windows) if any("query" in e.path for e in w))
    whole = windows[first + 1 : -1]
    assert len(whole) >= 2, "too short to tell"
    served = sum(entry.status != 429 for window in whole for entry in window)
    return float(served / (len(whole) * allowed))


def refused_count(workspace: "Workspace") -> int:
    """Return how many answers were 429."""
    return len(workspace.simulator.request_log.throttled)


def token_count(workspace: "Workspace") -> int:
    """Return how many tokens were requested."""
    return len(workspace.simulator.requests("/oauth/token"))


def certificate(folder: Path) -> dict[str, str]:
    """Make a certificate for all sides, and return the settings of Dask for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test cluster")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert, secret = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    tls = "DASK_DISTRIBUTED__COMM__TLS__"
    sides = ("SCHEDULER", "WORKER", "CLIENT")
    return {
        "DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "true",
        f"{tls}CA_FILE": str(cert),
        **{f"{tls}{side}__CERT": str(cert) for side in sides},
        **{f"{tls}{side}__KEY": str(secret) for side in sides},
    }


@dataclass
class RunningCluster:
    """A cluster that is there before a job: a scheduler and workers of its own.

    Args:
        folder: For certificates, logs and what workers spill.
        host: Where the scheduler listens.

    Attributes:
        environ: Has Dask's settings for the certificates.
        processes: By name; those that ended are not among them.
    """

    folder: Path
    host: str = "127.0.0.1"
    port: int = field(default_factory=free_port)
    pages: int = field(default_factory=free_port)
    environ: dict[str, str] = field(init=False)
    processes: dict[str, "subprocess.Popen[bytes]"] = field(
        default_factory=dict, init=False
    )

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.environ = certificate(self.folder)

    @property
    def address(self) -> str:
        return f"tls://{self.host}:{self.port}"

    def start_scheduler(self) -> None:
        """Start the scheduler and wait until it listens."""
        self._start(
            "scheduler",
            "distributed.cli.dask_scheduler",
            *("--host", self.host, "--port", str(self.port), "--protocol", "tls"),
            *("--dashboard-address", f"127.0.0.1:{self.pages}"),
        )
        until(self._listens)

    def start_worker(self, name: str, *, inside: Sequence[str] = ()) -> None:
        """Start a worker.

        Args:
            name: The name of the worker.
            inside: The beginning of the command, such as `ip netns exec one`.
        """
        spill = self.folder / f"spill-{name}"
        self._start(
            name,
            "distributed.cli.dask_worker",
            self.address,
            *("--name", name, "--no-nanny", "--nthreads", "4"),
            *("--local-directory", str(spill), "--protocol", "tls"),
            *("--no-dashboard",) if inside else ("--dashboard-address", ":0"),
            inside=inside,
        )

    def _start(
        self, name: str, module: str, *options: str, inside: Sequence[str] = ()
    ) -> None:
        # Nothing of ours: the secret must come to no worker by its environment.
        environ = {k: v for k, v in os.environ.items() if not k.startswith("GENESYS")}
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(  # noqa: S603 - our own command
                [*inside, sys.executable, "-m", module, *options],
                env={**environ, **self.environ},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((self.host, self.port)) == 0

    def kill(self, name: str) -> None:
        """Kill a process, without a chance to say goodbye."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def is_empty(self) -> bool:
        """Say whether all processes have ended; those that did are forgotten."""
        ended = [n for n, p in self.processes.items() if p.poll() is not None]
        for name in ended:
            del self.processes[name]
        return not self.processes

    def close(self) -> None:
        """Kill all of it."""
        for name in list(self.processes):
            self.kill(name)


@contextmanager
def running_cluster(
    folder: Path, *workers: str, host: str = "127.0.0.1"
) -> Iterator[RunningCluster]:
    """Start a cluster of its own; end it on leaving."""
    with ExitStack() as stack:
        cluster = RunningCluster(folder / "cluster", host)
        stack.callback(cluster.close)
        cluster.start_scheduler()
        for name in workers:
            cluster.start_worker(name)
        yield cluster
