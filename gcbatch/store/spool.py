"""Puts documents in order on disk, so that memory stays flat.

A day may have a hundred thousand conversations of some kilobytes each. They and their
ids are written to files as they come. Only instants, places, and hashes of the ids are
held in memory, without an object for each.
"""

import errno
import os
from array import array
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from io import BufferedRandom
from itertools import accumulate, chain, groupby
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Final, NamedTuple, Self, cast

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


class _SpooledColumn:
    """Values in a file, and where each ends.

    Args:
        file: An empty file, to write and to read.
    """

    def __init__(self, file: BufferedRandom) -> None:
        self.file = file
        self.ends = array("q", (0,))

    def add(self, values: Sequence[bytes | memoryview]) -> None:
        """Write values.

        Raises:
            OSError: If the disk is full.
        """
        self.ends.extend(accumulate(map(len, values), initial=self.ends.pop()))
        self.file.seek(0, os.SEEK_END)
        self.file.writelines(values)
        self.file.flush()

    def size(self, number: int) -> int:
        """Return the bytes of a value; the first is 0."""
        return self.ends[number + 1] - self.ends[number]

    def read(self, numbers: Sequence[int], kind: pa.DataType) -> pa.Array:
        """Read values straight into a column, without an object for each of them.

        Those that came one after the other, as most do, are read at once.

        Args:
            numbers: Which, and in which order.
            kind: Binary or string.
        """
        ends = array("i", accumulate(map(self.size, numbers), initial=0))
        content = pa.allocate_buffer(ends[-1])
        view, file = memoryview(content), self.file.raw
        first = 0
        for place in range(1, len(numbers) + 1):
            if place < len(numbers) and numbers[place] == numbers[place - 1] + 1:
                continue
            file.seek(self.ends[numbers[first]])
            rest = view[ends[first] : ends[place]]
            while came := file.readinto(rest):
                rest = rest[came:]
            if rest:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            first = place
        buffers = [None, pa.py_buffer(ends), content]
        return pa.Array.from_buffers(kind, len(numbers), buffers)


class Spool:
    """Documents in files, each once.

    Args:
        keys: An empty file, to write and to read; it is closed on leaving.
        contents: Another one.
        folder: The folder whose disk they use, for errors.
    """

    def __init__(
        self, keys: BufferedRandom, contents: BufferedRandom, folder: Path
    ) -> None:
        self._folder = folder
        self._known = IdSet()
        self._instants = array("q")
        self._keys = _SpooledColumn(keys)
        self._contents = _SpooledColumn(contents)

    @classmethod
    def within(cls, folder: Path) -> Self:
        """Return a spool with files that have no name.

        However the process ends, nothing stays in *folder*.

        Raises:
            OutputError: If a file cannot be created.
        """
        with ExitStack() as files:
            try:
                keys, contents = (
                    files.enter_context(_unnamed_file(folder)) for _ in range(2)
                )
            except OSError as exc:
                raise unwritable(folder, exc) from exc
            files.pop_all()
        return cls(keys, contents, folder)

    def __len__(self) -> int:
        return len(self._instants)

    def close(self) -> None:
        """Close the files, which removes them."""
        for column in (self._keys, self._contents):
            with suppress(OSError):  # the disk may be full: no buffer can be written
                column.file.close()

    def add(self, documents: Sequence[Document]) -> int:
        """Write documents, except those that are known.

        Returns:
            How many were new.

        Raises:
            OutputError: If the disk is full.
        """
        new = [one for one in documents if self._known.add(one.key)]
        try:
            self._keys.add([one.key.encode() for one in new])
            self._contents.add([one.content for one in new])
        except OSError as exc:
            raise unwritable(self._folder, exc) from exc
        self._instants.extend(one.at_ms for one in new)
        return len(new)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield all documents in the order of their instants and ids."""
        for rows in self._cut():
            keys = self._keys.read(rows, pa.string())
            ids = pc.list_element(pc.split_pattern(keys, BETWEEN, max_splits=1), 0)
            instants = pa.array([self._instants[row] for row in rows], INSTANT)
            contents = self._contents.read(rows, pa.binary())
            yield pa.record_batch([ids, instants, contents], schema=DOCUMENTS)

    def _cut(self) -> Iterator[list[int]]:
        """Yield the numbers of the documents of each batch, in order."""
        rows: list[int] = []
        size = 0
        for number in self._in_order():
            rows.append(number)
            size += self._contents.size(number)
            if size >= BATCH_BYTES or len(rows) >= BATCH_ROWS:
                yield rows
                rows, size = [], 0
        if rows:
            yield rows

    def _in_order(self) -> Iterator[int]:
        """Yield the numbers of all documents, by their instants and keys."""
        held = [None, pa.py_buffer(self._instants)]
        instants = pa.Array.from_buffers(pa.int64(), len(self), held)
        order = pc.sort_indices(instants)
        pieces = (
            order.slice(start, BATCH_ROWS).to_pylist()
            for start in range(0, len(order), BATCH_ROWS)
        )
        numbers: Iterator[int] = chain.from_iterable(pieces)
        for _, same in groupby(numbers, self._instants.__getitem__):
            rows = list(same)
            if len(rows) > 1:
                keys = self._keys.read(rows, pa.string())
                rows = [rows[place] for place in pc.sort_indices(keys).to_pylist()]
            yield from rows


def _unnamed_file(folder: Path) -> BufferedRandom:
    file: Any = TemporaryFile("w+b", BUFFER_BYTES, dir=folder)  # noqa: SIM115 - closed by Spool
    return cast("BufferedRandom", file)


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
