"""Adds up the figures of a report from the table `sla`.

Counts, numerators and denominators are added. Percentages and averages are computed
from sums, never added or averaged themselves.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Final

import pyarrow as pa

from gcbatch.table import LEVEL_DECIMALS, Table
from gcbatch_exporters.report.time_axis import Axis, Spans, spans_of

__all__ = ["NEEDED", "Figures", "QueueFigures", "Sums", "grouped", "read_figures"]

NEEDED: Final = (
    *("period_start", "period_end", "queue_id", "queue_name", "target_pct"),
    *("offered", "answered", "abandoned"),
    *("service_level_numerator", "service_level_denominator"),
)
"""Columns that the report needs."""

_ADDED: Final = {
    "offered": "offered",
    "answered": "answered",
    "abandoned": "abandoned",
    "level_part": "service_level_numerator",
    "level_whole": "service_level_denominator",
    "wait_ms": "wait_sum_ms",
    "waits": "wait_count",
    "handle_ms": "handle_sum_ms",
    "handles": "handle_count",
}
"""Columns that are added, by field of Sums; those of times may be missing."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over queues and periods, and the figures computed from them.

    Args:
        offered, answered, abandoned: Calls.
        level_part, level_whole: Calls answered in time, of the calls that count.
        wait_ms, waits: Milliseconds until the answer, of so many calls.
        handle_ms, handles: Milliseconds of handling, of so many calls.
    """

    offered: float = 0
    answered: float = 0
    abandoned: float = 0
    level_part: float = 0
    level_whole: float = 0
    wait_ms: float = 0
    waits: float = 0
    handle_ms: float = 0
    handles: float = 0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            *(getattr(self, f.name) + getattr(other, f.name) for f in fields(self))
        )

    @classmethod
    def total(cls, several: "Iterable[Sums]") -> "Sums":
        """Return the sum of several sums."""
        return sum(several, Sums())

    @property
    def level(self) -> float | None:
        """Service level in percent; None if no call counts.

        Rounded as the table `sla` rounds it before it compares it with a target.
        """
        level = _ratio(self.level_part * 100, self.level_whole)
        return None if level is None else round(level, LEVEL_DECIMALS)

    @property
    def answer_rate(self) -> float | None:
        """Share of answered calls in percent; None if no call was offered."""
        return _ratio(self.answered * 100, self.offered)

    @property
    def abandon_rate(self) -> float | None:
        """Share of abandoned calls in percent; None if no call was offered."""
        return _ratio(self.abandoned * 100, self.offered)

    @property
    def asa_s(self) -> float | None:
        """Average speed of answer in seconds; None if unknown."""
        return _ratio(self.wait_ms, self.waits * 1000)

    @property
    def aht_s(self) -> float | None:
        """Average handle time in seconds; None if unknown."""
        return _ratio(self.handle_ms, self.handles * 1000)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


@dataclass(frozen=True)
class QueueFigures:
    """Figures of a queue over the whole range, or of one media type of it.

    Args:
        name: Name of the queue; with its org if there are several, and with its media
            type if the table has media types.
        target: Service level to reach, in percent; None if none is set.
        sums: Sums over the whole range.
        by_step: Sums by the number of the step on the axis; steps without rows lack.
    """

    name: str
    target: float | None
    sums: Sums
    by_step: Mapping[int, Sums]

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None if either is unknown."""
        level = self.sums.level
        if level is None or self.target is None:
            return None
        return level >= self.target

    @property
    def order(self) -> tuple[int, float, str]:
        """The sort key: the queue that misses its target by most comes first.

        Queues without a target come after those with one, queues without calls last.
        """
        level = self.sums.level
        if level is None:
            return 2, 0, self.name
        if self.target is None:
            return 1, level, self.name
        return 0, level - self.target, self.name


