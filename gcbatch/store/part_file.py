"""The file of a part: Parquet, with part metadata and a checksum over all its bytes."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from gcbatch.errors import DamagedPartError
from gcbatch.store.part_metadata import PartMetadata

__all__ = [
    "Part",
    "PartSource",
    "batches_of",
    "footer_of",
    "stamp_of",
    "table_of",
    "verified_checksum",
    "write_checksum",
    "write_part",
]


METADATA_KEY: Final = b"gcbatch"
QUERY_KEY: Final = b"gcbatch.query"
"""The digest of the query that a part answers; older releases did not write it."""

FRESH_KEY: Final = b"gcbatch.fresh"
"""The run with --fresh for which a part was fetched; see Store.fresh."""

FIRST_KEY: Final = b"gcbatch.first"
"""When the query was first fetched, if a part replaced another."""

CHECKSUM_KEY: Final = b"gcbatch.sha256"
BLANK_CHECKSUM: Final = b"0" * 64
REFETCH_HINT: Final = "`gcbatch run JOB` fetches it again"
PIECE: Final = 1 << 20
"""Bytes that are hashed at once."""

TAIL: Final = 8
"""Bytes at the end of a Parquet file: the length of its footer, and `PAR1`."""


class PartSource(Protocol):
    """The rows and metadata that a part is written from."""

    @property
    def schema(self) -> pa.Schema:
        """The schema of all batches."""
        ...

    @property
    def metadata(self) -> PartMetadata:
        """How the part came about."""
        ...

    @property
    def is_large(self) -> bool:
        """Whether writing it takes so much memory that one is written at a time."""
        ...

    def batches(self) -> Iterable[pa.RecordBatch]:
        """Return the rows; a batch is a row group, or several beyond a million rows."""
        ...

    def close(self) -> None:
        """Release what holds the rows."""
        ...


@dataclass(frozen=True)
class Part:
    """The answer to one query in memory, with its metadata."""

    table: pa.Table
    metadata: PartMetadata

    @property
    def schema(self) -> pa.Schema:
        """The schema of the table."""
        return self.table.schema

    @property
    def is_large(self) -> bool:
        """False: it is in memory already."""
        return False

    def batches(self) -> Iterable[pa.RecordBatch]:
        """Return the table in one batch."""
        whole: Iterable[pa.RecordBatch] = self.table.combine_chunks().to_batches()
        return whole

    def close(self) -> None:
        """Do nothing: the rows are in memory."""


def write_part(path: Path, part: PartSource, own: Mapping[bytes, bytes]) -> None:
    """Write a part's file with its checksum.

    Args:
        path: An empty file.
        part: What to write.
        own: What the footer says besides the metadata, such as QUERY_KEY.

    Raises:
        OSError: If it cannot be written.
    """
    footer = {
        **(part.schema.metadata or {}),
        **own,
        METADATA_KEY: part.metadata.to_json(),
        CHECKSUM_KEY: BLANK_CHECKSUM,
    }
    schema = part.schema.with_metadata(footer)
    # Documents do not repeat: Arrow would start a dictionary of them and drop it.
    repeating = [field.name for field in schema if not pa.types.is_binary(field.type)]
    with pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        use_dictionary=repeating,
        write_page_checksum=True,
    ) as writer:
        for batch in part.batches():
            writer.write_table(pa.Table.from_batches([batch]).cast(schema))
    write_checksum(path)


def write_checksum(path: Path) -> None:
    """Write the hash of all other bytes of a part's file into its place.

    Raises:
        OSError: If it cannot be read or written.
        ValueError: If it has no place for a checksum.
    """
    with path.open("r+b") as file:
        at = _place_of_checksum(file)
        found = _hash(file, at)
        file.seek(at)
        file.write(found)


def stamp_of(found: os.stat_result) -> bytes:
    """Return what identifies a file in its present state: any change gives another."""
    return b"%d %d %d %d %d" % (
        found.st_dev,
        found.st_ino,
        found.st_size,
        found.st_mtime_ns,
        found.st_ctime_ns,
    )


def verified_checksum(place: str, file: Any) -> str:
    """Return the checksum of an opened part, after comparing it with all its bytes.

    Args:
        place: Where the part is, for the error.
        file: The part.

    Raises:
        OSError: If it cannot be read.
        DamagedPartError: If the checksum is wrong or missing.
    """
    with suppress(ValueError):
        at = _place_of_checksum(file)
        file.seek(at)
        written = file.read(len(BLANK_CHECKSUM))
        if written == _hash(file, at):
            return str(written, "ascii")
    msg = f"{place}: part is damaged"
    raise DamagedPartError(msg, hint=REFETCH_HINT)


def table_of(file: Any) -> pa.Table:
    """Return all rows of an opened part."""
    return _parquet(file).read(use_threads=False)


def batches_of(
    file: Any, columns: Sequence[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield the row groups of an opened part, one at a time in memory.

    Only *columns* are read; None means all.
    """
    parquet = _parquet(file)
    for number in range(parquet.num_row_groups):
        group = parquet.read_row_group(number, columns=columns, use_threads=False)
        yield from group.combine_chunks().to_batches()


def _parquet(file: Any) -> pq.ParquetFile:
    """Return an opened part for Arrow; callers have to read it without threads.

    Arrow gets a Python object for each read of a Python file. If one of Arrow's threads
    holds that object until the interpreter ends, the process aborts
    (https://github.com/apache/arrow/issues/34314): 3 of 100 short runs ended with exit
    code 134. Threads gain nothing: without them, reading a part takes 0.95 to 1.05
    times as long, and half as long if it has a hundred rows.
    """
    return pq.ParquetFile(
        pa.PythonFile(file), page_checksum_verification=True, pre_buffer=False
    )


def footer_of(source: Any) -> Mapping[bytes, bytes]:
    """Return the keys and values in the footer of a Parquet file.

    Raises:
        OSError, pa.ArrowException: If it cannot be read, or is none.
    """
    found: Mapping[bytes, bytes] | None = pq.read_metadata(source).metadata
    return found or {}


def _place_of_checksum(file: Any) -> int:
    """Return where the 64 digits of the checksum begin.

    Parquet's own checksums cover pages only: without ours, a changed byte of the footer
    would go unnoticed, and with it a column's name or the number of rows.

    Raises:
        ValueError: If there is no place for one.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - TAIL))
    footer = int.from_bytes(file.read(4), "little") + TAIL
    if footer > size:
        msg = "no footer"
        raise ValueError(msg)
    file.seek(size - footer)
    # The key's value follows it, after two bytes of Thrift: a field and a length.
    place = file.read(footer).rindex(CHECKSUM_KEY) + len(CHECKSUM_KEY) + 2
    return int(size - footer + place)


def _hash(file: Any, place: int) -> bytes:
    """Return the hash of all bytes of a file, with a blank checksum in its place."""
    whole = sha256()
    file.seek(0)
    at = 0
    while piece := file.read(PIECE):
        start, end = place - at, place - at + len(BLANK_CHECKSUM)
        if end > 0 and start < len(piece):
            blank = bytearray(piece)
            low, high = max(0, start), min(end, len(piece))
            blank[low:high] = BLANK_CHECKSUM[: high - low]
            piece = bytes(blank)
        whole.update(piece)
        at += len(piece)
    return whole.hexdigest().encode()
