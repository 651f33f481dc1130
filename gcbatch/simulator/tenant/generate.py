"""Generates calls; the same seed gives the same calls.

Random calls rarely have what breaks programs. So every tenth call begins on a quarter
of an hour. Some waits come from a list that has the threshold, and a millisecond before
and after it; some calls last past a midnight.
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
ABANDONED: Final = 1 / 5
"""Probabilities; the second includes the first."""

UNUSUAL_CALLS: Final = 10
"""One call in so many is unusual; the others are ordinary."""


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

    They are spread evenly over the day. About one in five is abandoned, and one in
    fifty still waits. Some are answered or end after *end*.

    Args:
        seed: The same seed and arguments give the same calls.
        queues: Each gets an equal share.
        start: First instant, aware.
        end: First instant after the range, aware.
        per_day: Calls in 24 hours, over all queues.
        user_ids: The agents; without them, calls have no user.
        wrap_up_codes: Ids, used in turn; without them, calls have no code.
        media_types: Used in turn.
    """
    rng = random.Random(seed)  # noqa: S311 - chance, not secrecy
    count = round(per_day * ((end - start) / timedelta(days=1)))
    media, codes = cycle(media_types), cycle([*wrap_up_codes, None])
    calls = []
    for number, wait_ms in zip(range(count), _waits(rng, queues), strict=False):
        queue = queues[number % len(queues)]
        offered = _instant(rng, start, end, on_edge=number % UNUSUAL_CALLS == 0)
        left = offered + wait_ms * MS
        kind = rng.random()
        call_id = str(UUID(int=rng.getrandbits(128), version=4))
        call = Call(
            queue_id=queue.id,
            offered=offered,
            call_id=call_id,
            media_type=next(media),
        )
        if WAITING <= kind < ABANDONED:
            call = replace(call, abandoned=left)
        elif kind >= ABANDONED:
            call = replace(
                call,
                answered=left,
                ended=left + _handle_ms(rng, number) * MS,
                user_id=rng.choice(user_ids) if user_ids else None,
                wrap_up_code=next(codes),
            )
        calls.append(call)
    return tuple(sorted(calls, key=lambda call: (call.offered, call.call_id)))


def _waits(rng: random.Random, queues: Sequence[Queue]) -> Iterator[int]:
    """Yield waits in milliseconds: unusual ones between ordinary ones."""
    thresholds = sorted({queue.service_level_ms for queue in queues})
    unusual = [0, 4_999, 5_000, 45 * 60_000]
    for threshold in thresholds:
        unusual += [threshold - 1, threshold, threshold + 1]
    for wait_ms in cycle(unusual):
        yield wait_ms
        for _ in range(4):
            yield int(rng.expovariate(1 / 30_000))


def _handle_ms(rng: random.Random, number: int) -> int:
    if number % (5 * UNUSUAL_CALLS) == 1:
        return LONG_HANDLE_MS
    return int(rng.expovariate(1 / MEAN_HANDLE_MS))


def _instant(
    rng: random.Random, start: datetime, end: datetime, *, on_edge: bool
) -> datetime:
    instant = start + rng.randrange((end - start) // MS) * MS
    if on_edge:
        return max(instant - (instant - EPOCH) % EDGE, start)
    return instant
