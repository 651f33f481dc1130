"""What is waited for, and what is taken to be too large instead."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gcbatch.errors import Refusal, TooLargeError
from gcbatch.genesys.patience import FAILED_KEPT, HEAVY_TRIES, Patience, Traffic
from gcbatch.genesys.repeating import rule_for

InTime = Callable[[Callable[[Callable[[], float]], Awaitable[None]]], None]
SILENT = cast("Any", SimpleNamespace(headers={}))
"""An answer that does not say how long to wait."""


async def refused(
    patience: Patience, status: int, *, divisible: bool = True, served: int = 0
) -> bool:
    """Say whether a call that is refused so often is taken to be too large.

    Args:
        patience: Of the client.
        status: Of the refusals.
        divisible: Whether less could be asked at once.
        served: How many other calls are answered meanwhile.
    """
    tries = patience.tries("a call", divisible=divisible)
    patience.traffic.answered[HTTPStatus.OK] += served
    try:
        for _ in range(HEAVY_TRIES):
            refusal = Refusal("POST", "/path", status)
            rule = rule_for(refusal)
            assert rule is not None
            await tries.after_refusal(refusal, SILENT, rule)
    except TooLargeError:
        return True
    return False


@pytest.mark.parametrize(
    ("status", "served", "divisible", "too_large"),
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
    divisible: bool,
    too_large: bool,
) -> None:
    """Where it could be less, and nothing else explains it."""
    found: list[bool] = []

    async def work(clock: Callable[[], float]) -> None:
        patience = Patience(give_up_s=60, hold=lambda _: None, clock=clock)
        found.append(
            await refused(patience, status, divisible=divisible, served=served)
        )

    in_turned_time(work)

    assert found == [too_large]


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
