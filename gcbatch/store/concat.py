"""Joins the rows of several answers, which must not overlap."""

from collections.abc import Sequence
from functools import reduce

import pyarrow as pa

from gcbatch.errors import DataError
from gcbatch.lazy import lazy_import
from gcbatch.text import one_line
from gcbatch.windows import Window

__all__ = ["concat_parts"]

pc = lazy_import("pyarrow.compute")


def concat_parts(
    tables: Sequence[pa.Table], groups: Sequence[str], about: str
) -> pa.Table:
    """Return the rows of *tables* in the order of interval_start and *groups*.

    Args:
        tables: Answers about one span; each is in order and without overlaps itself.
        groups: Columns that with interval_start make the key of a row.
        about: The query, for errors.

    Raises:
        DataError: If two answers have the same, or overlapping, buckets of a group:
            they would count twice. Names group and bucket.
    """
    table = pa.concat_tables(tables)
    if len(tables) == 1:
        return table.combine_chunks()
    by_group = [(name, "ascending") for name in (*groups, "interval_start")]
    _refuse_overlaps(table.sort_by(by_group).combine_chunks(), groups, about)
    by_time = [(name, "ascending") for name in ("interval_start", *groups)]
    return table.sort_by(by_time).combine_chunks()


def _refuse_overlaps(table: pa.Table, groups: Sequence[str], about: str) -> None:
    """Compare each row with the next; rows of one group stand together."""
    if table.num_rows <= 1:
        return
    upper, lower = table.slice(0, table.num_rows - 1), table.slice(1)
    clash = pc.less(lower["interval_start"], upper["interval_end"])
    same = [_same(upper[name], lower[name]) for name in groups]
    clash = reduce(pc.and_, same, clash)
    at = pc.index(clash, value=True).as_py()
    if at < 0:
        return
    row = lower.slice(at, 1).to_pylist()[0]
    group = one_line({name: row[name] for name in groups})
    bucket = Window(row["interval_start"], row["interval_end"])
    msg = f"{about}: two answers have bucket {bucket} of group {group}"
    raise DataError(msg, hint="the service answered for other queues than requested")


def _same(one: pa.ChunkedArray, other: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return where two columns are equal; null equals null."""
    equal = pc.fill_null(pc.equal(one, other), fill_value=False)
    return pc.or_(equal, pc.and_(pc.is_null(one), pc.is_null(other)))
