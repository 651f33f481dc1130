"""Reads parts of documents, and of each document only the latest version.

The service corrects when a conversation began. Where that moves it to another window
and only one of the two windows is fetched again, both parts have it. Within a part, the
fetch makes sure that each id is there once.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from threading import Event
from typing import Final, Protocol

import pyarrow as pa

from gcbatch.lazy import lazy_import
from gcbatch.planning import Plan
from gcbatch.query import Query
from gcbatch.store import PartMetadata
from gcbatch.table import StoppedError
from gcbatch.tables.arrow_scalars import scalar

__all__ = ["LatestParts", "Parts"]

pc = lazy_import("pyarrow.compute")

COUNTED_AT_ONCE: Final = 1 << 18
"""Hashes; counting takes some 50 bytes for each."""

NEVER: Final = datetime.min.replace(tzinfo=UTC)
"""When a part without metadata was requested: before all others."""


class Parts(Protocol):
    """Reads parts of documents."""

    def batches(
        self, digest: str, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a part: `id`, `at` and `document`, or only *columns*."""
        ...

    def documents(
        self, digest: str
    ) -> Iterator[tuple[PartMetadata | None, pa.RecordBatch]]:
        """Yield the rows of a part, each batch with the metadata of the same file."""
        ...

    def metadata(self, digest: str) -> PartMetadata | None:
        """Return the metadata of a part; None if it has none."""
        ...

    def expect(self, digests: Iterable[str]) -> None:
        """Say which parts will be read, in order."""
        ...


@dataclass(frozen=True)
class LatestParts:
    """Reads the parts of a plan, without documents that a later part has too.

    If two parts have a document, the part that was requested later is right; if both
    were requested at once, the part of the later window. To find out, all ids are read
    once: memory is 8 bytes for each, and some 50 MB; only ids that several parts may
    have are held as texts.

    Args:
        plan: The queries whose parts are read.
        parts: Where the parts are.
        stop: Once set, reading ends with StoppedError between two parts.
        failed: Queries that failed in this run, but have a part of an earlier run. It
            is compared too: partitions that stay have its rows.
    """

    plan: Plan
    parts: Parts
    stop: Event | None = None
    failed: tuple[Query, ...] = ()

    def batches(
        self, digest: str, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a part that are not superseded; see Parts."""
        for batch in self.parts.batches(digest, columns):
            yield self._latest_of(digest, batch)

    def documents(
        self, digest: str
    ) -> Iterator[tuple[PartMetadata | None, pa.RecordBatch]]:
        """Yield the same with the metadata of the part; see Parts."""
        for metadata, batch in self.parts.documents(digest):
            yield metadata, self._latest_of(digest, batch)

    def _latest_of(self, digest: str, batch: pa.RecordBatch) -> pa.RecordBatch:
        superseded = self.superseded.get(digest)
        if superseded is None:
            return batch
        is_old = pc.is_in(batch.column("id"), value_set=superseded)
        return batch.filter(pc.invert(is_old))

    def metadata(self, digest: str) -> PartMetadata | None:
        """Return the metadata of a part; see Parts."""
        return self.parts.metadata(digest)

    def expect(self, digests: Iterable[str]) -> None:
        """Say which parts will be read, in order."""
        self.parts.expect(digests)

    @property
    def compared(self) -> Plan:
        """The plan with all queries whose parts are compared."""
        return replace(self.plan, queries=(*self.plan.queries, *self.failed))

    @property
    def dropped(self) -> int:
        """How many documents are superseded."""
        return sum(map(len, self.superseded.values()))

    @cached_property
    def superseded(self) -> Mapping[str, pa.Array]:
        """The superseded ids, by the digest of the part.

        Raises:
            DataError: As Store.batches does.
            StoppedError: If *stop* is set.
        """
        oldest_first = sorted(self.compared.queries, key=self._order)
        if len(oldest_first) < 2:  # noqa: PLR2004 - nothing to compare
            return {}
        hashes = array("q")
        self.parts.expect(query.digest for query in oldest_first)
        for query in oldest_first:
            for ids in self._ids(query):
                hashes.extend(_hashed(ids))
        repeated = _repeated(hashes) if hashes else ()
        if not len(repeated):
            return {}
        del hashes
        # Two ids may have the same hash, and hashes differ from process to process.
        found, ages = [], []
        for age, query in enumerate(oldest_first):
            for ids in self._ids(query):
                hashed = pa.array(_hashed(ids), pa.int64())
                some = ids.filter(pc.is_in(hashed, value_set=repeated))
                found.append(some)
                ages.append(pa.repeat(scalar(age), len(some)))
        rows = pa.table({"id": pa.chunked_array(found), "age": pa.chunked_array(ages)})
        old = _older(rows)
        unread = {query.digest for query in self.failed}
        return {
            query.digest: ids
            for age, query in enumerate(oldest_first)
            if query.digest not in unread and len(ids := _ids_of_age(old, age))
        }

    def _order(self, query: Query) -> tuple[datetime, datetime, str]:
        metadata = self.parts.metadata(query.digest)
        asked_at = metadata.asked_at if metadata else NEVER
        return asked_at, query.window.start, query.digest

    def _ids(self, query: Query) -> Iterator[pa.Array]:
        if self.stop is not None and self.stop.is_set():
            raise StoppedError
        for batch in self.parts.batches(query.digest, ("id",)):
            yield batch.column("id")


def _hashed(ids: pa.Array) -> "array[int]":
    return array("q", map(hash, ids.to_pylist()))


def _repeated(hashes: "array[int]") -> pa.Array:
    """Return the hashes that are there more than once, counting a share at a time."""
    count = len(hashes)
    every = pa.Array.from_buffers(pa.int64(), count, [None, pa.py_buffer(hashes)])
    pieces = [
        every.slice(at, COUNTED_AT_ONCE) for at in range(0, count, COUNTED_AT_ONCE)
    ]
    shares = 1 << len(pieces).bit_length()
    found = []
    for share in range(shares):
        own = pa.chunked_array([_share(piece, share, shares) for piece in pieces])
        counted = own.value_counts()
        is_repeated = pc.greater(counted.field("counts"), scalar(1))
        found.append(counted.field("values").filter(is_repeated))
    return pa.concat_arrays(found)


def _share(hashes: pa.Array, share: int, shares: int) -> pa.Array:
    low_bits = pc.bit_wise_and(hashes, scalar(shares - 1))
    return hashes.filter(pc.equal(low_bits, scalar(share)))


def _ids_of_age(rows: pa.Table, age: int) -> pa.Array:
    return rows.filter(pc.equal(rows["age"], scalar(age)))["id"].combine_chunks()


def _older(rows: pa.Table) -> pa.Table:
    """Return the rows whose id is in a later part too.

    Args:
        rows: Ids, and the age of their part; the oldest is 0.
    """
    groups = rows.group_by("id", use_threads=False).aggregate([("age", "max")])
    ids = groups["id"].combine_chunks()
    latest = groups["age_max"].combine_chunks().take(pc.index_in(rows["id"], ids))
    return rows.filter(pc.less(rows["age"], latest))
