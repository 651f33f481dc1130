"""Measures the gain of a second worker if processors are the bottleneck, not the quota.

    python benchmarks/cluster.py [rounds]

A separate process serves conversations from memory, without a quota; they are stored in
memory. One worker and two fetch the same parts in turn, several times; the script
prints the ratio of their throughputs for each round. Each worker is limited to one
core, as in a cluster: without the limit, one uses up to 1.2 cores, because its
threads compress and write. The service, the scheduler and the process that runs the job
use the same two cores. Needs the extra `dask` and Linux.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gcbatch import load_job
from gcbatch.fetching import Observer, OrgSessions
from gcbatch.job import Job
from gcbatch.query import Query
from gcbatch.running import LazyEngine, OrgRun, RunOptions
from gcbatch.simulator import Simulator, Tenant, generate_conversations, sample_tenant

ROUNDS = 4
DAYS = 48
A_DAY = 2_000
START = datetime(2026, 3, 1, tzinfo=UTC)
NO_QUOTA = 10**9
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - we use a folder of our own in it
HEADER_END = b"\r\n\r\n"


def busy_s() -> float:
    """Return the seconds that all processors of this machine were busy so far."""
    user, nice, system, _idle, _wait, *rest = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8]
    )
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")


def own_s() -> float:
    """Return those of this process and of its children that ended."""
    return sum(os.times()[:4])


class Memory:
    """Answers as a simulator does; repeated requests from memory."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._known: dict[bytes, bytes] = {}

    async def serve(self) -> int:
        """Listen, and return the port."""
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0, limit=1 << 20)
        return int(server.sockets[0].getsockname()[1])

    async def _talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while True:
                head = await reader.readuntil(HEADER_END)
                length = _length_of(head)
                body = await reader.readexactly(length)
                target = head.split(b"\r\n", 1)[0]
                key = target + body
                if key not in self._known or b"oauth" in target:
                    self._known[key] = await self._forward(head + body)
                writer.write(self._known[key])
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _forward(self, request: bytes) -> bytes:
        """Return the answer of the simulator, without its quota."""
        port = int(self._simulator.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        head = await reader.readuntil(HEADER_END)
        body = await reader.readexactly(_length_of(head))
        writer.close()
        kept = [li for li in head.split(b"\r\n") if b"ratelimit" not in li.lower()]
        return b"\r\n".join(kept) + body


def _length_of(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


async def serve() -> None:
    """Serve conversations until standard input ends; print the port."""
    end = START + timedelta(days=DAYS)
    documents = generate_conversations(1, DAYS * A_DAY, START, end)
    sample = sample_tenant()
    tenant = Tenant(
        name="many", version="1", queues=sample.queues, calls=(), documents=documents
    )
    async with Simulator(tenant, requests_allowed=NO_QUOTA) as simulator:
        print(await Memory(simulator).serve(), simulator.client_secret, flush=True)
        await asyncio.to_thread(sys.stdin.read)


@contextmanager
def service() -> Iterator[tuple[int, str]]:
    """Run the service in a separate process; yields its port and the secret."""
    with subprocess.Popen(
        [sys.executable, __file__, "serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None  # noqa: S101 - by the arguments above
        port, secret = process.stdout.readline().split()
        yield int(port), secret
        process.kill()


def job_of(port: int, secret: str, folder: Path) -> Job:
    """Return a job with a query for each day."""
    url = f"http://127.0.0.1:{port}"
    org = {"api_url": url, "login_url": url, "client_id": "simulator"}
    job = {
        "name": "many",
        "org": {**org, "client_secret": "${SECRET}"},
        "query": {
            "endpoint": "conversation-details",
            "from": f"{START:%Y-%m-%d}",
            "to": f"{START + timedelta(days=DAYS):%Y-%m-%d}",
            "timezone": "UTC",
        },
        "fetch": {
            "chunk": "P1D",
            "store": str(folder / "store"),
            "requests_per_minute": 1_000_000,
        },
        "exports": [
            {"exporter": "csv", "table": "conversations", "path": str(folder / "out")}
        ],
    }
    path = folder / "job.yaml"
    path.write_text(json.dumps(job), "utf-8")
    return load_job(path, environ={**os.environ, "SECRET": secret})


@dataclass
class Clock(Observer):
    """An observer that notes when parts are stored."""

    at: list[float] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)

    def fetched(self, query: Query, rows: int) -> None:
        """Store the time and the rows."""
        del query
        self.at.append(time.perf_counter())
        self.rows.append(rows)

    @property
    def per_s(self) -> float:
        """Conversations a second, while all workers have work: the middle parts."""
        skip = len(self.at) // 6
        took = self.at[-1 - skip] - self.at[skip]
        return sum(self.rows[skip + 1 : len(self.at) - skip]) / took


@contextmanager
def one_core_each() -> Iterator[None]:
    """Limit every worker that this process starts to its own core."""
    stop = threading.Event()
    cores = sorted(os.sched_getaffinity(0))

    def hold() -> None:
        while not stop.wait(0.05):
            for number, pid in enumerate(workers()):
                for thread in Path(f"/proc/{pid}/task").glob("*"):
                    with suppress(OSError):
                        core = cores[number % len(cores)]
                        os.sched_setaffinity(int(thread.name), {core})

    holding = threading.Thread(target=hold)
    holding.start()
    try:
        yield
    finally:
        stop.set()
        holding.join()


def workers() -> list[int]:
    """Return the ids of the workers' processes."""
    found = []
    for child in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(pid) for pid in child.read_text().split()]
    return sorted(pid for pid in found if b"spawn_main" in _command(pid))


def _command(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


async def throughput(job: Job, workers: int) -> float:
    """Fetch everything with some workers, and return conversations a second."""
    settings = job.engine.model_copy(update={"name": "dask", "workers": workers})
    clock = Clock()
    spread = job.model_copy(update={"engine": settings})
    with one_core_each():
        async with OrgSessions([spread]) as orgs, LazyEngine(spread) as engine:
            run = OrgRun(spread, clock)
            await run.fetch(orgs, engine, RunOptions(fresh=True))
    return clock.per_s


def main(rounds: int) -> None:
    """Measure, and print."""
    in_memory = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    with (
        service() as (port, secret),
        tempfile.TemporaryDirectory(dir=in_memory) as folder,
    ):
        job = job_of(port, secret, Path(folder))
        asyncio.run(throughput(job, 2))  # fills the memory of the service
        ratios = []
        for number in range(rounds):
            began, busy, own = time.perf_counter(), busy_s(), own_s()
            order = (1, 2) if number % 2 else (2, 1)
            found = {n: asyncio.run(throughput(job, n)) for n in order}
            ratios.append(found[2] / found[1])
            others = busy_s() - busy - (own_s() - own)
            print(
                f"round {number + 1}: one worker {found[1]:,.0f} conversations/s, "
                f"two {found[2]:,.0f}, ratio {ratios[-1]:.2f}; the service and others "
                f"took {others / (time.perf_counter() - began):.2f} cores"
            )
    print(f"median ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        asyncio.run(serve())
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else ROUNDS)
