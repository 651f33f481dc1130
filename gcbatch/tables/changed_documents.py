"""What changed in the tables of documents, from the documents that differ.

A document that only moved between two parts is none that was removed and added: its
two versions are compared.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple
from zlib import crc32

import pyarrow as pa

from gcbatch.lazy import lazy_import
from gcbatch.registry import load_member
from gcbatch.store import IdSet, Replacement
from gcbatch.tables.documents.document_reader import DocumentReader
from gcbatch.tables.documents.table import DocumentsTable
from gcbatch.tables.row_changes import ComparedTable, RowChange
from gcbatch.tables.source import TableSource

__all__ = ["ChangedDocuments"]

pc = lazy_import("pyarrow.compute")

SHARE_BYTES: Final = 24 << 20
"""Documents that are compared at once; more take another pass over their file."""


class _Pair(NamedTuple):
    """A document that moved from one part to another.

    Args:
        cause: The replacement by which it did.
        old: The document before.
        new: The document now.
        files: The files of the log that have either.
    """

    cause: Replacement
    old: pa.RecordBatch
    new: pa.RecordBatch
    files: tuple[str, ...]


class _OneSided(NamedTuple):
    """The ids that only the old part, or only the new part of replacements has.

    Args:
        removed: The replacements by which an id went, in the order of time.
        added: Those by which one came that also went, or is in a second part.
    """

    removed: dict[str, list[Replacement]]
    added: dict[str, list[Replacement]]


@dataclass(frozen=True)
class ChangedDocuments:
    """Compares the documents that replacements changed.

    Args:
        source: What the tables are made of.
        names: The tables.
        replacements: All replacements of the log, in the order of time.
    """

    source: TableSource
    names: tuple[str, ...]
    replacements: Sequence[Replacement]

    @cached_property
    def _tables(self) -> list[DocumentsTable]:
        folder = self.source.job.table_folder
        return [load_member(folder, name, "table") for name in self.names]

    @cached_property
    def compared(self) -> dict[str, ComparedTable]:
        """The tables, by name."""
        return {
            table.name: ComparedTable(
                table.name, table.key, table.time or table.record_time or ""
            )
            for table in self._tables
        }

    def of(self, one: Replacement) -> Iterator[RowChange]:
        """Yield what a replacement changed, a share of its documents at a time.

        Raises:
            DataError: If a document cannot be read.
        """
        ids = [i for i, pair in self._pairs if one.name in pair.files]
        moved = pa.array(ids, pa.string())
        shares = 1 + self._size_of(one) // SHARE_BYTES
        for share in range(shares):

            def is_wanted(batch: pa.RecordBatch, share: int = share) -> pa.RecordBatch:
                ids = batch.column("id")
                kept = pc.invert(pc.is_in(ids, value_set=moved))
                if shares > 1:
                    own = [crc32(i.encode()) % shares == share for i in ids.to_pylist()]
                    kept = pc.and_(kept, pa.array(own, pa.bool_()))
                return batch.filter(kept)

            old, new = (
                [is_wanted(b) for b in self._documents(one, is_new=side)]
                for side in (False, True)
            )
            yield from self._compare(one, old, new)
        for _, pair in self._pairs:
            if pair.cause is one:
                yield from self._compare(one, [pair.old], [pair.new])

    def _documents(self, one: Replacement, *, is_new: bool) -> Iterator[pa.RecordBatch]:
        return self.source.store.changes.batches(one, is_new=is_new)

    def _size_of(self, one: Replacement) -> int:
        batches = (
            b for side in (False, True) for b in self._documents(one, is_new=side)
        )
        return sum(batch.column("document").nbytes for batch in batches)

    def _compare(
        self,
        one: Replacement,
        old: Iterable[pa.RecordBatch],
        new: Iterable[pa.RecordBatch],
    ) -> Iterator[RowChange]:
        before, after = self._rows(one, old), self._rows(one, new)
        for name, table in self.compared.items():
            yield from table.changes(before[name], after[name])

    def _rows(
        self, one: Replacement, documents: Iterable[pa.RecordBatch]
    ) -> dict[str, list[pa.RecordBatch]]:
        """Return the rows of all tables, as an export of the part would have them."""
        metadata = one.metadata
        shapes = [table.shape for table in self._tables]
        reader = DocumentReader(shapes, metadata.fields, metadata.unknown_fields)
        streams = {table.name: table.open(self.source) for table in self._tables}
        rows: dict[str, list[pa.RecordBatch]] = {name: [] for name in streams}
        for stream in streams.values():
            stream.start_window(one.window, is_first=False)
        for batch in documents:
            if batch.num_rows:
                read = reader.read(batch)
                for name, stream in streams.items():
                    rows[name] += stream.add(read)
        for name, stream in streams.items():
            rows[name] += stream.end_window()
        return rows

    @cached_property
    def _pairs(self) -> list[tuple[str, _Pair]]:
        """The documents that moved, by their ids."""
        if self.source.latest is None:
            return []
        return list(self._find_pairs(self._one_sided()))

    def _one_sided(self) -> _OneSided:
        removed: dict[str, list[Replacement]] = {}
        added: dict[str, list[Replacement]] = {}
        came: list[tuple[Replacement, IdSet]] = []
        for one in self.replacements:
            old, new = (self._ids(one, is_new=side) for side in (False, True))
            for identity in sorted(old - new):
                removed.setdefault(identity, []).append(one)
            if new - old:
                came.append((one, IdSet()))
                came[-1][1].update(new - old)
        doubled: set[str] = set()
        if came and self.source.latest is not None:
            superseded = self.source.latest.superseded.values()
            doubled = {i for ids in superseded for i in ids.to_pylist()}
        for one, ids in came:
            for identity in sorted({*removed, *doubled}):
                if identity in ids:
                    added.setdefault(identity, []).append(one)
        return _OneSided(removed, added)

    def _ids(self, one: Replacement, *, is_new: bool) -> set[str]:
        batches = self._documents(one, is_new=is_new)
        return {i for batch in batches for i in batch.column("id").to_pylist()}

    def _find_pairs(self, found: _OneSided) -> Iterator[tuple[str, _Pair]]:
        elsewhere = self._parts_with({*found.removed, *found.added})
        for identity, ones in found.removed.items():
            added = found.added.get(identity, [])
            for gone in ones:
                came = _counterpart(gone, added)
                others = elsewhere.get(identity, set()) - {gone.digest}
                if came is None and not others:
                    continue
                old = self._logged(gone, identity, is_new=False)
                if came is None:
                    new = self._stored(min(others), identity)
                    yield identity, _Pair(gone, old, new, (gone.name,))
                    continue
                added.remove(came)
                cause = max(gone, came, key=lambda one: one.changed_at)
                new = self._logged(came, identity, is_new=True)
                yield identity, _Pair(cause, old, new, (gone.name, came.name))
        for identity, ones in found.added.items():
            for came in ones:
                if others := elsewhere.get(identity, set()) - {came.digest}:
                    old = self._stored(min(others), identity)
                    new = self._logged(came, identity, is_new=True)
                    yield identity, _Pair(came, old, new, (came.name,))

    def _parts_with(self, ids: Collection[str]) -> dict[str, set[str]]:
        """Return the digests of the present parts that have each of some documents."""
        found: dict[str, set[str]] = {}
        if not ids:
            return found
        wanted = pa.array(sorted(ids), pa.string())
        for query in self.source.plan.queries:
            for batch in self.source.store.batches(query.digest, ("id",)):
                column = batch.column("id")
                for identity in column.filter(pc.is_in(column, wanted)).to_pylist():
                    found.setdefault(identity, set()).add(query.digest)
        return found

    def _logged(
        self, one: Replacement, identity: str, *, is_new: bool
    ) -> pa.RecordBatch:
        return _only(identity, lambda: self._documents(one, is_new=is_new))

    def _stored(self, digest: str, identity: str) -> pa.RecordBatch:
        return _only(identity, lambda: self.source.store.batches(digest))


def _counterpart(gone: Replacement, came: Sequence[Replacement]) -> Replacement | None:
    """Return by which replacement a document that went from one part is in another.

    It was in the other already, or the same run put it there.
    """
    for one in came:
        is_there = one.changed_at <= gone.changed_at or one.run == gone.run
        if one.digest != gone.digest and is_there:
            return one
    return None


def _only(
    identity: str, batches: Callable[[], Iterable[pa.RecordBatch]]
) -> pa.RecordBatch:
    """Return the one document of an id."""
    for batch in batches():
        found = batch.filter(pc.equal(batch.column("id"), identity))
        if found.num_rows:
            return found
    msg = f"no document {identity}"
    raise LookupError(msg)
