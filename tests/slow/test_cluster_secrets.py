"""The secret reaches no worker, and the token nothing but workers' memory."""

import asyncio
import os
import pickle
import re
import signal
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urljoin

import pytest
from distributed import Client
from distributed.security import Security

from tests.support.cluster_world import (
    WINDOW_S,
    Run,
    RunningCluster,
    aggregates_sections,
    job_file,
    running_cluster,
    until,
)

if TYPE_CHECKING:
    from tests.conftest import WorkspaceOf

pytestmark = pytest.mark.cluster

PAGES = (
    "/info/main/workers.html",
    "/info/main/exceptions.html",
    "/info/main/logs.html",
    "/json/identity.json",
    "/json/counts.json",
    "/metrics",
    "/sitemap.json",
    "/status",
    "/health",
    "/api/v1/get_workers",
)


def pages(address: str) -> dict[str, bytes]:
    """Return the pages of a dashboard, and all that they lead to."""
    found: dict[str, bytes] = {}
    waiting = [urljoin(address, page) for page in PAGES]
    while waiting:
        page = waiting.pop()
        if page in found or not page.startswith(address):
            continue
        with suppress(HTTPError), urllib.request.urlopen(page, timeout=10) as answer:  # noqa: S310 - loopback
            found[page] = answer.read()
            links = re.findall(rb'href="([^"#]+)"', found[page])
            waiting += [urljoin(page, link.decode()) for link in links]
    return found


def memory(pid: int) -> Iterator[bytes]:
    """Yield what a process has in memory that it may write to."""
    maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as file:
        for line in maps:
            span, rights, *_ = line.split()
            if not rights.startswith("rw"):
                continue
            start, end = (int(at, 16) for at in span.split("-"))
            with suppress(OSError, ValueError, OverflowError):
                file.seek(start)
                yield file.read(end - start)


def holds(pid: int, secrets: list[bytes]) -> set[bytes]:
    return {s for piece in memory(pid) for s in secrets if s in piece}


async def states(cluster: RunningCluster) -> list[str]:
    """Return what scheduler and workers show about themselves."""
    cert, key = (str(cluster.folder / name) for name in ("cert.pem", "key.pem"))
    security = Security(
        require_encryption=True,
        tls_ca_file=cert,
        tls_client_cert=cert,
        tls_client_key=key,
    )

    def of_scheduler(dask_scheduler: Any) -> str:
        tasks = {
            key: (repr(task.run_spec), pickle.dumps(task.run_spec))
            for key, task in dask_scheduler.tasks.items()
        }
        plugins = (dask_scheduler.worker_plugins, dask_scheduler.plugins)
        return repr((tasks, plugins, dask_scheduler.get_events()))

    def of_worker(dask_worker: Any) -> str:
        tasks = {
            key: (repr(task.run_spec), pickle.dumps(task.run_spec))
            for key, task in dask_worker.state.tasks.items()
        }
        return repr((tasks, dask_worker.plugins, dask_worker.get_logs()))

    async with Client(cluster.address, asynchronous=True, security=security) as client:
        dumped = cluster.folder / "dump"
        await client.dump_cluster_state(str(dumped), format="yaml")
        reported = [
            await client.run_on_scheduler(of_scheduler),
            await client.run(of_worker),
            await client.get_scheduler_logs(),
            await client.get_worker_logs(),
            await client.get_versions(),
        ]
    return [*map(repr, reported), dumped.with_suffix(".yaml").read_text("utf-8")]


def test_secret_and_tokens_cannot_be_read(
    workspace_of: "WorkspaceOf", tmp_path: Path
) -> None:
    """No task, state, log, page or file has them; the scheduler not even in memory.

    The token lives for a few seconds, so that there are several.
    """
    secret = "s3cret-" + 4 * "8f1c"
    workspace = workspace_of(
        requests_allowed=60,
        window_s=6.0,
        client_secret=secret,
        token_lifetime_s=8.0,
    )
    tokens = workspace.simulator._access._good_until
    job = job_file(workspace, "job", aggregates_sections())
    with running_cluster(tmp_path, "one", "two") as cluster:
        options = ("--scheduler", cluster.address, "--verbose")
        run = Run(workspace, job, *options, environ=cluster.environ)
        until(lambda: len(workspace.parts) >= 20)  # most is still to be done
        workers = [cluster.processes[name].pid for name in ("one", "two")]
        scheduler = cluster.processes["scheduler"].pid

        seen = pages(f"http://127.0.0.1:{cluster.pages}/")
        reported = asyncio.run(states(cluster))
        hidden = [secret.encode(), *(token.encode() for token in tokens)]
        in_workers = [holds(pid, hidden) for pid in workers]
        in_scheduler = holds(scheduler, hidden)
        run.end()

    shown = [page.decode("utf-8", "replace") for page in seen.values()]
    reported += [run.printed, *shown]
    files = [p for f in (cluster.folder, workspace.folder) for p in f.rglob("*")]
    reported += [p.read_text("utf-8", "replace") for p in files if p.is_file()]
    hidden = [secret.encode(), *(token.encode() for token in tokens)]
    assert [h for h in hidden if any(h.decode() in text for text in reported)] == []
    assert in_scheduler == set()
    # The search does find what is there; a worker may have nothing to ask just then.
    assert any(in_workers)
    assert secret.encode() not in set().union(*in_workers)
    assert len(tokens) >= 3
    assert "fetch_query" in reported[0]
    assert any("gcbatch-" in page for page in shown), "\n".join(seen)


def environment(pid: int) -> bytes:
    """Return what a process was started with; nothing if it is gone."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize("way", ["variable", "file"])
def test_workers_of_a_runs_own_do_not_inherit_the_secret(
    workspace_of: "WorkspaceOf", way: str
) -> None:
    """Neither in the environment nor in memory, nor the path of its file.

    The same holds for those that are started in place of some that died.
    """
    secret = "s3cret-" + 4 * "8f1c"
    workspace = workspace_of(
        requests_allowed=60, window_s=WINDOW_S, client_secret=secret
    )
    path = workspace.folder / "secret.txt"
    path.write_text(secret)
    job = job_file(workspace, "job", aggregates_sections())
    environ = {"ANOTHER": f"Basic {secret}", "KEPT": "kept", "SECRET_FILE": str(path)}
    if way == "file":
        reported = job.read_text().replace(
            '"${GENESYS_CLIENT_SECRET}"', '{"file": "${SECRET_FILE}"}'
        )
        job.write_text(reported)
    hidden = [secret.encode(), *([str(path).encode()] if way == "file" else ())]
    run = Run(workspace, job, "--workers", "2", environ=environ)
    until(lambda: len(workspace.parts) > 10)
    first = set(run.workers())
    found = {pid: environment(pid) for pid in first}
    in_memory = [holds(pid, hidden[:1]) for pid in first]
    os.kill(min(first), signal.SIGKILL)
    until(lambda: len(set(run.workers()) - first) == 1 or bool(run.process.poll()))

    (later,) = set(run.workers()) - first
    found[later] = environment(later)
    run.end()

    assert len(found) == 3
    assert all(b"KEPT=kept" in reported for reported in found.values())
    assert not [h for h in hidden for reported in found.values() if h in reported]
    assert in_memory == [set(), set()]
