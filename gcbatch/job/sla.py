"""The section `sla:`: the table of service levels."""

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from gcbatch.job.section import Duration, Section, Unique, one_of
from gcbatch.windows import Period

__all__ = ["PERIODS", "PREVIOUS", "SLA_GROUPS", "SLA_METRICS", "Sla"]

PERIODS: Final = ("interval", "hour", "day", "week", "month", "total")

DAYS_OF_A_WEEK: Final = 7

SLA_METRICS: Final = ("nOffered", "tAnswered", "tAbandon", "tHandle", "oServiceLevel")
"""The metrics from which the table `sla` is computed."""

SLA_GROUPS: Final = ("queueId", "mediaType", "divisionId")
"""Dimensions with one value per conversation in a queue. Of others (wrap-up codes,
skills) a conversation can have several values, and would count several times."""


PREVIOUS: Final[Mapping[str, tuple[str, ...]]] = {
    "previous_day": ("interval", "hour", "day"),
    "previous_week": ("interval", "hour", "day", "week"),
    "previous_month": ("month",),
    "previous_year": ("day", "week", "month"),
}
"""What periods are compared with, and which periods have it."""


def _check_rolling(span: Period) -> Period:
    if span.is_clock or span.seconds or (span.months and span.days):
        msg = f"{span} is no number of days, weeks or months, such as P7D, P4W or P3M"
        raise ValueError(msg)
    return span


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
        compare_with: What a row is compared with, in columns of its own. Default: none.
        rolling: Columns of sums over so many days, weeks or months up to the end of a
            row, such as `P7D`. Default: none.
    """

    period: Annotated[str, one_of("period", PERIODS)] = "day"
    target: Annotated[float, Field(ge=0, le=100)] | None = None
    targets: dict[str, Annotated[float, Field(ge=0, le=100)]] = Field(
        default_factory=dict
    )
    include_deleted: bool = True
    compare_with: Annotated[
        tuple[Annotated[str, one_of("comparison", PREVIOUS)], ...], Unique
    ] = ()
    rolling: Annotated[Duration, AfterValidator(_check_rolling)] | None = None

    def previous_of(self, period: str) -> tuple[str, ...]:
        """Return what rows of a period are compared with."""
        return tuple(name for name in self.compare_with if period in PREVIOUS[name])

    def rolling_periods(self, period: str) -> int:
        """Return how many periods a rolling sum has; 0 if rows of it have none."""
        span = self.rolling
        if span is None:
            return 0
        weeks, rest = divmod(span.days, DAYS_OF_A_WEEK)
        counts = {"day": span.days, "week": 0 if rest else weeks, "month": span.months}
        found = counts.get(period, 0)
        return found if found > 1 else 0  # of one, it is the row itself

    def useless_comparisons(
        self, periods: Collection[str]
    ) -> Iterator[tuple[str, str]]:
        """Yield each key, and the problem, whose columns no table would have.

        Args:
            periods: Those of all tables `sla` of the job.
        """
        used = ", ".join(p for p in PERIODS if p in periods)
        for name in self.compare_with:
            if not any(name in self.previous_of(period) for period in periods):
                these = ", ".join(PREVIOUS[name])
                msg = f"{name} is for periods of {these}; this job has {used}"
                yield "compare_with", msg
        if self.rolling and not any(map(self.rolling_periods, periods)):
            msg = f"{self.rolling} is no number of several periods; this job has {used}"
            yield "rolling", msg
