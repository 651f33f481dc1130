"""Builds decoders for groups that have certain metrics."""

from collections.abc import Sequence
from functools import cache, reduce
from operator import or_
from types import GenericAlias
from typing import Annotated, Any, Final, Literal, cast

import msgspec

from gcbatch.genesys import Kind, kind_of

__all__ = ["group_decoder"]


_NONE: Final = Annotated[tuple[Any, ...], msgspec.Meta(max_length=0)]
"""The type of what was not requested: nothing."""


@cache
def group_decoder(
    metrics: tuple[str, ...], views: tuple[tuple[str, Kind], ...]
) -> msgspec.json.Decoder[Any]:
    """Return a decoder of groups that have these metrics and views, and no others.

    Each metric has a type of its own, with the statistics of its kind alone.
    """
    of_metrics = _measures([(name, kind_of(name)) for name in metrics], "metric")
    fields: list[Any] = [("interval", str), ("metrics", _many(of_metrics), ())]
    of_views = _many(_measures(views, "name")) if views else _NONE
    fields.append(("views", of_views, ()))
    bucket = msgspec.defstruct("Bucket", fields, gc=False, forbid_unknown_fields=True)
    group = msgspec.defstruct(
        "Group",
        [
            ("group", dict[str, str | None], msgspec.field(default_factory=dict)),
            ("data", _many([bucket]), ()),
        ],
        gc=False,
        forbid_unknown_fields=True,
    )
    return msgspec.json.Decoder(group)


def _many(types: Sequence[Any]) -> Any:
    """Return the type of many values, each of one of *types*."""
    return GenericAlias(tuple, (reduce(or_, types), ...))


def _measures(
    named: Sequence[tuple[str, Kind]], called: str
) -> list[type[msgspec.Struct]]:
    """Return the types of the metrics or views in one bucket."""
    is_alone = len(named) == 1
    return [_measure(name, kind, called, is_alone=is_alone) for name, kind in named]


def _measure(
    name: str, kind: Kind, called: str, *, is_alone: bool
) -> type[msgspec.Struct]:
    statistics = msgspec.defstruct(
        "Statistics",
        [
            (s.key, (int if s.type == "int64" else float) | None, None)
            for s in kind.statistics
        ],
        forbid_unknown_fields=True,
        gc=False,
    )
    fields: list[Any] = [("stats", statistics)]
    if is_alone:  # msgspec then lets a tag be missing, but not a field
        fields.append((called, cast("Any", Literal)[name]))
    return msgspec.defstruct(
        name,
        fields,
        tag_field=None if is_alone else called,
        tag=None if is_alone else name,
        forbid_unknown_fields=True,
        gc=False,
    )
