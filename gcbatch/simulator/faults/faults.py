"""What can go wrong on the way, to order.

A fault says what it does, to which requests, and how often. Requests that are
refused for their token or by the quota do not reach a fault and are not counted by
it.
"""

import random
import re
from collections.abc import Iterator, Mapping
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
    # pages of details: without rows, without one of them, with one in place of
    # another, with one beside all others, with a wrong total, with fields of a later
    # release on every level, with whole metrics as 414.0
    "empty_details",
    "short_details",
    "doubled_details",
    "added_details",
    "drifting_total",
    "newer_fields",
    "float_details",
    # jobs that do not end well
    "job_failed",
    "job_cancelled",
    "job_expired",
    # a page of a job's results: the cursor that led to it again, no rows before the
    # right page, half of its rows lost, the last row of the page before once more
    "repeated_cursor",
    "empty_results",
    "lost_results",
    "doubled_results",
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
    "empty_details",
    "short_details",
    "doubled_details",
    "added_details",
    "drifting_total",
    "newer_fields",
    "float_details",
)

QUERIES: Final = r"/(aggregates/query|details/query|queues/summary)$"
_DETAILS: Final = r"/details/query$"
_USUAL_PATHS: Final[Mapping[Kind, str]] = {
    "empty_details": _DETAILS,
    "short_details": _DETAILS,
    "doubled_details": _DETAILS,
    "added_details": _DETAILS,
    "drifting_total": _DETAILS,
    "newer_fields": _DETAILS,
    "float_details": _DETAILS,
    "job_failed": "/jobs$",
    "job_cancelled": "/jobs$",
    "job_expired": "/jobs$",
    "repeated_cursor": "/jobs/[^/]+/results$",
    "empty_results": "/jobs/[^/]+/results$",
    "lost_results": "/jobs/[^/]+/results$",
    "doubled_results": "/jobs/[^/]+/results$",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Args:
        kind: What.
        path: Regular expression, searched in the request's path. None is the
            requests that the kind is about: submitted jobs, pages of their
            results, details queries, else analytics queries.
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
        page: Of a query by pages, only requests for the page of this number, the
            first is 1; they alone count for *nth*. None is all requests.
        drift: What a `drifting_total` adds to the total; may be negative.
    """

    kind: Kind
    path: str | None = None
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
    page: int | None = None
    drift: int = 1

    @property
    def pattern(self) -> str:
        """The regular expression that paths are searched for."""
        if self.path is not None:
            return self.path
        return _USUAL_PATHS.get(self.kind, QUERIES)

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

    def strike(self, path: str, body: object = None) -> tuple[Fault, ...]:
        """Return the faults that befall a request, and count them.

        Every armed fault sees the request. Only the first of those that answer
        in its place strikes.

        Args:
            path: Of the request.
            body: Its JSON; None without one.
        """
        chosen = tuple(self._choose(path, _page_of(body)))
        self.struck += chosen
        return chosen

    def _choose(self, path: str, page: object) -> Iterator[Fault]:
        answered = False
        for armed in self._armed:
            fault, counts = armed.fault, armed.counts
            if not re.search(fault.pattern, path):
                continue
            if fault.page not in (None, page):
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


def _page_of(body: object) -> object:
    """Return the page that a query asks for; None if it says nothing of pages."""
    paging = body.get("paging") if isinstance(body, dict) else None
    return paging.get("pageNumber") if isinstance(paging, dict) else None
