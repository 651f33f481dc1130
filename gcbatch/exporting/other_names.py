"""Names that people try for an exporter, and the names that exporters have."""

from collections.abc import Sequence
from typing import Final

from gcbatch.suggest import nearest

__all__ = ["OTHER_NAMES", "nearest_exporter"]

OTHER_NAMES: Final = {
    "deltalake": "delta",
    "deltatable": "delta",
    "excel": "xlsx",
    "htm": "html",
    "jsonl": "json",
    "jsonlines": "json",
    "motherduck": "duckdb",
    "ndjson": "json",
    "pg": "postgres",
    "pgsql": "postgres",
    "pq": "parquet",
    "psql": "postgres",
    "pyiceberg": "iceberg",
    "report": "html",
    "sqlite3": "sqlite",
    "tsv": "csv",
    "xls": "xlsx",
}
"""Exporters by other names of what they write, in lower case, without `-`, `_` and
spaces. Names that are spelt almost the same need no row: `postgresql`, `postgre`."""


def nearest_exporter(name: str, known: Sequence[str]) -> str | None:
    """Return the exporter that was probably meant, or None.

    Args:
        name: A name that no exporter has.
        known: The names of the installed exporters.
    """
    plain = "".join(c for c in name.lower() if c not in "-_ ")
    meant = OTHER_NAMES.get(plain)
    if meant in known:
        return meant
    return next(iter(nearest(name, known, limit=1)), None)
