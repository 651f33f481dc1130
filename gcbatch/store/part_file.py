"""The file of a part: Parquet, with its account and a seal over all its bytes."""

import os
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, Self

import pyarrow as pa
import pyarrow.parquet as pq

from gcbatch.atomic_files import open_regular
from gcbatch.errors import DamagedPartError
from gcbatch.store.part_metadata import PartMetadata

__all__ = [
    "MEND_HINT",
    "FileStamp",
    "Part",
    "PartSource",
    "batches_of",
    "fill",
    "metadata_of",
    "open_verified",
    "seal_in",
    "table_of",
    "write_checksum",
]


ACCOUNT_KEY: Final = b"gcbatch"
QUERY_KEY: Final = b"gcbatch.query"
"""The digest of the query that a part answers; parts of older releases lack it."""

FRESH_KEY: Final = b"gcbatch.fresh"
"""The run with --fresh that was not done when a part was fetched; see Store.fresh."""

SEAL_KEY: Final = b"gcbatch.sha256"
OWN_KEYS: Final = (QUERY_KEY, FRESH_KEY, ACCOUNT_KEY, SEAL_KEY)
BLANK_SEAL: Final = b"0" * 64
MEND_HINT: Final = "`gcbatch run JOB` fetches it again"
PIECE: Final = 1 << 20
"""Bytes that are read at once for the seal."""

TAIL: Final = 8
"""Bytes at the end of a Parquet file: the length of its footer, and `PAR1`."""


class PartSource(Protocol):
    """What a part is written from."""

    @property
    def schema(self) -> pa.Schema:
        """Of all its batches."""
        ...

    @property
    def account(self) -> PartMetadata:
        """How it came about."""
        ...

    def batches(self) -> Iterable[pa.RecordBatch]:
        """Return the rows; a batch is a row group, or several beyond a million rows."""
        ...

    def close(self) -> None:
        """Let go of what the rows were kept in."""
        ...


@dataclass(frozen=True)
class Part:
    """The answer to one query in memory, with its account."""

    table: pa.Table
    account: PartMetadata

    @property
    def schema(self) -> pa.Schema:
        """Of the table."""
        return self.table.schema

    def batches(self) -> Iterable[pa.RecordBatch]:
        """Return the table in one batch."""
        whole: Iterable[pa.RecordBatch] = self.table.combine_chunks().to_batches()
        return whole

    def close(self) -> None:
        """Do nothing: memory lets go of itself."""


def fill(path: Path, rows: PartSource, about: Mapping[bytes, bytes]) -> None:
    """Write a part's file and seal it.

    Args:
        path: An empty file.
        rows: What to write.
        about: What the file says of itself besides the account: QUERY_KEY, FRESH_KEY.

    Raises:
        OSError: If it cannot be written.
    """
    metadata = {
        **(rows.schema.metadata or {}),
        **about,
        ACCOUNT_KEY: rows.account.to_json(),
        SEAL_KEY: BLANK_SEAL,
    }
    schema = rows.schema.with_metadata(metadata)
    # No document is like another: a dictionary of them would be undone right away.
    alike = [field.name for field in schema if not pa.types.is_binary(field.type)]
    with pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        use_dictionary=alike,
        write_page_checksum=True,
    ) as writer:
        for batch in rows.batches():
            writer.write_table(pa.Table.from_batches([batch]).cast(schema))
    write_checksum(path)


def write_checksum(path: Path) -> None:
    """Write the hash of all other bytes of a part's file into its place.

    Raises:
        OSError: If it cannot be read or written.
        ValueError: If there is no place for it.
    """
    with path.open("r+b") as file:
        at = _place_of_seal(file)
        found = _hash(file, at)
        file.seek(at)
        file.write(found)


