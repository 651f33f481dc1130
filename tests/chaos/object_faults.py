"""What befalls the requests of a seed to an object store."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from gcbatch.objects import Retries
from tests.support.s3_faults import BEFALLS, Kind, ObjectFault
from tests.support.s3_proxy import FaultyS3

__all__ = ["QUICK", "drawn_faults", "explained"]

QUICK: Final = Retries(
    most=4,
    first_pause=timedelta(milliseconds=1),
    longest_pause=timedelta(milliseconds=8),
)
"""Pauses that a test can wait."""

KINDS: Final[tuple[Kind, ...]] = tuple(BEFALLS)


def drawn_faults(seed: int) -> tuple[ObjectFault, ...]:
    """Return the faults of a seed: most pass, some end what they befall."""
    chance = random.Random(seed)  # noqa: S311 - of faults, not of secrets
    return tuple(_fault(chance) for _ in range(chance.choice((1, 2, 3, 4, 6))))


def _fault(chance: random.Random) -> ObjectFault:
    kind = chance.choice(KINDS)
    operations = BEFALLS[kind]
    often: dict[str, Any] = chance.choice(
        (
            {"times": chance.randint(1, 6)},
            {"nth": chance.randint(1, 3), "times": None},
            {"probability": 0.1, "times": None},
            {"probability": 0.5, "times": 20},
        )
    )
    if chance.random() < 0.08:
        often = {"times": None}  # it does not pass
    if chance.random() < 0.5:
        operations = (chance.choice(operations),)
    return ObjectFault(kind, operations, **often)


@contextmanager
def explained(seed: int, proxy: FaultyS3) -> Iterator[None]:
    """Add to a failure what befell which request."""
    try:
        yield
    except Exception as exc:
        log = [f"{number}: {seen}" for number, seen in enumerate(proxy.faults.seen)]
        exc.add_note("\n".join([f"seed {seed}, {drawn_faults(seed)}", *log]))
        raise
