"""A part is written once a run, however many workers come to it."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gcbatch.cluster.coordinator import Coordinator
from gcbatch.cluster.protocol import error_from_json
from gcbatch.cluster.rpc_client import CoordinatorClient, RpcError
from gcbatch.cluster.worker_fetcher import WorkerFetcher, open_fetcher
from gcbatch.errors import OutOfReachError, OutputError
from gcbatch.fetching.sessions import OrgSessions
from gcbatch.query import Query
from gcbatch.running.planner import Planner
from gcbatch.store.part_file import PartSource
from gcbatch.store.store import Store
from tests.support.stored_files import folder_of

if TYPE_CHECKING:
    from tests.conftest import Workspace as World
    from tests.conftest import WorkspaceOf as WorldOf


class SlowStore(Store):
    """Writes when a test lets it.

    Attributes:
        go: Lets it write.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store.root, store.name)
        self.go = threading.Event()

    def write(self, digest: str, part: PartSource, **options: Any) -> None:
        assert self.go.wait(timeout=30)
        super().write(digest, part, **options)


@dataclass
class Workers:
    """Two workers of one coordinator, in this process.

    Args:
        world: What they ask.
        fetchers: The fetchers of the workers.
        query: The query of the plan.
        coordinator: Theirs.
    """

    world: "World"
    fetchers: list[WorkerFetcher]
    query: Query
    coordinator: Coordinator

    async def fetch(self, worker: int, before: str | None = None) -> dict[str, Any]:
        return await self.fetchers[worker].fetch(self.query, before)

    @property
    def checksum(self) -> str | None:
        return self.fetchers[0].store.checksum(self.query.digest)

    @property
    def asked(self) -> int:
        return len(self.world.data_requests)


@asynccontextmanager
async def workers_of(world: "World") -> AsyncIterator[Workers]:
    job = world.job()
    clock = asyncio.get_running_loop().time
    coordinator = Coordinator(clock=clock)

    async def call(method: str, **arguments: Any) -> Any:
        answer = getattr(coordinator, method)(**arguments)
        return (await answer if asyncio.iscoroutine(answer) else answer) or {}

    def client_of(worker: str) -> CoordinatorClient:
        return CoordinatorClient(
            call, "org", worker, clock, sleep=lambda _: asyncio.sleep(0.01)
        )

    async with OrgSessions([job]) as orgs:
        session = await orgs.session(job)
        planned = await Planner(job, datetime.now(UTC)).plan_fresh(session)
        client_config = replace(session.client_config, client_secret="")
        timeout_s = client_config.timeout_s
        coordinator.serve("org", session.org_client, timeout_s=timeout_s)
        Store(Path(job.fetch.store), job.store_name).prepare()
        given = (client_config, job.query, job.fetch, job.store_name)
        async with (
            open_fetcher(*given, client_of("w0")) as one,
            open_fetcher(*given, client_of("w1")) as two,
        ):
            yield Workers(world, [one, two], planned.plan.queries[0], coordinator)
    assert coordinator.lease_count == 0


async def until(happened: Any) -> None:
    """Wait for something that another task does; at most half a minute."""
    async with asyncio.timeout(30):
        while not happened():  # noqa: ASYNC110 - it is files that are looked at
            await asyncio.sleep(0.01)


async def test_whoever_comes_second_leaves_the_part_alone(workspace: "World") -> None:
    """Both asked, as when one was taken for dead; the first to write has it."""
    async with workers_of(workspace) as workers:
        slow = workers.fetchers[1].store = SlowStore(workers.fetchers[1].store)
        late = asyncio.create_task(workers.fetch(1))
        await until(lambda: workers.asked == 1)
        first = await workers.fetch(0)
        checksum = workers.checksum

        slow.go.set()
        second = await late

        assert workers.asked == 2
        assert first["rows"] == second["rows"] > 0
        assert workers.checksum == checksum


