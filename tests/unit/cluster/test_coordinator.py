"""One coordinator for all workers: turns, tokens and claims, in turned time."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from gcbatch.cluster.coordinator import LEASE_MARGIN_S, Coordinator
from gcbatch.cluster.protocol import CLAIM_S, FRESH_S
from gcbatch.cluster.rpc_client import (
    CoordinatorClient,
    RemoteLimiter,
    RemoteTokens,
    RpcError,
)
from gcbatch.errors import AccessError
from gcbatch.genesys.client.client import Client
from gcbatch.genesys.client.org_client import OrgClient
from gcbatch.genesys.client.rate_limiter import RateLimiter
from gcbatch.genesys.client.server_quota import QuotaHeaders
from gcbatch.genesys.client.token_provider import Token, TokenProvider
from tests.unit.genesys.test_server_quota import Server

Clock = Callable[[], float]
InTime = Callable[[Callable[[Clock], Awaitable[None]]], None]

TIMEOUT_S = 120.0
OVER = "this run is over"


class Org:
    """An org whose login grants numbered tokens, and a coordinator that serves it.

    Args:
        clock: The clock of the loop.
        login_s: How long the login takes.
        refuses: Whether it refuses.
    """

    def __init__(
        self, clock: Clock, *, login_s: float = 0.0, refuses: bool = False
    ) -> None:
        self.clock = clock
        self.logins = 0
        self._login_s = login_s
        self._refuses = refuses
        self.limiter = RateLimiter(100_000, clock=clock)
        self.tokens = TokenProvider(self._grant, clock=clock)
        self.org_client = OrgClient(cast("Client", None), self.limiter, self.tokens)
        self.coordinator = Coordinator(clock=clock)
        self.coordinator.serve("org", self.org_client, timeout_s=TIMEOUT_S)

    async def _grant(self) -> Token:
        self.logins += 1
        number = self.logins
        await asyncio.sleep(self._login_s)
        if self._refuses:
            msg = "wrong secret"
            raise AccessError(msg, hint="look")
        return Token(f"token {number}", lifetime_s=3600.0)

    async def turn(self, number: str = "1", worker: str = "w1") -> dict[str, Any]:
        return await self.coordinator.acquire("org", worker, number)

    def answer(self, number: str = "1", said: list[int] | None = None) -> None:
        self.coordinator.answered("org", number, said)

    @property
    def in_flight(self) -> int:
        return len(self.limiter._quota._in_flight)


class TestTokens:
    async def test_ten_workers_refused_cause_one_renewal(self) -> None:
        """Each names the token by its number; nine find the newer one."""
        org = Org(asyncio.get_running_loop().time)
        first = await org.coordinator.token("org", 0)

        again = [org.coordinator.token("org", first["serial"]) for _ in range(10)]
        found = await asyncio.gather(*again)

        assert {reported["token"] for reported in found} == {"token 2"}
        assert org.logins == 2

    async def test_a_token_of_long_ago_is_no_reason_to_renew(self) -> None:
        """A number that is not known any more says nothing of the token there is."""
        org = Org(asyncio.get_running_loop().time)
        for _ in range(12):
            reported = await org.coordinator.token("org", 0)
            org.coordinator.accepted("org", reported["serial"])
            await org.coordinator.token("org", reported["serial"])

        await org.coordinator.token("org", 1)

        assert org.logins == 13

    def test_a_slow_login_goes_on_when_workers_ask_again(
        self, in_turned_time: InTime
    ) -> None:
        """Whoever stops waiting does not stop it; else it would never end."""
        reported: list[dict[str, Any]] = []
        logins: list[int] = []

        async def work(clock: Clock) -> None:
            org = Org(clock, login_s=17.0)

            async def ask(number: str) -> None:
                while "token" not in (answer := await org.turn(number)):
                    reported.append(answer)

            await asyncio.gather(ask("1"), ask("2"))
            logins.append(org.logins)

        in_turned_time(work)

        assert logins == [1]
        assert reported == [{"later": True}] * 6

    async def test_a_refused_login_is_reported_as_it_is(self) -> None:
        """The kind of error travels, with its words."""
        org = Org(asyncio.get_running_loop().time, refuses=True)

        answer = await org.turn()

        assert answer["error"]["kind"] == "AccessError"
        assert (answer["error"]["problem"], answer["error"]["hint"]) == (
            "wrong secret",
            "look",
        )
        assert org.in_flight == 0


class TestTurns:
    async def test_asking_twice_is_one_turn(self) -> None:
        """A reply that got lost costs nothing of the quota."""
        org = Org(asyncio.get_running_loop().time)

        answers = [await org.turn("1"), await org.turn("1")]

        assert "token" in answers[0]
        assert answers[0] == answers[1]
        assert (org.in_flight, org.coordinator.lease_count) == (1, 1)

    async def test_the_last_turn_can_be_asked_for_again(self) -> None:
        """It is there already: there is no other one to wait for."""
        org = Org(asyncio.get_running_loop().time)
        await org.turn("0")
        org.answer("0", [299, 300, 60])
        org.limiter._quota._last_sent -= 60.0

        answers = [await org.turn("1"), await org.turn("1")]

        assert "token" in answers[0]
        assert answers[0] == answers[1]

    async def test_asking_twice_at_once_is_one_turn(self) -> None:
        """Also where the first asking still waits."""
        org = Org(asyncio.get_running_loop().time)

        answers = await asyncio.gather(org.turn("1"), org.turn("1"))

        assert answers[0] == answers[1]
        assert (org.in_flight, org.coordinator.lease_count) == (1, 1)

    async def test_a_turn_handed_back_is_not_granted_again(self) -> None:
        """An asking that was left behind takes nothing when its turn comes."""
        org = Org(asyncio.get_running_loop().time)
        await org.turn("1")
        org.answer("1")

        assert await org.turn("1") == {"later": True}
        assert (org.in_flight, org.coordinator.lease_count) == (0, 0)

    def test_a_turn_that_is_far_off_is_asked_for_again(
        self, in_turned_time: InTime
    ) -> None:
        """A worker that died while it waited must not be granted one minutes later."""
        found: list[Any] = []

        async def work(clock: Clock) -> None:
            org = Org(clock)
            await org.turn("1")
            org.answer("1", [300, 300, 40])
            found.append(await org.turn("2"))
            found.append((clock(), org.in_flight))

        in_turned_time(work)

        assert found[0] == {"later": True}
        assert found[1][0] < 10
        assert found[1][1] == 0

    def test_a_quota_spent_for_hours_is_reported(self, in_turned_time: InTime) -> None:
        """Workers end the run then, as a run of one process does."""
        found: list[Any] = []

        async def work(clock: Clock) -> None:
            org = Org(clock)
            await org.turn("1")
            org.answer("1", [300, 300, 7200])
            found.append(await org.turn("2"))

        in_turned_time(work)

        assert found[0]["spent"] == pytest.approx(7200, abs=2)

    async def test_what_a_dead_worker_had_is_taken_as_used(self) -> None:
        """It may have sent; the others' turns stay theirs."""
        org = Org(asyncio.get_running_loop().time)
        await org.turn("0", "w0")
        org.answer("0", [1, 300, 60])
        await org.turn("1", "w1")
        await org.turn("2", "w2")

        org.coordinator.worker_gone("w1")

        assert (org.in_flight, org.coordinator.lease_count) == (1, 1)
        assert org.limiter._quota._count == 2

    def test_a_dead_workers_asking_takes_no_turn(self, in_turned_time: InTime) -> None:
        """Its call may still be waiting when it is known to be gone."""
        found: list[Any] = []

        async def work(clock: Clock) -> None:
            org = Org(clock)
            await org.turn("0")
            org.answer("0", [300, 300, 3])
            waiting = asyncio.create_task(org.turn("1"))
            await asyncio.sleep(1)
            org.coordinator.worker_gone("w1")
            found.append(await waiting)
            found.append(org.in_flight)
            found.append(await org.turn("2"))

        in_turned_time(work)

        assert found[:2] == [{"later": True}, 0]
        # One that only lost its connection, or another at its address, is served again.
        assert "token" in found[2]

    def test_a_lease_ends(self, in_turned_time: InTime) -> None:
        """Not before its request may have been answered."""
        out: list[int] = []

        async def work(clock: Clock) -> None:
            org = Org(clock)
            await org.turn("1")
            for wait_s in (TIMEOUT_S + FRESH_S, LEASE_MARGIN_S - FRESH_S):
                await asyncio.sleep(wait_s)
                org.coordinator.collect()
                out.append(org.coordinator.lease_count)

        in_turned_time(work)

        assert out == [1, 0]

    async def test_after_the_end_no_task_sends(self) -> None:
        """Workers that continue with what no run waits for are refused."""
        org = Org(asyncio.get_running_loop().time)
        await org.turn("1")

        org.coordinator.end("org")

        assert (await org.turn("2"))["error"]["problem"] == OVER
        assert (await org.coordinator.token("org", 0))["error"]["problem"] == OVER
        assert org.coordinator.claim("org", "d", "a")["error"]["problem"] == OVER
        assert org.coordinator.lease_count == 0

    async def test_an_org_can_be_served_again(self) -> None:
        """Its quota and tokens go on; what was written has to be written again."""
        org = Org(asyncio.get_running_loop().time)
        before = await org.turn("1")
        org.answer("1", [10, 300, 60])
        org.coordinator.release("org", "d", "a", 7)
        org.coordinator.end("org")

        org.coordinator.serve("org", org.org_client, timeout_s=TIMEOUT_S)

        assert (await org.turn("2"))["token"] == before["token"]
        assert org.coordinator.claim("org", "d", "b") == {"seconds": CLAIM_S}


