"""What the shipped exporters share: their options, and how many tables they take."""

from collections.abc import Mapping
from typing import ClassVar, Final, Generic, TypeVar

from gcbatch.errors import JobError
from gcbatch.exporting import FileOptions
from gcbatch.table import Table

__all__ = ["FileExporter", "only_table", "require_tables"]

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
