"""A wait for the first answer of an object store is said; later ones are not."""

import logging
import threading
from datetime import timedelta

import pytest

from gcbatch.objects import ObjectUrl
from gcbatch.objects.first_answer import FirstAnswer

URL = ObjectUrl("s3", "bucket")


class Lines(logging.Handler):
    """Log lines, and that there is one."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.came = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self.came.set()


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Lines:
    """Collect the log lines."""
    found = Lines()
    log = logging.getLogger("gcbatch.objects")
    monkeypatch.setattr(log, "handlers", [found])
    monkeypatch.setattr(log, "level", logging.INFO)
    return found


def waiting() -> list[threading.Thread]:
    """Return the timers that will still say something."""
    timers = (one for one in threading.enumerate() if isinstance(one, threading.Timer))
    return [one for one in timers if not one.finished.is_set()]


def test_a_wait_is_said_while_it_lasts(lines: Lines) -> None:
    """With the bucket, and what to check."""
    with FirstAnswer(URL, timedelta(0)).awaited():
        assert lines.came.wait(30)

    (line,) = lines.lines
    assert line.startswith("s3://bucket: the service has not answered yet")
    assert "check the endpoint" in line


def test_after_an_answer_nothing_waits(lines: Lines) -> None:
    """A request costs no thread then; a failure is no answer."""
    answer = FirstAnswer(URL, timedelta(hours=1))
    with pytest.raises(OSError, match="refused"), answer.awaited():
        raise OSError("refused")  # noqa: EM101 - any text
    with answer.awaited():
        assert len(waiting()) == 1

    with answer.awaited():
        assert waiting() == []
    assert lines.lines == []