@dataclass(frozen=True)
class Figures:
    """The figures of a report.

    Args:
        queues: The queue that misses its target by most comes first.
        axis: Steps of time.
        rows: Number of rows that were read.
        by_media: Whether each media type of a queue has figures of its own.
        has_times: Whether there are sums of waiting and handling times.
    """

    queues: Sequence[QueueFigures]
    axis: Axis
    rows: int
    by_media: bool
    has_times: bool

    @cached_property
    def total(self) -> Sums:
        """Sums over all queues and the whole range."""
        return Sums.total(queue.sums for queue in self.queues)

    @cached_property
    def by_step(self) -> Mapping[int, Sums]:
        """Sums over all queues, by step."""
        totals: dict[int, Sums] = defaultdict(Sums)
        for queue in self.queues:
            for step, sums in queue.by_step.items():
                totals[step] += sums
        return totals

    @cached_property
    def met_count(self) -> int:
        """Number of queues that reach their target."""
        return sum(queue.met is True for queue in self.queues)

    @cached_property
    def missed_count(self) -> int:
        """Number of queues that miss it; queues without calls or target do neither."""
        return sum(queue.met is False for queue in self.queues)

    @property
    def average_of_levels(self) -> float | None:
        """The average of the queues' percentages: a wrong number, shown as such.

        None if there are fewer than two queues to average.
        """
        levels = [q.sums.level for q in self.queues if q.sums.level is not None]
        return sum(levels) / len(levels) if len(levels) > 1 else None

    @cached_property
    def common_target(self) -> float | None:
        """The target of all queues; None if they have several or none."""
        targets = {queue.target for queue in self.queues}
        return targets.pop() if len(targets) == 1 else None

    @cached_property
    def usual_target(self) -> float | None:
        """The target that applies to most calls; None if none is set."""
        calls: dict[float, float] = defaultdict(float)
        for queue in self.queues:
            if queue.target is not None:
                calls[queue.target] += queue.sums.level_whole
        return max(calls, key=lambda t: (calls[t], t), default=None)


@dataclass
class _Gathered:
    """The sums of a queue while its rows are read."""

    name: str | None = None
    target: float | None = None
    by_step: dict[int, Sums] = field(default_factory=lambda: defaultdict(Sums))


def read_figures(table: Table) -> tuple[Figures, Spans]:
    """Add up the table `sla`, which is read twice.

    Args:
        table: Has the columns of NEEDED; may have media_type, wait_sum_ms, wait_count,
            handle_sum_ms and handle_count; has org if there are several orgs.

    Returns:
        The figures, and the spans of time of the table's rows.
    """
    names = table.schema.names
    by_media = "media_type" in names
    keys = ["queue_id", *(["media_type"] if by_media else [])]
    several = ["org"] if "org" in names else []
    spans = spans_of(table, "period_start", "period_end")
    axis = Axis.of(spans, zone=table.timezone, covered=table.covered)
    gathered: dict[tuple[Hashable, ...], _Gathered] = defaultdict(_Gathered)
    rows = 0
    for batch in table:
        rows += batch.num_rows
        steps = axis.numbers(batch["period_start"])
        data = pa.table(batch).append_column("step", steps)
        for key, sums, queue_row in grouped(
            data, [*several, *keys, "step"], like=_ADDED
        ):
            *queue, step = key
            row = gathered[tuple(queue)]
            row.by_step[step] += sums
            row.name = queue_row["queue_name"] or row.name
            row.target = (
                row.target
                if queue_row["target_pct"] is None
                else queue_row["target_pct"]
            )
    queues = [
        QueueFigures(
            name=_name(row.name, key[len(several) :], org=key[: len(several)]),
            target=row.target,
            sums=Sums.total(row.by_step.values()),
            by_step=dict(row.by_step),
        )
        for key, row in gathered.items()
    ]
    queues.sort(key=lambda queue: queue.order)
    has_times = "wait_count" in names or "handle_count" in names
    return Figures(queues, axis, rows, by_media, has_times), spans


def _name(queue: str | None, key: tuple[Any, ...], *, org: tuple[Hashable, ...]) -> str:
    queue_id, *media = key
    named = queue or queue_id or "All queues"
    return " · ".join([*map(str, org), named, *(m or "other" for m in media)])


def grouped(
    data: pa.Table, by: list[str], *, like: Mapping[str, str]
) -> Iterator[tuple[tuple[Any, ...], Sums, Mapping[str, Any]]]:
    """Add up rows that have the same key.

    Args:
        data: Rows.
        by: Columns of the key.
        like: The column of each field of Sums; fields whose column *data* lacks are 0.

    Yields:
        A key, its sums, and its queue_name and target_pct if there are such columns.
    """
    first = [n for n in ("queue_name", "target_pct") if n in data.schema.names]
    added = {name: col for name, col in like.items() if col in data.schema.names}
    wanted = [(n, "first") for n in first] + [(col, "sum") for col in added.values()]
    # One thread: the order in which floats are added decides their last digit.
    sums = data.group_by(by, use_threads=False).aggregate(wanted)
    for row in sums.to_pylist():
        yield (
            tuple(row[name] for name in by),
            Sums(**{name: row[f"{col}_sum"] or 0 for name, col in added.items()}),
            {name: row[f"{name}_first"] for name in first},
        )
