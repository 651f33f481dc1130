"""What is waited for, and what is taken to be too large instead."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gcbatch.errors import ErrorResponse, ServiceError, TooLargeError
from gcbatch.genesys.client.retrying import HEAVY_ANSWERS, Retrier, RetrySettings
from gcbatch.genesys.client.transport import ReadError, ReadTimeoutError
from gcbatch.genesys.retry_rules import rule_for
from gcbatch.genesys.traffic import FAILED_KEPT, Traffic

InTime = Callable[[Callable[[Callable[[], float]], Awaitable[None]]], None]
SILENT = cast("Any", SimpleNamespace(headers={}))
"""An answer that does not say how long to wait."""


async def refused(
    settings: RetrySettings, status: int, *, can_split: bool = True, served: int = 0
) -> bool:
    """Say whether a call that is refused so often is taken to be too large.

    Args:
        settings: The settings of the client.
        status: The status of the refusals.
        can_split: Whether less could be asked at once.
        served: How many other calls are answered meanwhile.
    """
    retrier = Retrier(settings, "a call", can_split=can_split)
    settings.traffic.answered[HTTPStatus.OK] += served
    try:
        for _ in range(HEAVY_ANSWERS):
            refusal = ErrorResponse("POST", "/path", status)
            rule = rule_for(refusal)
            assert rule is not None
            await retrier.after_refusal(refusal, SILENT, rule)
    except TooLargeError:
        return True
    return False


@pytest.mark.parametrize(
    ("status", "served", "can_split", "too_large"),
    [
        pytest.param(504, 0, True, True, id="504"),
        pytest.param(504, 0, False, False, id="504 of what is one bucket"),
        pytest.param(429, 1, True, True, id="429 while others are served"),
        pytest.param(429, 0, True, False, id="429 for all"),
        pytest.param(503, 1, True, False, id="503"),
    ],
)
def test_what_is_refused_again_and_again_may_be_too_large(
    in_turned_time: InTime,
    status: int,
    served: int,
    *,
    can_split: bool,
    too_large: bool,
) -> None:
    """Where it could be less, and nothing else explains it."""
    found: list[bool] = []

    async def work(clock: Callable[[], float]) -> None:
        settings = RetrySettings(60, lambda _: None, clock)
        found.append(
            await refused(settings, status, can_split=can_split, served=served)
        )

    in_turned_time(work)

    assert found == [too_large]


def lost(kind: type[ReadError]) -> Callable[[Retrier], Awaitable[None]]:
    return lambda retrier: retrier.after_loss(kind("gone"))


def answered(status: int, **headers: str) -> Callable[[Retrier], Awaitable[None]]:
    """Return what a call does after such an answer."""
    refusal = ErrorResponse("GET", "/path", status)
    rule = rule_for(refusal)
    assert rule is not None
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = cast("Any", SimpleNamespace(headers=named))
    return lambda retrier: retrier.after_refusal(refusal, response, rule)


@pytest.mark.parametrize(
    ("fail", "attempts", "most_s"),
    [
        pytest.param(answered(503), 4, 7, id="503"),
        pytest.param(answered(504), 4, 7, id="504"),
        pytest.param(answered(503, Retry_After="60"), 4, 183, id="a minute"),
        pytest.param(answered(503, Retry_After="61"), 1, 0, id="more than a minute"),
        pytest.param(answered(429, Retry_After="3600"), 1, 0, id="an hour"),
        pytest.param(lost(ReadError), 4, 7, id="lost"),
        pytest.param(lost(ReadTimeoutError), 1, 0, id="not in time"),
    ],
)
def test_what_a_run_can_do_without_is_given_up_soon(
    in_turned_time: InTime,
    fail: Callable[[Retrier], Awaitable[None]],
    attempts: int,
    most_s: float,
) -> None:
    """After few attempts and short waits, which are none that could be minutes."""
    found: list[tuple[int, float]] = []

    async def work(clock: Callable[[], float]) -> None:
        settings = RetrySettings(60, lambda _: None, clock)
        retrier = Retrier(settings, "GET /path", hurried=True)
        since = clock()
        try:
            while True:
                await fail(retrier)
        except ServiceError:
            found.append((retrier.failed or 1, clock() - since))

    in_turned_time(work)

    ((made, took_s),) = found
    assert made == attempts
    assert took_s <= most_s + 0.01


def test_the_last_failures_of_each_status_are_kept() -> None:
    """A storm of one crowds out none of another."""
    traffic = Traffic()
    traffic.fail("POST", "/path", 500, "the one")
    for number in range(FAILED_KEPT + 5):
        traffic.fail("POST", "/path", 429, str(number))

    kept = {
        status: [call.correlation_id for call in calls]
        for status, calls in traffic.failed.items()
    }
    assert kept == {500: ["the one"], 429: [str(n) for n in range(5, FAILED_KEPT + 5)]}


def test_what_came_since_a_copy_adds_up_with_it() -> None:
    """A copy and the counts after it make the counts of now; failures count once."""
    traffic = Traffic(sent=2, waited_s=1.5)
    traffic.fail("GET", "/old", 500, "1")
    before = traffic.copy()
    traffic.sent += 3
    traffic.answered[200] += 3
    traffic.retries["429"] += 1
    traffic.fail("GET", "/new", 500, "2")

    news = traffic.since(before)
    before.add(news)

    assert (news.sent, len(news.failed[500])) == (3, 1)
    assert before == traffic
