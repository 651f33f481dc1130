"""Figures of whole conversations, for the table `conversations`."""

from typing import Final

import pyarrow as pa

from gcbatch.errors import SHAPE_HINT, DataError
from gcbatch.lazy import lazy_import
from gcbatch.tables.arrow_scalars import scalar
from gcbatch.tables.documents.columns import JSON, Column, Derived, NameOf
from gcbatch.tables.documents.document_batch import DocumentBatch
from gcbatch.tables.documents.json_text import json_lists
from gcbatch.tables.documents.unnest import UnnestedLevels, positions
from gcbatch.tables.name_lookup import name_field
from gcbatch.text import one_line

__all__ = ["DERIVED", "NEEDED", "derive_figures"]

pc = lazy_import("pyarrow.compute")

MAX_TIME_MS: Final = 2**53
"""Longest time that is added up: 285,000 years."""

_MEASURES: Final = {
    "handle_ms": ("tHandle",),
    "talk_ms": ("tTalkComplete",),
    "hold_ms": ("tHeldComplete",),
    "acw_ms": ("tAcw",),
    "wait_ms": ("tAnswered", "tAbandon", "tFlowOut"),
}
"""Columns, and the session metrics that are added up in them. `tWait` is the sum of
what ends a wait (so it was in the service's responses), and is not always sent."""

_METRICS: Final = [name for names in _MEASURES.values() for name in names]
_MEASURE_OF: Final = [
    number for number, names in enumerate(_MEASURES.values()) for _ in names
]

_SESSION: Final = ("participants", "sessions")

NEEDED: Final = (
    ("participants", "purpose"),
    (*_SESSION, "mediaType"),
    (*_SESSION, "metrics", "name"),
    (*_SESSION, "metrics", "value"),
    (*_SESSION, "segments", "queueId"),
    (*_SESSION, "segments", "segmentStart"),
)
"""The fields of a conversation that the figures need."""

_LATER_MS: Final = 2**52
"""Added to the start of a segment, so that it sorts after all segments without it."""


def _figure(name: str, kind: pa.DataType, description: str, **about: str) -> Column:
    metadata = {"description": description, **about}
    return Column(pa.field(name, kind, metadata=metadata), Derived())


DERIVED: Final = (
    _figure(
        "media_types",
        pa.string(),
        "of the sessions, each once, in order of appearance",
        **JSON,
    ),
    _figure(
        "first_queue_id",
        pa.string(),
        "of the earliest segment in a queue: that of an acd participant, if any",
    ),
    Column(
        name_field("first_queue_name", "first_queue_id"),
        NameOf("first_queue_id", "queueId"),
    ),
    _figure("participants", pa.int64(), "how many there are"),
    *(
        _figure(name, pa.int64(), f"sum of {' + '.join(metrics)}", unit="ms")
        for name, metrics in _MEASURES.items()
    ),
)


def derive_figures(batch: DocumentBatch) -> dict[str, pa.Array]:
    """Return the columns that DERIVED declares, except those of names.

    Args:
        batch: Conversations with at least the fields of NEEDED.

    Raises:
        DataError: If a time that is added up is too large; names the conversation.
    """
    sessions = batch.levels(_SESSION)
    counts = _grouped(sessions.parents[0], {"count": sessions.parents[0]})
    count = len(batch.ids)
    return {
        "media_types": _media_types(sessions, count),
        "first_queue_id": _first_queues(batch.levels((*_SESSION, "segments")), count),
        "participants": pc.fill_null(_placed(counts, "count_count", count), scalar(0)),
        **_sums(batch.levels((*_SESSION, "metrics")), batch.ids),
    }


def _grouped(owners: pa.Array, values: dict[str, pa.Array]) -> pa.Table:
    """Group values by owner; the name of each is how it is aggregated."""
    table = pa.table({"owner": owners, **values})
    groups = table.group_by("owner", use_threads=False)
    return groups.aggregate([(how, how) for how in values])


def _placed(groups: pa.Table, name: str, count: int) -> pa.Array:
    """Return a column of groups for the owners from 0, null where one has no group."""
    at = pc.index_in(positions(count), value_set=groups["owner"].combine_chunks())
    return groups[name].combine_chunks().take(at)


def _media_types(sessions: UnnestedLevels, count: int) -> pa.Array:
    types, owners = sessions.field(2, "mediaType"), sessions.owners(0)
    rows = pa.table({"owner": owners, "type": types, "at": positions(len(types))})
    first = rows.group_by(["owner", "type"], use_threads=False)
    first = first.aggregate([("at", "min")]).sort_by("at_min")
    first = first.filter(pc.is_valid(first["type"]))
    lists = _grouped(
        first["owner"].combine_chunks(), {"list": first["type"].combine_chunks()}
    )
    return json_lists(_placed(lists, "list_list", count))


def _first_queues(segments: UnnestedLevels, count: int) -> pa.Array:
    """Return the queue of the earliest segment that has one.

    A customer's segment begins before the queue that it names was reached, so the
    segments of acd participants, the queues themselves, go first.
    """
    queues = segments.field(3, "queueId")
    has_queue = queues.is_valid()
    owners = segments.owners(0).filter(has_queue)
    purposes = segments.spread(segments.field(1, "purpose"), 1)
    starts = segments.field(3, "segmentStart").cast(pa.int64())
    starts = pc.fill_null(starts, scalar(_LATER_MS // 2))
    is_acd = pc.fill_null(pc.equal(purposes, scalar("acd")), fill_value=False)
    ranks = pc.if_else(is_acd, starts, pc.add(starts, scalar(_LATER_MS))).filter(
        has_queue
    )
    queues = queues.filter(has_queue)
    lowest = _placed(_grouped(owners, {"min": ranks}), "min_min", count)
    is_first = pc.equal(ranks, lowest.take(owners))
    at = positions(len(owners)).filter(is_first)
    first = _grouped(owners.filter(is_first), {"min": at})
    return queues.take(_placed(first, "min_min", count))


def _sums(metrics: UnnestedLevels, ids: pa.Array) -> dict[str, pa.Array]:
    """Return the times of each conversation, null where it has no such metric."""
    names, values = metrics.field(3, "name"), metrics.field(3, "value")
    which = pc.index_in(names, value_set=pa.array(_METRICS, pa.string()))
    counts = pc.and_(which.is_valid(), values.is_valid())
    owners, values = metrics.owners(0).filter(counts), values.filter(counts)
    _check(values, owners, ids)
    measure = pa.array(_MEASURE_OF, pa.int64()).take(which.filter(counts))
    groups = _grouped(
        pc.add(pc.multiply(owners, scalar(len(_MEASURES))), measure), {"sum": values}
    )
    slots = _placed(groups, "sum_sum", len(ids) * len(_MEASURES))
    firsts = pc.multiply(positions(len(ids)), scalar(len(_MEASURES)))
    return {
        name: slots.take(pc.add(firsts, scalar(number)))
        for number, name in enumerate(_MEASURES)
    }


def _check(values: pa.Array, owners: pa.Array, ids: pa.Array) -> None:
    """Refuse times whose sums could overflow."""
    too_large = pc.or_(
        pc.less(values, scalar(-MAX_TIME_MS)), pc.greater(values, scalar(MAX_TIME_MS))
    )
    at = pc.index(too_large, value=True).as_py()
    if at >= 0:
        identity = one_line(ids[owners[at].as_py()].as_py())
        msg = f"conversation {identity}: a time is out of range ({values[at]} ms)"
        raise DataError(msg, hint=SHAPE_HINT)
