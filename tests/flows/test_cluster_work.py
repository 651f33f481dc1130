"""Queries as tasks of a cluster, its scheduler and worker in this process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from distributed import LocalCluster, Worker
from distributed.security import Security

from gcbatch.cluster.coordinator import Coordinator
from gcbatch.cluster.engine import dask_engine
from gcbatch.cluster.protocol import error_from_json
from gcbatch.cluster.rpc_server import serve_rpc
from gcbatch.cluster.worker_pool import WorkerPool
from gcbatch.cluster.worker_task import RELEASE, Assignment, WorkerSession, fetch_query
from gcbatch.errors import JobError, OutOfReachError
from gcbatch.fetching.sessions import OrgSessions
from gcbatch.genesys.client.org_client import OrgClient
from gcbatch.job import EngineSection, Fetch
from gcbatch.query import Query
from gcbatch.running.planner import Planner

if TYPE_CHECKING:
    from tests.conftest import Workspace


@asynccontextmanager
async def cluster_of(workers: int) -> AsyncIterator[LocalCluster]:
    """Start a cluster in this process."""
    async with LocalCluster(
        n_workers=workers,
        threads_per_worker=2,
        processes=False,
        dashboard_address=None,
        asynchronous=True,
        protocol="tcp://",
        host="127.0.0.1",
        scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
    ) as cluster:
        yield cluster


@dataclass
class World:
    """A worker, and what it is given to do.

    Args:
        workers: Of the one worker.
        worker: Itself.
        assignment: Its assignment.
        queries: The queries of the job.
        org_client: The way to the org.
        coordinator: Grants requests.
    """

    workers: WorkerPool
    worker: Worker
    assignment: Assignment
    queries: tuple[Query, ...]
    org_client: OrgClient
    coordinator: Coordinator
    calls: int = 0

    async def fetch(self, number: int, *, assignment: Assignment | None = None) -> Any:
        self.calls += 1
        key = f"task-{self.calls}"
        return await self.workers.call(
            fetch_query,
            key,
            assignment or self.assignment,
            self.queries[number],
            None,
            key=key,
        )

    @property
    def sessions(self) -> list[WorkerSession]:
        kept = self.worker.plugins.values()
        return [plugin for plugin in kept if isinstance(plugin, WorkerSession)]


@asynccontextmanager
async def world_of(workspace: "Workspace") -> AsyncIterator[World]:
    asked = workspace.job()
    coordinator = Coordinator(clock=asyncio.get_running_loop().time)
    async with OrgSessions([asked]) as orgs, cluster_of(1) as cluster:
        session = await orgs.session(asked)
        planner = Planner(asked, datetime.now(UTC))
        planner.store.prepare()
        plan = (await planner.plan_fresh(session)).plan
        coordinator.serve("org", session.org_client, timeout_s=30.0)
        security = Security()
        workers = WorkerPool(
            cluster.scheduler_address, security, coordinator.worker_gone
        )
        async with (
            serve_rpc(coordinator, "tcp://127.0.0.1", security) as address,
            workers.opened(),
        ):
            assignment = Assignment(
                name="run-1",
                release=RELEASE,
                org="org",
                coordinator=address,
                client_config=replace(session.client_config, client_secret=""),
                query_section=asked.query,
                fetch=asked.fetch,
                store=asked.store_name,
            )
            (worker,) = cluster.workers.values()
            yield World(
                workers,
                worker,
                assignment,
                plan.queries,
                session.org_client,
                coordinator,
            )


async def test_a_worker_keeps_its_session_for_the_next_query(
    workspace: "Workspace",
) -> None:
    """Connections and token are opened once, also by two queries at once."""
    async with world_of(workspace) as world:
        outcomes = await asyncio.gather(*(world.fetch(n) for n in range(4)))

        assert all(outcome["rows"] > 0 for outcome in outcomes)
        assert len(world.sessions) == 1
        assert len(workspace.parts) == 4
        assert world.coordinator.lease_count == 0


async def test_a_session_that_is_left_is_closed(workspace: "Workspace") -> None:
    """The job may have ended without a word; a query that comes late opens another."""
    async with world_of(workspace) as world:
        await world.fetch(0)
        (left,) = world.sessions

        left._leave()
        await world.fetch(1)

        (new,) = world.sessions
        assert new is not left
        assert left._fetcher is None


async def test_another_release_is_refused(workspace: "Workspace") -> None:
    """Before anything is asked: parts of two releases need not fit together."""
    async with world_of(workspace) as world:
        other = replace(world.assignment, release="0.0.1")

        outcome = await world.fetch(0, assignment=other)

        problem = error_from_json(outcome["error"])
        assert type(problem) is JobError
        assert f"has gcbatch {RELEASE}, not 0.0.1" in problem.problem
        assert workspace.data_requests == []


async def test_what_no_run_waits_for_is_left(workspace: "Workspace") -> None:
    """The job is gone; the hands it kept busy are free for its next run."""
    async with world_of(workspace) as world:
        world.org_client.limiter.pause_all(3600)
        waiting = asyncio.create_task(world.fetch(0))
        while not world.sessions:  # noqa: ASYNC110 - of another task, without an event
            await asyncio.sleep(0.01)

        waiting.cancel()
        async with asyncio.timeout(30):
            while world.worker.state.executing_count:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)

        assert workspace.data_requests == []


async def broken() -> None:
    msg = "a bug"
    raise KeyError(msg)


async def test_a_bug_keeps_its_name(workspace: "Workspace") -> None:
    """It is not asked again: that would hide it, and not mend it."""
    async with world_of(workspace) as world:
        with pytest.raises(KeyError, match="a bug"):
            await world.workers.call(broken, key="broken")


async def test_without_workers_hope_ends() -> None:
    """A scheduler keeps a task for ever; a run does not."""
    async with cluster_of(0) as cluster:
        address = cluster.scheduler_address
        workers = WorkerPool(address, Security(), lambda _: None, give_up_s=0.1)
        async with workers.opened():
            with pytest.raises(OutOfReachError, match=r"no scheduler or no worker for"):
                await workers.call(broken, key="never")


@pytest.mark.slow
async def test_a_runs_own_workers_show_no_pages() -> None:
    """Whoever else is on this machine sees nothing of the job."""
    settings, fetch = EngineSection(name="dask", workers=1), Fetch()
    async with dask_engine(settings, fetch) as engine, aiohttp.ClientSession() as web:
        reported = await engine.workers._dask.scheduler.identity()
        ports = [reported["services"]["dashboard"]]
        ports += [w["services"]["dashboard"] for w in reported["workers"].values()]

        for port in ports:
            for page in ("info/main/workers.html", "json/identity.json", "metrics"):
                url = f"http://127.0.0.1:{port}/{page}"
                async with web.get(url) as answer:
                    assert answer.status == 404
