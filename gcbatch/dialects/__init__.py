"""SQL for tables of databases: types, names and definitions, in several dialects."""

from gcbatch.dialects.column_types import JsonType, sql_type
from gcbatch.dialects.definitions import (
    add_columns,
    comment_of_table,
    create_table,
    table_statements,
)
from gcbatch.dialects.lookup import DIALECTS, find_dialect
from gcbatch.dialects.names import quoted, quoted_text

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
