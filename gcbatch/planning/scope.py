"""What a plan is computed from, beside the job."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gcbatch.job import QuerySection
from gcbatch.windows import Window

__all__ = ["PlannedEndpoint", "ResolvedScope"]


class PlannedEndpoint(Protocol):
    """What a plan asks of an endpoint."""

    @property
    def name(self) -> str:
        """What job files call it."""
        ...

    @property
    def part_format(self) -> int:
        """Version of how its parts are written; one of another version is no answer."""
        ...

    @property
    def queues_at_once(self) -> int | None:
        """How many queues one query may name; None is as many as its body holds."""
        ...

    @property
    def cuts_by_clock(self) -> bool:
        """Whether buckets are counted in elapsed time from the window's start.

        Else the service cuts them by the calendar of the job's zone.
        """
        ...

    @property
    def in_utc_days(self) -> bool:
        """Whether it is asked in whole days of UTC, whatever the job's zone."""
        ...

    def template(self, query: QuerySection, queue_ids: Sequence[str] | None) -> bytes:
        """Return the body of a request but for its span.

        Args:
            query: What the job asks.
            queue_ids: The queues of this request; None is all.
        """
        ...


@dataclass(frozen=True, slots=True)
class ResolvedScope:
    """What a run is about, once dates and names are resolved.

    Args:
        identity: Whose data: the org's name, or its login host and client id.
        window: The whole range.
        queue_ids: The queues that are asked, sorted; None is all.
        queues_listed: How many queues the org lists; 0 where that is not known.
    """

    identity: str
    window: Window
    queue_ids: tuple[str, ...] | None
    queues_listed: int = 0
