"""How `gcbatch sql` writes rows."""

from enum import StrEnum
from pathlib import Path
from typing import Final

from gcbatch.errors import JobError

__all__ = ["Format", "format_of"]


class Format(StrEnum):
    """How rows are written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


_BY_SUFFIX: Final = {
    ".csv": Format.CSV,
    ".json": Format.JSON,
    ".jsonl": Format.JSON,
    ".ndjson": Format.JSON,
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
}


def format_of(form: Format | None, output: str) -> Format:
    """Return how rows are written.

    Raises:
        JobError: If that does not go with where they go.
    """
    if form is None and output:
        suffix = Path(output).suffix.lower()
        if suffix not in _BY_SUFFIX:
            msg = f"--output {output}: its name does not say its format"
            raise JobError(msg, hint="add --format csv, json or parquet")
        return _BY_SUFFIX[suffix]
    if form is Format.TABLE and output:
        msg = "--format table: is for the screen, not for a file"
        raise JobError(msg, hint="add --format csv, json or parquet")
    if form is Format.PARQUET and not output:
        msg = "--format parquet: needs a file"
        raise JobError(msg, hint="add --output FILE")
    return form or Format.TABLE
