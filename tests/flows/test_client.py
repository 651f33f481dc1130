"""The client against the simulator, and against servers that do worse.

No test waits: the loop's clock jumps ahead whenever nothing is left to do.
"""

import asyncio
import base64
import gzip
import json
import re
import selectors
import time
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aioresponses import aioresponses

from gcbatch.errors import AccessError, DataError, GcbatchError, ServiceError
from gcbatch.genesys.client.body_reader import BodyReader
from gcbatch.genesys.client.client import Answer, Client
from gcbatch.genesys.client.client_credentials import request_token
from gcbatch.genesys.client.config import ClientConfig
from gcbatch.genesys.client.org_client import build_client
from gcbatch.genesys.client.retrying import RetrySettings
from gcbatch.genesys.client.token_provider import Token
from gcbatch.genesys.client.transport import open_transport
from gcbatch.genesys.regions import Hosts
from gcbatch.simulator import Fault, Faults, Simulator, sample_tenant

T = TypeVar("T")

GRACE_S = 0.02
"""How long a real answer over loopback may take before the clock jumps."""

CLIENT_ID = "client-1"
SECRET = "s3cret-Wörd"
TOKEN = "token-4711"
PATH = "/api/v2/analytics/conversations/aggregates/query"
BODY = json.dumps(
    {
        "interval": "1999-08-01T00:00:00.000Z/1999-08-02T00:00:00.000Z",
        "metrics": ["nOffered"],
    }
).encode()


class _Selector(selectors.SelectSelector):
    """Waits for real events only briefly, and reports how much it did not wait."""

    skipped_s = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        events = super().select(min(timeout, GRACE_S))
        if not events:
            self.skipped_s += max(0.0, timeout - GRACE_S)
        return events


