"""Names beside ids."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["NAMED", "NameLookup", "name_field"]

NAMED: Final = {
    "queue_id": ("queue_name", "queueId"),
    "user_id": ("user_name", "userId"),
    "wrap_up_code": ("wrap_up_code_name", "wrapUpCode"),
}
"""Columns of ids: the column for their names, and the dimension that they are of."""


@dataclass(frozen=True)
class NameLookup:
    """What the ids of one dimension are called.

    Args:
        ids: All that have a name.
        names: As many.
    """

    ids: pa.Array
    names: pa.Array

    @classmethod
    def of(cls, names: Mapping[str, str]) -> Self:
        """Make one of names by id."""
        ids = sorted(names)
        called = [names[i] for i in ids]
        return cls(pa.array(ids, pa.string()), pa.array(called, pa.string()))

    def named(self, ids: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
        """Return the names of *ids*; an id that is not known is its own name."""
        return pc.coalesce(self.names.take(pc.index_in(ids, value_set=self.ids)), ids)


def name_field(name: str, ids: str) -> pa.Field:
    """Return the column *name*, for the names of the column *ids*."""
    return pa.field(name, pa.string(), metadata={"description": f"name of {ids}"})
