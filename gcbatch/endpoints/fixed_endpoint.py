"""The base of endpoints with fixed figures: rows that name the start of a bucket."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from operator import itemgetter
from typing import Any, Final

import orjson
import pyarrow as pa

from gcbatch.endpoints.local_midnights import Span
from gcbatch.endpoints.number_columns import (
    MAX_NUMBER,
    Number,
    check_range,
    number_array,
)
from gcbatch.endpoints.paging import RowPage, unknown_fields_of
from gcbatch.endpoints.splitting import SplittableEndpoint
from gcbatch.errors import DataError
from gcbatch.genesys.client import Answer
from gcbatch.job import QuerySection
from gcbatch.lazy import lazy_import
from gcbatch.query import Query
from gcbatch.store import Part, PartMetadata
from gcbatch.table import INSTANT
from gcbatch.text import one_line
from gcbatch.windows import Period, iso, parse_instant

__all__ = ["KEY_FIELDS", "FixedColumn", "FixedEndpoint", "read_buckets"]

pc = lazy_import("pyarrow.compute")

KEY_FIELDS: Final = (
    pa.field("interval_start", INSTANT, nullable=False),
    pa.field("interval_end", INSTANT, nullable=False),
    pa.field("queue_id", pa.string()),
    pa.field("queue_name", pa.string()),
)
"""The first columns of the parts."""

_HINT: Final = (
    "this service does not count buckets from the start of a window: set "
    "query.granularity or query.timezone to what it uses, or ask its operator"
)


@dataclass(frozen=True, slots=True)
class FixedColumn:
    """A figure of the answers, and its column.

    Args:
        source: The path of the figure in a row, in the API's words.
        name: The name of the column.
        type: The type of the column: int64 for counts, else float64.
        unit: The unit of the figure; `%` is at most 100.
    """

    source: str
    name: str
    type: pa.DataType
    unit: str

    @property
    def field(self) -> pa.Field:
        """The column in the schema of a part."""
        metadata = {"source": self.source, "unit": self.unit}
        return pa.field(self.name, self.type, metadata=metadata)

    def array(self, values: list[Number | None], query: Query) -> pa.Array:
        """Return the column with these values.

        Raises:
            DataError: If one does not fit; names the query, the figure and the value.
        """
        name = f"{query}: {self.source}"
        maximum = 100 if self.unit == "%" else MAX_NUMBER
        return check_range(number_array(values, self.type, name), maximum, name)


class FixedEndpoint(SplittableEndpoint):
    """The base of such endpoints: buckets by elapsed time, and one row for each.

    Attributes:
        columns: The figures.
        last_fields: Columns after the figures.
        handled: The column of handled calls.
        abandoned: The column of abandoned calls.
        level: The column of the service level, in percent of the handled calls.
    """

    cuts_by_clock: bool = True
    columns: tuple[FixedColumn, ...]
    last_fields: tuple[pa.Field, ...] = ()
    handled: str
    abandoned: str
    level: str

    def schema(self, query: QuerySection) -> pa.Schema:
        """Return the columns of a part."""
        groups = (pa.field(group, pa.string()) for group in self.groups(query)[1:])
        figures = (column.field for column in self.columns)
        return pa.schema([*KEY_FIELDS, *groups, *figures, *self.last_fields])

    def groups(self, query: QuerySection) -> tuple[str, ...]:  # noqa: ARG002 - an Endpoint
        """Return the columns that form the key of a row with interval_start."""
        return ("queue_id",)

    def request_body(self, query: Query, **dates: Any) -> dict[str, Any]:
        """Return the body of a request; without `interval`, the window is one bucket.

        Its length is elapsed time, so a day of 23 hours is PT1380M: nothing says what
        P1D means to a service without time zones.
        """
        window_duration = f"PT{query.window.span // timedelta(minutes=1)}M"
        template = orjson.loads(query.template)
        return {"interval": window_duration, **template, **dates}

    def build_part(
        self,
        query: Query,
        section: QuerySection,
        pages: Sequence[Answer[RowPage[Any]]],
        *,
        spans: Sequence[Span],
        values: Mapping[str, Sequence[Any]],
        left_out: Collection[str] = (),
    ) -> Part:
        """Return the part of an answer, its rows by interval and group.

        Args:
            query: The query.
            section: The job's section `query`.
            pages: The answer.
            spans: The bucket of each row.
            values: The values of each column after the interval, by its name.
            left_out: What the rows have that no column holds.

        Raises:
            DataError: If a group has a bucket twice, or if a figure does not fit.
        """
        groups = self.groups(section)
        keys = Counter(zip(spans, *(values[name] for name in groups), strict=True))
        if repeated := [key for key, count in keys.items() if count > 1]:
            (start, _), *group = min(repeated, key=itemgetter(0))
            msg = f"{query}: bucket {iso(start)} of {one_line(group)} is answered twice"
            raise DataError(msg)
        schema = self.schema(section)
        figures = {column.name: column for column in self.columns}
        arrays = [pa.array([span[end] for span in spans], INSTANT) for end in (0, 1)]
        for field in list(schema)[2:]:
            given = values[field.name]
            if column := figures.get(field.name):
                arrays.append(column.array(list(given), query))
            else:
                arrays.append(pa.array(given, field.type))
        order = [(name, "ascending") for name in ("interval_start", *groups)]
        table = pa.Table.from_arrays(arrays, schema=schema).sort_by(order)
        metadata = PartMetadata.from_answers(
            query.window,
            table.num_rows,
            pages,
            self._remarks(table),
            unknown_fields_of(pages).union(left_out),
        )
        return Part(table, metadata)

    def _remarks(self, table: pa.Table) -> dict[str, int]:
        """Count the buckets with handled calls but no service level: it counts as 0."""
        handled = pc.greater(pc.fill_null(table[self.handled], 0), 0)
        missing = pc.sum(pc.and_(handled, pc.is_null(table[self.level]))).as_py()
        return {"buckets with handled calls but no service level": missing or 0}

    def sla_table(
        self,
        rows: pa.Table,
        *,
        offered: pa.ChunkedArray,
        handle_sum_ms: pa.ChunkedArray,
    ) -> pa.Table:
        """Return what sla_inputs returns; a service level that is null counts as 0.

        Args:
            rows: The rows of a part.
            offered: The calls offered; null where the service does not say.
            handle_sum_ms: The handle time of all calls.
        """
        handled, abandoned = rows[self.handled], rows[self.abandoned]
        level_whole = pc.cast(handled, pa.float64())
        level = pc.divide(pc.fill_null(rows[self.level], 0.0), 100.0)
        calls = pc.add(pc.fill_null(handled, 0), pc.fill_null(abandoned, 0))
        keys = ("interval_start", "interval_end", "queue_id", "queue_name", "deleted")
        nulls = pa.nulls(rows.num_rows)
        return pa.table(
            {name: rows[name] for name in keys if name in rows.column_names}
            | {
                "media_type": nulls.cast(pa.string()),
                "offered": pc.coalesce(offered, calls),
                "answered": handled,
                "abandoned": abandoned,
                "level_part": pc.multiply(level_whole, level),
                "level_whole": level_whole,
                "wait_sum_ms": nulls.cast(pa.float64()),
                "wait_count": nulls.cast(pa.int64()),
                "handle_sum_ms": handle_sum_ms,
                "handle_count": handled,
            }
        )


def read_buckets(
    query: Query, granularity: Period | None, starts: Iterable[str | None], noun: str
) -> list[Span]:
    """Return the ends of the buckets that begin at *starts*.

    Args:
        query: The query; its buckets are counted in elapsed time from the start of its
            window.
        granularity: Length of a bucket; a calendar length, or None, is one bucket,
            because such windows are planned one bucket long.
        starts: Instants, one for each row; None is the start of the window.
        noun: What to call a row in errors; the first is number 1.

    Raises:
        DataError: If one is no instant, is outside the window, or starts no bucket.
    """
    window, length = query.window, query.window.span
    if granularity is not None and granularity.is_clock:
        length = granularity.elapsed
    spans = []
    for number, start in enumerate(starts, 1):
        where = f"{query}: {noun} {number}"
        if start is None and length < window.span:
            msg = f"{where}: names no bucket, though several were requested"
            raise DataError(msg, hint=_HINT)
        try:
            instant = window.start if start is None else parse_instant(start)
        except (ValueError, OverflowError) as exc:
            msg = f"{where}: {one_line(start)!r} is no instant"
            raise DataError(msg) from exc
        if not window.start <= instant < window.end:
            msg = f"{where}: {one_line(start)} is outside the window"
            raise DataError(msg, hint=_HINT)
        if (instant - window.start) % length:
            msg = f"{where}: {one_line(start)} is not the start of a bucket"
            raise DataError(msg, hint=_HINT)
        spans.append((instant, min(instant + length, window.end)))
    return spans
