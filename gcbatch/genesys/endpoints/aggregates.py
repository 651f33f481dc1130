"""`POST /api/v2/analytics/X/aggregates/query`: one code path for all 19 families.

An answer has groups, a group has buckets, a bucket has metrics with statistics:

    {"results": [{"group": {...}, "data": [{"interval": "a/b", "metrics": [
        {"metric": "tHandle", "qualifier"?: "...", "stats": {"count": 1, ...}}],
        "views": [{"name": "...", "stats": {...}}]}]}]}

What has no data is left out at every level. There are no pages. Source: models
ConversationAggregationQuery and ConversationAggregateQueryResponse of
PureCloudPlatformClientV2 269.0.0, read 2026-11-21.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

import msgspec
import pyarrow as pa

from gcbatch import question
from gcbatch.errors import DataError
from gcbatch.filters import all_of, any_of
from gcbatch.genesys.client import Client
from gcbatch.genesys.endpoints.base import INSTANT
from gcbatch.genesys.endpoints.columns import SHAPE_HINT, Number, numbers
from gcbatch.genesys.families import Family
from gcbatch.genesys.metrics import Kind, column_name, kind_of, snake
from gcbatch.query import Query, canonical
from gcbatch.store import Account, Part
from gcbatch.windows import Window

__all__ = ["Aggregates"]

_ALL_STATISTICS: Final = frozenset(
    [
        "max",
        "min",
        "count",
        "countNegative",
        "countPositive",
        "sum",
        "current",
        "ratio",
        "numerator",
        "denominator",
        "target",
        "p95",
        "p99",
        "calculatedMetricValue",
    ]
)

Key = tuple[str | None, ...]
Stats = dict[str, Number | None]


class _Metric(msgspec.Struct, gc=False):
    metric: str
    stats: Stats
    qualifier: str | None = None


class _View(msgspec.Struct, gc=False):
    name: str
    stats: Stats


class _Bucket(msgspec.Struct, gc=False):
    interval: str
    metrics: list[_Metric] | None = None
    views: list[_View] | None = None


class _Group(msgspec.Struct, gc=False):
    group: dict[str, str | None] | None = None
    data: list[_Bucket] | None = None


class _Page(msgspec.Struct, gc=False):
    results: list[_Group] | None = None


_DECODER: Final = msgspec.json.Decoder(_Page)


@dataclass(frozen=True)
class Aggregates:
    """One family of aggregates.

    Args:
        family: Which.
    """

    family: Family

    @property
    def name(self) -> str:
        """What job files call it."""
        return self.family.endpoint

    @property
    def queues_at_once(self) -> int | None:
        """As many as the body holds."""
        return None

    @property
    def cuts_by_clock(self) -> bool:
        """By the calendar of the job's zone."""
        return False

    @property
    def path(self) -> str:
        """Where it is asked."""
        return f"/api/v2/analytics/{self.family.path}/aggregates/query"

    def template(self, query: question.Query, queue_ids: Sequence[str] | None) -> bytes:
        """Return the body of a request but for its interval.

        Args:
            query: What the job asks.
            queue_ids: The queues of this request; None is all.
        """
        clauses = [any_of("queueId", queue_ids)] if queue_ids else []
        clauses += query.own_clauses
        asked = all_of(clauses, query.filter)
        body: dict[str, Any] = {
            "timeZone": query.timezone,
            "groupBy": list(query.group_by),
            "metrics": list(query.metrics),
        }
        if query.granularity:
            body["granularity"] = query.granularity.text
        if asked:
            body["filter"] = asked.wire()
        if query.views:
            body["views"] = [view.wire() for view in query.views]
        return canonical(body)

    def body(self, query: Query) -> bytes:
        """Return the whole body of a request."""
        return b'{"interval":"%b",%b' % (str(query.window).encode(), query.template[1:])

    def schema(self, query: question.Query) -> pa.Schema:
        """Return the columns of a part: interval, groups, qualifier, statistics.

        Fields carry their unit and the metric they come from as metadata.
        """
        key = [
            pa.field("interval_start", INSTANT, nullable=False),
            pa.field("interval_end", INSTANT, nullable=False),
        ]
        key += [
            pa.field(snake(d), pa.string(), metadata={"source": f"group.{d}"})
            for d in query.group_by
        ]
        if self.family.qualified:
            key.append(pa.field("qualifier", pa.string()))
        return pa.schema([*key, *_statistic_fields(query)])

    def groups(self, query: question.Query) -> tuple[str, ...]:
        """Return the columns that with interval_start make the key of a row."""
        groups = tuple(snake(dimension) for dimension in query.group_by)
        return (*groups, "qualifier") if self.family.qualified else groups

    async def fetch(self, client: Client, query: Query, asked: question.Query) -> Part:
        """Ask one query.

        Args:
            client: Whom to ask through.
            query: What to ask.
            asked: The job's query section, which gives the columns.

        Returns:
            The part: a row per bucket and group (and qualifier), by interval and
            group; with its account.

        Raises:
            DataError: If the answer contradicts itself or the question; names the
                query, and the group and bucket.
            GcbatchError: As Client.call does.
        """
        schema = self.schema(asked)

        def decode(body: bytes) -> pa.Table:
            page = _DECODER.decode(body)
            try:
                return _Rows(asked, self.family, query.window).read(page, schema)
            except DataError as exc:
                msg = f"{query}: {exc.problem}"
                raise DataError(msg, hint=exc.hint) from exc

        answer = await client.post(self.path, decode, self.body(query))
        return Part(
            answer.value,
            Account.of_pages(query.window, answer.value.num_rows, [answer]),
        )

    def facts(self, rows: pa.Table) -> pa.Table:
        """Return what the table `sla` adds up, whole numbers all of it."""
        named = {
            "offered": "n_offered",
            "answered": "t_answered_count",
            "abandoned": "t_abandon_count",
            "level_part": "o_service_level_numerator",
            "level_whole": "o_service_level_denominator",
            "wait_sum_ms": "t_answered_sum_ms",
            "wait_count": "t_answered_count",
            "handle_sum_ms": "t_handle_sum_ms",
            "handle_count": "t_handle_count",
        }
        none = pa.nulls(rows.num_rows, pa.string())
        columns = {name: rows[name] for name in ("interval_start", "interval_end")}
        for name in ("queue_id", "media_type"):
            columns[name] = rows[name] if name in rows.column_names else none
        return pa.table(columns | {to: rows[by] for to, by in named.items()})


