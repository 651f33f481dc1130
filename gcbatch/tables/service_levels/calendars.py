"""Which buckets of which queues are within opening hours."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pyarrow as pa

from gcbatch.errors import DataError
from gcbatch.job import Job
from gcbatch.lazy import lazy_import
from gcbatch.opening_hours import OpeningHours
from gcbatch.tables.group_by import distinct_groups
from gcbatch.windows import Window

__all__ = ["Calendars"]

pc = lazy_import("pyarrow.compute")

_SPLIT_HINT: Final = (
    "set query.granularity so that buckets begin and end where queues open and close; "
    "PT15M fits into the hours of every zone"
)


@dataclass(frozen=True)
class Calendars:
    """The opening hours of queues.

    Args:
        by_queue: The hours of single queues by name or id; under None those of all
            others.
    """

    by_queue: Mapping[str | None, OpeningHours]

    @classmethod
    def of_job(cls, job: Job) -> "Calendars | None":
        """Return the opening hours of a job; None if it has none."""
        if job.calendar is None:
            return None
        return cls(job.calendar.opening_hours(job.query.zone))

    def is_open(self, rows: pa.Table, names: Mapping[str, str]) -> pa.ChunkedArray:
        """Return for each row whether its bucket is within the hours of its queue.

        Args:
            rows: Rows with interval_start and interval_end, by queue_id or of all
                queues.
            names: The names of queues, by id.

        Raises:
            DataError: If a queue is open in a part of a bucket, whose figures cannot be
                divided.
        """
        ids = pa.nulls(rows.num_rows, pa.string())
        if "queue_id" in rows.column_names:
            ids = rows["queue_id"].combine_chunks()
        # Queues share hours, and rows buckets: each pair is looked up once.
        coded = ids.dictionary_encode("encode")
        entries = [self._entry_of(q, names) for q in coded.dictionary.to_pylist()]
        which = pa.array(entries, pa.string()).take(coded.indices)
        ends = ["interval_start", "interval_end"]
        groups, numbers = distinct_groups(
            rows.select(ends).append_column("entry", which), [*ends, "entry"]
        )
        found = pa.array([self._is_open(*group) for group in groups], pa.bool_())
        return found.take(numbers)

    def _entry_of(self, queue_id: str | None, names: Mapping[str, str]) -> str | None:
        """Return the key of a queue's hours."""
        identity = queue_id or ""
        for key in (identity, identity.upper(), names.get(identity)):
            if key in self.by_queue:
                return key
        return None

    def _is_open(self, start: datetime, end: datetime, entry: str | None) -> bool:
        bucket, hours = Window(start, end), self.by_queue[entry]
        found = hours.is_open(bucket)
        if found is not None:
            return found
        place = "default" if entry is None else f"queues.{entry}"
        at = hours.change_within(bucket)
        msg = (
            f"calendar.{place}: bucket {bucket} is open in part: the hours change at "
            f"{at:%Y-%m-%d %H:%M} in {hours.zone.key}"
        )
        raise DataError(msg, hint=_SPLIT_HINT)