async def test_the_second_waits_for_the_claim_of_the_first(workspace: "World") -> None:
    """While one may be about to write, no other does; then it may."""
    async with workers_of(workspace) as workers:
        digest = workers.query.digest
        workers.coordinator.claim("org", digest, "first")
        fetching = asyncio.create_task(workers.fetch(0))
        await until(lambda: workers.asked == 1)
        await asyncio.sleep(0.1)
        assert workers.checksum is None

        workers.coordinator.release("org", digest, "first", None)

        assert (await fetching)["rows"] > 0
        assert workers.checksum is not None


async def test_a_part_of_before_is_refetched_once(workspace: "World") -> None:
    """The checksum decides: no worker's clock does."""
    async with workers_of(workspace) as workers:
        await workers.fetch(0)
    async with workers_of(workspace) as workers:
        before = workers.checksum

        first = await workers.fetch(0, before)
        checksum = workers.checksum
        again = await workers.fetch(1, before)

        assert workers.asked == 2
        assert before != checksum == workers.checksum
        assert first["rows"] == again["rows"]


async def test_a_part_is_found_that_was_not_reported(workspace: "World") -> None:
    """Its worker was killed after writing it and before reporting it."""
    async with workers_of(workspace) as workers:
        first = await workers.fetch(0)
        workers.coordinator.serve(
            "org", workers.coordinator._orgs["org"].org_client, timeout_s=1
        )

        second = await workers.fetch(1)

        assert workers.asked == 1
        assert second["rows"] == first["rows"]


async def test_nothing_is_written_once_the_run_is_over(workspace: "World") -> None:
    """A worker that goes on unnoticed must not change what others read by then."""
    async with workers_of(workspace) as workers:
        slow = workers.fetchers[0].store = SlowStore(workers.fetchers[0].store)
        late = asyncio.create_task(workers.fetch(0))
        await until(lambda: workers.asked == 1)

        workers.coordinator.end("org")
        slow.go.set()
        outcome = await late

        assert type(error_from_json(outcome["error"])) is OutOfReachError
        assert workers.checksum is None
        assert not list(folder_of(slow).rglob("*.part"))


async def test_a_worker_without_the_coordinator_says_so(workspace: "World") -> None:
    """Another one should try; no request was sent without a turn."""
    async with workers_of(workspace) as workers:
        minutes = count(step=60)

        async def dead(method: str, **arguments: Any) -> Any:
            del method, arguments
            raise RpcError

        workers.fetchers[0].coordinator.call = dead
        workers.fetchers[0].coordinator.clock = lambda: float(next(minutes))

        outcome = await workers.fetch(0)

        assert "cannot be reached" in outcome["retry"]
        assert workers.asked == 0


async def test_what_was_sent_is_reported_once(workspace: "World") -> None:
    """The traffic of a worker adds up over its queries."""
    async with workers_of(workspace) as workers:
        first, second = [
            await workers.fetch(0, before) for before in (None, workers.checksum)
        ]

        assert first["traffic"].answered == {200: 1}
        assert (first["traffic"].sent, first["traffic"].received > 0) == (1, True)
        assert (second["traffic"].sent, second["traffic"].received) == (0, 0)


async def test_what_is_remarked_is_reported_once(workspace_of: "WorldOf") -> None:
    """Of every query what is new of it: the coordinator adds up."""
    async with workers_of(workspace_of(max_results=20)) as workers:
        first = await workers.fetch(0)
        second = await workers.fetch(0, workers.checksum)

        assert sorted(first["remarks"].values()) == [1, 7]
        assert sorted(second["remarks"].values()) == [1, 8]


async def test_a_store_that_a_worker_does_not_see(workspace: "World") -> None:
    """It is reported before any request, with the path and the worker."""
    job = workspace.job()
    async with OrgSessions([job]) as orgs:
        session = await orgs.session(job)
        client = CoordinatorClient(None, "org", "tls://w7:1", lambda: 0.0)  # type: ignore[arg-type] # never called
        given = (session.client_config, job.query, job.fetch, job.store_name)

        with pytest.raises(OutputError, match=r"does not exist on worker tls://w7:1"):
            async with open_fetcher(*given, client):
                pass

        assert len(workspace.data_requests) == 0