def _statistic_fields(query: question.Query) -> Iterable[pa.Field]:
    named = [(m, kind_of(m), m) for m in query.metrics]
    named += [
        (v.name, kind_of(v.target), f"{v.target} from {v.range.gte} to {v.range.lt}")
        for v in query.views
    ]
    for name, kind, source in named:
        for statistic in kind.statistics:
            yield pa.field(
                column_name(name, statistic),
                pa.type_for_alias(statistic.type),
                metadata={
                    "source": f"{source}.{statistic.key}",
                    "unit": statistic.unit,
                },
            )


@dataclass(slots=True)
class _Slot:
    """Where the statistics of one metric are gathered while a page is read."""

    kind: Kind
    rows: list[int] = field(default_factory=list)
    stats: list[Stats] = field(default_factory=list)


class _Rows:
    """Turns one page into columns.

    Statistics are gathered per metric beside the row they belong to, and spread over
    the rows at the end by column operations; only the gathering is a Python loop.
    """

    def __init__(self, asked: question.Query, family: Family, window: Window) -> None:
        self._dimensions = asked.group_by
        self._qualified = family.qualified
        self._window = window
        self._metrics = {m: _Slot(kind_of(m)) for m in asked.metrics}
        self._views = {v.name: _Slot(kind_of(v.target)) for v in asked.views}
        self._spans: dict[str, tuple[datetime, datetime]] = {}
        self._starts: list[datetime] = []
        self._ends: list[datetime] = []
        self._keys: list[Key] = []
        self._qualifiers: list[str | None] = []

    def read(self, page: _Page, schema: pa.Schema) -> pa.Table:
        """Return the rows of *page*, sorted by interval and group.

        Raises:
            DataError: If a bucket is outside the window, overlaps another of its
                group, or has a statistic that does not fit its metric.
        """
        seen: dict[Key, list[tuple[datetime, datetime]]] = {}
        for group in page.results or ():
            given = group.group or {}
            key = tuple(given.get(d) for d in self._dimensions)
            spans = seen.setdefault(key, [])
            for bucket in group.data or ():
                span = self._span(bucket.interval)
                spans.append(span)
                self._gather(bucket, span, key)
        for key, spans in seen.items():
            self._check_apart(key, spans)
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

    def _span(self, text: str) -> tuple[datetime, datetime]:
        """Return the ends of an interval, in UTC, whatever its offset."""
        if known := self._spans.get(text):
            return known
        try:
            start, end = map(_instant, text.split("/"))
        except (ValueError, OverflowError) as exc:
            msg = f"bucket {text[:80]!r} is no interval"
            raise DataError(msg, hint=SHAPE_HINT) from exc
        if start >= end or start < self._window.start or end > self._window.end:
            msg = f"bucket {text} is outside the window that was asked"
            raise DataError(msg, hint=_ALIGN_HINT)
        self._spans[text] = (start, end)
        return start, end

    def _gather(
        self, bucket: _Bucket, span: tuple[datetime, datetime], key: Key
    ) -> None:
        rows: dict[str | None, int] = {}
        seen: set[tuple[str, str | None]] = set()
        for metric in bucket.metrics or ():
            qualifier = metric.qualifier
            if qualifier is not None and not self._qualified:
                msg = f"bucket {bucket.interval}: {metric.metric} has a qualifier"
                raise DataError(msg)
            if (metric.metric, qualifier) in seen:
                msg = f"bucket {bucket.interval}: {metric.metric} is answered twice"
                raise DataError(msg)
            seen.add((metric.metric, qualifier))
            slot = self._metrics.get(metric.metric)
            if slot is None:
                continue  # not asked for
            row = rows.get(qualifier)
            if row is None:
                row = rows[qualifier] = self._new_row(span, key, qualifier)
            slot.rows.append(row)
            slot.stats.append(metric.stats)
        viewed: set[str] = set()
        for view in bucket.views or ():
            slot = self._views.get(view.name)
            if slot is None:
                continue  # not asked for
            if view.name in viewed:
                msg = f"bucket {bucket.interval}: view {view.name} is answered twice"
                raise DataError(msg)
            viewed.add(view.name)
            row = rows.get(None)
            if row is None:
                row = rows[None] = self._new_row(span, key, None)
            slot.rows.append(row)
            slot.stats.append(view.stats)

    def _new_row(
        self, span: tuple[datetime, datetime], key: Key, qualifier: str | None
    ) -> int:
        self._starts.append(span[0])
        self._ends.append(span[1])
        self._keys.append(key)
        self._qualifiers.append(qualifier)
        return len(self._starts) - 1

    def _check_apart(self, key: Key, spans: list[tuple[datetime, datetime]]) -> None:
        spans.sort()
        for before, after in pairwise(spans):
            if after[0] < before[1]:
                group = dict(zip(self._dimensions, key, strict=True))
                msg = (
                    f"group {group}: bucket {Window(*after)} overlaps {Window(*before)}"
                )
                raise DataError(msg, hint=_ALIGN_HINT)

    def _spread(self, name: str, slot: _Slot) -> Iterable[pa.Array]:
        known = {s.key for s in slot.kind.statistics}
        for keys in {tuple(stats) for stats in slot.stats}:
            for foreign in (_ALL_STATISTICS & set(keys)) - known:
                if any(stats.get(foreign) is not None for stats in slot.stats):
                    msg = f"{name} has a {foreign}, which a {slot.kind.name} has not"
                    raise DataError(msg, hint=SHAPE_HINT)
        whole = len(self._starts)
        everywhere = slot.rows == list(range(whole))
        places: list[int | None] = [None] * whole
        for at, row in enumerate(slot.rows):
            places[row] = at
        spread = None if everywhere else pa.array(places, pa.int64())
        for statistic in slot.kind.statistics:
            values = [stats.get(statistic.key) for stats in slot.stats]
            array = numbers(
                values,
                pa.type_for_alias(statistic.type),
                f"{name}.{statistic.key}",
            )
            yield array if spread is None else array.take(spread)


def _instant(text: str) -> datetime:
    """Return an end of an interval in UTC.

    Raises:
        ValueError: If it has no offset (it would be taken for this machine's time),
            or is finer than the columns, which would cut it without a word.
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None or instant.microsecond % 1000:
        raise ValueError(text)
    return instant.astimezone(UTC)


_ALIGN_HINT: Final = (
    "from and fetch.chunk may not suit how the service cuts buckets of this granularity"
)
