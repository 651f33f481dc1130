"""The clients: gcbatch, minimal loops, and the peers; each is a process."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from benchmarks.details_server import WIDE
from benchmarks.environments import python_of
from benchmarks.peers.asked import METRICS

__all__ = [
    "ANY_ORDER",
    "BY_JOBS",
    "LOOP",
    "OURS",
    "PEERS",
    "TO_PARTS",
    "Ask",
    "Client",
    "Work",
    "bare_aggregates",
    "bare_details",
    "gcbatch",
    "gcbatch_by_jobs",
    "gcbatch_to_parts",
    "loop_in_no_order",
]

Work = Literal["details", "aggregates"]

OURS: Final = "gcbatch"
BY_JOBS: Final = "gcbatch, by jobs"
TO_PARTS: Final = "gcbatch, to parts"
LOOP: Final = "bare loop"
ANY_ORDER: Final = "loop, in no order"


@dataclass(frozen=True, slots=True)
class Ask:
    """What a client fetches, and where it writes.

    Args:
        url: The address of the server.
        client_id: The client id of the OAuth client.
        secret: The secret of the OAuth client.
        work: What to fetch.
        start: First day.
        end: First day after the range.
        folder: An empty folder of this client.
    """

    url: str
    client_id: str
    secret: str = field(repr=False)
    work: Work
    start: date
    end: date
    folder: Path


@dataclass(frozen=True, slots=True)
class Client:
    """One of the programs that are compared.

    Args:
        name: In tables; a peer has the name of its package.
        output: Name of the file or folder that it writes.
        command: Returns the command that runs it.
        environment: Name of its environment; None is this one.
    """

    name: str
    output: str
    command: Callable[[Ask, Path], Sequence[str]]
    environment: str | None = None

    @property
    def is_peer(self) -> bool:
        """Whether it is the program of others, which is slow."""
        return self.environment is not None


def _gcbatch_command(ask: Ask, path: Path, suffix: str = "") -> list[str]:
    """Return the command that fetches, and exports to a Parquet file."""
    table = "conversations" if ask.work == "details" else "intervals"
    export = {"exporter": "parquet", "table": table, "path": str(path)}
    return _job_command(ask, ask.folder / "store", [export], suffix)


def _parts_command(ask: Ask, path: Path) -> list[str]:
    """Return the command that fetches into a store, without an export."""
    return _job_command(ask, path, [])


def _job_command(
    ask: Ask, store: Path, exports: Sequence[Any], suffix: str = ""
) -> list[str]:
    """Write a job file, and return the command that runs it."""
    query: dict[str, Any] = {
        "endpoint": f"conversation-{ask.work}{suffix}",
        "from": ask.start.isoformat(),
        "to": ask.end.isoformat(),
        "timezone": "UTC",
    }
    fetch = {}
    if ask.work == "aggregates":
        query |= {
            "granularity": "PT15M",
            "group_by": ["queueId", "mediaType"],
            "metrics": METRICS,
        }
        fetch = {"chunk": "P1D"}
    job = {
        "name": "bench",
        "org": {
            "api_url": ask.url,
            "login_url": ask.url,
            "client_id": ask.client_id,
            "client_secret": "${BENCH_SECRET}",
        },
        "query": query,
        "fetch": {
            "requests_per_minute": WIDE,
            "concurrency": 10,
            "store": str(store),
            **fetch,
        },
        "exports": exports,
    }
    file = ask.folder / "job.yaml"
    file.write_text(json.dumps(job, indent=1), "utf-8")  # JSON is YAML
    return [sys.executable, "-m", "gcbatch", "run", str(file)]


def _loop_command(ask: Ask, path: Path) -> list[str]:
    interval = f"{ask.start}T00:00Z/{ask.end}T00:00Z"
    login = [ask.url, ask.client_id, ask.secret]
    return [sys.executable, "-m", "benchmarks.bare_loop", *login, interval, str(path)]


def _asked(ask: Ask, path: Path) -> list[str]:
    return [ask.url, ask.work, str(ask.start), str(ask.end), str(path)]


gcbatch: Final = Client(OURS, "ours.parquet", _gcbatch_command)
gcbatch_by_jobs: Final = Client(
    BY_JOBS, "ours.parquet", partial(_gcbatch_command, suffix="-jobs")
)
gcbatch_to_parts: Final = Client(TO_PARTS, "store", _parts_command)
bare_details: Final = Client(LOOP, "loop.jsonl", _loop_command)
loop_in_no_order: Final = Client(
    ANY_ORDER,
    "loop.jsonl",
    lambda ask, path: [*_loop_command(ask, path), "--as-they-come"],
)
bare_aggregates: Final = Client(
    LOOP,
    "loop.csv",
    lambda ask, path: [
        sys.executable,
        "-m",
        "benchmarks.bare_aggregates",
        *_asked(ask, path),
    ],
)


def _peer(name: str, module: str, output: str, package: str) -> Client:
    """Return a peer; its environment has the name of its extra, its file may not."""

    def command(ask: Ask, path: Path) -> list[str]:
        program = [str(python_of(name)), "-m", f"benchmarks.peers.{module}"]
        return [*program, *_asked(ask, path)]

    return Client(package, output, command, environment=name)


PEERS: Final = (
    _peer("sdk", "sdk", "sdk.csv", "PureCloudPlatformClientV2"),
    _peer("dlt", "dlt_rest", "dlt", "dlt"),
    _peer("singer", "singer", "singer.jsonl", "singer-sdk"),
    _peer("airbyte", "airbyte", "airbyte.jsonl", "airbyte-cdk"),
)
