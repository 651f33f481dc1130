"""Faults: what can go wrong with a request.

A fault says what it does, to which requests, and how often. A request that is refused
because of its token or the quota does not reach the faults; they do not count it.
"""

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

__all__ = ["CORRUPTIONS", "REPLACEMENTS", "Fault", "Faults", "Hint", "Kind"]

Kind = Literal[
    # another answer instead of the real one
    "status",
    "throttled",
    "unauthorized",
    "reset",
    "garbage",
    "redirect",
    # the real answer, late
    "stall",
    # the real answer, corrupted
    "truncated",
    "no_results",
    "extra_fields",
    "wrong_types",
    "doubled_bucket",
    "outside_bucket",
    "overlapping_buckets",
    "float_numbers",
    "offset_intervals",
    # the real answer of the tutorials' endpoints, corrupted
    "null_levels",
    "nameless_queues",
    "no_offers",
    # wrong pages of the tutorials' endpoints: a page without rows before the right
    # one, a token of its own page, a last page with the token of the second
    "empty_page",
    "repeated_token",
    "looping_tokens",
    # pages of details: without rows, without one row, with one row instead of
    # another, with one row more, with a wrong total, with fields of a later release
    # on every level, with whole metrics as 414.0
    "empty_details",
    "short_details",
    "doubled_details",
    "added_details",
    "drifting_total",
    "newer_fields",
    "float_details",
    # jobs that fail, are cancelled or expire
    "job_failed",
    "job_cancelled",
    "job_expired",
    # a page of a job's results: with its own cursor again, empty before the right
    # one, without half of its rows, with the last row of the page before it
    "repeated_cursor",
    "empty_results",
    "lost_results",
    "doubled_results",
    # listings of entities: a page without its last entity, or that begins with the
    # last entity of the page before instead of its own; a listing that has one entity
    # more, or one less, from this page on
    "short_listing",
    "repeated_entity",
    "grown_listing",
    "shrunk_listing",
]

Hint = Literal["retry-after", "message", "reset", "none"]
"""What in a 429 has the wait: header and text, the text alone, the header
`inin-ratelimit-reset` alone, or nothing."""

REPLACEMENTS: Final[tuple[Kind, ...]] = (
    "status",
    "throttled",
    "unauthorized",
    "reset",
    "garbage",
    "redirect",
)

CORRUPTIONS: Final[tuple[Kind, ...]] = (
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
_LISTINGS: Final = r"^/api/v2/(?!analytics/)"
_DEFAULT_PATHS: Final[Mapping[Kind, str]] = {
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
    "short_listing": _LISTINGS,
    "repeated_entity": _LISTINGS,
    "grown_listing": _LISTINGS,
    "shrunk_listing": _LISTINGS,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Args:
        kind: What goes wrong.
        path: Regular expression, searched in the request's path. None selects the
            requests of the kind: submitted jobs, pages of their results, details
            queries, pages of listings, otherwise all analytics queries.
        nth: Which of the requests to that path, the first is 1; None is any.
        probability: How likely it is for each request, 0 to 1; drawn from the seed.
        times: Maximum requests that it applies to; None is without limit.
        status: HTTP status of `status` (None is 503) and `redirect` (302).
        body: Body of `status` and `garbage`; None is the service's own JSON.
        content_type: The content type of *body*.
        hint: What of a `throttled` has the wait.
        wait_s: The wait in a `throttled`, in seconds; if not None, a `status` has it
            as Retry-After.
        delay_s: Seconds by which a `stall` delays the answer.
        location: The target of a `redirect`.
        page: Number of a page, the first is 1: the fault sees the requests for it
            alone, and *nth* counts them. None is all requests.
        drift: Number that a `drifting_total` adds to the total; may be negative.
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
        """The regular expression to search for in paths."""
        if self.path is not None:
            return self.path
        return _DEFAULT_PATHS.get(self.kind, QUERIES)

    @property
    def hides_quota(self) -> bool:
        """Whether the response lacks the rate-limit headers."""
        return self.kind == "throttled" and self.hint in ("message", "none")


@dataclass(slots=True)
class _Counts:
    seen: int = 0
    triggered: int = 0


@dataclass(slots=True)
class _Counted:
    fault: Fault
    counts: _Counts = field(default_factory=_Counts)


class Faults:
    """The faults of a simulator; may be changed while it runs.

    Args:
        faults: In the order in which they are tried.
        seed: The seed of the random generator for `probability`.

    Attributes:
        triggered: The faults that applied to a request, in order of time.
    """

    def __init__(self, *faults: Fault, seed: int = 0) -> None:
        self._counted = [_Counted(fault) for fault in faults]
        self._random = random.Random(seed)  # noqa: S311 - chance, not secrecy
        self.triggered: list[Fault] = []

    def add(self, *faults: Fault) -> None:
        """Add faults after those that exist."""
        self._counted += [_Counted(fault) for fault in faults]

    def clear(self) -> None:
        """Remove every fault; `triggered` stays."""
        self._counted.clear()

    def trigger(self, path: str, body: object = None) -> tuple[Fault, ...]:
        """Return the faults that apply to a request, and count them.

        Every fault sees the request. Of those that replace the answer, only the first
        applies.

        Args:
            path: The path of the request.
            body: Its JSON; None without one.
        """
        chosen = tuple(self._choose(path, _page_of(body)))
        self.triggered += chosen
        return chosen

    def _choose(self, path: str, page: object) -> Iterator[Fault]:
        answered = False
        for counted in self._counted:
            fault, counts = counted.fault, counted.counts
            if not re.search(fault.pattern, path):
                continue
            if fault.page not in (None, page):
                continue
            counts.seen += 1
            instead = fault.kind in REPLACEMENTS
            if (
                (fault.times is not None and counts.triggered >= fault.times)
                or (fault.nth is not None and counts.seen not in fault.nth)
                or (instead and answered)
                or self._random.random() >= fault.probability
            ):
                continue
            counts.triggered += 1
            answered = answered or instead
            yield fault


def _page_of(body: object) -> object:
    """Return the number of the page that a query requests; None if it has none."""
    paging = body.get("paging") if isinstance(body, dict) else None
    return paging.get("pageNumber") if isinstance(paging, dict) else None
