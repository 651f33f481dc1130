"""Log lines on standard error, as text or as JSON objects."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

from gcbatch.text import plain_json, visible

__all__ = ["LogFormat", "logging_to_stderr"]


class LogFormat(StrEnum):
    """How log lines are written."""

    TEXT = "text"
    JSON = "json"


class _TextLines(logging.Formatter):
    """One line per record; tracebacks are indented, so that no line looks like one."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's
        return visible(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's
        lines = super().formatException(ei).splitlines()
        return "\n".join(f"    {visible(line)}" for line in lines)


class _JsonLines(logging.Formatter):
    """One line per record."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": visible(record.getMessage()),
        }
        return plain_json(line)


@contextmanager
def logging_to_stderr(log_format: LogFormat, *, verbose: bool) -> Iterator[None]:
    """Show gcbatch's log lines while the context lasts."""
    log = logging.getLogger("gcbatch")
    handler = logging.StreamHandler()
    text = _TextLines("%(asctime)s %(message)s")
    handler.setFormatter(_JsonLines() if log_format is LogFormat.JSON else text)
    log.addHandler(handler)
    log.setLevel(logging.DEBUG if verbose else logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
