"""Nested records as flat ones: which there are on each level, and to whom they belong.

All of it is column operations, a block of documents at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from gcbatch.tables.arrow_scalars import scalar

__all__ = ["UnnestedLevels", "field_of", "numbered", "places", "unnest"]


@dataclass(frozen=True)
class UnnestedLevels:
    """The records of a block, level by level.

    Args:
        records: Of each level, in the order of the documents; the documents first.
            None of them is null.
        above: For each level below the first, where the record that each belongs to
            is in the level above, ascending.
    """

    records: tuple[pa.StructArray, ...]
    above: tuple[pa.Array, ...]

    @property
    def lowest(self) -> int:
        """The level of which each record makes a row; the documents' is 0."""
        return len(self.records) - 1

    def owners(self, upper: int, lower: int | None = None) -> pa.Array:
        """Return for each record of *lower* where its owner is in *upper*.

        Args:
            upper: A level.
            lower: One below it, or the same; None is the lowest.
        """
        lower = self.lowest if lower is None else lower
        places_of = places(len(self.records[lower]))
        for above in reversed(self.above[upper:lower]):
            places_of = above.take(places_of)
        return places_of

    def spread(self, values: pa.Array, level: int) -> pa.Array:
        """Return for each record of the lowest level what its owner has in *values*."""
        return values if level == self.lowest else values.take(self.owners(level))

    def numbers(self, level: int, within: int) -> pa.Array:
        """Return for each record of *level* its number in that of *within*, from 1."""
        return numbered(self.owners(within, level))

    def below(self, name: str) -> "UnnestedLevels":
        """Return them with one level more: the records in the list *name*."""
        lists = field_of(self.records[-1], (name,))
        owners = pc.list_parent_indices(lists).cast(pa.int64())
        records = pc.list_flatten(lists)
        if records.null_count:
            is_there = records.is_valid()
            owners, records = owners.filter(is_there), records.filter(is_there)
        return UnnestedLevels((*self.records, records), (*self.above, owners))


def unnest(documents: pa.StructArray, path: Sequence[str]) -> UnnestedLevels:
    """Return the records on the way down *path*, a list of records each.

    What is null in a list is no record; a list that is null or missing has none.
    """
    levels = UnnestedLevels((documents,), ())
    for name in path:
        levels = levels.below(name)
    return levels


def field_of(records: pa.StructArray, way: Sequence[str]) -> pa.Array:
    """Return a field of each record, null where anything on the way to it is."""
    return pc.struct_field(records, list(way))


def places(count: int) -> pa.Array:
    """Return the whole numbers from 0 up to *count*."""
    return pc.cumulative_sum(pa.repeat(scalar(1), count), start=scalar(-1))


def numbered(owners: pa.Array) -> pa.Array:
    """Return the number of each row among those of one owner; the first is 1.

    Args:
        owners: Rows of one owner are next to each other.
    """
    count = len(owners)
    if not count:
        return places(0)
    begins = pc.not_equal(owners.slice(1), owners.slice(0, count - 1))
    begins = pa.concat_arrays([pa.array([True]), begins])
    at = places(count)
    first = pc.fill_null_forward(pc.if_else(begins, at, pa.scalar(None, pa.int64())))
    return pc.add(pc.subtract(at, first), scalar(1))
