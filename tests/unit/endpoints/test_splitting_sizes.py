"""How large a query may be is learnt from what the service refuses."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import pyarrow as pa

from gcbatch.endpoints.splitting import Splitter
from gcbatch.errors import TooLargeError
from gcbatch.genesys.limits import JOB_PAGE
from gcbatch.query import Query, make_query
from gcbatch.store.part_file import Part
from gcbatch.store.part_metadata import PartMetadata
from gcbatch.windows import Period, Window

START = datetime(2026, 10, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
INSTANT = pa.timestamp("ms", tz="UTC")
SCHEMA = pa.schema(
    {"interval_start": INSTANT, "interval_end": INSTANT, "q": pa.string()}
)


class Limited:
    """Answers at most so many buckets times queues; larger answers take longer.

    Args:
        most: How many.

    Attributes:
        asked: The sizes that were asked for, in order.
    """

    cuts_by_clock = False

    def __init__(self, most: int) -> None:
        self.most = most
        self.asked: list[int] = []

    def groups(self, _query: Any) -> tuple[str, ...]:
        return ("q",)

    def queues_of(self, template: bytes) -> tuple[str, ...]:
        return tuple(json.loads(template))

    def halve_queues(self, template: bytes, _asked: Any) -> list[bytes]:
        ids = json.loads(template)
        middle = len(ids) // 2
        halves = (ids[:middle], ids[middle:])
        return [json.dumps(half).encode() for half in halves] if middle else []

    async def fetch(
        self, _client: Any, query: Query, _asked: Any, **_more: Any
    ) -> Part:
        size = query.window.span // HOUR * len(self.queues_of(query.template))
        self.asked.append(size)
        for _ in range(size):
            await asyncio.sleep(0)
        if size > self.most:
            raise TooLargeError(str(size))
        return part()


def part() -> Part:
    metadata = PartMetadata(START, Window(START, START + HOUR), 1, 0, 1, 1, ())
    return Part(SCHEMA.empty_table(), metadata)


def query(hours: int, queues: int = 1) -> Query:
    window = Window(START, START + hours * HOUR)
    return make_query("org", "e", window, json.dumps([*"abcdefgh"][:queues]).encode())


def splitter_of(
    service: Limited, by_job: Callable[[Query], Awaitable[Part]] | None = None
) -> Splitter:
    asked = SimpleNamespace(granularity=Period.parse("PT1H"), zone=ZoneInfo("UTC"))
    context = SimpleNamespace(client=None, query_section=asked)
    return Splitter(cast("Any", service), cast("Any", context), by_job)


async def jobs_for(hours: int, *, too_large: int) -> int:
    """Return how many jobs a query takes where a size is known to be too large."""
    went: list[Query] = []

    async def by_job(query: Query) -> Part:
        went.append(query)
        return part()

    splitter = splitter_of(Limited(too_large - 1), by_job)
    splitter.too_large = too_large
    await splitter.fetch(query(hours))
    return len(went)


async def test_a_size_is_buckets_times_queues() -> None:
    """Half of the queues of one bucket are half of what was refused, and are asked."""
    service = Limited(3)

    await splitter_of(service).fetch(query(1, queues=4))

    assert service.asked == [4, 2, 2]


async def test_what_failed_once_is_not_tried_at_that_size_again() -> None:
    """The next query is cut before it is asked."""
    service = Limited(3)
    splitter = splitter_of(service)
    await splitter.fetch(query(4))

    await splitter.fetch(query(4))

    assert service.asked == [4, 2, 2, 2, 2]


async def test_the_smallest_that_failed_counts() -> None:
    """Also where the refusal of a larger one comes after its own."""
    service = Limited(3)
    splitter = splitter_of(service)

    await asyncio.gather(splitter.fetch(query(8)), splitter.fetch(query(4)))

    assert sorted(service.asked) == [2, 2, 2, 2, 2, 2, 4, 8]


async def test_pieces_are_smaller_than_what_failed() -> None:
    """Eight pieces of one bucket are more requests than a job; four of two are not."""
    assert await jobs_for(8, too_large=2) == 1
    assert await jobs_for(8, too_large=3) == 0


async def test_a_jobs_pages_are_requests_too() -> None:
    """Where it has many, as many pieces cost no more."""
    hours = 2 * JOB_PAGE

    assert await jobs_for(hours, too_large=hours // 8 + 1) == 0
    assert await jobs_for(hours, too_large=hours // 8) == 1
