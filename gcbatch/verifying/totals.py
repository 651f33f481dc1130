"""Compares parts, added up by day, with the service's own totals.

This checks everything at once: windows, batches, pieces and late corrections.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

import pyarrow as pa

from gcbatch.endpoints import Aggregates
from gcbatch.genesys import Merge, column_name, kind_of
from gcbatch.job import Job, QuerySection
from gcbatch.lazy import lazy_import
from gcbatch.planning import Plan, ResolvedScope, SavedPlan, make_plan
from gcbatch.table import INSTANT
from gcbatch.tables import merge_groups
from gcbatch.windows import (
    ONE_DAY,
    Window,
    bucket_edges,
    ceil_to_bucket,
    floor_to_bucket,
    iso,
    step,
)

__all__ = [
    "ComparedColumn",
    "Difference",
    "TotalsPlan",
    "differences",
    "figures_of",
    "plan_totals",
]

pc = lazy_import("pyarrow.compute")

COMPARED: Final = (Merge.ADD, Merge.MIN, Merge.MAX)

SAME: Final = 1e-9
"""Relative difference below which sums of floats are equal: their last digits depend on
the order of adding."""

Number = int | float
Key = tuple[datetime | str | None, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure that differs from what the service answers now.

    Args:
        window: The day, or the longer span, that was compared.
        group: Columns of the group, and their values.
        figure: The API's name of it, such as `tHandle.sum`.
        stored: The sum of the parts' figures; None if they have none.
        served: The figure of the service; None if it has none.
    """

    window: Window
    group: Mapping[str, str | None]
    figure: str
    stored: Number | None
    served: Number | None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "from": iso(self.window.start),
            "to": iso(self.window.end),
            "group": dict(self.group),
            "figure": self.figure,
            "stored": self.stored,
            "served": self.served,
        }


@dataclass(frozen=True, slots=True)
class ComparedColumn:
    """A column of parts, the API's name of it, and how it adds up."""

    column: str
    source: str
    merge: Merge


@dataclass(frozen=True, slots=True)
class TotalsPlan:
    """The queries of a comparison.

    Args:
        query_section: The job's query section, by the day or longer.
        plan: The queries; None if the range contains no whole day.
        left_out: Spans at the ends of the range that are not whole days.
    """

    query_section: QuerySection
    plan: Plan | None
    left_out: tuple[Window, ...] = ()

    def spans(self, window: Window) -> list[Window]:
        """Return the days, or longer spans, of one window of the plan."""
        section = self.query_section
        edges = bucket_edges(window, section.granularity, section.zone)
        return [Window(a, b) for a, b in pairwise(edges)]


def plan_totals(job: Job, saved: SavedPlan, endpoint: Aggregates) -> TotalsPlan:
    """Return the fewest queries for the data of a run, by the day or longer.

    Buckets of a day or more are compared as they are. So are windows without buckets,
    unless each is within a day. The queries have the queues of the run and no others.
    """
    section, whole = job.query, saved.plan.window
    if section.granularity is None and not _within_days(saved.plan, section):
        return TotalsPlan(section, saved.plan)
    left_out: tuple[Window, ...] = ()
    if section.granularity is None or section.granularity.is_clock:
        section = section.model_copy(update={"granularity": ONE_DAY})
        start = ceil_to_bucket(whole.start, ONE_DAY, section.zone)
        end = floor_to_bucket(whole.end, ONE_DAY, section.zone)
        if start >= end:
            return TotalsPlan(section, None, (whole,))
        left_out = tuple(
            Window(a, b) for a, b in ((whole.start, start), (end, whole.end)) if a < b
        )
        whole = Window(start, end)
    fetch = job.fetch.model_copy(update={"chunk": "auto"})
    by_day = job.model_copy(update={"query": section, "fetch": fetch})
    queues: tuple[str, ...] | None = None
    if job.query.queues is not None:
        named = {i for q in saved.plan.queries for i in endpoint.queues_of(q.template)}
        queues = tuple(sorted(named))
    listed = saved.names.listed.get("queueId", 0)
    # Nothing is stored, so the identity does not matter.
    scope = ResolvedScope("", whole, queues, listed)
    return TotalsPlan(section, make_plan(by_day, scope, endpoint), left_out)


