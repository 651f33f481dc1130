"""What can go wrong on the way, to order.

A fault says what it does, to which requests, and how often. Requests that are
refused for their token or by the quota do not reach a fault and are not counted by
it.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

__all__ = ["DISTORTIONS", "INSTEAD", "Fault", "Faults", "Hint", "Kind"]

Kind = Literal[
    # answered instead of the real answer
    "status",
    "throttled",
    "unauthorized",
    "reset",
    "garbage",
    "redirect",
    # the real answer, late
    "stall",
    # the real answer, spoilt
    "truncated",
    "no_results",
    "extra_fields",
    "wrong_types",
    "doubled_bucket",
    "outside_bucket",
    "overlapping_buckets",
    "float_numbers",
    "offset_intervals",
    # likewise, of the tutorials' endpoints only
    "null_levels",
    "nameless_queues",
    "no_offers",
    # the pages of the tutorials' endpoints, out of order: a page without rows
    # before the right one, a token that leads to its own page, a last page whose
    # token leads back to the second
    "empty_page",
    "repeated_token",
    "looping_tokens",
]

Hint = Literal["retry-after", "message", "reset", "none"]
"""Where a 429 says how long to wait: header and text, text only, the
`inin-ratelimit-reset` header only, or nowhere."""

INSTEAD: Final[tuple[Kind, ...]] = (
    "status",
    "throttled",
    "unauthorized",
    "reset",
    "garbage",
    "redirect",
)

DISTORTIONS: Final[tuple[Kind, ...]] = (
    "no_results",
    "extra_fields",
    "wrong_types",
    "doubled_bucket",
    "outside_bucket",
    "overlapping_buckets",
    "float_numbers",
    "offset_intervals",
    "null_levels",
    "nameless_queues",
    "no_offers",
)

QUERIES: Final = r"/(aggregates/query|queues/summary)$"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Args:
        kind: What.
        path: Regular expression, searched in the request's path; analytics
            queries unless told otherwise.
        nth: Which of the requests to that path, the first is 1; None is any.
        probability: Chance to strike, 0 to 1, drawn from the seeded generator.
        times: Most strikes; None is without end.
        status: HTTP status of `status` (None is 503) and `redirect` (302).
        body: Body of `status` and `garbage`; None is the service's own JSON.
        content_type: Of *body*.
        hint: How a `throttled` tells the wait.
        wait_s: The wait that a `throttled` tells, in seconds; a `status` tells
            it as Retry-After where it is not None.
        delay_s: How long a `stall` holds the answer back, in seconds.
        location: Where a `redirect` points.
    """

    kind: Kind
    path: str = QUERIES
    nth: tuple[int, ...] | None = None
    probability: float = 1.0
    times: int | None = 1
    status: int | None = None
    body: bytes | None = None
    content_type: str = "application/json"
    hint: Hint = "retry-after"
    wait_s: int | None = None
    delay_s: float = 0.0
    location: str = "/elsewhere"

    @property
    def hides_quota(self) -> bool:
        """Whether the answer lacks the rate-limit headers."""
        return self.kind == "throttled" and self.hint in ("message", "none")


@dataclass(slots=True)
class _Counts:
    seen: int = 0
    struck: int = 0


@dataclass(slots=True)
class _Armed:
    fault: Fault
    counts: _Counts = field(default_factory=_Counts)


class Faults:
    """The faults of a simulator; may be changed while it runs.

    Args:
        faults: In the order in which they are tried.
        seed: Of the generator behind `probability`.
    """

    def __init__(self, *faults: Fault, seed: int = 0) -> None:
        self._armed = [_Armed(fault) for fault in faults]
        self._random = random.Random(seed)  # noqa: S311 - chance, not secrecy
        self.struck: list[Fault] = []

    def add(self, *faults: Fault) -> None:
        """Arm more faults, behind those that are."""
        self._armed += [_Armed(fault) for fault in faults]

    def clear(self) -> None:
        """Disarm every fault; what struck stays on record."""
        self._armed.clear()

    def strike(self, path: str) -> tuple[Fault, ...]:
        """Return the faults that befall a request, and count them.

        Every armed fault sees the request. Only the first of those that answer
        in its place strikes.
        """
        chosen = tuple(self._choose(path))
        self.struck += chosen
        return chosen

    def _choose(self, path: str) -> Iterator[Fault]:
        answered = False
        for armed in self._armed:
            fault, counts = armed.fault, armed.counts
            if not re.search(fault.path, path):
                continue
            counts.seen += 1
            instead = fault.kind in INSTEAD
            if (
                (fault.times is not None and counts.struck >= fault.times)
                or (fault.nth is not None and counts.seen not in fault.nth)
                or (instead and answered)
                or self._random.random() >= fault.probability
            ):
                continue
            counts.struck += 1
            answered = answered or instead
            yield fault
