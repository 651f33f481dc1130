"""Spans whose figures the service may still correct, and until when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from gcbatch.joined_spans import joined_spans
from gcbatch.windows import Period, Window, iso, step

__all__ = ["ProvisionalSpan", "provisional_spans"]


@dataclass(frozen=True, slots=True)
class ProvisionalSpan:
    """A span that was fetched before its figures had settled.

    Args:
        window: The span; parts whose windows touch are one span.
        final_from: A run from this instant on, UTC, fetches final figures of all of it.
            None if it has passed, and the service did not have all data yet.
        org: The org's name in the job; empty in a job of one org.
    """

    window: Window
    final_from: datetime | None
    org: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        start, end = iso(self.window.start), iso(self.window.end)
        final = iso(self.final_from) if self.final_from else None
        org = {"org": self.org} if self.org else {}
        return {"from": start, "to": end, "final_from": final, **org}


def provisional_spans(
    windows: Iterable[Window],
    settle: Period,
    zone: ZoneInfo,
    *,
    fetched_at: datetime,
    org: str = "",
) -> tuple[ProvisionalSpan, ...]:
    """Return the spans of windows that are provisional, in order.

    Args:
        windows: The windows of the provisional parts, in any order.
        settle: How long after its end a window's figures may change.
        zone: The time zone in which *settle* counts days.
        fetched_at: When the last of the parts was fetched, UTC.
        org: The org's name in the job.
    """
    found = []
    for span in joined_spans(windows):
        final = step(span.end, settle, 1, zone)
        is_ahead = final > fetched_at
        found.append(ProvisionalSpan(span, final if is_ahead else None, org))
    return tuple(found)
