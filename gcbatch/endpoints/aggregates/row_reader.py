"""Reads answers of aggregates row by row; says what is wrong with one.

At every level, what has no data is missing: groups, buckets, metrics, statistics. What
there is must fit.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from operator import attrgetter
from typing import Final

import pyarrow as pa

from gcbatch.endpoints.aggregates.part_schema import schema_of
from gcbatch.endpoints.aggregates.response_models import (
    FIELDS,
    AggregatePage,
    Bucket,
    Group,
    Stats,
)
from gcbatch.endpoints.local_midnights import AcrossMidnightError, Span, check_buckets
from gcbatch.endpoints.number_columns import number_array
from gcbatch.errors import SHAPE_HINT, DataError
from gcbatch.genesys import Family, Kind, kind_of, snake
from gcbatch.job import QuerySection
from gcbatch.query import Query
from gcbatch.table import INSTANT
from gcbatch.text import one_line
from gcbatch.windows import Window, parse_instant

__all__ = ["merge_pages", "naming_query", "rows_of"]

Key = tuple[str | None, ...]


@contextmanager
def naming_query(query: Query) -> Iterator[None]:
    """Put the query in front of the errors of its answer."""
    try:
        yield
    except AcrossMidnightError:
        raise  # not shown: the query is sent again, cut at midnights
    except DataError as exc:
        msg = f"{query}: {exc.problem}"
        raise DataError(msg, hint=exc.hint) from exc


def merge_pages(pages: Sequence[AggregatePage]) -> AggregatePage:
    """Return the pages of a job's results as one answer.

    A group, and a bucket of it, may continue on the next page; what a page repeats
    exactly counts once.

    Raises:
        DataError: If a bucket has one metric twice, with other statistics.
    """
    groups: dict[tuple[tuple[str, str | None], ...], dict[str, Bucket]] = {}
    for group in (group for page in pages for group in page.results):
        key = tuple(sorted((group.group or {}).items()))
        buckets = groups.setdefault(key, {})
        for bucket in group.data or ():
            known = buckets.get(bucket.interval)
            if known is None:
                buckets[bucket.interval] = bucket
            else:
                _extend(known, bucket)
    whole = [Group(dict(key), list(b.values())) for key, b in groups.items()]
    return AggregatePage(
        whole, unknown_fields=frozenset().union(*(p.unknown_fields for p in pages))
    )


def _extend(known: Bucket, other: Bucket) -> None:
    """Add the metrics and views of a bucket's next piece."""
    metrics = {(m.metric, m.qualifier): m for m in known.metrics or ()}
    views = {view.name: view for view in known.views or ()}
    repeated = [
        metric.metric
        for metric in other.metrics or ()
        if metrics.setdefault((metric.metric, metric.qualifier), metric) != metric
    ]
    repeated += [
        view.name
        for view in other.views or ()
        if views.setdefault(view.name, view) != view
    ]
    if repeated:
        where = f"bucket {one_line(known.interval, 80)}"
        msg = f"{where} has {one_line(repeated[0])} twice"
        raise DataError(msg, hint=SHAPE_HINT)
    known.metrics, known.views = list(metrics.values()), list(views.values())


def rows_of(
    page: AggregatePage,
    *,
    section: QuerySection,
    family: Family,
    window: Window,
    queues: Collection[str],
) -> pa.Table:
    """Return the rows of an answer, by interval, group and qualifier.

    Args:
        page: The whole answer.
        section: The job's section `query`, which determines the columns.
        family: The family.
        window: The window of the query.
        queues: The ids that the query names; empty means all.

    Raises:
        AcrossMidnightError: If a bucket reaches over a local midnight.
        DataError: If a bucket does not belong to the query, overlaps another of its
            group, or has a statistic that does not fit its metric; if a group is of a
            queue that was not requested.
    """
    if queues and "queueId" in section.group_by:
        _refuse_other_queues(page, {queue.lower() for queue in queues})
    return _Rows(section, family, window).read(page, schema_of(section, family))


def _refuse_other_queues(page: AggregatePage, queues: Collection[str]) -> None:
    """Refuse queues that were not requested: another answer has them as well."""
    for group in page.results:
        found = (group.group or {}).get("queueId")
        if found is not None and found.lower() not in queues:
            msg = f"has rows of queue {one_line(found)}, which was not requested"
            raise DataError(msg, hint=SHAPE_HINT)


@dataclass(slots=True)
class _Slot:
    """Gathers the statistics of one metric while a page is read."""

    kind: Kind
    rows: list[int] = field(default_factory=list)
    stats: list[Stats] = field(default_factory=list)


