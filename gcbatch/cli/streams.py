"""Standard output and error that do not decide what becomes of a command.

What is printed comes last: everything is fetched and written by then. So a character
that the encoding lacks is replaced, a reader that leaves is let go, and a disk that is
full costs the text alone, which a line on standard error and the exit code say.
"""

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from gcbatch.cli.output import say_error
from gcbatch.errors import OutputError

__all__ = ["enduring_streams"]

LAST_STANDARD: Final = 2
"""File descriptors up to this one are standard input, output and error."""


class _Enduring(io.RawIOBase):
    """Writes into a file as long as that takes it, and drops what comes then.

    Args:
        file: Unbuffered; None where it is closed already.
    """

    def __init__(self, file: Any) -> None:
        self._file = file
        self.failure: OSError | None = None

    @property
    def reader_left(self) -> bool:
        """Whether it failed because nobody reads it any more, as after `| head`."""
        # Windows says so of a pipe that is closed.
        is_odd = os.name == "nt" and getattr(self.failure, "errno", 0) == errno.EINVAL
        return isinstance(self.failure, BrokenPipeError) or is_odd

    def writable(self) -> bool:
        """Return true, as for all files to be written."""
        return True

    def write(self, data: Any, /) -> int:
        """Write some of *data*, or drop all of it.

        Returns:
            How many bytes that was.
        """
        if self.failure is None:
            try:
                return self._written(data)
            except OSError as exc:
                self.failure = exc
        return memoryview(data).nbytes

    def _written(self, data: Any) -> int:
        if self._file is None:
            raise OSError(errno.EBADF, "it is closed")
        written: int | None = self._file.write(data)
        if written is None:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return written

    def fileno(self) -> int:
        """Return the file's descriptor."""
        return int(self._file.fileno()) if self._file else super().fileno()

    def isatty(self) -> bool:
        """Say whether it is a terminal."""
        return bool(self._file and self._file.isatty())


@contextmanager
def enduring_streams() -> Iterator[None]:
    """Have what is printed meanwhile fail no command.

    Raises:
        SystemExit: As the command raised it; with at least the exit code of an output
            that cannot be written where standard output could not be.
    """
    out, sys.stdout = _made_enduring(sys.stdout)
    _, sys.stderr = _made_enduring(sys.stderr)
    _take_standard_places()
    try:
        yield
    except SystemExit as exc:
        sys.stdout.flush()
        if out is None or out.failure is None or out.reader_left:
            raise
        msg = f"standard output: cannot be written: {out.failure.strerror}"
        say_error(OutputError(msg, hint=None))
        code = exc.code if isinstance(exc.code, int) else 0
        raise SystemExit(max(code, OutputError.exit_code)) from exc


def _made_enduring(stream: Any) -> tuple[_Enduring | None, Any]:
    """Return a stream in place of *stream*, and what it writes to.

    Args:
        stream: Standard output or error; None where that is closed. What is neither,
            as in tests, stays.
    """
    if stream is None:
        raw = _Enduring(None)
        return raw, io.TextIOWrapper(io.BufferedWriter(raw), "utf-8", "replace")
    if not isinstance(stream, io.TextIOWrapper):
        return None, stream
    stream.flush()
    raw = _Enduring(getattr(stream.buffer, "raw", stream.buffer))
    return raw, io.TextIOWrapper(
        io.BufferedWriter(raw),
        stream.encoding,
        "replace",
        line_buffering=stream.line_buffering or stream.write_through,
    )


def _take_standard_places() -> None:
    """Fill the places of closed streams, or a file of ours would come to be one."""
    while (place := os.open(os.devnull, os.O_RDWR)) <= LAST_STANDARD:
        pass
    os.close(place)
