"""Groups of rows: merging the rows of each, and listing the distinct groups.

A ratio or an average cannot be merged: it has to be computed again from sums.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

from gcbatch.genesys import Merge
from gcbatch.lazy import lazy_import
from gcbatch.tables.arrow_scalars import scalar

__all__ = ["distinct_groups", "merge_groups"]

pc = lazy_import("pyarrow.compute")

_HOW: Final = {Merge.ADD: "sum", Merge.MIN: "min", Merge.MAX: "max"}


def merge_groups(
    table: pa.Table, by: Sequence[str], how: Mapping[str, Merge]
) -> pa.Table:
    """Merge the rows of each group into one.

    Args:
        table: Rows to merge. Columns that are neither in *by* nor in *how* are dropped.
        by: Columns that make a group; null is a value like any other.
        how: For each other column, how its values are merged.

    Returns:
        A row per group in no fixed order: the columns of *by*, then those of *how*,
        with unchanged types. Nulls are skipped; a column that is null in all rows of a
        group stays null.

    Raises:
        ValueError: If a column cannot be merged; names it.
    """
    for name, merge in how.items():
        if merge not in _HOW:
            msg = f"{name} cannot be merged: {merge.value}"
            raise ValueError(msg)
    result = table.group_by(list(by), use_threads=False).aggregate(
        [(name, _HOW[merge]) for name, merge in how.items()]
    )
    columns = {name: result[name] for name in by}
    columns |= {name: result[f"{name}_{_HOW[merge]}"] for name, merge in how.items()}
    return pa.table(columns).cast(pa.schema([table.schema.field(n) for n in columns]))


def distinct_groups(
    table: pa.Table, names: Sequence[str]
) -> tuple[list[tuple[Any, ...]], pa.Array]:
    """Return the distinct groups of a table, to compute something once for each.

    Args:
        table: Rows.
        names: Columns that make a group; null is a value like any other.

    Returns:
        The values of each group, and for each row the number of its group; the first
        is 0.
    """
    coded = [table[n].combine_chunks().dictionary_encode("encode") for n in names]
    values = [column.dictionary.to_pylist() for column in coded]
    first, *others = (column.indices.cast(pa.int64()) for column in coded)
    for column, known in zip(others, values[1:], strict=True):
        first = pc.add(pc.multiply(first, scalar(len(known))), column)
    groups = first.dictionary_encode()
    found = []
    for code in groups.dictionary.to_pylist():
        group = []
        for known in reversed(values):
            code, at = divmod(code, len(known))  # noqa: PLW2901 - the rest of it
            group.append(known[at])
        found.append(tuple(reversed(group)))
    return found, groups.indices
