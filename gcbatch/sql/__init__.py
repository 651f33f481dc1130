"""SQL for tables of databases: types, names and definitions, in several dialects."""

from gcbatch.sql.column_types import JsonType, sql_type
from gcbatch.sql.definitions import (
    add_columns,
    comment_of_table,
    create_table,
    table_statements,
)
from gcbatch.sql.dialects import DIALECTS, find_dialect
from gcbatch.sql.names import quoted, quoted_text

__all__ = [
    "DIALECTS",
    "JsonType",
    "add_columns",
    "comment_of_table",
    "create_table",
    "find_dialect",
    "quoted",
    "quoted_text",
    "sql_type",
    "table_statements",
]
