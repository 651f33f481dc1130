"""A minimal program that fetches aggregates: aiohttp, msgspec, csv and nothing else.

`python -m benchmarks.bare_aggregates URL aggregates START END PATH` is called as peers
are (see peers/asked.py). It writes a row for each bucket to CSV, ten days in flight. It
checks types alone, repeats no request, has no rate limit and cannot resume.
"""

import asyncio
import csv
from collections.abc import Iterator
from typing import Any, Final

import aiohttp
import msgspec
import orjson

from benchmarks.peers.asked import Asked
from benchmarks.peers.flat import BUCKET, FIGURES

IN_FLIGHT: Final = 10


class Stats(msgspec.Struct, gc=False):
    """The statistics of a metric; those that it does not have are None."""

    count: int | None = None
    sum: float | None = None
    min: float | None = None
    max: float | None = None
    numerator: float | None = None
    denominator: float | None = None
    ratio: float | None = None
    target: float | None = None


class Metric(msgspec.Struct, gc=False):
    """One metric of a bucket."""

    metric: str
    stats: Stats


class Bucket(msgspec.Struct, gc=False):
    """One interval of a group."""

    interval: str
    metrics: list[Metric]


class Group(msgspec.Struct, gc=False):
    """One queue and media type."""

    group: dict[str, str]
    data: list[Bucket]


class Page(msgspec.Struct, gc=False):
    """One answer."""

    results: list[Group]


NONE: Final = Stats()
DECODER: Final = msgspec.json.Decoder(Page)


def rows_of(page: Page) -> Iterator[list[Any]]:
    """Yield the rows of an answer, in the order of BUCKET."""
    for group in page.results:
        queue_id, media_type = group.group["queueId"], group.group["mediaType"]
        for bucket in group.data:
            stats_of = {metric.metric: metric.stats for metric in bucket.metrics}
            row = [queue_id, media_type, bucket.interval.partition("/")[0]]
            for metric, columns in FIGURES.items():
                stats = stats_of.get(metric, NONE)
                row += [getattr(stats, key) for key in columns]
            yield row


async def fetch(asked: Asked) -> None:
    """Fetch all days and write them in order."""
    async with aiohttp.ClientSession() as session:
        form = {"grant_type": "client_credentials"}
        async with session.post(
            f"{asked.url}/oauth/token",
            data=form,
            headers={"Authorization": asked.basic},
        ) as response:
            token = (await response.json())["access_token"]
        session.headers["Authorization"] = f"Bearer {token}"
        session.headers["Content-Type"] = "application/json"

        async def day(interval: str) -> bytes:
            body = orjson.dumps(asked.aggregates_query(interval))
            url = f"{asked.url}/{asked.endpoint}"
            async with session.post(url, data=body) as response:
                response.raise_for_status()
                return await response.read()

        with asked.path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(BUCKET)
            days = asked.days
            for start in range(0, len(days), IN_FLIGHT):
                some = days[start : start + IN_FLIGHT]
                for answer in await asyncio.gather(*map(day, some)):
                    writer.writerows(rows_of(DECODER.decode(answer)))


if __name__ == "__main__":
    asyncio.run(fetch(Asked.here()))
