"""How the rows of a table are spread over folders."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, Self

import pyarrow as pa

from gcbatch.errors import DataError, JobError
from gcbatch.lazy import lazy_import
from gcbatch.table import Table
from gcbatch.windows import midnight, to_local
from gcbatch_exporters.base import check_partition_names
from gcbatch_exporters.folders import (
    DATA,
    MAX_COLUMN_BYTES,
    folder_of,
    is_short,
    prefix_of,
)
from gcbatch_exporters.manifest import fits

__all__ = ["ORG", "Layout"]

pc = lazy_import("pyarrow.compute")

LABELS: Final = {"month": "%Y-%m", "day": "%Y-%m-%d"}

ORG: Final = "org"
"""The column of a job of several orgs."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table's rows are spread over folders.

    Args:
        names: Names of the folders from the top, as in partition_by.
        time_column: The column of `day` and `month`; None if there is none.
        unit: The shorter of `day` and `month` in names; None if neither is.
        covered: Labels of the days or months that the table covers.
        lacking: Folder of the org, and label, of which the table lacks rows; without
            time in the names, the empty label stands for all.
        columns: Names that are columns of the table.
    """

    names: tuple[str, ...]
    time_column: str | None
    unit: Literal["day", "month"] | None
    covered: frozenset[str]
    lacking: frozenset[tuple[str, str]]
    columns: frozenset[str]

    @classmethod
    def of(cls, table: Table, names: tuple[str, ...]) -> Self:
        """Return the layout of a table by partition_by.

        Args:
            table: The table; its rows are not read.
            names: One or more.

        Raises:
            JobError: If a name is unknown or doubled, or no other column remains; if
                the table covers a day or month only in part, or its orgs have different
                days and months.
        """
        schema = table.schema
        columns = {
            field.name
            for field in schema
            if _can_partition(field.type)
            and len(prefix_of(field.name)) <= MAX_COLUMN_BYTES
        }
        time_column = table.time if table.time in schema.names else None
        has_days = time_column and not table.zones_differ
        times = set(LABELS) - columns if has_days else set()
        check_partition_names(
            table,
            names,
            [*sorted(times), *sorted(columns)],
            not_common=LABELS if table.zones_differ else (),
        )
        by_time = times & set(names)
        unit: Literal["day", "month"] | None = None
        if by_time:
            unit = "day" if "day" in by_time else "month"
        covered = frozenset(_covered_labels(table, unit) if unit else ())
        by_org = ORG in columns & set(names)
        lacking = set(_lacking_labels(table, unit, by_org=by_org))
        return cls(
            names,
            time_column,
            unit,
            covered,
            frozenset(lacking),
            frozenset(columns & set(names)),
        )

    def split(
        self, batch: pa.RecordBatch, table: Table, shortened: dict[str, str]
    ) -> tuple[list[str], list[int], pa.RecordBatch]:
        """Sort the rows of a batch by partition; within one, their order stays.

        Args:
            batch: A batch of *table*.
            table: For its time zone, and for errors.
            shortened: Gets the values of folders with short names.

        Returns:
            Paths of files in the folder; the number of rows of each; the rows, without
            the columns that are in the paths.

        Raises:
            DataError: If a row's time is missing or not in the covered range.
        """
        keys: list[str] = [""]
        ids = pa.nulls(batch.num_rows, pa.int64()).fill_null(0)
        for name in self.names:
            labels, of_row = self._labelled(batch, name, table, shortened)
            both = pc.add(pc.multiply(ids, len(labels)), of_row)
            distinct = pc.dictionary_encode(both)
            keys = [
                f"{keys[n // len(labels)]}{labels[n % len(labels)]}/"
                for n in distinct.dictionary.to_pylist()
            ]
            ids = distinct.indices.cast(pa.int64())
        # Partitions are numbered by first appearance: the counts are in the order of
        # the sort, which is stable.
        counts = pc.value_counts(ids).field("counts").to_pylist()
        kept = batch.drop_columns(list(self.columns)) if self.columns else batch
        return [key + DATA for key in keys], counts, kept.take(pc.sort_indices(ids))

    def _labelled(
        self, batch: pa.RecordBatch, name: str, table: Table, shortened: dict[str, str]
    ) -> tuple[list[str], pa.Array]:
        """Return distinct folder names, and for each row the number of its name."""
        is_column = name in self.columns
        column = batch.column(name if is_column else self.time_column)
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        encoded = pc.dictionary_encode(column, null_encoding="encode")
        values = encoded.dictionary.to_pylist()
        if is_column:
            folders = [folder_of(name, value) for value in values]
            shortened |= {
                f: str(v) for f, v in zip(folders, values, strict=True) if is_short(f)
            }
        else:
            labels = (self._time_label(value, name, table) for value in values)
            folders = [prefix_of(name) + label for label in labels]
        number: dict[str, int] = {}
        for folder in folders:
            number.setdefault(folder, len(number))
        of_value = pa.array([number[folder] for folder in folders], pa.int64())
        return list(number), of_value.take(encoded.indices)

    def _time_label(self, instant: datetime | None, name: str, table: Table) -> str:
        if instant is None:
            msg = f"{table.name}: {self.time_column} is missing in a row"
            raise DataError(msg, hint="please report this; the data is contradictory")
        local = to_local(instant, table.timezone)
        if self.unit and local.strftime(LABELS[self.unit]) not in self.covered:
            msg = f"{table.name}: a row of {instant} is not in {table.covered}"
            raise DataError(msg, hint="please report this; the data is contradictory")
        return local.strftime(LABELS[name])

    def is_own(self, file: str) -> bool:
        """Return whether *file* is where a partition of this layout would be."""
        return fits(file, self.names)

    def is_covered(self, file: str) -> bool:
        """Return whether a partition is of a day or month that the table covers."""
        return self.unit is None or self._label(file) in self.covered

    def is_lacking(self, file: str) -> bool:
        """Return whether the table lacks rows of a partition."""
        label = self._label(file)
        if ("", label) in self.lacking:
            return True
        if ORG not in self.columns:
            return False
        folder = file.split("/")[self.names.index(ORG)]
        return (folder, label) in self.lacking or (folder, "") in self.lacking

    def span_of(self, file: str) -> str:
        """Return the folders that name a partition's day or month, and org."""
        folders = file.split("/")
        own = {self.unit, *({ORG} & self.columns)}
        return "/".join(folders[n] for n, name in enumerate(self.names) if name in own)

    def _label(self, file: str) -> str:
        if self.unit is None:
            return ""
        folder = file.split("/")[self.names.index(self.unit)]
        return folder.partition("=")[2]


