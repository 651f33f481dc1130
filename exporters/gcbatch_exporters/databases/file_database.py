"""What exporters to database files share: the path, and where that is."""

import os
from typing import Generic, TypeVar

from gcbatch.errors import OutputError
from gcbatch.exporting import LocalPath, require_writable
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

    def reach(self) -> None:
        """Refuse a file that could not be created, written or opened now.

        Raises:
            OutputError: If it could not; says why.
        """
        path = self._options.path
        require_writable(path)  # a journal is written beside it
        if self.exists() and not os.access(path, os.W_OK):
            msg = f"{path}: cannot be written: it is read-only"
            raise OutputError(msg, hint="check the file and its permissions")
        super().reach()