class TestClaims:
    def claim(self, org: Org, attempt: str) -> dict[str, Any]:
        return org.coordinator.claim("org", "digest", attempt)

    def test_one_at_a_time_may_write_a_part(self, in_turned_time: InTime) -> None:
        """The second waits until the first one's claim has ended."""
        found: list[Any] = []

        async def work(clock: Clock) -> None:
            org = Org(clock)
            found.append(self.claim(org, "a"))
            found.append(self.claim(org, "b"))
            await asyncio.sleep(CLAIM_S - 1)
            found.append(self.claim(org, "b"))
            await asyncio.sleep(2)
            found.append(self.claim(org, "b"))
            found.append(self.claim(org, "a"))

        in_turned_time(work)

        granted, later = {"seconds": CLAIM_S}, {"later": True}
        assert found == [granted, later, later, granted, later]

    async def test_a_dead_workers_claim_stays(self) -> None:
        """It may only have lost its connection, and be about to write."""
        org = Org(asyncio.get_running_loop().time)
        self.claim(org, "a")

        org.coordinator.worker_gone("w1")

        assert self.claim(org, "b") == {"later": True}

    async def test_a_claim_given_back_is_free(self) -> None:
        """Whoever could not write leaves it to others; only the holder can."""
        org = Org(asyncio.get_running_loop().time)
        self.claim(org, "a")

        org.coordinator.release("org", "digest", "b", None)
        assert self.claim(org, "b") == {"later": True}
        org.coordinator.release("org", "digest", "a", None)

        assert self.claim(org, "b") == {"seconds": CLAIM_S}

    async def test_a_written_part_is_not_written_again(self) -> None:
        """Not even by whoever wrote it."""
        org = Org(asyncio.get_running_loop().time)
        self.claim(org, "a")
        org.coordinator.release("org", "digest", "a", 42)

        assert self.claim(org, "b") == {"rows": 42}
        assert self.claim(org, "a") == {"rows": 42}


