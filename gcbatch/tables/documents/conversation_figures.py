"""What the table of conversations says of a conversation as a whole."""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from gcbatch.errors import SHAPE_HINT, DataError
from gcbatch.table import INSTANT
from gcbatch.tables.arrow_scalars import scalar
from gcbatch.tables.documents.columns import JSON, Column, Derived, NameOf
from gcbatch.tables.documents.json_text import json_lists
from gcbatch.tables.documents.unnest import UnnestedLevels, field_of, places, unnest
from gcbatch.tables.name_lookup import name_field
from gcbatch.text import one_line

__all__ = ["DERIVED", "NEEDED", "derive_figures"]

MOST: Final = 2**53
"""Of a time that is added up, in milliseconds: 285,000 years."""

_MEASURES: Final = {
    "handle_ms": ("tHandle",),
    "talk_ms": ("tTalkComplete",),
    "hold_ms": ("tHeldComplete",),
    "acw_ms": ("tAcw",),
    "wait_ms": ("tAnswered", "tAbandon", "tFlowOut"),
}
"""Columns, and the session metrics that are added up in them. `tWait` is the sum of
what ends a wait (so it was in answers of the service), and not always sent itself."""

_METRICS: Final = [name for names in _MEASURES.values() for name in names]
_MEASURE_OF: Final = [
    number for number, names in enumerate(_MEASURES.values()) for _ in names
]

NEEDED: Final = (
    pa.field(
        "participants",
        pa.list_(
            pa.struct(
                {
                    "purpose": pa.string(),
                    "sessions": pa.list_(
                        pa.struct(
                            {
                                "mediaType": pa.string(),
                                "metrics": pa.list_(
                                    pa.struct(
                                        {"name": pa.string(), "value": pa.int64()}
                                    )
                                ),
                                "segments": pa.list_(
                                    pa.struct(
                                        {
                                            "queueId": pa.string(),
                                            "segmentStart": INSTANT,
                                        }
                                    )
                                ),
                            }
                        )
                    ),
                }
            )
        ),
    ),
)
"""What has to be read of a conversation for it."""

_LATER: Final = 2**52
"""Milliseconds; added to the start of a segment, it is after all that have not."""


def _told(name: str, kind: pa.DataType, description: str, **about: str) -> Column:
    metadata = {"description": description, **about}
    return Column(pa.field(name, kind, metadata=metadata), Derived())


def _measures() -> list[Column]:
    sums = {name: f"sum of {' + '.join(m)}" for name, m in _MEASURES.items()}
    return [_told(n, pa.int64(), about, unit="ms") for n, about in sums.items()]


DERIVED: Final = (
    _told(
        "media_types",
        pa.string(),
        "of the sessions, each once, in order of appearance",
        **JSON,
    ),
    _told(
        "first_queue_id",
        pa.string(),
        "of the earliest segment in a queue: that of an acd participant, if any",
    ),
    Column(
        name_field("first_queue_name", "first_queue_id"),
        NameOf("first_queue_id", "queueId"),
    ),
    _told("participants", pa.int64(), "how many there are"),
    *_measures(),
)


def derive_figures(conversations: pa.StructArray, ids: pa.Array) -> dict[str, pa.Array]:
    """Return the columns that DERIVED declares, but for names.

    Args:
        conversations: With at least the fields of NEEDED.
        ids: Theirs, for errors.

    Raises:
        DataError: If a time that is added up is none; names the conversation.
    """
    sessions = unnest(conversations, ("participants", "sessions"))
    counts = _grouped(sessions.above[0], {"count": sessions.above[0]})
    count = len(conversations)
    return {
        "media_types": _media_types(sessions, count),
        "first_queue_id": _first_queues(sessions.below("segments"), count),
        "participants": pc.fill_null(_placed(counts, "count_count", count), scalar(0)),
        **_sums(sessions.below("metrics"), ids),
    }