class HastyLoop(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to the next appointment when there is nothing to do."""

    def __init__(self) -> None:
        self._hasty = _Selector()
        super().__init__(self._hasty)

    def time(self) -> float:
        return super().time() + self._hasty.skipped_s

    async def shutdown_default_executor(self, *_: object) -> None:
        """Wait for threads without a limit: they do not follow this clock."""
        await super().shutdown_default_executor()


def hasty(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run *work* on a loop that does not wait."""
    with asyncio.Runner(loop_factory=HastyLoop) as runner:
        return runner.run(work())


def now() -> float:
    return asyncio.get_running_loop().time()


def connection_to(url: str) -> ClientConfig:
    return ClientConfig(
        hosts=Hosts(url, url),
        client_id=CLIENT_ID,
        client_secret=SECRET,
        requests_per_minute=1_000_000,
        reserve=0,
        concurrency=8,
        timeout_s=120,
        give_up_s=30,
        max_response_bytes=1_000_000,
        token_path="/oauth/token",
        token_style="basic",
    )


@asynccontextmanager
async def client_of(url: str, **options: Any) -> AsyncIterator[Client]:
    connection = replace(connection_to(url), **options)
    async with open_transport(
        timeout_s=connection.timeout_s,
        connections=connection.concurrency + 1,
        max_response_bytes=connection.max_response_bytes,
    ) as transport:
        yield build_client(
            transport, connection, asyncio.get_running_loop().time
        ).client


@asynccontextmanager
async def simulated(
    *faults: Fault, options: Mapping[str, Any] | None = None, **connection: Any
) -> AsyncIterator[tuple[Simulator, Client]]:
    simulator = Simulator(
        sample_tenant(),
        client_id=CLIENT_ID,
        client_secret=SECRET,
        faults=Faults(*faults),
        clock=now,
        **{"requests_allowed": 1_000_000, **(options or {})},
    )
    async with simulator, client_of(simulator.url, **connection) as client:
        yield simulator, client


NO_LIFETIMES: tuple[Any, ...] = (None, 0, -1, True, "", "soon", "nan", [], {})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def grant(_: web.Request) -> web.StreamResponse:
    return web.json_response({"access_token": TOKEN, "expires_in": 86_400})


@asynccontextmanager
async def serving(
    data: Handler | None = None, token: Handler = grant
) -> AsyncIterator[str]:
    """Serve a hand-written API; yield its address."""
    app = web.Application()
    app.router.add_post("/oauth/token", token)
    if data is not None:
        app.router.add_post(PATH, data)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def replies(*answers: web.Response) -> tuple[Handler, list[web.Request]]:
    """Return a handler that gives *answers* in turn, the last for ever."""
    seen: list[web.Request] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        answer = answers[min(len(seen), len(answers) - 1)]
        seen.append(request)
        return web.Response(
            status=answer.status, body=answer.body, headers=answer.headers
        )

    return handler, seen


def good() -> web.Response:
    return web.json_response({"results": []})


class _Results(msgspec.Struct):
    results: list[int] | None = None


def ask(client: Client) -> Coroutine[Any, Any, Answer[Any]]:
    return client.post(PATH, msgspec.json.decode, BODY)


def failure_of(work: Callable[[], Coroutine[Any, Any, Any]]) -> GcbatchError:
    """Return the error that *work* ends with; it has no secret in it."""
    with pytest.raises(GcbatchError) as failed:
        hasty(work)
    text = f"{failed.value.problem} {failed.value.hint} {failed.value.response!r}"
    pair = base64.b64encode(f"{CLIENT_ID}:{SECRET}".encode()).decode()
    assert not any(secret in text for secret in (SECRET, TOKEN, pair))
    return failed.value


class TestThrottled:
    @pytest.mark.parametrize("hint", ["retry-after", "message", "reset"])
    def test_waits_as_specified(self, hint: Any) -> None:
        """Whichever way the service says it, its wait is kept to."""
        fault = Fault("throttled", hint=hint, wait_s=17)

        async def work() -> tuple[list[float], Client]:
            async with simulated(fault) as (simulator, client):
                await ask(client)
                return [e.at for e in simulator.requests(PATH)], client

        (first, second), client = hasty(work)

        assert 17 <= second - first < 18.5
        assert client.traffic.throttled == 1
        assert client.traffic.retries == {"429": 1}

    def test_waits_by_itself_where_nothing_is_said(self) -> None:
        """A bare 429 is repeated after ever longer waits, at most a minute each."""
        fault = Fault("throttled", hint="none", times=9)

        async def work() -> list[float]:
            async with simulated(fault) as (simulator, client):
                await ask(client)
                return [e.at for e in simulator.requests(PATH)]

        times = hasty(work)

        waits = [b - a for a, b in pairwise(times)]
        bounds = [(0.5 * w, w + 0.5) for w in (1, 2, 4, 8, 16, 32, 60, 60, 60)]
        assert all(
            low <= wait <= high for wait, (low, high) in zip(waits, bounds, strict=True)
        )

    def test_a_429_holds_all_tasks(self) -> None:
        """All tasks share the quota: while one must wait, none sends a request."""

        async def work() -> list[float]:
            async with simulated() as (simulator, client):
                await ask(client)
                simulator.faults.add(Fault("throttled", wait_s=20))
                simulator.request_log.clear()
                first = asyncio.create_task(ask(client))
                while not client.traffic.throttled:  # noqa: ASYNC110 - there is no event to wait for
                    await asyncio.sleep(0)
                await asyncio.gather(first, *(ask(client) for _ in range(50)))
                return [e.at for e in simulator.requests(PATH)]

        first, *others = hasty(work)

        assert len(others) == 51
        assert min(others) - first >= 20

    @pytest.mark.parametrize(
        "in_flight",
        [
            8,
            *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 32)),
        ],
    )
    def test_a_small_quota_wastes_next_to_nothing(self, in_flight: int) -> None:
        """With 30 requests in 6 s allowed, 210 calls cost at most two refusals."""

        async def work() -> tuple[Simulator, float]:
            options = {"requests_allowed": 30, "window_s": 6.0}
            async with simulated(options=options) as (simulator, client):
                waiting = iter(range(210))

                async def worker() -> None:
                    for _ in waiting:
                        await ask(client)

                began = now()
                await asyncio.gather(*(worker() for _ in range(in_flight)))
                return simulator, now() - began

        simulator, took_s = hasty(work)

        assert simulator.data_requests == 210
        assert simulator.throttled <= 2
        # Six windows to wait for, each in whole seconds, rounded up.
        assert 36 <= took_s < 6 * 7 + 1

    def test_a_wait_of_hours_ends_the_run(self) -> None:
        """As of a daily limit: with the time to come back at, at once."""

        async def work() -> None:
            async with simulated(Fault("throttled", wait_s=7200)) as (_, client):
                await ask(client)

        error = failure_of(work)

        assert isinstance(error, ServiceError)
        assert "429" in error.problem
        assert re.search(r"run it again after \d{4}-\d\d-\d\d \d\d", error.hint or "")

    def test_a_spent_daily_quota_ends_the_run_before_it_is_refused(self) -> None:
        """The headers showed the quota; nothing is sent that would be refused."""
        refused: list[int] = []

        async def work() -> None:
            options = {"requests_allowed": 3, "window_s": 40_000.0}
            async with simulated(options=options) as (simulator, client):
                try:
                    for _ in range(4):
                        await ask(client)
                finally:
                    refused.append(simulator.throttled)

        error = failure_of(work)

        assert isinstance(error, ServiceError)
        assert "the quota is used up" in error.problem
        assert refused == [0]

    def test_too_many_429_end_with_their_hint(self) -> None:
        """After twelve attempts it is an error that names the quota."""
        fault = Fault("throttled", hint="none", times=None)

        async def work() -> None:
            async with simulated(fault) as (_, client):
                await ask(client)

        error = failure_of(work)

        assert isinstance(error, ServiceError)
        assert error.hint == "lower fetch.requests_per_minute"


