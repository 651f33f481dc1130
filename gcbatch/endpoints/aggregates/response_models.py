"""The types of answers of aggregates, and the names of what they have besides.

The types have the fields that this release knows, and refuse all others. A page that
has more is read again without them: the part names unknown statistics and fields, and
the run report names each once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import msgspec

from gcbatch.endpoints.number_columns import Number
from gcbatch.endpoints.unknown_fields import (
    check_no_error,
    of_each,
    short_names,
    without_unknown_fields,
)
from gcbatch.genesys.client import BodyReader, ForeignBodyError, read_loosely
from gcbatch.job import QuerySection

__all__ = [
    "FIELDS",
    "AggregatePage",
    "Bucket",
    "Group",
    "Stats",
    "decode_page",
    "left_out",
]


class Stats(msgspec.Struct, gc=False, rename="camel", forbid_unknown_fields=True):
    """All statistics that any kind of metric has."""

    count: Number | None = None
    sum: Number | None = None
    min: Number | None = None
    max: Number | None = None
    count_negative: Number | None = None
    count_positive: Number | None = None
    current: Number | None = None
    ratio: Number | None = None
    numerator: Number | None = None
    denominator: Number | None = None
    target: Number | None = None


FIELDS: Final = dict(
    zip(Stats.__struct_encode_fields__, Stats.__struct_fields__, strict=True)
)
"""Name of a statistic in the API, and of its field here."""


class _Metric(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    metric: str
    stats: Stats
    qualifier: str | None = None


class _View(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    name: str
    stats: Stats


class Bucket(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """The figures of one group in one interval."""

    interval: str
    metrics: list[_Metric] | None = None
    views: list[_View] | None = None


class Group(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """One group, and its buckets."""

    group: dict[str, str | None] | None = None
    data: list[Bucket] | None = None


class _Whole(msgspec.Struct, gc=False):
    results: list[msgspec.Raw] | None = None
    systemToOrganizationMappings: Any = None  # noqa: N815 - the API's word


class _OneOfMany(_Whole):
    cursor: str | None = None


class _Page(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    results: list[Group] | None = None
    cursor: str | None = None
    systemToOrganizationMappings: Any = None  # noqa: N815 - the API's word


_WHOLES: Final = BodyReader(_Whole, *_Whole.__struct_encode_fields__)
_MANY: Final = BodyReader(
    _OneOfMany, *_OneOfMany.__struct_encode_fields__, next_page="cursor"
)
_PAGES: Final = msgspec.json.Decoder(_Page)


@dataclass(frozen=True, slots=True)
class AggregatePage:
    """An answer, or a page of one.

    Args:
        results: The groups.
        cursor: The cursor of the next page; None or empty on the last.
        unknown_fields: What this release does not know: statistics as `tHandle.p95`,
            other fields as dotted paths.
    """

    results: Sequence[Group]
    cursor: str | None = None
    unknown_fields: frozenset[str] = frozenset()


def decode_page(body: bytes, *, is_whole: bool = False) -> AggregatePage:
    """Decode an answer, or, unless *is_whole*, a page of one.

    Raises:
        msgspec.DecodeError: If it is not JSON, or no answer; ValidationError if it has
            another shape, or announces pages that cannot be requested.
    """
    (_WHOLES if is_whole else _MANY).decode(body)
    unknown_fields: set[str] = set()
    try:
        page = _PAGES.decode(body)
    except msgspec.ValidationError:
        page = msgspec.convert(_known_page(read_loosely(body), unknown_fields), _Page)
    return AggregatePage(page.results or [], page.cursor, frozenset(unknown_fields))


def left_out(page: AggregatePage, section: QuerySection) -> frozenset[str]:
    """Return the names of what a whole answer has that no column holds.

    That is what this release does not know, and the metrics, views and dimensions that
    were not requested.
    """
    buckets = [bucket for group in page.results for bucket in group.data or ()]
    metrics = {m.metric for bucket in buckets for m in bucket.metrics or ()}
    views = {view.name for bucket in buckets for view in bucket.views or ()}
    dimensions = set(chain.from_iterable(one.group or () for one in page.results))
    found = page.unknown_fields.union(
        metrics.difference(section.metrics),
        views.difference(view.name for view in section.views),
        (f"group.{name}" for name in dimensions.difference(section.group_by)),
    )
    return short_names(found)


def _known_page(page: Any, unknown_fields: set[str]) -> Any:
    """Return a page with only the known fields; add the others to *unknown_fields*."""

    def group(one: Any) -> Any:
        if isinstance(one, dict) and one and not one.keys() & {"group", "data"}:
            msg = "a result has neither a group nor data"
            raise ForeignBodyError(msg)
        check_no_error(one, Group, "a result")
        return without_unknown_fields(
            one, Group, unknown_fields, "results.", data=of_each(bucket)
        )

    def bucket(one: Any) -> Any:
        check_no_error(one, Bucket, "a bucket")
        parts = {"metrics": of_each(metric), "views": of_each(view)}
        return without_unknown_fields(
            one, Bucket, unknown_fields, "results.data.", **parts
        )

    def metric(one: Any) -> Any:
        stats = _statistics(one, "metric", unknown_fields)
        return without_unknown_fields(
            one, _Metric, unknown_fields, "results.data.metrics.", stats=stats
        )

    def view(one: Any) -> Any:
        stats = _statistics(one, "name", unknown_fields)
        return without_unknown_fields(
            one, _View, unknown_fields, "results.data.views.", stats=stats
        )

    return without_unknown_fields(
        page, _Page, unknown_fields, "", results=of_each(group)
    )


def _statistics(one: Any, key: str, unknown_fields: set[str]) -> Callable[[Any], Any]:
    """Return a function that cleans the statistics of a named metric or view."""
    name = one.get(key) if isinstance(one, dict) else ""
    return lambda stats: without_unknown_fields(
        stats, Stats, unknown_fields, f"{name}."
    )
