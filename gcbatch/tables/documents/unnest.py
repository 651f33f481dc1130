"""Flattens nested records: the records of each level, and the parent of each record.

All of it is column operations, a batch of documents at a time.
"""

from dataclasses import dataclass, field

import pyarrow as pa

from gcbatch.lazy import lazy_import
from gcbatch.tables.arrow_scalars import scalar

__all__ = ["UnnestedLevels", "positions"]

pc = lazy_import("pyarrow.compute")


@dataclass(frozen=True)
class UnnestedLevels:
    """The records of a batch of documents, level by level.

    Level 0 is the documents; level n holds the records of the n-th list of a path. The
    position of a record is its index in the level; the first is 0.

    Args:
        records: The records of each level, in the order of the documents; none is null.
        parents: For each level below the first, the position of each record's parent
            in the level above, ascending.
    """

    records: tuple[pa.StructArray, ...]
    parents: tuple[pa.Array, ...]
    _owners: dict[tuple[int, int], pa.Array] = field(default_factory=dict)
    _ordinals: dict[tuple[int, int], pa.Array] = field(default_factory=dict)

    @property
    def lowest(self) -> int:
        """The level whose records make a row each."""
        return len(self.records) - 1

    def owners(self, upper: int, lower: int | None = None) -> pa.Array:
        """Return for each record of *lower* the position of its owner in *upper*.

        Args:
            upper: A level.
            lower: The same level or one below it; None is the lowest.
        """
        lower = self.lowest if lower is None else lower
        if upper == lower:
            return positions(len(self.records[lower]))
        if (upper, lower) not in self._owners:
            parents = self.parents[upper]
            if upper + 1 < lower:
                parents = parents.take(self.owners(upper + 1, lower))
            self._owners[upper, lower] = parents
        return self._owners[upper, lower]

    def spread(self, values: pa.Array, level: int) -> pa.Array:
        """Return for each record of the lowest level its owner's value in *values*."""
        return values if level == self.lowest else values.take(self.owners(level))

    def ordinals(self, level: int, within: int) -> pa.Array:
        """Return for each record of *level* its number in its owner in *within*.

        The first is 1.
        """
        if (level, within) not in self._ordinals:
            self._ordinals[level, within] = self._count(level, within)
        return self._ordinals[level, within]

    def _count(self, level: int, within: int) -> pa.Array:
        owners = self.owners(within, level)
        count = len(owners)
        at = positions(count)
        if not count:
            return at
        begins = pc.not_equal(owners.slice(1), owners.slice(0, count - 1))
        begins = pa.concat_arrays([pa.array([True]), begins])
        first = pc.if_else(begins, at, pa.scalar(None, pa.int64()))
        return pc.add(pc.subtract(at, pc.fill_null_forward(first)), scalar(1))

    def field(self, level: int, *path: str) -> pa.Array:
        """Return a field of each record; null where anything on its path is null."""
        return pc.struct_field(self.records[level], list(path))

    def below(self, name: str) -> "UnnestedLevels":
        """Return the levels and one more: the records in the list *name*.

        A null in a list is not a record; a list that is null or missing is empty.
        """
        lists = self.field(self.lowest, name)
        parents = pc.list_parent_indices(lists).cast(pa.int64())
        records = pc.list_flatten(lists)
        if records.null_count:
            is_there = records.is_valid()
            parents, records = parents.filter(is_there), records.filter(is_there)
        return UnnestedLevels((*self.records, records), (*self.parents, parents))


def positions(count: int) -> pa.Array:
    """Return the whole numbers from 0 to below *count*."""
    return pc.cumulative_sum(pa.repeat(scalar(1), count), start=scalar(-1))