class _Rows:
    """Turns one page into columns.

    Statistics are gathered per metric, beside the row that they belong to. Column
    operations spread them over the rows at the end; only the gathering is a Python
    loop.
    """

    def __init__(self, section: QuerySection, family: Family, window: Window) -> None:
        self._dimensions = section.group_by
        self._qualified = family.qualified
        self._window = window
        self._granularity, self._zone = section.granularity, section.zone
        self._metrics = {m: _Slot(kind_of(m)) for m in section.metrics}
        self._views = {v.name: _Slot(kind_of(v.target)) for v in section.views}
        self._spans: dict[str, Span] = {}
        self._starts: list[datetime] = []
        self._ends: list[datetime] = []
        self._keys: list[Key] = []
        self._qualifiers: list[str | None] = []

    def read(self, page: AggregatePage, schema: pa.Schema) -> pa.Table:
        """Return the rows of *page*, sorted by interval and group.

        Raises:
            DataError: As the function rows_of does.
        """
        seen: dict[Key, list[Span]] = {}
        for group in page.results:
            given = group.group or {}
            key = tuple(given.get(d) for d in self._dimensions)
            spans = seen.setdefault(key, [])
            for bucket in group.data or ():
                span = self._span(bucket.interval)
                spans.append(span)
                self._gather(bucket, span, key)
        for key, spans in seen.items():
            self._check_apart(key, spans)
        spans_seen = set(self._spans.values())
        check_buckets(spans_seen, self._window, self._granularity, self._zone)
        arrays = [
            pa.array(self._starts, INSTANT),
            pa.array(self._ends, INSTANT),
            *(
                pa.array([key[n] for key in self._keys], pa.string())
                for n in range(len(self._dimensions))
            ),
        ]
        if self._qualified:
            arrays.append(pa.array(self._qualifiers, pa.string()))
        for name, slot in (*self._metrics.items(), *self._views.items()):
            arrays += self._spread(name, slot)
        table = pa.Table.from_arrays(arrays, schema=schema)
        sort_keys = ["interval_start", *(snake(d) for d in self._dimensions)]
        if self._qualified:
            sort_keys.append("qualifier")
        return table.sort_by([(k, "ascending") for k in sort_keys]).combine_chunks()

    def _span(self, text: str) -> Span:
        """Return the ends of an interval, in UTC, whatever its offset."""
        if known := self._spans.get(text):
            return known
        try:
            start, end = map(_instant, text.split("/"))
        except (ValueError, OverflowError) as exc:
            msg = f"bucket {one_line(text, 80)!r} is no interval"
            raise DataError(msg, hint=SHAPE_HINT) from exc
        if start >= end or start < self._window.start or end > self._window.end:
            msg = f"bucket {one_line(text, 80)} is outside the window of the query"
            raise DataError(msg, hint=_ALIGN_HINT)
        self._spans[text] = (start, end)
        return start, end

    def _gather(self, bucket: Bucket, span: Span, key: Key) -> None:
        rows: dict[str | None, int] = {}
        for metric in bucket.metrics or ():
            slot = self._metrics.get(metric.metric)
            if slot is None:
                continue  # not requested
            qualifier = metric.qualifier
            if qualifier is not None and not self._qualified:
                where = f"bucket {one_line(bucket.interval, 80)}"
                msg = f"{where}: {metric.metric} has a qualifier"
                raise DataError(msg, hint=SHAPE_HINT)
            row = rows.get(qualifier)
            if row is None:
                row = rows[qualifier] = self._new_row(span, key, qualifier)
            slot.rows.append(row)
            slot.stats.append(metric.stats)
        for view in bucket.views or ():
            slot = self._views.get(view.name)
            if slot is None:
                continue  # not requested
            row = rows.get(None)
            if row is None:
                row = rows[None] = self._new_row(span, key, None)
            slot.rows.append(row)
            slot.stats.append(view.stats)

    def _new_row(self, span: Span, key: Key, qualifier: str | None) -> int:
        self._starts.append(span[0])
        self._ends.append(span[1])
        self._keys.append(key)
        self._qualifiers.append(qualifier)
        return len(self._starts) - 1

    def _check_apart(self, key: Key, spans: list[Span]) -> None:
        spans.sort()
        for before, after in pairwise(spans):
            if after[0] < before[1]:
                group = one_line(dict(zip(self._dimensions, key, strict=True)))
                msg = (
                    f"group {group}: bucket {Window(*after)} overlaps {Window(*before)}"
                )
                raise DataError(msg, hint=_ALIGN_HINT)

    def _spread(self, name: str, slot: _Slot) -> Iterable[pa.Array]:
        """Yield the columns of one metric, null in rows that do not have it."""
        self._check_once(name, slot.rows)
        _check_kind(name, slot)
        whole = len(self._starts)
        spread = None
        if slot.rows != list(range(whole)):
            places: list[int | None] = [None] * whole
            for at, row in enumerate(slot.rows):
                places[row] = at
            spread = pa.array(places, pa.int64())
        for statistic in slot.kind.statistics:
            array = number_array(
                list(map(attrgetter(FIELDS[statistic.key]), slot.stats)),
                pa.type_for_alias(statistic.type),
                f"{name}.{statistic.key}",
            )
            yield array if spread is None else array.take(spread)

    def _check_once(self, name: str, rows: list[int]) -> None:
        if len(set(rows)) == len(rows):
            return
        twice = next(a for a, b in pairwise(sorted(rows)) if a == b)
        bucket = Window(self._starts[twice], self._ends[twice])
        msg = f"bucket {bucket}: {name} is answered twice"
        raise DataError(msg, hint=SHAPE_HINT)


def _check_kind(name: str, slot: _Slot) -> None:
    """Refuse statistics that the metric's kind does not have: they would be lost."""
    own = {statistic.key for statistic in slot.kind.statistics}
    foreign = [key for key in FIELDS if key not in own]
    values = attrgetter(*(FIELDS[key] for key in foreign))
    nothing = (None,) * len(foreign)
    for found in map(values, slot.stats):
        if found != nothing:
            at = next(n for n, value in enumerate(found) if value is not None)
            msg = f"{name} has a {foreign[at]}, which a {slot.kind.name} does not have"
            raise DataError(msg, hint=SHAPE_HINT)


def _instant(text: str) -> datetime:
    """Return an end of an interval in UTC.

    Raises:
        ValueError: If it has no offset, or is finer than the columns, which would
            silently cut it.
    """
    instant = parse_instant(text)
    if instant.microsecond % 1000:
        raise ValueError(text)
    return instant


_ALIGN_HINT: Final = (
    "from and fetch.chunk may not fit how the service cuts buckets of this granularity"
)
