"""Puts documents in order on disk, so that memory stays flat.

A day may have a hundred thousand conversations of some kilobytes each. They and their
ids are written to a file as they come. Only instants, places, and hashes of the ids are
held in memory, without an object for each.
"""

import errno
import os
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from io import BufferedRandom
from itertools import accumulate, chain, groupby, islice
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
    """Values in a file, and where each is.

    Args:
        file: The file, which columns may share.
    """

    def __init__(self, file: BufferedRandom) -> None:
        self._file = file
        self._starts = array("q")
        self._sizes = array("i")

    def add(self, values: Sequence[bytes | memoryview]) -> None:
        """Write values.

        Raises:
            OSError: If the disk is full.
        """
        sizes = [*map(len, values)]
        starts = accumulate(sizes, initial=self._file.seek(0, os.SEEK_END))
        self._file.writelines(values)
        self._starts.extend(islice(starts, len(sizes)))
        self._sizes.extend(sizes)

    def size(self, number: int) -> int:
        """Return the bytes of a value; the first is 0."""
        return self._sizes[number]

    def read(self, numbers: Sequence[int], kind: pa.DataType) -> pa.Array:
        """Read values straight into a column, without an object for each of them.

        Those that lie one after the other, as most do, are read at once.

        Args:
            numbers: Which, and in which order.
            kind: Binary or string.
        """
        ends = array("i", accumulate(map(self.size, numbers), initial=0))
        content = pa.allocate_buffer(ends[-1])
        view, file = memoryview(content), self._file.raw
        first = 0
        for place in range(1, len(numbers) + 1):
            if self._is_adjacent(numbers[place - 1 : place + 1]):
                continue
            file.seek(self._starts[numbers[first]])
            rest = view[ends[first] : ends[place]]
            while came := file.readinto(rest):
                rest = rest[came:]
            if rest:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            first = place
        buffers = [None, pa.py_buffer(ends), content]
        return pa.Array.from_buffers(kind, len(numbers), buffers)

    def _is_adjacent(self, numbers: Sequence[int]) -> bool:
        """Return whether there are two values, and one begins where the other ends."""
        if len(numbers) < 2:  # noqa: PLR2004 - a pair
            return False
        one, next_one = numbers
        return self._starts[next_one] == self._starts[one] + self._sizes[one]


class Spool:
    """Documents in a file, each once.

    Args:
        file: An empty file, to write and to read; it is closed on leaving.
        folder: The folder whose disk it uses, for errors.
    """

    def __init__(self, file: BufferedRandom, folder: Path) -> None:
        self._file = file
        self._folder = folder
        self._known = IdSet()
        self._instants = array("q")
        self._keys = _SpooledColumn(file)
        self._contents = _SpooledColumn(file)

    @classmethod
    def within(cls, folder: Path) -> Self:
        """Return a spool with a file that has no name.

        However the process ends, nothing stays in *folder*.

        Raises:
            OutputError: If the file cannot be created.
        """
        try:
            file: Any = TemporaryFile("w+b", BUFFER_BYTES, dir=folder)  # noqa: SIM115 - closed by close
        except OSError as exc:
            raise unwritable(folder, exc) from exc
        return cls(cast("BufferedRandom", file), folder)

    def __len__(self) -> int:
        return len(self._instants)

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
        new = [one for one in documents if self._known.add(one.key)]
        try:
            self._keys.add([one.key.encode() for one in new])
            self._contents.add([one.content for one in new])
            self._file.flush()
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