class TestForeign:
    """Answers that are none to what was asked."""

    @pytest.mark.parametrize("status", [201, 202, 203, 206, 226])
    def test_only_200_answers(self, status: int) -> None:
        """Another success is one of something else; the request is repeated."""

        async def work() -> tuple[int, Client]:
            other = web.json_response({"results": [1]}, status=status)
            handler, seen = replies(other, good())
            async with serving(handler) as url, client_of(url) as client:
                assert (await ask(client)).value == {"results": []}
                return len(seen), client

        asked, client = hasty(work)

        assert asked == 2
        assert client.traffic.retries == {"foreign answer": 1}

    def test_what_stays_foreign_ends_the_run(self) -> None:
        """With the request, what came instead, and another hint than for damage."""
        reader = BodyReader(_Results, "results")

        async def work() -> None:
            sent = {"message": "Service Unavailable", "status": 503}
            handler, _ = replies(web.json_response(sent))
            async with serving(handler) as url, client_of(url) as client:
                await client.post(PATH, reader.decode, BODY)

        error = failure_of(work)

        assert error.exit_code == 4
        assert error.problem == (
            f"POST {PATH}: no usable answer in 12 attempts: foreign answer: "
            "it has message and status, but no results"
        )
        assert "gateway" in (error.hint or "")

    def test_a_foreign_grant_is_repeated(self) -> None:
        """An error document in place of a token is none that was granted."""
        seen: list[int] = []

        async def token(request: web.Request) -> web.StreamResponse:
            seen.append(1)
            if len(seen) == 1:
                return web.json_response({"message": "busy", "status": 503})
            return await grant(request)

        async def work() -> Client:
            handler, _ = replies(good())
            async with serving(handler, token) as url, client_of(url) as client:
                await ask(client)
                return client

        client = hasty(work)

        assert client.traffic.retries == {"foreign answer": 1}


