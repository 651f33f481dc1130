"""What exporters to database files share: the path, and where that is."""

from typing import Generic, TypeVar

from gcbatch.exporting import LocalPath
from gcbatch_exporters.databases.exporter import DatabaseExporter, DatabaseOptions

__all__ = ["FileDatabaseExporter", "FileDatabaseOptions"]


class FileDatabaseOptions(DatabaseOptions):
    """Options of an exporter to a database file.

    Args:
        path: The database file; it is created if it is missing.
    """

    path: LocalPath


T = TypeVar("T", bound=FileDatabaseOptions)


class FileDatabaseExporter(DatabaseExporter[T], Generic[T]):
    """Loads tables into a database that is one file."""

    @property
    def place(self) -> str:
        """The path of the file."""
        return str(self._options.path)

    def exists(self) -> bool:
        """Return whether the file is there."""
        return self._options.path.exists()
