"""A file of queues: a name or an id a line."""

from pathlib import Path

import pytest

from gcbatch.errors import JobError
from gcbatch.job import QueueFile
from gcbatch.running.queue_file import named_queues


def test_holds_a_queue_a_line(tmp_path: Path) -> None:
    """Without comments, empty lines, spaces around names, or a mark of the encoding."""
    path = tmp_path / "queues.txt"
    path.write_bytes("\ufeff Sales \r\n# closed\n\nSüd & Ost\n".encode())

    assert named_queues(QueueFile(file=path)) == ("Sales", "Süd & Ost")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read: No such file"),
        (b"S\xfcd\n", "cannot be read: not UTF-8"),
        (b"# none\n", "names no queue"),
    ],
)
def test_an_unusable_file_is_named(
    tmp_path: Path, content: bytes | None, problem: str
) -> None:
    """With what it should hold."""
    path = tmp_path / "queues.txt"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(JobError, match=f"file: {path}: {problem}") as failed:
        named_queues(QueueFile(file=path))

    assert "one queue name or id per line" in (failed.value.hint or "")