class BadLine:
    """Calls a coordinator over a connection that loses calls and replies.

    Args:
        coordinator: Receives its calls.
        chance: The chance of what it loses.
    """

    def __init__(self, coordinator: Coordinator, chance: random.Random) -> None:
        self._coordinator = coordinator
        self._chance = chance

    async def __call__(self, method: str, **arguments: Any) -> Any:
        await asyncio.sleep(0.01)
        if self._chance.random() < 0.05:
            raise RpcError
        answer = getattr(self._coordinator, method)(**arguments)
        if asyncio.iscoroutine(answer):
            answer = await answer
        await asyncio.sleep(0.01)
        if self._chance.random() < 0.05:
            raise RpcError
        return answer or {}


@pytest.mark.parametrize("seed", range(10))
def test_the_quota_is_kept_and_used_by_workers_that_die(
    seed: int, in_turned_time: InTime
) -> None:
    """30 per 6 s, a bad connection, two of four workers killed and replaced on the way.

    90 % of it is used, at most 2 are refused, no permit stays out.
    """
    found: dict[str, Any] = {}

    async def work(clock: Clock) -> None:
        chance = random.Random(seed)  # noqa: S311 - of moments, not of secrets
        org, server = Org(clock), Server(clock)
        left = iter(range(240))

        def hire(name: str) -> asyncio.Task[None]:
            client = CoordinatorClient(
                BadLine(org.coordinator, chance), "org", name, clock
            )
            tokens = RemoteTokens(client)
            limiter = RemoteLimiter(client, tokens)

            async def one_at_a_time() -> None:
                for _ in left:
                    while True:
                        token = await tokens.get()
                        permit = await limiter.acquire()
                        await asyncio.sleep(chance.uniform(0.01, 0.04))
                        served, counted, wait_s = server.hit("us")
                        await asyncio.sleep(chance.uniform(0.01, 0.04))
                        said = QuotaHeaders(
                            counted.count, counted.allowed, int(counted.reset_s)
                        )
                        limiter.answered(permit, said)
                        if served:
                            tokens.accepted(token)
                            break
                        limiter.pause_all(wait_s)

            async def all_at_once() -> None:
                async with asyncio.TaskGroup() as group:
                    for _ in range(3):
                        group.create_task(one_at_a_time())
                await client.flush()

            return asyncio.create_task(all_at_once())

        watching = asyncio.create_task(org.coordinator.watch())
        workers = {name: hire(name) for name in ("w0", "w1", "w2", "w3")}
        for victim, heir in (("w0", "w4"), ("w1", "w5")):
            await asyncio.sleep(chance.uniform(5, 15))
            workers.pop(victim).cancel()
            workers[heir] = hire(heir)
            await asyncio.sleep(2)
            org.coordinator.worker_gone(victim)
        await asyncio.gather(*workers.values())
        watching.cancel()
        found.update(
            refused=server.refused,
            used=server.used("us"),
            out=org.coordinator.lease_count,
            in_flight=org.in_flight,
            logins=org.logins,
        )

    in_turned_time(work)

    assert found["refused"] <= 2
    assert found["used"] >= 0.9
    assert (found["out"], found["in_flight"]) == (0, 0)
    assert found["logins"] == 1
