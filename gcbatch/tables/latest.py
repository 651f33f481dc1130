"""Parts of documents, each document once in all of them: as it was fetched last.

The service corrects when a conversation began. Where that moves it to another window,
and only one of the two is fetched again, both parts have it. Within a part the fetch
sees to it that an id is there once.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from threading import Event
from typing import Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from gcbatch.planning import Plan
from gcbatch.query import Query
from gcbatch.store import PartMetadata
from gcbatch.table import StoppedError
from gcbatch.tables.arrow_scalars import scalar

__all__ = ["LatestParts", "Parts"]

COUNTED_AT_ONCE: Final = 1 << 20
"""Hashes; counting takes some 50 bytes for each."""

IDS: Final = ("id",)

NEVER: Final = datetime.min.replace(tzinfo=UTC)


class Parts(Protocol):
    """Where parts of documents are read from."""

    def batches(
        self, digest: str, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a part: `id`, `at` and `document`, or only *columns*."""
        ...

    def metadata(self, digest: str) -> PartMetadata | None:
        """Return the metadata of a part; None if it has none."""
        ...


@dataclass(frozen=True)
class LatestParts:
    """The parts of a plan, without documents that a later fetch brought again.

    Of two parts that have a document, the one that was asked for later is right; of two
    that were asked for at once, the one of the later window. All ids are read for that,
    once: memory is 8 bytes for each, and some 50 MB; ids that several parts have are
    held whole.

    Args:
        plan: Whose parts.
        parts: Where they are.
        stop: Once set, an error comes between two parts.
        beside: Queries that failed now and are none of the plan, whose parts are there
            still. What those have counts too: their rows are in partitions that stay.
    """

    plan: Plan
    parts: Parts
    stop: Event | None = None
    beside: tuple[Query, ...] = ()

    def batches(
        self, digest: str, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a part but for what is superseded; see Parts."""
        dropped = self.superseded.get(digest)
        for batch in self.parts.batches(digest, columns):
            if dropped is None:
                yield batch
            else:
                is_old = pc.is_in(batch.column("id"), value_set=dropped)
                yield batch.filter(pc.invert(is_old))

    def metadata(self, digest: str) -> PartMetadata | None:
        """Return the metadata of a part; see Parts."""
        return self.parts.metadata(digest)

    @property
    def compared(self) -> Plan:
        """The plan of all parts that decide on what is left out."""
        return replace(self.plan, queries=(*self.plan.queries, *self.beside))

    @property
    def dropped(self) -> int:
        """How many documents are left out."""
        return sum(map(len, self.superseded.values()))

    @cached_property
    def superseded(self) -> Mapping[str, pa.Array]:
        """Ids that are left out, by the digest of the part.

        Raises:
            DataError: As Store.batches does.
            StoppedError: If it is to stop.
        """
        oldest_first = sorted(self.compared.queries, key=self._age)
        if len(oldest_first) < 2:  # noqa: PLR2004 - nothing to compare
            return {}
        hashes = array("q")
        for query in oldest_first:
            for ids in self._ids(query):
                hashes.extend(_hashed(ids))
        doubtful = _doubled(hashes) if hashes else ()
        if not len(doubtful):
            return {}
        del hashes
        # Two ids may have one hash; and hashes are others in each process.
        found, places = [], []
        for place, query in enumerate(oldest_first):
            for ids in self._ids(query):
                own = pa.array(_hashed(ids), pa.int64())
                some = ids.filter(pc.is_in(own, value_set=doubtful))
                found.append(some)
                places.append(pa.repeat(scalar(place), len(some)))
        rows = pa.table({"id": pa.chunked_array(found), "at": pa.chunked_array(places)})
        old = _but_last(rows)
        unread = {query.digest for query in self.beside}
        return {
            query.digest: ids
            for place, query in enumerate(oldest_first)
            if query.digest not in unread and len(ids := _at(old, place))
        }

    def _age(self, query: Query) -> tuple[datetime, datetime, str]:
        account = self.parts.metadata(query.digest)
        asked_at = account.asked_at if account else NEVER
        return asked_at, query.window.start, query.digest

    def _ids(self, query: Query) -> Iterator[pa.Array]:
        if self.stop is not None and self.stop.is_set():
            raise StoppedError
        for batch in self.parts.batches(query.digest, IDS):
            yield batch.column("id")


def _hashed(ids: pa.Array) -> "array[int]":
    return array("q", map(hash, ids.to_pylist()))


def _doubled(hashes: "array[int]") -> pa.Array:
    """Return the hashes that are there more than once, a share of them at a time."""
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
        is_doubled = pc.greater(counted.field("counts"), scalar(1))
        found.append(counted.field("values").filter(is_doubled))
    return pa.concat_arrays(found)


def _share(hashes: pa.Array, share: int, shares: int) -> pa.Array:
    lowest = pc.bit_wise_and(hashes, scalar(shares - 1))
    return hashes.filter(pc.equal(lowest, scalar(share)))


def _at(rows: pa.Table, place: int) -> pa.Array:
    """Return the ids of one part."""
    return rows.filter(pc.equal(rows["at"], scalar(place)))["id"].combine_chunks()


def _but_last(rows: pa.Table) -> pa.Table:
    """Return the rows whose id is in a later part too.

    Args:
        rows: Ids, and at which place their part is.
    """
    groups = rows.group_by("id", use_threads=False).aggregate([("at", "max")])
    ids = groups["id"].combine_chunks()
    last = groups["at_max"].combine_chunks().take(pc.index_in(rows["id"], ids))
    return rows.filter(pc.less(rows["at"], last))
