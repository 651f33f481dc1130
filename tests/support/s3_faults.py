"""What can go wrong between gcbatch and an S3 server, and what befalls which request.

Whether a fault befalls a request is drawn from the seed, the operation, the key, and
how often the key saw that operation: threads may be quicker or slower, a seed stays the
same.
"""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["BEFALLS", "Kind", "ObjectFault", "ObjectFaults", "Operation", "Seen"]

Operation = Literal[
    "get", "head", "list", "put", "swap", "begin", "part", "complete", "abort", "delete"
]
"""`swap` is a put with a condition; an upload in parts is begin, part and complete."""

Kind = Literal[
    "500", "slow down", "late", "reset", "half sent", "lost", "half read", "failed 200",
    "lag",
]  # fmt: skip
"""What goes wrong:

- `500` and `slow down` (503): an answer instead of the work.
- `late`: the answer takes longer.
- `reset`: the connection breaks before the server has the request.
- `half sent`: it breaks in the middle of the body.
- `lost`: the work is done, and the connection breaks before the answer.
- `half read`: it breaks in the middle of the answer's body.
- `failed 200`: an error in the body of an answer 200, as S3 has it for an upload that
  fails after it began to answer, and for each object that it does not remove.
- `lag`: a listing lacks some of the last writes and has objects that were removed.
"""

_ALL: Final[tuple[Operation, ...]] = (
    *("get", "head", "list", "put", "swap"),
    *("begin", "part", "complete", "abort", "delete"),
)
_WRITES: Final[tuple[Operation, ...]] = (
    *("put", "swap", "begin", "part", "complete", "abort", "delete"),
)
BEFALLS: Final[Mapping[Kind, tuple[Operation, ...]]] = {
    "500": _ALL,
    "slow down": _ALL,
    "late": _ALL,
    "reset": _ALL,
    "half sent": ("put", "swap", "part", "complete"),
    "lost": _WRITES,
    "half read": ("get", "list"),
    "failed 200": ("complete", "delete"),
    "lag": ("list",),
}
"""The operations that each kind can befall."""


@dataclass(frozen=True, slots=True)
class ObjectFault:
    """One thing that goes wrong.

    Args:
        kind: What.
        operations: Which requests it befalls; empty: all that it can.
        probability: How likely it is for each of them, 0 to 1.
        times: Maximum requests that it befalls; None is without limit.
        nth: Only the nth time that a key sees the operation, the first is 1; None is
            any.
    """

    kind: Kind
    operations: tuple[Operation, ...] = ()
    probability: float = 1.0
    times: int | None = 1
    nth: int | None = None

    def can_befall(self, operation: Operation) -> bool:
        """Whether it can befall an operation."""
        return operation in (self.operations or BEFALLS[self.kind])


@dataclass(frozen=True, slots=True)
class Seen:
    """A request, and what befell it.

    Args:
        operation: What it wants.
        key: The object; the prefix of a listing; all objects to remove, one a line.
        fault: What befell it; None: nothing.
        chance: A number that belongs to it, 0 to 1: how late, or how much of a body.
    """

    operation: Operation
    key: str
    fault: Kind | None
    chance: float

    def __str__(self) -> str:
        return f"{self.operation} {self.key}: {self.fault or 'as it was'}"


class ObjectFaults:
    """The faults of a seed.

    Args:
        faults: In the order in which they are tried; the first that befalls a request
            is the only one.
        seed: What chance is drawn from.

    Attributes:
        seen: The requests, in order of arrival.
    """

    def __init__(self, *faults: ObjectFault, seed: object = 0) -> None:
        self._faults = faults
        self._left = [fault.times for fault in faults]
        self._seed = seed
        self._count: Counter[tuple[str, str]] = Counter()
        self.seen: list[Seen] = []

    @property
    def struck(self) -> Counter[str]:
        """How often each kind befell a request."""
        return Counter(seen.fault for seen in list(self.seen) if seen.fault)

    def draw(self, operation: Operation, key: str) -> Seen:
        """Return a request with what befalls it, and note it."""
        self._count[operation, key] += 1
        nth = self._count[operation, key]
        seen = Seen(operation, key, None, 0.0)
        for number, fault in enumerate(self._faults):
            left = self._left[number]
            if not fault.can_befall(operation) or left == 0:
                continue
            drawn = f"{self._seed} {number} {operation} {key} {nth}"
            chance = random.Random(drawn)  # noqa: S311 - of faults, not of secrets
            if fault.nth not in (None, nth) or chance.random() >= fault.probability:
                continue
            if left is not None:
                self._left[number] = left - 1
            seen = Seen(operation, key, fault.kind, chance.random())
            break
        self.seen.append(seen)
        return seen
