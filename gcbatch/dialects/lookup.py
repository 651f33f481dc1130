"""The dialects by name."""

from typing import Final

from gcbatch.dialects.databases import DUCKDB, POSTGRESQL, SQLITE
from gcbatch.dialects.dialect import Dialect
from gcbatch.dialects.warehouses import (
    BIGQUERY,
    DATABRICKS,
    FABRIC,
    REDSHIFT,
    SNOWFLAKE,
    SQLSERVER,
)
from gcbatch.errors import JobError
from gcbatch.suggest import unknown

__all__ = ["DIALECTS", "find_dialect"]

_BY_NAME: Final = {
    dialect.name: dialect
    for dialect in (
        POSTGRESQL,
        DUCKDB,
        SQLITE,
        SNOWFLAKE,
        BIGQUERY,
        REDSHIFT,
        SQLSERVER,
        FABRIC,
        DATABRICKS,
    )
}

DIALECTS: Final = tuple(_BY_NAME)
"""The names of all dialects."""


def find_dialect(name: str) -> Dialect:
    """Return a dialect.

    Raises:
        JobError: If there is none of this name; suggests the nearest.
    """
    if name not in _BY_NAME:
        raise JobError(
            unknown("dialect", name, DIALECTS), hint=f"there are {', '.join(DIALECTS)}"
        )
    return _BY_NAME[name]
