"""The section `sla:`: the table of service levels."""

from typing import Annotated, Final

from pydantic import Field

from gcbatch.job.section import Section, one_of

__all__ = ["PERIODS", "SLA_GROUPS", "SLA_METRICS", "Sla"]

PERIODS: Final = ("interval", "hour", "day", "week", "month", "total")

SLA_METRICS: Final = ("nOffered", "tAnswered", "tAbandon", "tHandle", "oServiceLevel")
"""The metrics from which the table `sla` is computed."""

SLA_GROUPS: Final = ("queueId", "mediaType", "divisionId")
"""Dimensions with one value per conversation in a queue. Of others (wrap-up codes,
skills) a conversation can have several values, and would count several times."""


class Sla(Section):
    """Targets and periods of the table `sla`.

    Args:
        period: The time span of a row, in the job's time zone. Weeks begin on Monday;
            the first and the last period end with the range.
        target: Service level to reach, in percent, for all queues. Default: each
            queue's own in Genesys.
        targets: Targets of single queues, by name or id: `{Support: 90}`. A name that
            no queue of the run has causes a warning.
        include_deleted: Whether queues that are no longer listed have rows; `false`
            needs `queueId` in `query.group_by`.
    """

    period: Annotated[str, one_of("period", PERIODS)] = "day"
    target: Annotated[float, Field(ge=0, le=100)] | None = None
    targets: dict[str, Annotated[float, Field(ge=0, le=100)]] = Field(
        default_factory=dict
    )
    include_deleted: bool = True
