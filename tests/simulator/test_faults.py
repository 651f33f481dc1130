"""What goes wrong to order, seen from the wire."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from gcbatch.simulator import Call, Fault, Faults, Queue, Simulator, Tenant
from gcbatch.simulator.faults.faults import Kind

AGGREGATES = "/api/v2/analytics/conversations/aggregates/query"
QUEUES = "/api/v2/routing/queues"
CALLS = tuple(
    Call(queue_id="a", offered=datetime(2026, 1, 1, hour, 30, tzinfo=UTC))
    for hour in (9, 10, 12)
)
TENANT = Tenant(name="T", version="1", calls=CALLS, queues=(Queue(id="a", name="A"),))
QUERY = {
    "interval": "2026-01-01T00:00:00Z/2026-01-02T00:00:00Z",
    "granularity": "PT1H",
    "timeZone": "Asia/Kathmandu",
    "metrics": ["nOffered"],
    "views": [
        {
            "name": "v",
            "target": "tWait",
            "function": "rangeBound",
            "range": {"gte": 0},
        }
    ],
}


class Client:
    """Asks one query over and over."""

    def __init__(self, simulator: Simulator, session: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self.session = session
        self.headers: dict[str, str] = {}

    async def log_in(self) -> int:
        basic = aiohttp.encode_basic_auth("simulator", "simulator-secret")
        async with self.session.post(
            "/oauth/token",
            headers={"Authorization": basic},
            data={"grant_type": "client_credentials"},
        ) as response:
            if response.status == 200:
                token = (await response.json())["access_token"]
                self.headers = {"Authorization": f"Bearer {token}"}
            return response.status

    async def request(self) -> tuple[aiohttp.ClientResponse, bytes]:
        async with self.session.post(
            AGGREGATES, json=QUERY, headers=self.headers, allow_redirects=False
        ) as response:
            return response, await response.read()

    async def json(self) -> Any:
        response, _ = await self.request()
        return await response.json()

    async def statuses(self, count: int) -> list[int]:
        return [(await self.request())[0].status for _ in range(count)]


@asynccontextmanager
async def connected(*faults: Fault, seed: int = 0) -> AsyncIterator[Client]:
    async with (
        Simulator(TENANT, faults=Faults(*faults, seed=seed)) as simulator,
        aiohttp.ClientSession(simulator.url) as session,
    ):
        client = Client(simulator, session)
        await client.log_in()
        yield client


def intervals(answer: Any) -> list[str]:
    return [row["interval"] for row in answer["results"][0]["data"]]


@pytest.mark.parametrize(
    ("fault", "statuses"),
    [
        pytest.param(Fault("status"), [503, 200, 200, 200], id="once"),
        pytest.param(Fault("status", times=2), [503, 503, 200, 200], id="twice"),
        pytest.param(Fault("status", times=None), [503] * 4, id="always"),
        pytest.param(
            Fault("status", nth=(2, 4), times=None), [200, 503, 200, 503], id="nth"
        ),
        pytest.param(Fault("status", path="routing"), [200] * 4, id="other path"),
        pytest.param(Fault("status", probability=0.0), [200] * 4, id="never"),
        pytest.param(Fault("unauthorized", times=3), [401, 401, 401, 200], id="401"),
    ],
)
async def test_a_fault_applies_as_often_as_specified(
    fault: Fault, statuses: list[int]
) -> None:
    """By path, number and count."""
    async with connected(fault) as client:
        seen = await client.statuses(4)

    assert seen == statuses


async def test_chance_repeats_itself() -> None:
    """The same seed strikes the same requests."""
    fault = Fault("status", probability=0.5, times=None)
    seen = []
    for seed in (3, 3, 4):
        async with connected(fault, seed=seed) as client:
            seen.append(await client.statuses(20))

    assert seen[0] == seen[1] != seen[2]
    assert 0 < seen[0].count(503) < 20


async def test_faults_come_and_go_while_running() -> None:
    """They can be added and taken away; what struck stays known."""
    async with connected() as client:
        faults = client.simulator.faults
        before = await client.statuses(1)
        faults.add(Fault("status", status=500, times=None))
        during = await client.statuses(1)
        faults.clear()
        after = await client.statuses(1)

    assert (before, during, after) == ([200], [500], [200])
    assert [fault.kind for fault in faults.triggered] == ["status"]


async def test_the_first_of_two_answers_wins() -> None:
    """The second waits for its turn."""
    async with connected(
        Fault("status", status=502), Fault("status", status=504)
    ) as client:
        seen = await client.statuses(3)

    assert seen == [502, 504, 200]


@pytest.mark.parametrize("status", [400, 408, 500, 502, 503, 504])
async def test_an_error_has_the_services_body(status: int) -> None:
    """JSON with the status and the correlation id."""
    async with connected(Fault("status", status=status)) as client:
        response, _ = await client.request()
        body = await response.json()

    assert response.status == body["status"] == status
    assert body["contextId"] == response.headers["ININ-Correlation-Id"]


@pytest.mark.parametrize(
    ("body", "content_type"), [(b"", "text/plain"), (b"<html>", "text/html")]
)
async def test_an_error_may_have_any_body(body: bytes, content_type: str) -> None:
    """Gateways answer with HTML or with nothing."""
    fault = Fault("status", status=502, body=body, content_type=content_type, wait_s=3)
    async with connected(fault) as client:
        response, seen = await client.request()

    assert (response.status, seen, response.content_type) == (502, body, content_type)
    assert response.headers["Retry-After"] == "3"


async def test_an_error_may_have_the_wait() -> None:
    """A 503 of the service's own with Retry-After."""
    async with connected(Fault("status", wait_s=9)) as client:
        response, _ = await client.request()

    assert (response.status, response.headers["Retry-After"]) == (503, "9")