def _can_partition(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_boolean(kind)
    )


def _covered_labels(table: Table, unit: Literal["day", "month"]) -> Iterator[str]:
    """Yield the labels of the days or months that a table covers.

    Raises:
        JobError: If it covers a day or month only in part; names it.
    """
    zone = table.timezone
    first, last = (to_local(t, zone).date() for t in _ends(table))
    for edge, day in zip(_ends(table), (first, last), strict=True):
        if midnight(day, zone) != edge or (unit == "month" and day.day != 1):
            label = day.strftime(LABELS[unit])
            msg = f"partition_by: {unit} {label} is only partly in {table.covered}"
            hint = f"let from and to be whole {unit}s of {zone.key}"
            hint += ", or partition by day" if unit == "month" else ""
            raise JobError(msg, hint=hint)
    day, label = first, ""
    while day < last:
        if day.strftime(LABELS[unit]) != label:
            label = day.strftime(LABELS[unit])
            yield label
        day += timedelta(days=1)


def _lacking_labels(
    table: Table, unit: Literal["day", "month"] | None, *, by_org: bool
) -> Iterator[tuple[str, str]]:
    """Yield what a table lacks: the folder of its org, and the label.

    Args:
        table: A table of one org or several.
        unit: The unit of the labels; None: the empty label stands for all.
        by_org: Whether orgs have folders; otherwise the empty folder stands for all.
    """
    for window, org in table.lacks:
        folder = folder_of(ORG, org) if by_org and org else ""
        if unit is None:
            yield folder, ""
            continue
        day = to_local(window.start, table.timezone).date()
        # The end is exclusive.
        end = to_local(window.end - timedelta(microseconds=1), table.timezone).date()
        while day <= end:
            yield folder, day.strftime(LABELS[unit])
            day += timedelta(days=1)
    if by_org:
        # The table has no row of an org that failed: its folders stay as they are.
        yield from ((folder_of(ORG, org), "") for org in table.lacking_orgs)


def _ends(table: Table) -> tuple[datetime, datetime]:
    return table.covered.start, table.covered.end
