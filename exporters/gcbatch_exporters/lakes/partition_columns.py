"""The columns by which a lake's table is partitioned; `day` and `month` are made."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Self
from zoneinfo import ZoneInfo

import pyarrow as pa

from gcbatch.errors import OutputError
from gcbatch.lazy import lazy_import
from gcbatch.table import Table
from gcbatch.windows import to_local
from gcbatch_exporters.base import check_partition_names
from gcbatch_exporters.lakes.columns import can_partition

__all__ = ["PartitionColumns"]

pc = lazy_import("pyarrow.compute")

MADE: Final = {"month": pa.string(), "day": pa.date32()}
"""Columns that are made of a row's time, and their types."""

STEP_MINUTES: Final = 15
"""Days of all time zones begin at a quarter of an hour in UTC."""


@dataclass(frozen=True, slots=True)
class PartitionColumns:
    """The partition columns of a table.

    Args:
        names: In the order of partition_by.
        made: Those of them that are added to the table.
        time: The column that they are made of; None if none is made.
        zone: The time zone of days and months.
    """

    names: tuple[str, ...]
    made: tuple[str, ...]
    time: str | None
    zone: ZoneInfo

    @classmethod
    def of(cls, table: Table, names: tuple[str, ...]) -> Self:
        """Return the partition columns of a table.

        Args:
            table: The table; its rows are not read.
            names: Columns of text, whole numbers or booleans, and `day` or `month`; as
                in partition_by.

        Raises:
            JobError: If a name is unknown or doubled, no other column remains, or the
                orgs of the table have different days.
        """
        columns = [f.name for f in table.schema if can_partition(f.type)]
        has_days = table.row_time is not None and not table.zones_differ
        taken = set(table.schema.names)
        times = [name for name in MADE if has_days and name not in taken]
        not_common = set(MADE) - taken if table.zones_differ else ()
        check_partition_names(table, names, times + columns, not_common=not_common)
        made = tuple(name for name in names if name in times)
        return cls(names, made, table.row_time if made else None, table.timezone)

    @property
    def fields(self) -> list[pa.Field]:
        """The fields of the columns that are made."""
        words = "{} of {} in " + self.zone.key
        return [
            pa.field(
                name,
                MADE[name],
                metadata={"description": words.format(name.capitalize(), self.time)},
            )
            for name in self.made
        ]

    def added_to(self, batch: pa.RecordBatch) -> list[pa.Array]:
        """Return the columns of a batch, those that are made last.

        Raises:
            OutputError: If a text by which rows are partitioned is empty: some readers
                take it for null.
        """
        for name in self.names:
            if name not in self.made and pa.types.is_string(
                batch.schema.field(name).type
            ):
                column = batch.column(name)
                if pc.any(pc.equal(column, "")).as_py():
                    msg = f"partition_by: {name} is an empty text in a row"
                    hint = "partition by another column: readers take it for null"
                    raise OutputError(msg, hint=hint)
        return [*batch.columns, *(self._made(name, batch) for name in self.made)]

    def _made(self, name: str, batch: pa.RecordBatch) -> pa.Array:
        floored = pc.floor_temporal(
            batch.column(self.time), multiple=STEP_MINUTES, unit="minute"
        )
        encoded = pc.dictionary_encode(floored)
        labels = [self._label(name, at) for at in encoded.dictionary.to_pylist()]
        return pa.array(labels, MADE[name]).take(encoded.indices)

    def _label(self, name: str, instant: datetime) -> str | date:
        local = to_local(instant, self.zone)
        return local.date() if name == "day" else local.strftime("%Y-%m")