@pytest.mark.parametrize(
    ("hint", "retry_after", "text", "reset"),
    [
        ("retry-after", "7", True, True),
        ("message", None, True, False),
        ("reset", None, False, True),
        ("none", None, False, False),
    ],
)
async def test_a_429_has_the_wait_in_one_of_four_ways(
    hint: Any, retry_after: str | None, *, text: bool, reset: bool
) -> None:
    """Header, text, window, or not at all."""
    async with connected(Fault("throttled", hint=hint, wait_s=7)) as client:
        response, body = await client.request()

    assert response.status == 429
    assert response.headers.get("Retry-After") == retry_after
    assert (b"in [7] seconds" in body) is text
    assert ("inin-ratelimit-reset" in response.headers) is reset
    if hint == "reset":
        assert response.headers["inin-ratelimit-reset"] == "7"


async def test_a_connection_is_reset() -> None:
    """The client sees an error of the connection, the journal no status."""
    async with connected(Fault("reset")) as client:
        with pytest.raises(aiohttp.ClientOSError, match="reset by peer"):
            await client.request()
        after = await client.statuses(1)

    assert [entry.status for entry in client.simulator.requests(AGGREGATES)] == [0, 200]
    assert after == [200]


async def test_a_body_is_cut_off() -> None:
    """Its length is announced and half of it comes."""
    async with connected(Fault("truncated")) as client:
        with pytest.raises(aiohttp.ClientPayloadError):
            await client.request()
        after = await client.statuses(1)

    assert after == [200]
    assert client.simulator.request_log[1].faults == ("truncated",)


async def test_garbage_is_no_json() -> None:
    """With status 200, and with whatever text was ordered."""
    async with connected(
        Fault("garbage", content_type="text/html"), Fault("garbage", body=b"{")
    ) as client:
        page, first = await client.request()
        _, second = await client.request()

    assert (page.status, page.content_type) == (200, "text/html")
    assert first.startswith(b"<html>")
    assert second == b"{"


async def test_garbage_is_spoilt_enough() -> None:
    """What is no answer cannot be distorted, and stays what it is."""
    async with connected(Fault("garbage"), Fault("float_numbers")) as client:
        response, body = await client.request()

    assert response.status == 200
    assert body.startswith(b"<html>")


async def test_a_redirect_points_elsewhere() -> None:
    """The status and the place are as ordered."""
    place = "http://127.0.0.1:1/x"
    async with connected(
        Fault("redirect", location=place), Fault("redirect", status=307)
    ) as client:
        response, _ = await client.request()
        other, _ = await client.request()

    assert (response.status, other.status) == (302, 307)
    assert response.headers["Location"] == "http://127.0.0.1:1/x"


