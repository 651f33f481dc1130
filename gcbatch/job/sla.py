"""The table of service levels: the section `sla:`."""

from typing import Annotated, Final

from pydantic import Field

from gcbatch.job.section import Section, one_of

__all__ = ["PERIODS", "SLA_GROUPS", "SLA_METRICS", "Sla"]


PERIODS: Final = ("interval", "hour", "day", "week", "month", "total")


SLA_METRICS: Final = ("nOffered", "tAnswered", "tAbandon", "tHandle", "oServiceLevel")
"""What the table `sla` is computed from."""


SLA_GROUPS: Final = ("queueId", "mediaType", "divisionId")
"""Dimensions of which a conversation has one in a queue. Of others (wrap-up codes,
skills) it may have several, and would count several times."""


class Sla(Section):
    """Targets and periods of the table `sla`.

    Args:
        period: What a row is about, in the job's time zone: weeks begin on Monday,
            and the ends are clipped to the range.
        target: Service level to reach, in percent, for all queues. Default: each
            queue's own in Genesys.
        targets: For single queues, by name or id: `{Support: 90}`. One that no queue
            of the run has is a warning.
        include_deleted: Whether queues that are no longer listed have rows; `false`
            needs `queueId` in `query.group_by`.
    """

    period: Annotated[str, one_of("period", PERIODS)] = "day"
    target: Annotated[float, Field(ge=0, le=100)] | None = None
    targets: dict[str, Annotated[float, Field(ge=0, le=100)]] = Field(
        default_factory=dict
    )
    include_deleted: bool = True
