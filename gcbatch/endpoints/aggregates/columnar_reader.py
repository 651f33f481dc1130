"""Reads answers of aggregates into columns; the fast one of two readers.

A page is decoded with just the statistics that its metrics have. The rest runs in C
over whole columns: no line of Python runs for each value. Whatever is out of the
ordinary is left to row_reader.py, which says what is wrong.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, chain
from operator import attrgetter, itemgetter
from typing import Any, Final

import msgspec
import pyarrow as pa

from gcbatch.endpoints.aggregates.decoders import group_decoder
from gcbatch.endpoints.local_midnights import check_buckets
from gcbatch.endpoints.number_columns import MAX_NUMBER
from gcbatch.errors import DataError
from gcbatch.genesys import Family, Kind, Statistic, kind_of
from gcbatch.job import QuerySection
from gcbatch.lazy import lazy_import
from gcbatch.table import INSTANT
from gcbatch.windows import Window

__all__ = ["read_columns"]

pc = lazy_import("pyarrow.compute")


PIECE: Final = 256 << 10
"""Bytes of a page that are decoded together, in whole groups: few enough to stay in the
processor's cache, and enough to make column operations worthwhile."""


class _Page(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """A page whose groups are not decoded yet."""

    results: tuple[msgspec.Raw, ...] = ()


_PAGES: Final = msgspec.json.Decoder(_Page)


class _NeedsRowReaderError(Exception):
    """The row reader has to read the answer."""


def read_columns(
    body: bytes,
    *,
    section: QuerySection,
    family: Family,
    window: Window,
    queues: Collection[str],
    schema: pa.Schema,
) -> pa.Table | None:
    """Return the rows of an answer, by interval and group.

    The arguments are those of row_reader.rows_of, with the body of the answer and the
    schema of the rows.

    Returns:
        None if anything is out of the ordinary: it may still be right.
    """
    if family.qualified:
        return None
    views = tuple((view.name, kind_of(view.target)) for view in section.views)
    try:
        pieces = _pieces(body, section, group_decoder(section.metrics, views))
        return _Unfolded(pieces, section, window, queues).table(schema)
    except (
        msgspec.ValidationError,
        pa.ArrowInvalid,
        OverflowError,
        _NeedsRowReaderError,
    ):
        return None


def _parents(sizes: Sequence[int]) -> pa.Array:
    """Return for each item of lists of these sizes the number of its list."""
    ends = pc.cumulative_sum(pa.array(sizes, pa.int32()))
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
    whole = offsets[-1].as_py()
    return pc.list_parent_indices(pa.ListArray.from_arrays(offsets, pa.nulls(whole)))


class _Measures:
    """The metrics, or the views, of each bucket of a piece of a page."""

    def __init__(self, lists: Sequence[Sequence[Any]]) -> None:
        self._each = list(chain.from_iterable(lists))
        kinds = list(map(type, self._each))
        numbers = {kind: number for number, kind in enumerate(dict.fromkeys(kinds))}
        self._numbers = {kind.__name__: number for kind, number in numbers.items()}
        self._kinds = pa.array(list(map(numbers.__getitem__, kinds)), pa.int8())
        self._buckets = _parents(list(map(len, lists)))

    def of_one(self, name: str) -> "_Found":
        """Return the values of one metric, and the buckets that they belong to."""
        number = self._numbers.get(name)
        if number is None:
            return _Found((), pa.array([], pa.int64()))
        mask = pc.equal(self._kinds, pa.scalar(number, pa.int8()))
        at = pc.indices_nonzero(mask)
        buckets = self._buckets.take(at)
        if len(at) > 1 and pc.any(pc.equal(buckets[1:], buckets[:-1])).as_py():
            raise _NeedsRowReaderError  # answered twice
        chosen = itemgetter(*at.to_pylist(), 0)(self._each)[:-1]
        return _Found(chosen, buckets)


@dataclass(frozen=True)
class _Found:
    """The values of one metric.

    Args:
        measures: One for each bucket that has the metric.
        buckets: Those buckets, in order.
    """

    measures: Sequence[Any]
    buckets: pa.Array

    def columns(self, kind: Kind) -> Iterator[pa.Array]:
        """Yield a column for each statistic of its kind."""
        statistics = list(map(attrgetter("stats"), self.measures))
        for statistic in kind.statistics:
            yield _column(list(map(attrgetter(statistic.key), statistics)), statistic)


class _Piece:
    """Some decoded groups of a page, in columns."""

    def __init__(self, groups: Sequence[Any], section: QuerySection) -> None:
        lists = list(map(attrgetter("data"), groups))
        data = list(chain.from_iterable(lists))
        self.keys = [group.group for group in groups]
        self.sizes = list(map(len, lists))
        self.texts = list(map(attrgetter("interval"), data))
        self.found = [
            (found.buckets, list(found.columns(kind)))
            for kind, found in self._found(data, section)
        ]

    def _found(
        self, data: Sequence[Any], section: QuerySection
    ) -> Iterator[tuple[Kind, _Found]]:
        """Yield the kind of each metric and view, and its values."""
        metrics = _Measures(list(map(attrgetter("metrics"), data)))
        for name in section.metrics:
            yield kind_of(name), metrics.of_one(name)
        if not section.views:
            return
        views = _Measures(list(map(attrgetter("views"), data)))
        for view in section.views:
            yield kind_of(view.target), views.of_one(view.name)


def _pieces(
    body: bytes, section: QuerySection, decoder: msgspec.json.Decoder[Any]
) -> list[_Piece]:
    """Return the groups of a page, a few at a time.

    Decoded groups are put into columns while they are in the processor's cache, and
    then dropped: that takes 40 ms for a page where decoding all of it first takes 67.
    """
    raw = _PAGES.decode(body).results
    if not raw:
        raise _NeedsRowReaderError  # nothing, or no answer
    at_once = max(1, len(raw) * PIECE // len(body))
    return [
        _Piece(list(map(decoder.decode, raw[at : at + at_once])), section)
        for at in range(0, len(raw), at_once)
    ]


class _Unfolded:
    """One page, unfolded from groups to rows."""

    def __init__(
        self,
        pieces: Sequence[_Piece],
        section: QuerySection,
        window: Window,
        queues: Collection[str],
    ) -> None:
        self._section = section
        self._pieces = pieces
        sizes = list(chain.from_iterable(piece.sizes for piece in pieces))
        self._whole = sum(sizes)
        self._owners = _parents(sizes)
        given = list(chain.from_iterable(piece.keys for piece in pieces))
        if not set(section.group_by).issuperset(chain.from_iterable(given)):
            raise _NeedsRowReaderError
        self._keys = [
            pa.array([group.get(d) for group in given], pa.string())
            for d in section.group_by
        ]
        if queues and "queueId" in section.group_by:
            self._check_queues({queue.lower() for queue in queues})
        self._starts, self._ends = self._spans(window)
        self._ranks = self._ranks_of_groups()
        self._check_apart()

    def _check_queues(self, queues: set[str]) -> None:
        found = pc.unique(self._keys[self._section.group_by.index("queueId")])
        if {q.lower() for q in found.to_pylist() if q is not None} - queues:
            raise _NeedsRowReaderError

    def _spans(self, window: Window) -> tuple[pa.Array, pa.Array]:
        """Return the ends of each bucket; most texts repeat.

        Raises:
            _NeedsRowReaderError: If one does not belong to the query.
        """
        texts = list(chain.from_iterable(piece.texts for piece in self._pieces))
        encoded = pc.dictionary_encode(pa.array(texts, pa.string()))
        spans = [_span(text, window) for text in encoded.dictionary.to_pylist()]
        try:
            check_buckets(spans, window, self._section.granularity, self._section.zone)
        except DataError as exc:
            raise _NeedsRowReaderError from exc
        ends = [pa.array([span[n] for span in spans], INSTANT) for n in (0, 1)]
        return ends[0].take(encoded.indices), ends[1].take(encoded.indices)

    def _ranks_of_groups(self) -> pa.Array:
        """Return for each bucket the rank of its group among all groups."""
        if not self._keys:
            return pa.repeat(pa.scalar(0, pa.int64()), self._whole)
        keys = list(zip(*(key.to_pylist() for key in self._keys), strict=True))
        order = {
            key: place
            for place, key in enumerate(
                sorted(set(keys), key=lambda k: [(v is None, v or "") for v in k])
            )
        }
        return pa.array([order[key] for key in keys], pa.int64()).take(self._owners)

    def _check_apart(self) -> None:
        """Leave overlapping buckets of one group to the row reader."""
        spans = pa.table(
            {"rank": self._ranks, "start": self._starts, "end": self._ends}
        )
        if not _are_apart(spans):
            by_start = [("rank", "ascending"), ("start", "ascending")]
            if not _are_apart(spans.sort_by(by_start)):
                raise _NeedsRowReaderError

    def table(self, schema: pa.Schema) -> pa.Table:
        """Return the rows: the buckets that have a requested metric or view."""
        found = list(self._found())
        whole = self._whole
        used = _used([buckets for buckets, _ in found], whole)
        order = pc.sort_indices(
            pa.table(
                {"start": self._starts.take(used), "rank": self._ranks.take(used)}
            ),
            sort_keys=[("start", "ascending"), ("rank", "ascending")],
        )
        rows = used.take(order)
        owners = self._owners.take(rows)
        arrays = [self._starts.take(rows), self._ends.take(rows)]
        arrays += [key.take(owners) for key in self._keys]
        for buckets, columns in found:
            place = rows
            if len(buckets) < whole:
                place = pc.index_in(rows.cast(pa.int64()), value_set=buckets)
            arrays += [column.take(place) for column in columns]
        return pa.Table.from_arrays(arrays, schema=schema)

    def _found(self) -> Iterator[tuple[pa.Array, list[pa.Array]]]:
        """Yield the buckets that have each metric and view, and its columns."""
        starts = list(accumulate((len(p.texts) for p in self._pieces), initial=0))
        for each in zip(*(piece.found for piece in self._pieces), strict=True):
            buckets = [
                pc.add(some.cast(pa.int64()), start)
                for (some, _), start in zip(each, starts, strict=False)
            ]
            columns = zip(*(columns for _, columns in each), strict=True)
            yield pa.concat_arrays(buckets), list(map(pa.concat_arrays, columns))


def _used(every: Sequence[pa.Array], whole: int) -> pa.Array:
    """Return the buckets that have a requested metric or view, in order."""
    if any(len(buckets) == whole for buckets in every):
        ones = pa.repeat(pa.scalar(1, pa.int64()), whole)
        return pc.cumulative_sum(ones, start=pa.scalar(-1, pa.int64()))
    used = pc.unique(pa.concat_arrays([b.cast(pa.int64()) for b in every]))
    return used.take(pc.sort_indices(used))


def _are_apart(spans: pa.Table) -> bool:
    """Return whether rows are sorted by group, and do not overlap within one."""
    rank, start, end = (spans[name] for name in ("rank", "start", "end"))
    upper, lower = rank[:-1], rank[1:]
    later = pc.greater(lower, upper)
    apart = pc.and_(pc.equal(lower, upper), pc.greater_equal(start[1:], end[:-1]))
    return bool(pc.all(pc.or_(later, apart)).as_py() is not False)


def _span(text: str, window: Window) -> tuple[datetime, datetime]:
    """Return the ends of a bucket.

    Raises:
        _NeedsRowReaderError: If it is not valid, or not in the window.
    """
    try:
        start, end = map(datetime.fromisoformat, text.split("/"))
        is_inside = window.start <= start < end <= window.end
    except (ValueError, TypeError, OverflowError) as exc:
        raise _NeedsRowReaderError from exc
    if not is_inside or start.microsecond % 1000 or end.microsecond % 1000:
        raise _NeedsRowReaderError
    return start, end


def _column(values: list[Any], statistic: Statistic) -> pa.Array:
    """Return a column of numbers.

    Raises:
        _NeedsRowReaderError: If one does not fit.
    """
    column = pa.array(values, pa.type_for_alias(statistic.type))
    if statistic.type == "int64":
        ends = pc.min_max(column).as_py()
        if (
            ends["min"] is not None
            and not 0 <= ends["min"] <= ends["max"] <= MAX_NUMBER
        ):
            raise _NeedsRowReaderError
    return column
