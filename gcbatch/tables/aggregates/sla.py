"""The table `sla`: service level, rates and times per queue and period, with targets.

Counts, sums, numerators and denominators are added up first, over the buckets of a
period; every percentage and every average is computed last, from the sums.
"""

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa

from gcbatch.table import Lack, Table
from gcbatch.tables.service_levels.calendars import Calendars
from gcbatch.tables.service_levels.figures import figures, sla_schema
from gcbatch.tables.service_levels.sums import PeriodSums
from gcbatch.tables.service_levels.targets import Targets
from gcbatch.tables.source import TableSource

__all__ = ["table"]


def table(source: TableSource) -> Table:
    """Return the table of a job.

    Rows are by period, queue and media type.

    Raises:
        TypeError: If the job has no section `sla`; job files are checked before.
    """
    job, sla = source.job, source.job.sla
    if sla is None:
        msg = f"{job.name} has no section sla"
        raise TypeError(msg)
    by_media_type = "mediaType" in job.query.group_by
    known = source.names
    targets = Targets(sla.target, sla.targets, known.targets, known.thresholds)
    summed = PeriodSums(
        source,
        source.period or sla.period,
        ("queue_id", "media_type") if by_media_type else ("queue_id",),
        only_listed=not sla.include_deleted,
        calendars=Calendars.of_job(job),
    )
    schema = sla_schema(
        by_media_type=by_media_type, by_hours=summed.calendars is not None
    )

    def batches() -> Iterator[pa.RecordBatch]:
        names = dict(known.by_dimension.get("queueId", {}))
        for sums in summed.by_period(names):
            yield from figures(sums, schema, summed.keys, names, targets)

    declared = source.new_table(
        "sla",
        schema,
        key=("period_start", *summed.keys),
        batches=batches,
        time="period_start",
        end="period_end",
        is_of_range=summed.period == "total",
    )
    lacks = tuple(Lack(summed.periods_around(gap)) for gap in source.lacks)
    return replace(declared, lacks=lacks)
