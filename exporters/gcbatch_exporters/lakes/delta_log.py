"""The log of a Delta table, read for loads of gcbatch."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from gcbatch_exporters.lakes.loads import KEY, Commit, Load

__all__ = ["commits_of"]

UNTOUCHED: Final = frozenset(
    {
        "CREATE TABLE",
        "OPTIMIZE",
        "SET TBLPROPERTIES",
        "VACUUM START",
        "VACUUM END",
    }
)
"""Operations that leave all rows as they are."""


def commits_of(history: Iterable[Mapping[str, Any]]) -> Iterator[Commit]:
    """Yield what each commit is.

    Args:
        history: As Delta's library gives it.
    """
    for said in history:
        load = Load.parse(said.get(KEY))
        if load is None:
            yield Commit(None, leaves_rows=said.get("operation") in UNTOUCHED)
        else:
            yield Commit(load, int(said["operationMetrics"]["num_added_rows"]))
