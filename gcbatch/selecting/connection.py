"""Opens DuckDB: in memory, without files and network unless they are allowed."""

from typing import Any, Final

from gcbatch.errors import JobError
from gcbatch.lazy import lazy_import

__all__ = ["duckdb", "open_duckdb"]

duckdb = lazy_import("duckdb")

_PRIVATE: Final = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_access": "false",
}
"""DuckDB reads and writes no file, opens no connection and loads no extension."""

_ALWAYS: Final = {
    # It would take variables of this program for tables.
    "python_enable_replacements": "false",
    # More memory than allowed is an error, not files in a folder of someone's.
    "temp_directory": "",
    # With several, sums of floats depend on which thread was first.
    "threads": "1",
}


def open_duckdb(memory: str, *, allow_files: bool, where: str) -> Any:
    """Return a connection to an empty DuckDB; a query cannot change its settings.

    Args:
        memory: What it may use, such as `1GB`.
        allow_files: Whether queries may read and write files, and use the network.
        where: What needs it, for messages.

    Raises:
        JobError: If DuckDB is not installed, or *memory* is no size.
    """
    config = {**({} if allow_files else _PRIVATE), **_ALWAYS, "memory_limit": memory}
    try:
        connection = duckdb.connect(":memory:", config=config)
    except ModuleNotFoundError as exc:
        msg = f"{where}: needs DuckDB, which is not installed"
        raise JobError(msg, hint="pip install 'gcbatch[sql]'") from exc
    except duckdb.Error as exc:
        msg = f"{where}: memory is not a size ({memory})"
        raise JobError(msg, hint="write for example 500MB or 4GB") from exc
    # Not by the configuration: its extension is loaded after that was read.
    connection.execute("SET TimeZone = 'UTC'").fetchall()
    connection.execute("SET lock_configuration = true").fetchall()
    return connection
