"""Notes: JSON documents among the files of a job, beside its parts."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from gcbatch.errors import OutputError
from gcbatch.store.job_files import JobFiles

__all__ = ["Notes", "unwritable"]


class Notes:
    """Reads and writes the notes of a job.

    Args:
        files: The files of the job.
    """

    def __init__(self, files: JobFiles) -> None:
        self.files = files

    @property
    def place(self) -> str:
        """Where the job's files are, for messages."""
        return self.files.place

    def read_note(self, name: str) -> dict[str, Any] | None:
        """Return a JSON document; None if it is missing or unreadable."""
        try:
            content = orjson.loads(self.files.read_note(name))
        except (OSError, orjson.JSONDecodeError):
            return None
        return content if isinstance(content, dict) else None

    def write_note(self, name: str, content: dict[str, Any]) -> None:
        """Write a JSON document; readers see the old one or the new one, whole.

        Raises:
            OutputError: If the store cannot be written.
        """
        try:
            self.files.write_note(name, _encoded(content))
        except OSError as exc:
            raise unwritable(self.place, exc) from exc

    def write_note_if(
        self, name: str, content: dict[str, Any], stamp: bytes | None
    ) -> bool:
        """Write a JSON document if the present one has this stamp; see JobFiles.

        Raises:
            OutputError: If the store cannot be written.
        """
        text = _encoded(content)
        return self.write_file_if(name, lambda path: path.write_bytes(text), stamp)

    def discard_note(self, name: str) -> None:
        """Remove a document, if it exists."""
        with suppress(OSError, OutputError):
            self.files.discard(name)

    def write_file(self, name: str, fill: Callable[[Path], object]) -> None:
        """Write a file by *fill*, whole or not at all.

        Raises:
            OutputError: If the store cannot be written.
        """
        try:
            self.files.write(name, fill)
        except OSError as exc:
            raise unwritable(self.place, exc) from exc

    def write_file_if(
        self, name: str, fill: Callable[[Path], object], stamp: bytes | None
    ) -> bool:
        """Write a file by *fill* if the present one has this stamp; see JobFiles.

        Raises:
            OutputError: If the store cannot be written.
        """
        try:
            return self.files.write_if(name, fill, stamp)
        except OSError as exc:
            raise unwritable(self.place, exc) from exc


def _encoded(content: dict[str, Any]) -> bytes:
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(content, option=options)


def unwritable(place: str | Path, exc: OSError) -> OutputError:
    """Return the error of a place of the store that cannot be written."""
    msg = f"{place}: cannot be written: {exc.strerror}"
    return OutputError(msg, hint="check fetch.store, its space and permissions")
