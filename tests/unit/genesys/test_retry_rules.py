"""When to try again: the service's word first, ours when it gives none."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcbatch.errors import ErrorResponse
from gcbatch.genesys.retry_rules import (
    RetryBudget,
    backoff_s,
    retry_after_s,
    rule_for,
)

NOW = datetime(2026, 10, 16, 12, tzinfo=UTC)
RETRY_3 = "Rate limit exceeded the maximum. Retry the request in [3] seconds"
LEGACY = "Rate limit exceeded the maximum [300] requests within [60] seconds"


class Clock:
    """Monotonic seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def attempts_of(clock: Clock | None = None, *, jitter: float = 1.0) -> RetryBudget:
    return RetryBudget(give_up_s=30, clock=clock or Clock(), jitter=lambda: jitter)


@pytest.mark.parametrize(
    ("headers", "message", "expected"),
    [
        pytest.param({"Retry-After": "7"}, RETRY_3, 7.0, id="header first"),
        pytest.param({"Retry-After": " 7 "}, "", 7.0, id="blanks"),
        pytest.param({"Retry-After": "0"}, RETRY_3, 0.0, id="no wait at all"),
        pytest.param(
            {"Retry-After": "Fri, 16 Oct 2026 12:00:30 GMT"}, "", 30.0, id="date"
        ),
        pytest.param(
            {"Retry-After": "Fri, 16 Oct 2026 12:00:30 -0000"}, "", 30.0, id="no zone"
        ),
        pytest.param(
            {"Retry-After": "Fri, 16 Oct 2026 11:00:00 GMT"}, "", 0.0, id="past"
        ),
        pytest.param({"Retry-After": "soon"}, RETRY_3, 3.0, id="garbage"),
        pytest.param({"Retry-After": "1.5"}, "", None, id="no whole seconds"),
        pytest.param({"Retry-After": "-5"}, "", None, id="negative"),
        pytest.param(
            {"Retry-After": "Fri, 16 Oct 2026 12:00:00 +" + "9" * 30},
            RETRY_3,
            3.0,
            id="zone beyond bounds",
        ),
        pytest.param({}, RETRY_3, 3.0, id="message"),
        pytest.param({}, LEGACY, 60.0, id="legacy names the limit first"),
        pytest.param({"inin-ratelimit-reset": "61"}, RETRY_3, 3.0, id="message first"),
        pytest.param({"inin-ratelimit-reset": "61"}, "", 61.0, id="reset"),
        pytest.param({"inin-ratelimit-reset": "x"}, "", None, id="broken reset"),
        pytest.param({}, "The request timed out.", None, id="nothing said"),
    ],
)
def test_the_services_word_is_looked_for_in_order(
    headers: Mapping[str, str], message: str, expected: float | None
) -> None:
    """Retry-After, then the number in the message, then the window's reset."""
    assert retry_after_s(headers, message, NOW) == expected


@given(
    header=st.one_of(
        st.text(max_size=40), st.text(alphabet="MonJan 0129:+-,GT.", max_size=40)
    )
)
def test_no_header_breaks_it(header: str) -> None:
    """Whatever a gateway sends is a number of seconds or nothing."""
    reported = retry_after_s({"Retry-After": header}, "", NOW)

    assert reported is None or reported >= 0


@pytest.mark.parametrize(
    ("status", "is_quota", "is_heavy"),
    [
        pytest.param(429, True, True, id="quota, while others are served"),
        pytest.param(504, False, True, id="too slow"),
        pytest.param(408, False, False, id="request timeout"),
        pytest.param(500, False, False, id="server error"),
        pytest.param(502, False, False, id="bad gateway"),
        pytest.param(503, False, False, id="unavailable"),
    ],
)
def test_statuses_have_rules(status: int, *, is_quota: bool, is_heavy: bool) -> None:
    """A rule says what a status means for the quota and for the size of the query."""
    rule = rule_for(ErrorResponse("GET", "/path", status))

    assert rule is not None
    assert rule.is_quota is is_quota
    assert rule.is_heavy(True) is is_heavy  # noqa: FBT003 - others were served


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 501])
def test_other_statuses_are_not_repeated(status: int) -> None:
    """An answer that would come again is an error at once."""
    assert rule_for(ErrorResponse("GET", "/path", status)) is None


def test_our_own_waits_double_to_a_minute() -> None:
    """1, 2, 4 … seconds, and never more than 60."""
    assert [backoff_s(n) for n in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_twelve_attempts_are_made() -> None:
    """The twelfth failure is the last."""
    attempts = attempts_of()

    waits = [attempts.wait_s() for _ in range(12)]

    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, None]


def test_our_waits_are_spread() -> None:
    """Jitter takes from our own wait, and adds to what the service said."""
    assert attempts_of(jitter=0.5).wait_s() == 0.5
    assert attempts_of(jitter=0.5).wait_s(asked_s=3.0) == 3.5


@pytest.mark.parametrize(("asked_s", "waits"), [(180.0, True), (180.1, False)])
def test_what_takes_too_long_is_not_waited_for(asked_s: float, *, waits: bool) -> None:
    """A daily limit fails with its words instead of sleeping for hours."""
    assert (attempts_of().wait_s(asked_s=asked_s) is not None) is waits
    assert attempts_of().wait_s(asked_s=float("inf")) is None


def test_an_absent_coordinator_is_given_up_after_a_while() -> None:
    """An address that refuses connections is tried for 30 s, to the last second."""
    clock = Clock()
    attempts = attempts_of(clock)
    tries = 0
    while (wait := attempts.wait_s(unreachable=True)) is not None:
        tries += 1
        clock.now += wait

    assert clock.now == 30.0
    assert tries == 5


def test_an_answer_in_between_begins_the_count_again() -> None:
    """Only an address that never answers is given up early."""
    clock = Clock()
    attempts = attempts_of(clock)
    attempts.wait_s(unreachable=True)
    clock.now = 29.0
    attempts.wait_s()
    clock.now = 31.0

    assert attempts.wait_s(unreachable=True) is not None