class TestCutTexts:
    """Texts that end within a letter: JSON can have them, UTF-8 cannot."""

    def test_an_answer_is_mended(self) -> None:
        """It is asked for once."""

        async def work() -> tuple[Any, int]:
            handler, seen = replies(web.Response(body=b'{"name": "cut\\ud83d"}'))
            async with serving(handler) as url, client_of(url) as client:
                return (await ask(client)).value, len(seen)

        assert hasty(work) == ({"name": "cut\N{REPLACEMENT CHARACTER}"}, 1)

    def test_a_refusal_keeps_its_words(self) -> None:
        """A cut name in an error does not hide what is wrong."""
        body = b'{"message": "no queue cut\\ud83d", "code": "not.found"}'

        async def work() -> None:
            handler, _ = replies(web.Response(body=body, status=404))
            async with serving(handler) as url, client_of(url) as client:
                await ask(client)

        assert "not.found: no queue cut\N{REPLACEMENT CHARACTER}" in (
            failure_of(work).problem
        )

    def test_a_grant_is_mended(self) -> None:
        """What it says beside the token may be cut."""
        sent = f'{{"access_token": "{TOKEN}", "org_name": "cut\\ud83d"}}'.encode()

        async def token(_: web.Request) -> web.StreamResponse:
            return web.Response(body=sent)

        async def work() -> Client:
            handler, _ = replies(good())
            async with serving(handler, token) as url, client_of(url) as client:
                await ask(client)
                return client

        assert not hasty(work).traffic.retries


