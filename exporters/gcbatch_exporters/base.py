"""What the shipped exporters share: their options, and how many tables they take."""

from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar, Final, Generic, TypeVar

from gcbatch.errors import JobError
from gcbatch.exporting import FileOptions
from gcbatch.table import Table

__all__ = [
    "FileExporter",
    "check_partition_names",
    "only_table",
    "require_tables",
]

T = TypeVar("T", bound=FileOptions)

_HINT: Final = (
    "write one export for each table, or {table} in the path: path: out/{table}.csv"
)


class FileExporter(Generic[T]):
    """An exporter that writes the same bytes for the same tables and options."""

    api_version: ClassVar[int] = 2
    deterministic: ClassVar[bool] = True
    side_by_side: ClassVar[bool] = True

    def __init__(self, options: T) -> None:
        self._options = options


def only_table(tables: Mapping[str, Table], exporter: str) -> Table:
    """Return the one table that *exporter* got.

    Raises:
        JobError: If there is none, or more than one; names them.
    """
    if len(tables) != 1:
        names = ", ".join(tables) or "none"
        msg = f"exporter {exporter!r} takes one table, got {len(tables)} ({names})"
        raise JobError(msg, hint=_HINT)
    (table,) = tables.values()
    return table


def require_tables(tables: Mapping[str, Table], exporter: str) -> None:
    """Refuse an export without tables.

    Raises:
        JobError: If there is none.
    """
    if not tables:
        msg = f"exporter {exporter!r} takes at least one table, got none"
        raise JobError(msg, hint="name one, such as `table: sla`")


def check_partition_names(
    table: Table,
    names: Sequence[str],
    choices: Sequence[str],
    *,
    not_common: Collection[str],
) -> None:
    """Refuse names of partition_by that a table cannot be partitioned by.

    Args:
        table: The table.
        names: As in partition_by.
        choices: What it can be partitioned by, in the order of the message.
        not_common: Units of time that the orgs of the table do not have in common.

    Raises:
        JobError: If a name is unknown or doubled, or no other column remains.
    """
    for name in names:
        if name in not_common:
            msg = f"partition_by: the orgs of {table.name} have no {name} in common"
            hint = "give them one timezone, or partition by org"
            raise JobError(msg, hint=hint)
        if name not in choices:
            msg = f"partition_by: {table.name} has no {name!r} to partition by"
            raise JobError(msg, hint=f"choose from {', '.join(choices)}")
    if len(set(names)) < len(names):
        msg = f"partition_by: a name comes twice ({', '.join(names)})"
        raise JobError(msg, hint="name each once")
    if set(names) >= set(table.schema.names):
        msg = f"partition_by: no column of {table.name} would be left"
        raise JobError(msg, hint="partition by fewer columns")
