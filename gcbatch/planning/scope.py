"""The inputs of a plan, in addition to the job."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gcbatch.job import QuerySection
from gcbatch.windows import Window

__all__ = ["PlannedEndpoint", "ResolvedScope"]


class PlannedEndpoint(Protocol):
    """The facts of an endpoint that planning needs."""

    @property
    def name(self) -> str:
        """Its name in job files."""

    @property
    def part_format(self) -> int:
        """Version of how its parts are written; parts of another are not used."""

    @property
    def queues_at_once(self) -> int | None:
        """Maximum number of queues of a query; None is as many as its body holds."""

    @property
    def cuts_by_clock(self) -> bool:
        """Whether buckets are counted in elapsed time from the window's start.

        If not, the service cuts them by the calendar of the job's zone.
        """

    @property
    def in_utc_days(self) -> bool:
        """Whether its windows are whole days of UTC in any job's zone."""

    def template(self, query: QuerySection, queue_ids: Sequence[str] | None) -> bytes:
        """Return the body of a request, without its interval.

        Args:
            query: The job's section.
            queue_ids: The queues of this request; None is all.
        """


@dataclass(frozen=True, slots=True)
class ResolvedScope:
    """The scope of a run, with dates and names resolved.

    Args:
        identity: The org's name, or its login host and client id.
        window: The whole range.
        queue_ids: The queues of the job, sorted; None is all.
        queues_listed: Number of queues that the org lists; 0 if unknown.
    """

    identity: str
    window: Window
    queue_ids: tuple[str, ...] | None
    queues_listed: int = 0
