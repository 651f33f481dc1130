"""Queries to parts: bounded, in order, and nothing lost when one fails."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from gcbatch.errors import OutputError, ServiceError
from gcbatch.fetching.engine import fetch_parts
from gcbatch.fetching.observer import Observer
from gcbatch.query import Query, make_query
from gcbatch.store.part_file import Part, PartSource
from gcbatch.store.part_metadata import PartMetadata
from gcbatch.store.store import Store
from gcbatch.windows import Window

START = datetime(2026, 10, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def queries_of(count: int) -> list[Query]:
    windows = [Window(START + n * DAY, START + (n + 1) * DAY) for n in range(count)]
    return [make_query("org", "e", window, b"{}") for window in windows]


class Service:
    """Answers queries, and counts how many are asked at once."""

    def __init__(self, *, failing: dict[int, BaseException] | None = None) -> None:
        self.failing = failing or {}
        self.asked: list[Query] = []
        self.at_once = 0
        self.most_at_once = 0
        self.cancelled = 0

    async def ask(self, query: Query) -> Part:
        number = len(self.asked)
        self.asked.append(query)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            for _ in range(number % 3 + 1):
                await asyncio.sleep(0)  # let other tasks in, as a real request does
            if number in self.failing:
                raise self.failing[number]
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.at_once -= 1
        metadata = PartMetadata(START, query.window, 1, number, 1, 1, ("",))
        return Part(pa.table({"n": pa.array([number], pa.int64())}), metadata)


class Slow:
    """A part whose rows come when a test lets them, unless it is closed by then.

    Attributes:
        begun: Says that somebody waits for them.
        go: Lets them come.
    """

    schema = pa.schema([("n", pa.int64())])
    metadata = PartMetadata(START, Window(START, START + DAY), 1, 1, 1, 1, ("",))
    is_large = True

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()
        self.is_closed = False

    def batches(self) -> Iterable[pa.RecordBatch]:
        self.begun.set()
        assert self.go.wait(timeout=30)
        assert not self.is_closed
        yield pa.record_batch([pa.array([1])], schema=self.schema)

    def close(self) -> None:
        self.is_closed = True

    async def until_begun(self) -> None:
        """Wait for it, then let the rows come a little later."""
        assert await asyncio.to_thread(self.begun.wait, timeout=30)
        asyncio.get_running_loop().call_later(0.05, self.go.set)


class Noting(Observer):
    """Records the parts that were reported, and whether they were stored by then."""

    def __init__(self, is_stored: Callable[[Query], bool]) -> None:
        self.is_stored = is_stored
        self.reported: list[tuple[Query, int]] = []

    def fetched(self, query: Query, rows: int) -> None:
        assert self.is_stored(query)
        self.reported.append((query, rows))


def stored(store: Store, queries: list[Query]) -> list[Query]:
    return [q for q in queries if store.metadata(q.digest) is not None]


@pytest.mark.parametrize("concurrency", [1, 3, 50])
async def test_every_query_ends_as_a_part(tmp_path: Path, concurrency: int) -> None:
    """All are fetched once, in order, so many at a time, and reported when stored."""
    store, service, queries = Store(tmp_path, "j"), Service(), queries_of(20)
    observer = Noting(lambda q: store.metadata(q.digest) is not None)

    await fetch_parts(
        queries, service.ask, store, concurrency=concurrency, observer=observer
    )

    assert service.asked == queries
    assert service.most_at_once <= concurrency
    assert stored(store, queries) == queries
    assert sorted(rows for _, rows in observer.reported) == list(range(20))


async def test_the_first_failure_stops_the_rest(tmp_path: Path) -> None:
    """What is stored by then stays; what is asked is cancelled; no more is asked."""
    store, queries = Store(tmp_path, "j"), queries_of(30)
    problem = ServiceError("POST /x: 500")
    service = Service(failing={9: problem})

    with pytest.raises(ServiceError) as caught:
        await fetch_parts(
            queries, service.ask, store, concurrency=4, observer=Observer()
        )

    assert caught.value is problem
    assert len(service.asked) <= 9 + 4
    assert 0 < len(stored(store, queries)) < 14
    assert queries[9] not in stored(store, queries)


@pytest.mark.parametrize("end", ["a query fails", "it is called off"])
async def test_what_has_come_is_stored_whatever_ends_the_run(
    tmp_path: Path, end: str
) -> None:
    """A part that is being written is written to its end, and then closed."""
    store, queries, slow = Store(tmp_path, "j"), queries_of(2), Slow()
    problem = ServiceError("POST /x: 500")

    async def ask(query: Query) -> PartSource:
        if query is queries[0]:
            return slow
        await slow.until_begun()
        if end == "it is called off":
            running.cancel()
            await asyncio.sleep(60)
        raise problem

    running = asyncio.create_task(
        fetch_parts(queries, ask, store, concurrency=2, observer=Observer())
    )
    with pytest.raises((ServiceError, asyncio.CancelledError)):
        await running

    assert stored(store, queries) == queries[:1]
    assert slow.is_closed


async def test_a_store_that_fails_stops_it_too(tmp_path: Path) -> None:
    """There is no use in asking what cannot be kept."""
    (tmp_path / "j").write_text("in the way")
    service = Service()

    with pytest.raises(OutputError):
        await fetch_parts(
            queries_of(9), service.ask, Store(tmp_path, "j"), concurrency=1,
            observer=Observer(),
        )  # fmt: skip

    assert len(service.asked) == 1


async def test_of_several_problems_the_one_to_act_on_is_raised(tmp_path: Path) -> None:
    """A problem of ours comes without the group that tasks wrap it in."""
    bug, problem = ValueError("bug"), ServiceError("POST /x: 500")
    service = Service(failing={0: bug, 3: problem})  # both after one turn

    with pytest.raises(ServiceError) as caught:
        await fetch_parts(
            queries_of(4), service.ask, Store(tmp_path, "j"), concurrency=4,
            observer=Observer(),
        )  # fmt: skip

    assert caught.value is problem
    assert isinstance(caught.value.__cause__, ExceptionGroup)


async def test_a_bug_keeps_its_group(tmp_path: Path) -> None:
    """Whatever is no problem of ours is not made to look like one."""
    service = Service(failing={0: ValueError("bug")})

    with pytest.raises(ExceptionGroup) as caught:
        await fetch_parts(
            queries_of(2), service.ask, Store(tmp_path, "j"), concurrency=2,
            observer=Observer(),
        )  # fmt: skip

    assert caught.group_contains(ValueError, match="bug")


async def test_nothing_to_ask_is_done(tmp_path: Path) -> None:
    """A run whose parts are all stored asks nothing."""
    service = Service()

    await fetch_parts(
        [], service.ask, Store(tmp_path, "j"), concurrency=4, observer=Observer()
    )

    assert service.asked == []


async def test_large_parts_are_written_one_at_a_time(tmp_path: Path) -> None:
    """Each takes the memory of a row group; the fetches go on meanwhile."""
    store, queries = Store(tmp_path, "j"), queries_of(2)
    parts = dict(zip(queries, (Slow(), Slow()), strict=True))

    async def ask(query: Query) -> PartSource:
        return parts[query]

    running = asyncio.create_task(
        fetch_parts(queries, ask, store, concurrency=2, observer=Observer())
    )
    first, second = parts.values()
    await first.until_begun()
    begun_beside_it = second.begun.is_set()
    await second.until_begun()
    await running

    assert not begun_beside_it
    assert stored(store, queries) == queries


def test_what_has_come_is_stored_however_often_a_run_is_interrupted(
    tmp_path: Path,
) -> None:
    """Also what waits for another part when the event loop cancels what is left."""
    store, queries = Store(tmp_path, "j"), queries_of(3)
    parts = dict(zip(queries, (Slow(), Slow(), Slow()), strict=True))

    async def ask(query: Query) -> PartSource:
        return parts[query]

    async def interrupted() -> None:
        running = asyncio.create_task(
            fetch_parts(queries, ask, store, concurrency=3, observer=Observer())
        )
        assert await asyncio.to_thread(parts[queries[0]].begun.wait, 30)
        running.cancel()
        await asyncio.sleep(0)
        for part in parts.values():
            part.go.set()

    asyncio.run(interrupted())

    assert stored(store, queries) == queries
