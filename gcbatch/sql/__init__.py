"""SQL for tables of databases: types, names and definitions, in several dialects."""

from gcbatch.sql.column_types import JsonType, sql_type
from gcbatch.sql.definitions import add_columns, create_table, table_statements
from gcbatch.sql.dialects import DIALECTS
from gcbatch.sql.names import quoted

__all__ = [
    "DIALECTS",
    "JsonType",
    "add_columns",
    "create_table",
    "quoted",
    "sql_type",
    "table_statements",
]