def _grouped(owners: pa.Array, values: dict[str, pa.Array]) -> pa.Table:
    """Group values by owner; the column's name is how they are aggregated."""
    table = pa.table({"owner": owners, **values})
    groups = table.group_by("owner", use_threads=False)
    return groups.aggregate([(how, how) for how in values])


def _placed(groups: pa.Table, name: str, count: int) -> pa.Array:
    """Return a column of groups in the order of their owners, null where is none."""
    at = pc.index_in(places(count), value_set=groups["owner"].combine_chunks())
    return groups[name].combine_chunks().take(at)


def _media_types(sessions: UnnestedLevels, count: int) -> pa.Array:
    told = field_of(sessions.records[2], ("mediaType",))
    owners = sessions.owners(0)
    rows = pa.table({"owner": owners, "type": told, "at": places(len(told))})
    first = rows.group_by(["owner", "type"], use_threads=False)
    first = first.aggregate([("at", "min")]).sort_by("at_min")
    first = first.filter(pc.is_valid(first["type"]))
    lists = _grouped(
        first["owner"].combine_chunks(), {"list": first["type"].combine_chunks()}
    )
    return json_lists(_placed(lists, "list_list", count))


def _first_queues(segments: UnnestedLevels, count: int) -> pa.Array:
    """Return the queue of the earliest segment that has one.

    A customer's segment begins before the queue that it names was reached, so those
    of the queues themselves go first.
    """
    queues = field_of(segments.records[3], ("queueId",))
    has_queue = queues.is_valid()
    owners = segments.owners(0).filter(has_queue)
    purposes = segments.spread(field_of(segments.records[1], ("purpose",)), 1)
    starts = field_of(segments.records[3], ("segmentStart",)).cast(pa.int64())
    starts = pc.fill_null(starts, scalar(_LATER // 2))
    is_acd = pc.fill_null(pc.equal(purposes, scalar("acd")), fill_value=False)
    ranks = pc.if_else(is_acd, starts, pc.add(starts, scalar(_LATER))).filter(has_queue)
    queues = queues.filter(has_queue)
    least = _placed(_grouped(owners, {"min": ranks}), "min_min", count)
    is_first = pc.equal(ranks, least.take(owners))
    at = places(len(owners)).filter(is_first)
    first = _grouped(owners.filter(is_first), {"min": at})
    return queues.take(_placed(first, "min_min", count))


def _sums(metrics: UnnestedLevels, ids: pa.Array) -> dict[str, pa.Array]:
    """Return the times of each conversation, null where it has no such metric."""
    names = field_of(metrics.records[3], ("name",))
    values = field_of(metrics.records[3], ("value",))
    which = pc.index_in(names, value_set=pa.array(_METRICS, pa.string()))
    counts = pc.and_(which.is_valid(), values.is_valid())
    owners, values = metrics.owners(0).filter(counts), values.filter(counts)
    _check(values, owners, ids)
    measure = pa.array(_MEASURE_OF, pa.int64()).take(which.filter(counts))
    groups = _grouped(
        pc.add(pc.multiply(owners, scalar(len(_MEASURES))), measure), {"sum": values}
    )
    slots = _placed(groups, "sum_sum", len(ids) * len(_MEASURES))
    firsts = pc.multiply(places(len(ids)), scalar(len(_MEASURES)))
    return {
        name: slots.take(pc.add(firsts, scalar(number)))
        for number, name in enumerate(_MEASURES)
    }


def _check(values: pa.Array, owners: pa.Array, ids: pa.Array) -> None:
    """Refuse times whose sums could wrap round."""
    wild = pc.or_(pc.less(values, scalar(-MOST)), pc.greater(values, scalar(MOST)))
    at = pc.index(wild, value=True).as_py()
    if at >= 0:
        identity = one_line(ids[owners[at].as_py()].as_py())
        msg = f"conversation {identity}: a time is no sensible number ({values[at]})"
        raise DataError(msg, hint=SHAPE_HINT)