class FileStamp(NamedTuple):
    """What tells a file from all others, and from itself before it was written to."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, file: Any) -> Self:
        """Return the stamp of an opened file, or of the one at a path.

        Raises:
            OSError: If there is none.
        """
        found = file.stat() if isinstance(file, Path) else os.fstat(file.fileno())
        return cls(
            found.st_dev,
            found.st_ino,
            found.st_size,
            found.st_mtime_ns,
            found.st_ctime_ns,
        )


@contextmanager
def open_verified(
    path: Path, checked: MutableMapping[FileStamp, str] | None = None
) -> Iterator[tuple[Any, str]]:
    """Open a part's file for reading, its seal checked.

    What is read afterwards is what was checked, even if the part is replaced meanwhile:
    that makes a new file of the same name.

    Args:
        path: Of the part.
        checked: Seals of files that were checked already, which are not hashed again;
            this one is added.

    Yields:
        The file, and the seal.

    Raises:
        OSError: If it cannot be read, or is no regular file.
        DamagedPartError: If the seal is not right.
    """
    known = {} if checked is None else checked
    with open_regular(path) as file:
        stamp = FileStamp.of(file)
        if stamp not in known:
            known[stamp] = _right_seal(path, file)
        file.seek(0)
        yield file, known[stamp]


def _right_seal(path: Path, file: Any) -> str:
    """Return the seal of an opened part.

    Raises:
        DamagedPartError: If it is not right.
    """
    try:
        at = _place_of_seal(file)
        file.seek(at)
        told = file.read(len(BLANK_SEAL))
        found = _hash(file, at)
    except ValueError:
        told, found = b"", b"-"
    if told != found:
        msg = f"{path}: part is damaged"
        raise DamagedPartError(msg, hint=MEND_HINT)
    return found.decode()


def table_of(file: Any) -> pa.Table:
    """Return all rows of an opened part."""
    return _parquet(file).read(use_threads=False)


def batches_of(
    file: Any, columns: Sequence[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield the row groups of an opened part, one at a time in memory.

    Args:
        file: As opened yields it.
        columns: Those to read; None is all.
    """
    parquet = _parquet(file)
    for number in range(parquet.num_row_groups):
        group = parquet.read_row_group(number, columns=columns, use_threads=False)
        yield from group.combine_chunks().to_batches()


def _parquet(file: Any) -> pq.ParquetFile:
    """Return an opened part for Arrow, which is to read it without threads.

    What Arrow reads of a Python file is a Python object. Where a thread of its own has
    read it, that thread may let go of it only while the interpreter ends, which aborts
    the process (https://github.com/apache/arrow/issues/34314): 3 of 100 short runs
    ended with exit code 134. Threads gain nothing: without them, reading a part takes
    0.95 to 1.05 times as long, and half as long where it has a hundred rows.
    """
    return pq.ParquetFile(
        pa.PythonFile(file), page_checksum_verification=True, pre_buffer=False
    )


def metadata_of(source: Any) -> Mapping[bytes, bytes]:
    """Return what a Parquet file says of itself.

    Raises:
        OSError, pa.ArrowException: If it cannot be read, or is none.
    """
    found: Mapping[bytes, bytes] | None = pq.read_metadata(source).metadata
    return found or {}


def seal_in(metadata: Mapping[bytes, bytes]) -> str:
    """Return the seal that a part says it has.

    Raises:
        KeyError, ValueError: If it says none.
    """
    return metadata[SEAL_KEY].decode("ascii")


def _place_of_seal(file: Any) -> int:
    """Return where the seal's 64 digits begin.

    Parquet's own checksums are of pages: a byte of the footer may turn over unseen,
    and with it a column's name or the number of rows.

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
    place = file.read(footer).rindex(SEAL_KEY) + len(SEAL_KEY) + 2
    return int(size - footer + place)


def _hash(file: Any, place: int) -> bytes:
    """Return the hash of all bytes of a file, the seal taken as blank."""
    whole = sha256()
    file.seek(0)
    at = 0
    while piece := file.read(PIECE):
        start, end = place - at, place - at + len(BLANK_SEAL)
        if end > 0 and start < len(piece):
            blank = bytearray(piece)
            low, high = max(0, start), min(end, len(piece))
            blank[low:high] = BLANK_SEAL[: high - low]
            piece = bytes(blank)
        whole.update(piece)
        at += len(piece)
    return whole.hexdigest().encode()