async def test_a_stalled_answer_comes_late() -> None:
    """A client that does not wait so long gives up; the simulator stops at once."""
    async with connected(Fault("stall", delay_s=60)) as client:
        with pytest.raises(TimeoutError):
            async with client.session.post(
                AGGREGATES,
                json=QUERY,
                headers=client.headers,
                timeout=aiohttp.ClientTimeout(total=0.05),
            ):
                pass
        client.simulator.faults.add(Fault("stall", delay_s=0.0))
        after = await client.statuses(1)

    assert after == [200]


async def test_requests_at_once_are_counted() -> None:
    """The peak is the most that were being answered together."""
    async with connected(Fault("stall", delay_s=0.05, times=3)) as client:
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(client.request())
        await client.request()

    assert client.simulator.peak_in_flight == 3
    assert client.simulator.in_flight == 0


async def test_the_token_endpoint_fails() -> None:
    """A fault can befall any path."""
    fault = Fault("status", path="^/oauth/token$", status=500, nth=(2,))
    async with connected(fault) as client:
        statuses = [await client.log_in() for _ in range(2)]

    assert statuses == [500, 200]


async def test_faults_wait_for_requests_that_are_let_in() -> None:
    """A bad token is refused first and does not use the fault up."""
    async with connected(Fault("status")) as client:
        client.simulator.revoke_tokens()
        refused = await client.statuses(1)
        await client.log_in()
        struck = await client.statuses(1)

    assert (refused, struck) == ([401], [503])


async def distorted(kind: Kind) -> Any:
    async with connected(Fault(kind)) as client:
        spoilt = await client.json()
        good = await client.json()
    assert intervals(good) == [
        "2026-01-01T09:15:00.000Z/2026-01-01T10:15:00.000Z",
        "2026-01-01T10:15:00.000Z/2026-01-01T11:15:00.000Z",
        "2026-01-01T12:15:00.000Z/2026-01-01T13:15:00.000Z",
    ]
    return spoilt


async def test_results_may_be_missing() -> None:
    """The key is optional in the API's model."""
    assert await distorted("no_results") == {}


async def test_unknown_fields_appear() -> None:
    """On every level."""
    answer = await distorted("extra_fields")

    (result,) = answer["results"]
    row = result["data"][0]
    assert "newTopLevelKey" in answer
    assert "newResultKey" in result
    assert "newDataKey" in row
    assert "newStatistic" in row["metrics"][0]["stats"]


async def test_types_are_wrong() -> None:
    """A count is a text that is no number."""
    answer = await distorted("wrong_types")

    stats = [row["metrics"][0]["stats"] for row in answer["results"][0]["data"]]
    assert stats == [{"count": "many"}] * 3


async def test_a_bucket_comes_twice() -> None:
    """The first one, unchanged."""
    first, second, *rest = intervals(await distorted("doubled_bucket"))

    assert first == second
    assert len(rest) == 2


async def test_a_bucket_lies_outside() -> None:
    """A year before the first."""
    answer = await distorted("outside_bucket")

    assert intervals(answer)[-1] == "2025-01-01T09:15:00.000Z/2025-01-01T10:15:00.000Z"


async def test_buckets_overlap() -> None:
    """One begins in the middle of the first."""
    answer = await distorted("overlapping_buckets")

    assert intervals(answer)[-1] == "2026-01-01T09:45:00.000Z/2026-01-01T10:45:00.000Z"


async def test_numbers_have_decimal_points() -> None:
    """Whole ones too."""
    async with connected(Fault("float_numbers")) as client:
        _, body = await client.request()

    assert body.count(b'{"count":1.0}') == 3


async def test_intervals_carry_the_zones_offset() -> None:
    """The same instants in the query's zone."""
    answer = await distorted("offset_intervals")

    assert intervals(answer)[0] == (
        "2026-01-01T15:00:00.000+05:45/2026-01-01T16:00:00.000+05:45"
    )


async def test_refusals_are_not_distorted() -> None:
    """An error keeps its body, and a listing has no buckets to distort."""
    async with connected(
        Fault("status"),
        Fault("wrong_types", times=None, path="."),
        Fault("float_numbers", path=QUEUES),
    ) as client:
        refused = await client.json()
        async with client.session.get(QUEUES, headers=client.headers) as response:
            listing = await response.json()

    assert refused["status"] == 503
    assert listing["total"] == 1
