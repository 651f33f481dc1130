"""Reads the outputs of clients: Parquet, CSV or JSON Lines."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq

__all__ = ["records", "tables"]

AT_ONCE: Final = 100_000
"""Rows in memory at once."""


def tables(path: Path, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Yield the rows of an output, in pieces.

    Args:
        path: A file, or a folder that has Parquet files somewhere in it.
        columns: Those to read; in JSON Lines an absent one is null.
    """
    if path.suffix == ".csv":
        options = pv.ConvertOptions(include_columns=list(columns))
        with pv.open_csv(path, convert_options=options) as reader:
            for batch in reader:
                yield pa.Table.from_batches([batch])
    elif path.suffix == ".jsonl":
        found = records(path)
        while some := list(islice(found, AT_ONCE)):
            yield pa.table({c: [row.get(c) for row in some] for c in columns})
    else:
        for file in parquet_files(path, columns):
            for batch in file.iter_batches(AT_ONCE, columns=list(columns)):
                yield pa.Table.from_batches([batch])


def records(path: Path, columns: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    """Yield the rows of an output, one by one; in JSON Lines whole documents.

    Args:
        path: As for `tables`.
        columns: Those to read, of Parquet and CSV.
    """
    if path.suffix == ".jsonl":
        with path.open("rb") as file:
            for line in file:
                yield from _unwrapped(orjson.loads(line))
    else:
        for table in tables(path, columns):
            yield from table.to_pylist()


def parquet_files(path: Path, columns: Sequence[str]) -> Iterator[pq.ParquetFile]:
    """Yield the Parquet files of a path that have the first of some columns."""
    paths = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    for each in paths:
        file = pq.ParquetFile(each)
        if columns[0] in file.schema_arrow.names:
            yield file


def _unwrapped(line: Any) -> Iterator[dict[str, Any]]:
    """Yield the record of a message, the document itself, or nothing.

    Singer puts a row in `record`, Airbyte in `record.data`; both have messages of other
    types too.
    """
    kind = line.get("type")
    if kind is None:
        yield line
    elif kind == "RECORD":
        record = line["record"]
        yield record.get("data", record)
