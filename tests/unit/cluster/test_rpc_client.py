"""A worker repeats its calls to the coordinator until a reply comes, for a time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gcbatch import errors
from gcbatch.cluster.protocol import FRESH_S, error_from_json, error_to_json
from gcbatch.cluster.rpc_client import (
    GIVE_UP_S,
    NOTIFY_S,
    CoordinatorClient,
    CoordinatorLostError,
    RemoteLimiter,
    RemoteTokens,
    RpcError,
)
from gcbatch.errors import AccessError, ErrorResponse, GcbatchError
from gcbatch.genesys.client.rate_limiter import QuotaExhaustedError
from gcbatch.genesys.client.server_quota import QuotaHeaders
from gcbatch.genesys.client.token_provider import Token

Clock = Callable[[], float]
InTime = Callable[[Callable[[Clock], Awaitable[None]]], None]

GRANTED = {"token": "t1", "serial": 1}


class Coordinator:
    """Gives prepared answers after a delay, and records its calls.

    Args:
        answers: One for each call; `None` is none at all. The last one stays.
        takes_s: How long each call takes.
    """

    def __init__(self, *answers: Any, takes_s: float = 0.0) -> None:
        self._answers = list(answers)
        self._takes_s = takes_s
        self.calls: list[tuple[str, dict[str, Any]]] = []

    async def __call__(self, method: str, **arguments: Any) -> Any:
        self.calls.append((method, arguments))
        answers = self._answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        await asyncio.sleep(self._takes_s)
        if answer is None:
            raise RpcError
        return answer

    def client(self, clock: Clock) -> CoordinatorClient:
        return CoordinatorClient(self, "org", "w1", clock)

    def limiter(self, clock: Clock) -> RemoteLimiter:
        client = self.client(clock)
        return RemoteLimiter(client, RemoteTokens(client))

    def called(self, method: str) -> list[dict[str, Any]]:
        return [arguments for name, arguments in self.calls if name == method]


class TestLine:
    async def test_it_asks_again_with_the_same_words(self) -> None:
        """What is asked twice has its effect once: the number is the same."""
        coordinator = Coordinator(None, None, GRANTED)
        client = coordinator.client(asyncio.get_running_loop().time)
        client.sleep = lambda _: asyncio.sleep(0)

        answer = await client.request("acquire", number="n")

        assert answer == GRANTED
        assert coordinator.calls == [("acquire", {"org": "org", "number": "n"})] * 3

    @pytest.mark.parametrize("takes_s", [0.0, 30.0])
    def test_it_gives_up_by_the_clock(
        self, takes_s: float, in_turned_time: InTime
    ) -> None:
        """However long each try takes, the time is the same."""
        at: list[float] = []

        async def work(clock: Clock) -> None:
            coordinator = Coordinator(None, takes_s=takes_s)
            with pytest.raises(CoordinatorLostError, match="cannot be reached"):
                await coordinator.client(clock).request("acquire")
            at.append(clock())

        in_turned_time(work)

        assert GIVE_UP_S <= at[0] <= GIVE_UP_S + 31

    async def test_an_error_is_raised_as_it_was(self) -> None:
        """The coordinator's AccessError is the worker's."""
        reported = {"error": error_to_json(AccessError("refused", hint="look"))}
        client = Coordinator(reported).client(asyncio.get_running_loop().time)

        with pytest.raises(AccessError, match="refused") as caught:
            await client.request("token")

        assert caught.value.hint == "look"

    def test_reporting_is_repeated_and_ends(self, in_turned_time: InTime) -> None:
        """What cannot be reported, the coordinator finds out."""
        found: list[Any] = []

        async def work(clock: Clock) -> None:
            coordinator = Coordinator(None)
            client = coordinator.client(clock)
            client.notify("lost", number="n")
            await client.flush()
            found.append((clock(), len(coordinator.calls)))

        in_turned_time(work)

        assert NOTIFY_S <= found[0][0] <= NOTIFY_S + 1
        assert found[0][1] > 10


class TestPace:
    async def test_each_turn_has_a_number_of_its_own(self) -> None:
        """And is handed back by it, with what the answer said."""
        coordinator = Coordinator(GRANTED)
        client = coordinator.client(asyncio.get_running_loop().time)
        limiter = RemoteLimiter(client, RemoteTokens(client))

        for _ in range(2):
            limiter.answered(await limiter.acquire(), QuotaHeaders(3, 300, 59))
        limiter.lost(await limiter.acquire())
        await client.flush()

        numbers = [turn["number"] for turn in coordinator.called("acquire")]
        back = [*coordinator.called("answered"), *coordinator.called("lost")]
        assert len(set(numbers)) == 3
        assert [reported["number"] for reported in back] == numbers
        assert back[0]["quota_headers"] == [3, 300, 59]

    async def test_later_is_asked_for_again(self) -> None:
        """Under another number: the first asking is over."""
        coordinator = Coordinator({"later": True}, GRANTED)

        await coordinator.limiter(asyncio.get_running_loop().time).acquire()

        first, second = coordinator.called("acquire")
        assert first["number"] != second["number"]

    def test_a_turn_that_comes_late_is_not_used(self, in_turned_time: InTime) -> None:
        """Its lease would end before the answer; it is handed back, and asked again."""
        coordinator = Coordinator(GRANTED, takes_s=FRESH_S + 1)
        quick: list[str] = []

        async def work(clock: Clock) -> None:
            limiter = coordinator.limiter(clock)
            turn = asyncio.create_task(limiter.acquire())
            await asyncio.sleep(FRESH_S)
            coordinator._takes_s = 0.0
            await turn
            quick.extend(coordinator.called("acquire")[-1]["number"])
            await limiter._coordinator.flush()

        in_turned_time(work)

        late, used = (turn["number"] for turn in coordinator.called("acquire"))
        assert [reported["number"] for reported in coordinator.called("unused")] == [
            late
        ]
        assert used == "".join(quick)

    async def test_a_spent_quota_is_raised(self) -> None:
        """As by the limiter of a single process."""
        with pytest.raises(QuotaExhaustedError) as caught:
            await (
                Coordinator({"spent": 7200.0})
                .limiter(asyncio.get_running_loop().time)
                .acquire()
            )

        assert caught.value.wait_s == 7200.0


class TestTokens:
    async def test_the_token_is_asked_for_once(self) -> None:
        """After that it comes with the turns."""
        coordinator = Coordinator({"later": True}, GRANTED)
        tokens = RemoteTokens(coordinator.client(asyncio.get_running_loop().time))

        found = [await tokens.get() for _ in range(3)]

        assert [token.value for token in found] == ["t1"] * 3
        assert coordinator.called("token") == [{"org": "org", "rejected": 0}] * 2

    async def test_a_refused_token_is_named_by_its_number(self) -> None:
        """So that one renewal does for all workers."""
        coordinator = Coordinator(GRANTED, {"token": "t2", "serial": 2})
        tokens = RemoteTokens(coordinator.client(asyncio.get_running_loop().time))
        first = await tokens.get()

        second = await tokens.get(rejected=first)

        assert coordinator.called("token")[-1]["rejected"] == 1
        assert (second.value, tokens.latest(first)) == ("t2", second)

    async def test_a_reply_come_late_brings_no_old_token_back(self) -> None:
        """Replies overtake one another."""
        tokens = RemoteTokens(
            Coordinator(GRANTED).client(asyncio.get_running_loop().time)
        )
        new = tokens.take({"token": "t2", "serial": 2})

        assert tokens.take(GRANTED) is new

    async def test_acceptance_is_reported_once(self) -> None:
        """Not with every answer, and not of a token that is not the current one."""
        coordinator = Coordinator(GRANTED)
        client = coordinator.client(asyncio.get_running_loop().time)
        tokens = RemoteTokens(client)
        token = await tokens.get()

        for accepted in (token, token, Token("other", lifetime_s=1.0)):
            tokens.accepted(accepted)
        await client.flush()

        assert coordinator.called("accepted") == [{"org": "org", "serial": 1}]


REFUSAL = ErrorResponse("GET", "/api/v2/users", 403, "missing.permission", "no", "c-1")
KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, GcbatchError)
]


@pytest.mark.parametrize("refusal", [None, REFUSAL])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_errors_travel_whole(
    kind: type[GcbatchError], refusal: ErrorResponse | None
) -> None:
    """Their kind decides the exit code, and whether others go on."""
    reported = error_from_json(
        error_to_json(kind("what is wrong", hint="do this", response=refusal))
    )

    assert type(reported) is kind
    assert (reported.problem, reported.hint, reported.response) == (
        "what is wrong",
        "do this",
        refusal,
    )
