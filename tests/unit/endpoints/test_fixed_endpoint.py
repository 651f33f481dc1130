"""Buckets by their start alone: which instants begin one, and where it ends."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

import pytest

from gcbatch.endpoints.base import AggregateEndpoint
from gcbatch.endpoints.fixed_endpoint import read_buckets
from gcbatch.endpoints.lookup import endpoint_named
from gcbatch.errors import DataError
from gcbatch.genesys.client.client import Answer, Client
from gcbatch.job.query import QuerySection
from gcbatch.query import make_query
from gcbatch.windows import Period, Window, iso

START = datetime(2026, 10, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
QUERY = make_query("org", "e", Window(START, START + 2.5 * HOUR), b"{}")


T = TypeVar("T")


class Said:
    """Answers every request with the same bytes, as a client would."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def call(
        self,
        method: str,  # noqa: ARG002 - a Client
        path: str,  # noqa: ARG002 - a Client
        decode: Callable[[bytes], T],
        **options: Any,  # noqa: ARG002 - a Client
    ) -> Answer[T]:
        return Answer(decode(self._body), START, 1, len(self._body), "an-id")

    async def post(
        self,
        path: str,
        decode: Callable[[bytes], T],
        body: bytes,
        *,
        can_split: bool = False,
    ) -> Answer[T]:
        return await self.call("POST", path, decode, body=body, can_split=can_split)


def bucket(
    start: str | None, granularity: str | None = "PT1H"
) -> tuple[datetime, datetime]:
    length = Period.parse(granularity) if granularity else None
    (found,) = read_buckets(QUERY, length, [start], "row")
    return found


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-10-01T00:00:00Z", 0, 1),
        ("2026-10-01T02:00:00+01:00", 1, 2),
        ("2026-10-01T02:00:00.000Z", 2, 2.5),
    ],
    ids=["first", "with an offset", "cut off by the window"],
)
def test_a_start_is_a_bucket(text: str, first: float, last: float) -> None:
    """It ends with the next one's start, or with the window."""
    expected = (START + first * HOUR, START + last * HOUR)

    assert bucket(text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("2026-09-30T23:00:00Z", "is outside the window"),
        ("2026-10-01T02:30:00Z", "is outside the window"),
        ("2026-10-01T00:30:00Z", "is not the start of a bucket"),
        ("2026-10-01T01:00:00", "is no instant"),
        ("soon", "is no instant"),
        (None, "names no bucket, though several were requested"),
    ],
    ids=["before", "at the end", "between", "without an offset", "none", "missing"],
)
def test_what_begins_no_bucket_is_an_error(text: str | None, problem: str) -> None:
    """It names the query, the row and the value."""
    with pytest.raises(DataError, match=f"^{QUERY}: row 1: .*{problem}"):
        bucket(text)


@pytest.mark.parametrize("endpoint", ["interval-report", "queue-summary"])
@pytest.mark.parametrize(
    ("granularity", "hour"),
    [("PT1H", 0.25), ("PT1H", 0.5), ("P1D", 1), ("P1D", -1), (None, 24)],
    ids=["quarter past", "half past", "UTC's day", "before", "the next day"],
)
def test_both_tutorials_buckets_are_those_asked_for(
    endpoint: str, granularity: str | None, hour: float
) -> None:
    """A day of another zone, or hours from elsewhere, end the run with a way out."""
    start = datetime(2026, 9, 30, 23, tzinfo=UTC)  # midnight in Dublin
    answers = {
        "interval-report": {"entities": [{"date": iso(start + hour * HOUR)}]},
        "queue-summary": {
            "data": [{"queue": {"id": "q"}, "interval": iso(start + hour * HOUR)}]
        },
    }
    asked = QuerySection.model_validate(
        {
            "endpoint": endpoint,
            "from": "2026-10-01",
            "to": "2026-10-02",
            "timezone": "Europe/Dublin",
            "granularity": granularity,
        }
    )
    fixed = cast("AggregateEndpoint", endpoint_named(endpoint))
    window = Window(start, start + 24 * HOUR)
    query = make_query("org", endpoint, window, fixed.template(asked, ["q"]))
    client = cast("Client", Said(json.dumps(answers[endpoint]).encode()))

    with pytest.raises(DataError, match=f"^{query}: ") as caught:
        asyncio.run(fixed.fetch(client, query, asked))

    assert "query.granularity" in (caught.value.hint or "")


@pytest.mark.parametrize("granularity", [None, "P1D"])
def test_one_bucket_needs_no_start(granularity: str | None) -> None:
    """Where a calendar's length was asked, a window is planned one bucket long."""
    whole = (QUERY.window.start, QUERY.window.end)

    assert bucket(None, granularity) == whole
