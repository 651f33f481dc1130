"""Reads and writes the index of a job in a bucket, and the footers that it lacks."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from threading import Lock
from typing import Any, Final, Protocol

import pyarrow as pa

from gcbatch.store.job_files import digest_of, part_name
from gcbatch.store.known_part import KnownPart
from gcbatch.store.part_file import footer_of
from gcbatch.store.part_index import INDEX_NOTE, PartIndex

__all__ = ["ObjectIndex"]

AT_ONCE: Final = 16
"""Ends of parts that are read at once."""

BATCH: Final = 1_024
"""Parts whose ends are waited for together."""

Footer = Mapping[bytes, bytes]


class _Objects(Protocol):
    """What an index needs of the files of its job; see JobFiles."""

    def stamp(self, name: str) -> bytes | None: ...

    def listed_names(self) -> list[str]: ...

    def footer_file(self, name: str) -> AbstractContextManager[Any]: ...

    def read_note(self, name: str) -> bytes: ...

    def write_note(self, name: str, content: bytes) -> None: ...


class ObjectIndex:
    """The index of one job; several threads may use it.

    Args:
        files: The files of the job.
        kept: Names of the notes whose content the index has.
    """

    def __init__(self, files: _Objects, kept: Sequence[str]) -> None:
        self._files = files
        self._kept = kept
        self._lock = Lock()
        self._found: PartIndex | None = None
        self._notes: dict[str, tuple[bytes, bytes]] = {}
        self._is_outdated = False

    def note(self, name: str, stamp: bytes) -> bytes | None:
        """Return the content of a note, if it is known; None otherwise."""
        if name not in self._kept:
            return None
        self._read()
        found = self._notes.get(name)
        return found[1] if found and found[0] == stamp else None

    def keep_note(self, name: str, stamp: bytes, content: bytes) -> None:
        """Remember the content of a note."""
        if name in self._kept and self._notes.get(name) != (stamp, content):
            self._notes[name] = stamp, content
            self._is_outdated = True

    def known_parts(self) -> dict[str, KnownPart]:
        """Return what the index says of parts that are still as it says; once."""
        found = self._read()
        known = found.known_parts()
        found.parts.clear()  # it is held by the caller
        return self._present(known)

    def footers_beyond(
        self, known: Mapping[str, KnownPart]
    ) -> Iterator[tuple[str, bytes, Footer]]:
        """Read the footers of the parts that *known* lacks, some at once.

        Yields:
            Digest, stamp and footer. Parts that cannot be read are left out.
        """
        lacking = []
        for name in self._files.listed_names():
            digest, stamp = digest_of(name), self._files.stamp(name)
            if digest is None or stamp is None:
                continue
            part = known.get(digest)
            if part is None or part.stamp != stamp:
                lacking.append((digest, name, stamp))
        if not lacking:
            return
        with ThreadPoolExecutor(min(AT_ONCE, len(lacking)), "gcbatch-footer") as pool:
            for first in range(0, len(lacking), BATCH):
                batch = lacking[first : first + BATCH]
                footers = pool.map(self._footer, [name for _, name, _ in batch])
                for (digest, _, stamp), footer in zip(batch, footers, strict=True):
                    if footer is not None:
                        yield digest, stamp, footer

    def save(self, known: Mapping[str, KnownPart], *, is_changed: bool) -> None:
        """Write the index, if it would be another.

        Raises:
            OutputError: If it cannot be written.
        """
        if not (is_changed or self._is_outdated):
            return
        notes = {
            name: note
            for name, note in self._notes.items()
            if note[0] == self._files.stamp(name)
        }
        index = PartIndex.of(self._present(known), notes)
        self._files.write_note(INDEX_NOTE, index.to_bytes())
        self._is_outdated = False

    def _present(self, known: Mapping[str, KnownPart]) -> dict[str, KnownPart]:
        """Return those parts that are still as they were."""
        return {
            digest: part
            for digest, part in [*known.items()]
            if self._files.stamp(part_name(digest)) == part.stamp
        }

    def _read(self) -> PartIndex:
        with self._lock:
            if self._found is None:
                try:
                    content = self._files.read_note(INDEX_NOTE)
                except OSError:
                    self._found = PartIndex()
                else:
                    self._found = PartIndex.from_bytes(content)
                for name, (stamp, text) in self._found.notes.items():
                    if name in self._kept:
                        note = stamp.encode(), text.encode()
                        self._notes.setdefault(name, note)
            return self._found

    def _footer(self, name: str) -> Footer | None:
        try:
            with self._files.footer_file(name) as file:
                return footer_of(file)
        except (OSError, pa.ArrowException):
            return None
