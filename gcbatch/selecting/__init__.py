"""SQL over tables, answered by DuckDB in memory."""

from gcbatch.selecting.columns import typed_schema
from gcbatch.selecting.session import (
    DEFAULT_MEMORY,
    Limits,
    Rows,
    Session,
    duplicate_key,
)
from gcbatch.selecting.statements import Statement, Statements

__all__ = [
    "DEFAULT_MEMORY",
    "Limits",
    "Rows",
    "Session",
    "Statement",
    "Statements",
    "duplicate_key",
    "typed_schema",
]
