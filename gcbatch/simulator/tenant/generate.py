"""Makes up calls, the same ones for the same seed.

Chance rarely hits what breaks programs, so every tenth call begins on an edge of a
quarter of an hour and the waits go round a list that has the threshold itself, a
millisecond either side of it, and calls that outlast a midnight.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Final
from uuid import UUID

from gcbatch.simulator.tenant.tenant import Call, Queue

__all__ = ["generate_calls"]

EDGE: Final = timedelta(minutes=15)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MS: Final = timedelta(milliseconds=1)

MEAN_HANDLE_MS: Final = 180_000
LONG_HANDLE_MS: Final = 12 * 3_600_000
WAITING: Final = 1 / 50
GIVEN_UP: Final = 1 / 5
"""Chances, the second including the first."""

ODD_CALLS: Final = 10
"""One call in so many is odd in some way; the others are ordinary."""


def generate_calls(
    seed: int,
    queues: Sequence[Queue],
    start: datetime,
    end: datetime,
    *,
    per_day: int = 200,
    user_ids: Sequence[str] = (),
    wrap_up_codes: Sequence[str] = (),
    media_types: Sequence[str] = ("voice",),
) -> tuple[Call, ...]:
    """Return calls that join their queue in [start, end), in time order.

    They are spread evenly round the clock. About one in five is given up, and one
    in fifty is still waiting. Some are answered or done after *end*.

    Args:
        seed: The same seed and arguments give the same calls.
        queues: Where they wait; each gets its share.
        start: First instant, aware.
        end: First instant too late, aware.
        per_day: Calls in 24 hours, all queues together.
        user_ids: Who answers; none leaves them without a user.
        wrap_up_codes: Ids given in turn; none leaves them without a code.
        media_types: Taken in turn.
    """
    chance = random.Random(seed)  # noqa: S311 - chance, not secrecy
    count = round(per_day * ((end - start) / timedelta(days=1)))
    media, codes = cycle(media_types), cycle([*wrap_up_codes, None])
    calls = []
    for number, wait_ms in zip(range(count), _waits(chance, queues), strict=False):
        queue = queues[number % len(queues)]
        offered = _instant(chance, start, end, on_edge=number % ODD_CALLS == 0)
        over = offered + wait_ms * MS
        kind = chance.random()
        call_id = str(UUID(int=chance.getrandbits(128), version=4))
        call = Call(
            queue_id=queue.id,
            offered=offered,
            call_id=call_id,
            media_type=next(media),
        )
        if WAITING <= kind < GIVEN_UP:
            call = replace(call, abandoned=over)
        elif kind >= GIVEN_UP:
            call = replace(
                call,
                answered=over,
                ended=over + _handle_ms(chance, number) * MS,
                user_id=chance.choice(user_ids) if user_ids else None,
                wrap_up_code=next(codes),
            )
        calls.append(call)
    return tuple(sorted(calls, key=lambda call: (call.offered, call.call_id)))


def _waits(chance: random.Random, queues: Sequence[Queue]) -> Iterator[int]:
    """Yield waits in milliseconds: the odd ones between ordinary ones."""
    thresholds = sorted({queue.service_level_ms for queue in queues})
    odd = [0, 4_999, 5_000, 45 * 60_000]
    for threshold in thresholds:
        odd += [threshold - 1, threshold, threshold + 1]
    for wait_ms in cycle(odd):
        yield wait_ms
        for _ in range(4):
            yield int(chance.expovariate(1 / 30_000))


def _handle_ms(chance: random.Random, number: int) -> int:
    if number % (5 * ODD_CALLS) == 1:
        return LONG_HANDLE_MS
    return int(chance.expovariate(1 / MEAN_HANDLE_MS))


def _instant(
    chance: random.Random, start: datetime, end: datetime, *, on_edge: bool
) -> datetime:
    instant = start + chance.randrange((end - start) // MS) * MS
    if on_edge:
        return max(instant - (instant - EPOCH) % EDGE, start)
    return instant
