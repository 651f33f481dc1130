"""Standard output and error whose failures do not stop a command.

Printing comes last: everything is fetched and written by then. So characters that the
encoding lacks are replaced, a broken pipe is ignored, and a full disk loses only the
text, which a line on standard error and the exit code report.
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

__all__ = ["tolerant_streams"]

LAST_STANDARD: Final = 2
"""File descriptors up to this one are standard input, output and error."""


class _TolerantFile(io.RawIOBase):
    """Writes to a file until that fails, and drops the rest."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.failure: OSError | None = None

    @property
    def is_broken_pipe(self) -> bool:
        """Whether writing failed because the reader stopped, as after `| head`."""
        # Windows reports a closed pipe this way.
        is_odd = os.name == "nt" and getattr(self.failure, "errno", 0) == errno.EINVAL
        return isinstance(self.failure, BrokenPipeError) or is_odd

    def writable(self) -> bool:
        """Return true."""
        return True

    def write(self, data: Any, /) -> int:
        """Write some of *data*, or drop all of it; return how many bytes that was."""
        if self.failure is None:
            try:
                return self._write(data)
            except OSError as exc:
                self.failure = exc
        return memoryview(data).nbytes

    def _write(self, data: Any) -> int:
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
def tolerant_streams() -> Iterator[None]:
    """Keep failures of printing from stopping the command.

    Raises:
        SystemExit: As the command raised it; at least with the exit code of
            OutputError if standard output cannot be written.
    """
    out, sys.stdout = _make_tolerant(sys.stdout)
    _, sys.stderr = _make_tolerant(sys.stderr)
    _fill_standard_descriptors()
    try:
        yield
    except SystemExit as exc:
        sys.stdout.flush()
        if out is None or out.failure is None or out.is_broken_pipe:
            raise
        msg = f"standard output: cannot be written: {out.failure.strerror}"
        say_error(OutputError(msg, hint=None))
        code = exc.code if isinstance(exc.code, int) else 0
        raise SystemExit(max(code, OutputError.exit_code)) from exc


def _make_tolerant(stream: Any) -> tuple[_TolerantFile | None, Any]:
    """Return the file that a stream in place of *stream* writes to, and the stream.

    Args:
        stream: Standard output or error; None if that is closed. Any other object, as
            in tests, stays.
    """
    if stream is None:
        raw = _TolerantFile(None)
        return raw, io.TextIOWrapper(io.BufferedWriter(raw), "utf-8", "replace")
    if not isinstance(stream, io.TextIOWrapper):
        return None, stream
    stream.flush()
    raw = _TolerantFile(getattr(stream.buffer, "raw", stream.buffer))
    return raw, io.TextIOWrapper(
        io.BufferedWriter(raw),
        stream.encoding,
        "replace",
        line_buffering=stream.line_buffering or stream.write_through,
    )


def _fill_standard_descriptors() -> None:
    """Fill the descriptors of closed streams, so that no file of ours gets one."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= LAST_STANDARD:
        pass
    os.close(descriptor)
