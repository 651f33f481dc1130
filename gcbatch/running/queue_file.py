"""The queues that a job names, in itself or in a file."""

from typing import Final

from gcbatch.atomic_files import read_bounded_text
from gcbatch.errors import JobError
from gcbatch.job import QueueFile

__all__ = ["named_queues"]

MAX_BYTES: Final = 16 << 20
"""Size of a file of queues; 100,000 names take about four megabytes."""

HINT: Final = "write one queue name or id per line"


def named_queues(queues: tuple[str, ...] | QueueFile | None) -> tuple[str, ...] | None:
    """Return the names and ids of a job's queues; None is all queues.

    Raises:
        JobError: If their file cannot be read, or names none.
    """
    if not isinstance(queues, QueueFile):
        return queues
    where = f"query.queues.file: {queues.file}"
    try:
        lines = read_bounded_text(queues.file, MAX_BYTES).splitlines()
    except OSError as exc:
        msg = f"{where}: cannot be read: {exc.strerror}"
        raise JobError(msg, hint=HINT) from exc
    stripped = map(str.strip, lines)
    found = tuple(line for line in stripped if line and not line.startswith("#"))
    if not found:
        msg = f"{where}: names no queue"
        raise JobError(msg, hint=f"{HINT}; leave queues out for all")
    return found
