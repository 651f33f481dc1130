"""Compares the outputs of clients with the formula of the prepared aggregates.

Every bucket must exist once. For every queue and day, the sums of all figures must be
those of `aggregates_data.totals`, which is plain Python.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.aggregates_data import QUARTERS, TOTALS, pattern_of, queue_id, totals
from benchmarks.peers.flat import FIGURES, KEYS

__all__ = ["COLUMNS", "problem_of"]

FIGURE_COLUMNS: Final = tuple(
    FIGURES[metric][statistic]
    for metric, _, statistic in (name.partition(".") for name in TOTALS)
)
COLUMNS: Final = (*KEYS, *FIGURE_COLUMNS)
"""What is compared."""

INSTANT: Final = pa.timestamp("ms", "UTC")
QUARTER_MS: Final = 900_000


def problem_of(tables: Iterable[pa.Table], queues: int, start: date, days: int) -> str:
    """Return what is wrong with an output; empty if nothing is.

    Args:
        tables: Rows with COLUMNS.
        queues: How many there are.
        start: First day.
        days: How many.

    Returns:
        What is lost, double, unknown or different, and how often.
    """
    ids = pa.array([queue_id(n) for n in range(queues)])
    first = pa.scalar(datetime(start.year, start.month, start.day, tzinfo=UTC), INSTANT)
    found: list[pa.Array] = []
    sums: defaultdict[int, list[float]] = defaultdict(lambda: [0.0] * len(TOTALS))
    rows = 0
    for table in tables:
        rows += table.num_rows
        cells = _cells(table, ids, first, days * QUARTERS)
        found.append(cells)
        for place, figures in _summed(table, cells):
            sums[place] = [a + b for a, b in zip(sums[place], figures, strict=True)]
    all_cells = pa.chunked_array(found, pa.int64())
    known = rows - all_cells.null_count
    different = pc.count_distinct(all_cells, "only_valid").as_py()
    wrong = sum(
        sums[queue * days + day] != _truth(queue, start + timedelta(days=day))
        for queue in range(queues)
        for day in range(days)
    )
    counts = {
        "lost": queues * days * QUARTERS - different,
        "double": known - different,
        "unknown": rows - known,
        "sums of a queue and day different": wrong,
    }
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def _cells(table: pa.Table, ids: pa.Array, first: pa.Scalar, quarters: int) -> pa.Array:
    """Return the number of each row's bucket; null if it was not requested."""
    queue = pc.index_in(table["queue_id"].cast(pa.string()), value_set=ids)
    starts = table["interval_start"].cast(INSTANT)
    off_ms = pc.subtract(starts, first).cast(pa.int64())
    quarter = pc.divide(off_ms, QUARTER_MS)
    is_known = pc.and_(
        pc.and_(
            pc.greater_equal(off_ms, 0),
            pc.equal(pc.multiply(quarter, QUARTER_MS), off_ms),
        ),
        pc.and_(pc.less(quarter, quarters), pc.equal(table["media_type"], "voice")),
    )
    cells = pc.add(pc.multiply(queue.cast(pa.int64()), quarters), quarter)
    return pc.if_else(is_known, cells, None).combine_chunks()


def _summed(table: pa.Table, cells: pa.Array) -> Iterator[tuple[int, list[float]]]:
    """Yield queue x days + day, and the sums of its figures, without unknown rows."""
    place = pc.divide(cells, QUARTERS)
    figures = table.select(FIGURE_COLUMNS).append_column("place", place)
    sums = [(column, "sum") for column in FIGURE_COLUMNS]
    for row in figures.group_by("place").aggregate(sums).to_pylist():
        if row["place"] is not None:
            yield row["place"], [row[f"{c}_sum"] or 0.0 for c in FIGURE_COLUMNS]


def _truth(queue: int, day: date) -> list[float]:
    """Return the sums of a queue and a day, in the order of TOTALS."""
    return list(totals(pattern_of(queue, day)).values())
