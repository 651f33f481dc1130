"""Notes: JSON documents in the folder of a job, beside its parts."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from gcbatch.atomic_files import Sync, open_regular, to_disk, write_atomically
from gcbatch.errors import OutputError

__all__ = ["Notes", "unwritable"]


class Notes:
    """Reads and writes the notes of a job.

    Args:
        folder: The folder of the job.
        sync: Forces a file or folder to disk.
    """

    def __init__(self, folder: Path, sync: Sync = to_disk) -> None:
        self.folder = folder
        self._sync = sync

    def read_note(self, name: str) -> dict[str, Any] | None:
        """Return a JSON document; None if it is missing or unreadable."""
        try:
            with open_regular(self.folder / name) as file:
                content = orjson.loads(file.read())
        except (OSError, orjson.JSONDecodeError):
            return None
        return content if isinstance(content, dict) else None

    def write_note(self, name: str, content: dict[str, Any]) -> None:
        """Write a JSON document; readers see the old one or the new one, whole.

        Raises:
            OutputError: If the store cannot be written.
        """
        options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        text = orjson.dumps(content, option=options)
        self.write_file(name, lambda path: path.write_bytes(text))

    def discard_note(self, name: str) -> None:
        """Remove a document, if it exists."""
        with suppress(OSError):
            (self.folder / name).unlink()

    def write_file(self, name: str, fill: Callable[[Path], object]) -> None:
        """Write a file by *fill*, whole or not at all.

        Raises:
            OutputError: If the store cannot be written.
        """
        try:
            write_atomically(self.folder / name, fill, sync=self._sync)
        except OSError as exc:
            raise unwritable(self.folder, exc) from exc


def unwritable(folder: Path, exc: OSError) -> OutputError:
    """Return the error of a folder of the store that cannot be written."""
    msg = f"{folder}: cannot be written: {exc.strerror}"
    return OutputError(msg, hint="check fetch.store, its space and permissions")
