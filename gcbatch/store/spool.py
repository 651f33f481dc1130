"""Puts documents in order on disk, so that memory stays flat.

A day may have a hundred thousand conversations of some kilobytes each. They are written
to a file as they come; only their ids, instants and places are held in memory, without
an object for each.
"""

import errno
import os
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from io import BufferedRandom
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final, NamedTuple, Self, cast

import pyarrow as pa

from gcbatch.lazy import lazy_import
from gcbatch.store.id_set import IdSet
from gcbatch.store.notes import unwritable
from gcbatch.store.part_metadata import PartMetadata
from gcbatch.table import INSTANT

__all__ = ["DOCUMENTS", "Document", "Spool", "SpooledPart"]

pc = lazy_import("pyarrow.compute")

DOCUMENTS: Final = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("at", INSTANT, nullable=False),
        pa.field("document", pa.binary(), nullable=False),
    ]
)
"""The columns of a part of documents, in the order of `at` and `id`."""

BATCH_BYTES: Final = 4 << 20
BATCH_ROWS: Final = 8_192
"""A batch of documents ends where either is reached."""

BUFFER_BYTES: Final = 64 << 10
"""Buffer of the file that documents are written to."""

BETWEEN: Final = "\0"
"""Between id and piece of a key; no id contains it."""


class Document(NamedTuple):
    """One record of the service, as it was sent.

    Args:
        id: Identifies it.
        at_ms: The instant that it is sorted by, in milliseconds since 1970.
        content: JSON without line breaks; may be a view of the answer.
        piece: Distinguishes documents with one id; empty if an id has only one.
    """

    id: str
    at_ms: int
    content: bytes | memoryview
    piece: str = ""

    @property
    def key(self) -> str:
        """What identifies it: the id, and the piece if there is one."""
        return f"{self.id}{BETWEEN}{self.piece}" if self.piece else self.id


class Spool:
    """A file of documents, each once.

    Args:
        file: An empty file, to write and to read; it is closed on leaving.
        folder: The folder whose disk it uses, for errors.
    """

    def __init__(self, file: BufferedRandom, folder: Path) -> None:
        self._file = file
        self._folder = folder
        self._known = IdSet()
        self._keys = bytearray()
        self._key_ends = array("i", (0,))
        self._instants = array("q")
        self._ends = array("q", (0,))

    @classmethod
    def within(cls, folder: Path) -> Self:
        """Return a spool with a file that has no name.

        However the process ends, nothing stays in *folder*.

        Raises:
            OutputError: If the file cannot be created.
        """
        try:
            file = TemporaryFile("w+b", BUFFER_BYTES, dir=folder)  # noqa: SIM115 - closed by close
        except OSError as exc:
            raise unwritable(folder, exc) from exc
        return cls(cast("BufferedRandom", file), folder)

    def __len__(self) -> int:
        return len(self._known)

    def close(self) -> None:
        """Close the file, which removes it."""
        with suppress(OSError):  # the disk may be full: the buffer cannot be written
            self._file.close()

    def add(self, documents: Sequence[Document]) -> int:
        """Write documents, except those that are known.

        Returns:
            How many were new.

        Raises:
            OutputError: If the disk is full.
        """
        contents: list[bytes | memoryview] = []
        for document in documents:
            key = document.key
            if not self._known.add(key):
                continue
            contents.append(document.content)
            self._keys += key.encode()
            self._key_ends.append(len(self._keys))
            self._instants.append(document.at_ms)
            self._ends.append(self._ends[-1] + len(document.content))
        try:
            self._file.seek(0, os.SEEK_END)
            self._file.write(b"".join(contents))
            self._file.flush()
        except OSError as exc:
            raise unwritable(self._folder, exc) from exc
        return len(contents)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield all documents in the order of their instants and ids."""
        count = len(self)
        ends, text = pa.py_buffer(self._key_ends), pa.py_buffer(self._keys)
        keys = pa.StringArray.from_buffers(count, ends, text)
        buffers = [None, pa.py_buffer(self._instants)]
        instants = pa.Array.from_buffers(pa.int64(), count, buffers)
        order = pc.sort_indices(
            pa.table({"at": instants, "key": keys}),
            sort_keys=[("at", "ascending"), ("key", "ascending")],
        )
        for rows in self._cut(order):
            taken = pa.array(rows, pa.int64())
            split = pc.split_pattern(keys.take(taken), BETWEEN, max_splits=1)
            yield pa.record_batch(
                [
                    pc.list_element(split, 0),
                    instants.take(taken).cast(DOCUMENTS.field("at").type),
                    self._contents(rows),
                ],
                schema=DOCUMENTS,
            )

    def _cut(self, order: pa.Array) -> Iterator[list[int]]:
        """Yield the numbers of the documents of each batch, in order."""
        rows: list[int] = []
        size = 0
        for start in range(0, len(order), BATCH_ROWS):
            for number in order.slice(start, BATCH_ROWS).to_pylist():
                rows.append(number)
                size += self._ends[number + 1] - self._ends[number]
                if size >= BATCH_BYTES or len(rows) >= BATCH_ROWS:
                    yield rows
                    rows, size = [], 0
        if rows:
            yield rows

    def _contents(self, rows: Sequence[int]) -> pa.BinaryArray:
        """Read documents straight into a column, without an object for each of them.

        Those that came one after the other, as most do, are read at once.
        """
        sizes = (self._ends[number + 1] - self._ends[number] for number in rows)
        ends = array("i", accumulate(sizes, initial=0))
        content = pa.allocate_buffer(ends[-1])
        view, file = memoryview(content), self._file.raw
        first = 0
        for row in range(1, len(rows) + 1):
            if row < len(rows) and rows[row] == rows[row - 1] + 1:
                continue
            file.seek(self._ends[rows[first]])
            rest = view[ends[first] : ends[row]]
            while came := file.readinto(rest):
                rest = rest[came:]
            if rest:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            first = row
        return pa.BinaryArray.from_buffers(
            pa.binary(), len(rows), [None, pa.py_buffer(ends), content]
        )


class SpooledPart:
    """A part that is written from a spool, which it closes.

    Args:
        spool: Its documents.
        metadata: How it came about.
    """

    def __init__(self, spool: Spool, metadata: PartMetadata) -> None:
        self._spool = spool
        self.metadata = metadata

    @property
    def schema(self) -> pa.Schema:
        """The schema of documents."""
        return DOCUMENTS

    @property
    def is_large(self) -> bool:
        """True: Arrow takes some seven megabytes to write a row group of documents."""
        return True

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the documents in order."""
        return self._spool.batches()

    def close(self) -> None:
        """Close the spool."""
        self._spool.close()
