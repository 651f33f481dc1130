"""Writes gcbatch tables into a SQLite database."""

from gcbatch_call_history.exporter import (
    CallHistoryExporter,
    CallHistoryOptions,
)

__all__ = ["CallHistoryExporter", "CallHistoryOptions"]