class TestFailing:
    @pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
    @pytest.mark.parametrize(
        ("body", "kind"),
        [
            (None, "application/json"),
            (b"<html>Bad gateway</html>", "text/html"),
            (b"", "text/plain"),
        ],
    )
    def test_what_passes_is_repeated(
        self, status: int, body: bytes | None, kind: str
    ) -> None:
        """Failures of the service are tried again, whatever they say."""
        fault = Fault("status", status=status, body=body, content_type=kind, times=3)

        async def work() -> Client:
            async with simulated(fault) as (_, client):
                answer = await ask(client)
                assert answer.attempts == 4
                return client

        client = hasty(work)

        assert client.traffic.retries == {str(status): 3}
        assert client.traffic.sent == 4

    @pytest.mark.parametrize(
        ("kind", "cause"),
        [
            ("reset", "connection lost"),
            ("truncated", "connection lost"),
            ("garbage", "damaged answer"),
        ],
    )
    def test_a_broken_answer_is_repeated(self, kind: Any, cause: str) -> None:
        """Resets, cut-off and garbled answers are asked again."""

        async def work() -> Client:
            async with simulated(Fault(kind, times=2)) as (_, client):
                await ask(client)
                return client

        assert hasty(work).traffic.retries == {cause: 2}

    def test_a_damaged_byte_in_a_key_is_no_key_of_another_name(self) -> None:
        """What is not UTF-8 is repeated, wherever it stands; msgspec would skip it."""

        class Shape(msgspec.Struct):
            count: int | None = None

        async def work() -> Answer[Shape]:
            damaged = web.Response(body=b'{"c\xefunt": 7}')
            handler, _ = replies(damaged, web.json_response({"count": 7}))
            async with serving(handler) as url, client_of(url) as client:
                return await client.post(PATH, msgspec.json.Decoder(Shape).decode, BODY)

        answer = hasty(work)

        assert answer.value.count == 7
        assert answer.attempts == 2

    def test_a_stall_is_cut_off(self) -> None:
        """No request takes longer than the timeout; then it is asked again."""

        async def work() -> tuple[float, Client]:
            fault = Fault("stall", delay_s=10_000)
            async with simulated(fault, timeout_s=40) as (_, client):
                began = now()
                await ask(client)
                return now() - began, client

        took_s, client = hasty(work)

        assert client.traffic.retries == {"timeout": 1}
        assert 40 <= took_s < 43

    def test_a_body_that_drips_is_cut_off(self) -> None:
        """A byte now and then keeps no connection open for ever."""

        async def drip(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            while True:
                await response.write(b" ")
                await asyncio.sleep(1)

        async def work() -> Counter[str]:
            async with serving(drip) as url, client_of(url, timeout_s=30) as client:
                with suppress(TimeoutError):
                    async with asyncio.timeout(100):
                        await ask(client)
                return client.traffic.retries

        assert hasty(work)["timeout"] >= 2

    def test_twelve_attempts_are_enough(self) -> None:
        """A service that keeps failing is an error, with its correlation id."""
        fault = Fault("status", status=503, times=None)

        async def work() -> None:
            async with simulated(fault) as (simulator, client):
                try:
                    await ask(client)
                finally:
                    assert len(simulator.requests(PATH)) == 12

        error = failure_of(work)

        assert isinstance(error, ServiceError)
        assert error.exit_code == 4
        assert error.response is not None
        assert error.response.correlation_id in error.problem
        assert error.problem.startswith(f"POST {PATH}: 503 service.unavailable: ")

    def test_a_refusal_is_not_repeated(self) -> None:
        """What is our fault does not mend by asking again; it says which part."""
        body = BODY.replace(b"nOffered", b"nOfered")

        async def work() -> None:
            async with simulated() as (simulator, client):
                try:
                    await client.post(PATH, msgspec.json.decode, body)
                finally:
                    assert len(simulator.requests(PATH)) == 1

        error = failure_of(work)

        assert isinstance(error, ServiceError)
        assert error.hint == "look at query.metrics"
        assert error.response is not None
        assert error.response.code
        assert error.response.code in error.problem

    def test_a_wrong_shape_is_no_broken_line(self) -> None:
        """An answer that is JSON of another shape is reported with the field's path."""

        class Shape(msgspec.Struct):
            results: list[dict[str, int]]

        async def work() -> None:
            handler, seen = replies(web.json_response({"results": [{"a": "b"}]}))
            async with serving(handler) as url, client_of(url) as client:
                decoder = msgspec.json.Decoder(Shape)
                try:
                    await client.post(PATH, decoder.decode, BODY)
                finally:
                    assert len(seen) == 1

        error = failure_of(work)

        assert isinstance(error, DataError)
        assert "`$.results[0][...]`" in error.problem
        assert f"POST {PATH}" in error.problem

    def test_an_error_is_one_clean_line(self) -> None:
        """A server's words reach no terminal as they are, nor without end."""
        nasty = {"message": "\x1b[2J bad\nthing\r " + "x" * 5000, "code": ["no"]}

        async def work() -> None:
            handler, _ = replies(web.json_response(nasty, status=400))
            async with serving(handler) as url, client_of(url) as client:
                await ask(client)

        error = failure_of(work)

        assert error.problem.isprintable()
        assert len(error.problem) < 800

    def test_the_body_of_an_error_is_not_shown(self) -> None:
        """An HTML page in place of an error is not dumped."""

        async def work() -> None:
            page = web.Response(status=404, text="<html>customer data</html>")
            handler, _ = replies(page)
            async with serving(handler) as url, client_of(url) as client:
                await ask(client)

        assert "customer data" not in failure_of(work).problem


class TestAnswers:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_redirects_are_not_followed(self, status: int) -> None:
        """Credentials never travel to where an answer points."""
        visited: list[str] = []

        async def elsewhere(request: web.Request) -> web.StreamResponse:
            visited.append(request.path)
            return good()

        async def work() -> None:
            async with serving(elsewhere) as other:
                moved = web.Response(
                    status=status, headers={"Location": f"{other}{PATH}"}
                )
                handler, _ = replies(moved)
                async with serving(handler) as url, client_of(url) as client:
                    await ask(client)

        error = failure_of(work)

        assert isinstance(error, ServiceError)
        assert "redirects elsewhere" in error.problem
        assert not visited

    def test_a_login_that_redirects_is_refused(self) -> None:
        """The secret never travels to where an answer points."""

        async def moved(_: web.Request) -> web.StreamResponse:
            return web.Response(status=307, headers={"Location": "http://127.0.0.1:9"})

        async def work() -> None:
            async with serving(token=moved) as url, client_of(url) as client:
                await ask(client)

        assert "redirects elsewhere" in failure_of(work).problem

    def test_an_oversized_answer_is_cut_off(self) -> None:
        """An answer longer than allowed is an error that names the bound."""

        async def work() -> None:
            handler, _ = replies(web.Response(body=b" " * 2_000_000))
            async with serving(handler) as url, client_of(url) as client:
                await ask(client)

        error = failure_of(work)

        assert "longer than 1000000 bytes" in error.problem
        assert "fetch.chunk" in (error.hint or "")

    def test_a_gzip_bomb_does_not_fill_the_memory(self) -> None:
        """What counts is the size after decompression, while it comes."""
        bomb = gzip.compress(b" " * 300_000_000, compresslevel=1)

        async def work() -> None:
            packed = web.Response(body=bomb, headers={"Content-Encoding": "gzip"})
            handler, _ = replies(packed)
            async with serving(handler) as url, client_of(url) as client:
                tracemalloc.start()
                await ask(client)

        try:
            error = failure_of(work)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert "longer than" in error.problem
        assert peak < 30_000_000

    def test_empty_and_missing_results_are_no_rows(self) -> None:
        """An answer without results is good, and means nothing happened."""

        async def work() -> Any:
            handler, _ = replies(web.json_response({}))
            async with serving(handler) as url, client_of(url) as client:
                return (await ask(client)).value

        assert hasty(work) == {}

    def test_netrc_is_not_our_business(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An entry for the host in ~/.netrc neither breaks nor replaces our token."""
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login someone password else\n")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))

        async def work() -> str:
            handler, seen = replies(good())
            async with serving(handler) as url, client_of(url) as client:
                await ask(client)
                return seen[0].headers["Authorization"]

        assert hasty(work) == f"Bearer {TOKEN}"

    @pytest.mark.parametrize("bypass", [False, True])
    def test_proxies_come_from_the_environment(
        self, monkeypatch: pytest.MonkeyPatch, *, bypass: bool
    ) -> None:
        """http_proxy is used, with its credentials, unless no_proxy exempts a host.

        Never for this machine itself: what may go in the clear must not leave it.
        """
        asked: list[str | None] = []

        async def proxy(request: web.Request) -> web.StreamResponse:
            asked.append(request.headers.get("Proxy-Authorization"))
            return await (grant if request.path == "/oauth/token" else _good)(request)

        async def _good(_: web.Request) -> web.StreamResponse:
            return good()

        async def work() -> None:
            async with serving(proxy, proxy) as front, serving(_good) as url:
                address = front.replace("http://", "http://me:pw@")
                monkeypatch.setenv("http_proxy", address)
                monkeypatch.setenv("no_proxy", "api.invalid" if bypass else "")
                async with client_of(url) as client:
                    await ask(client)
                async with client_of("http://api.invalid", give_up_s=0) as client:
                    with suppress(ServiceError):
                        await ask(client)

        hasty(work)

        assert asked == ([] if bypass else ["Basic bWU6cHc="] * 2)


class TestTokens:
    def test_the_pair_travels_as_basic_auth(self) -> None:
        """Id and secret go in the header, in UTF-8, and the grant in the form."""
        seen: list[tuple[str, bytes]] = []

        async def token(request: web.Request) -> web.StreamResponse:
            seen.append((request.headers["Authorization"], await request.read()))
            return await grant(request)

        async def work() -> None:
            handler, _ = replies(good())
            async with serving(handler, token) as url, client_of(url) as client:
                await ask(client)

        hasty(work)

        pair = base64.b64encode(f"{CLIENT_ID}:{SECRET}".encode()).decode()
        assert seen == [(f"Basic {pair}", b"grant_type=client_credentials")]

    @pytest.mark.parametrize(
        ("reported", "lifetime_s"),
        [
            ({"expires_in": 120}, 120),
            ({"expires_in": "120"}, 120),
            ({"expires_in": 90.5}, 90.5),
            ({"expires_in": 10**400}, 3600),
            ({"expires_in": 1e300}, 172_800),
            ({}, 3600),
            *(({"expires_in": odd}, 3600) for odd in NO_LIFETIMES),
        ],
    )
    @pytest.mark.parametrize("kind", ["bearer", "Bearer", "BEARER", None])
    def test_a_lifetime_that_is_none_is_the_usual_one(
        self, reported: dict[str, Any], lifetime_s: float, kind: str | None
    ) -> None:
        """A token that ends earlier is refused, and renewed for that."""

        async def token(_: web.Request) -> web.StreamResponse:
            grant = {"access_token": TOKEN, "token_type": kind, **reported}
            return web.json_response(text=json.dumps(grant))

        async def work() -> Token:
            connection = connection_to("")
            async with (
                serving(token=token) as url,
                open_transport(
                    timeout_s=9, connections=1, max_response_bytes=9_999
                ) as transport,
            ):
                settings = RetrySettings(0, lambda _: None, now)
                hosts = replace(connection, hosts=Hosts(url, url))
                return await request_token(hosts, transport, settings)

        assert hasty(work).lifetime_s == lifetime_s

    def test_a_lifetime_in_a_form_of_its_own_costs_no_request(self) -> None:
        """Data are fetched with it like with any other."""

        async def token(_: web.Request) -> web.StreamResponse:
            return web.json_response({"access_token": TOKEN, "expires_in": "86400"})

        async def work() -> int:
            handler, _ = replies(good(), good())
            async with serving(handler, token) as url, client_of(url) as client:
                await ask(client)
                await ask(client)
                return client.traffic.sent

        assert hasty(work) == 2

    def test_what_holds_a_secret_does_not_show_it(self) -> None:
        """A connection or a token in a traceback or a log shows no secret."""
        holders = (connection_to("http://127.0.0.1:9"), Token(TOKEN, lifetime_s=1.0))

        assert not any(s in repr(holders) for s in (SECRET, TOKEN))

    def test_one_token_for_all_tasks(self) -> None:
        """Two hundred tasks that start together take one token."""

        async def work() -> int:
            async with simulated() as (simulator, client):
                await asyncio.gather(*(ask(client) for _ in range(200)))
                return simulator.tokens_granted

        assert hasty(work) == 1

    def test_a_revoked_token_is_renewed_once(self) -> None:
        """Two hundred tasks refused with one token cause one new token."""

        async def work() -> tuple[Simulator, Client]:
            async with simulated() as (simulator, client):
                await ask(client)
                simulator.revoke_tokens()
                await asyncio.gather(*(ask(client) for _ in range(200)))
                return simulator, client

        simulator, client = hasty(work)

        assert simulator.tokens_granted == 2
        assert client.traffic.answered[200] == 201

    def test_short_lived_tokens_are_renewed_in_time(self) -> None:
        """A token is renewed before it ends, so that no request is refused for it."""

        async def work() -> tuple[int, Counter[int]]:
            options = {"token_lifetime_s": 30}
            async with simulated(options=options) as (simulator, client):
                for _ in range(20):
                    await ask(client)
                    await asyncio.sleep(10)
                return simulator.tokens_granted, client.traffic.answered

        granted, answered = hasty(work)

        assert answered == {200: 20}
        assert 8 <= granted <= 14

    def test_fresh_tokens_that_are_refused_end_the_run(self) -> None:
        """Three new tokens refused in a row are enough; no loop."""
        fault = Fault("unauthorized", times=None)

        async def work() -> None:
            async with simulated(fault) as (simulator, client):
                try:
                    await ask(client)
                finally:
                    assert simulator.tokens_granted == 3

        error = failure_of(work)

        assert isinstance(error, AccessError)
        assert error.exit_code == 3

    @pytest.mark.parametrize("status", [400, 401])
    def test_a_wrong_secret_is_reported_at_once(self, status: int) -> None:
        """A refused pair is not tried again, and says what to check."""

        async def work() -> None:
            options = {"wrong_secret_status": status}
            wrong = {"client_secret": "wrong"}
            async with simulated(options=options, **wrong) as (simulator, client):
                try:
                    await ask(client)
                finally:
                    assert len(simulator.request_log) == 1

        error = failure_of(work)

        assert isinstance(error, AccessError)
        assert "invalid_client" in error.problem
        assert "check client id and secret" in (error.hint or "")

    @pytest.mark.parametrize(
        "fault",
        [
            Fault("status", path="/oauth/token", status=503, times=3),
            Fault("status", path="/oauth/token", status=429, wait_s=5, times=3),
            Fault("reset", path="/oauth/token", times=3),
            Fault("truncated", path="/oauth/token", times=3),
            Fault("garbage", path="/oauth/token", times=3),
        ],
        ids=["503", "429", "reset", "truncated", "garbage"],
    )
    def test_a_login_that_fails_is_tried_again(self, fault: Fault) -> None:
        """The login host has its bad moments too."""

        async def work() -> int:
            async with simulated(fault) as (simulator, client):
                await ask(client)
                return len(simulator.requests("/oauth/token"))

        assert hasty(work) == 4


class TestUnreachable:
    def test_an_address_without_a_server_is_given_up(self) -> None:
        """Refused connections are repeated for give_up, then reported with a hint."""

        async def work() -> None:
            async with serving() as url:
                pass
            began = now()
            async with client_of(url) as client:
                try:
                    await ask(client)
                finally:
                    assert 30 <= now() - began < 31

        error = failure_of(work)

        assert isinstance(error, ServiceError)
        assert error.exit_code == 4
        assert "/oauth/token: cannot be reached" in error.problem

    def test_a_server_that_comes_back_is_found(self) -> None:
        """A short absence costs a retry, not the run."""

        async def work() -> Counter[str]:
            async with simulated() as (simulator, client):
                await ask(client)
                port = int(simulator.url.rpartition(":")[2])
                await simulator.stop()
                task = asyncio.create_task(ask(client))
                while not client.traffic.retries["unreachable"]:  # noqa: ASYNC110 - there is no event to wait for
                    await asyncio.sleep(0.01)
                simulator._address = ("127.0.0.1", port)
                await simulator.start()
                await task
                return client.traffic.retries

        assert hasty(work)["unreachable"] >= 1

    def test_a_name_that_does_not_resolve_is_given_up(self) -> None:
        """An unknown host is reported like an absent one, in real time here."""

        async def work() -> None:
            async with client_of("http://unknown.invalid", give_up_s=0.001) as client:
                await ask(client)

        with pytest.raises(ServiceError, match="cannot be reached"):
            asyncio.run(work())

    def test_an_untrusted_certificate_is_not_tried_again(self) -> None:
        """TLS without trust is no bad moment; it names SSL_CERT_FILE."""
        began = time.monotonic()

        async def work() -> None:
            with aioresponses() as answers:
                key = aiohttp.client_reqrep.ConnectionKey(
                    "api.example.com", 443, is_ssl=True, ssl=True, proxy=None,
                    proxy_auth=None, proxy_headers_hash=None, server_hostname=None,
                )  # fmt: skip
                answers.post(
                    "https://api.example.com/oauth/token",
                    exception=aiohttp.ClientConnectorSSLError(key, OSError(1, "tls")),
                )
                async with client_of("https://api.example.com") as client:
                    await ask(client)

        error = failure_of(work)

        assert isinstance(error, ServiceError)
        assert "SSL_CERT_FILE" in (error.hint or "")
        assert time.monotonic() - began < 5