def _within_days(plan: Plan, section: QuerySection) -> bool:
    def is_within(window: Window) -> bool:
        day = floor_to_bucket(window.start, ONE_DAY, section.zone)
        return window.end <= step(day, ONE_DAY, 1, section.zone)

    return all(is_within(query.window) for query in plan.queries)


def figures_of(section: QuerySection) -> list[ComparedColumn]:
    """Return the columns of a job's parts that have a sum, minimum or maximum."""
    named = [(metric, kind_of(metric)) for metric in section.metrics]
    named += [(view.name, kind_of(view.target)) for view in section.views]
    return [
        ComparedColumn(
            column_name(name, statistic), f"{name}.{statistic.key}", statistic.merge
        )
        for name, kind in named
        for statistic in kind.statistics
        if statistic.merge in COMPARED
    ]


def differences(
    stored: Iterable[pa.Table],
    served: Iterable[pa.Table],
    spans: Sequence[Window],
    *,
    groups: Sequence[str],
    figures: Sequence[ComparedColumn],
) -> Iterator[Difference]:
    """Yield the figures of two sets of rows that differ, by span and group.

    A missing sum is 0: the service leaves out what has no data. Stored rows outside
    *spans*, which are in order and do not overlap, are ignored.
    """
    ours, theirs = (
        _by_key([_add_up(rows, spans, groups, figures) for rows in tables], figures)
        for tables in (stored, served)
    )
    windows = {span.start: span for span in spans}
    nothing: tuple[Number | None, ...] = (None,) * len(figures)
    for key in sorted(ours.keys() | theirs.keys(), key=_order):
        one, other = ours.get(key, nothing), theirs.get(key, nothing)
        if one == other:
            continue
        start, *group = key
        for figure, a, b in zip(figures, one, other, strict=True):
            if not _same(figure, a, b):
                named = {n: _text(v) for n, v in zip(groups, group, strict=True)}
                at = windows[start]  # type: ignore[index]  # a key begins with a start
                yield Difference(at, named, figure.source, a, b)


def _add_up(
    rows: pa.Table,
    spans: Sequence[Window],
    groups: Sequence[str],
    figures: Sequence[ComparedColumn],
) -> pa.Table:
    """Return the sums by span and group; interval_start is the span's."""
    starts = [span.start for span in spans]

    def span_of(instant: datetime) -> datetime | None:
        at = bisect_right(starts, instant) - 1
        return starts[at] if at >= 0 and instant < spans[at].end else None

    instants = rows["interval_start"].unique()
    places = pa.array(list(map(span_of, instants.to_pylist())), INSTANT)
    column = places.take(pc.index_in(rows["interval_start"], value_set=instants))
    by = ("interval_start", *groups)
    rows = rows.select([*by, *(figure.column for figure in figures)])
    rows = rows.set_column(0, "interval_start", column).filter(pc.is_valid(column))
    return merge_groups(rows, by, {figure.column: figure.merge for figure in figures})


def _by_key(
    tables: Sequence[pa.Table], figures: Sequence[ComparedColumn]
) -> dict[Key, tuple[Number | None, ...]]:
    """Return the figures of each span and group, over all tables."""
    if not tables:
        return {}
    whole = pa.concat_tables(tables)
    by = whole.column_names[: -len(figures)] if figures else whole.column_names
    whole = merge_groups(whole, by, {figure.column: figure.merge for figure in figures})
    keys = zip(*(whole[name].to_pylist() for name in by), strict=True)
    values = zip(*(whole[f.column].to_pylist() for f in figures), strict=True)
    return dict(zip(keys, values, strict=True)) if figures else {}


def _order(key: Key) -> list[tuple[bool, str]]:
    return [(part is None, str(part)) for part in key]


def _text(value: datetime | str | None) -> str | None:
    return None if value is None else str(value)


def _same(figure: ComparedColumn, one: Number | None, other: Number | None) -> bool:
    if figure.merge is Merge.ADD:
        one, other = one or 0, other or 0
    if one is None or other is None:
        return one is other
    if isinstance(one, int) and isinstance(other, int):
        return one == other
    return math.isclose(one, other, rel_tol=SAME, abs_tol=SAME)
