"""The options of the two endpoints whose figures are fixed.

Source: the two tutorials that describe them. The first says "by queue, by skill, by
wrap-up code", and divides handle time by offers; the second filters by media.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Shape", "shape_named"]


@dataclass(frozen=True)
class Shape:
    """The options of an endpoint whose figures are fixed.

    Args:
        groups: The dimensions that it can group by, each with its word in requests;
            empty if its groups are fixed too.
        by_media: Whether media types can filter it.
        per_offer: Whether it divides handle time by offers.
    """

    groups: Mapping[str, str] = field(default_factory=dict)
    by_media: bool = False
    per_offer: bool = False


_SHAPES: Final = {
    "interval-report": Shape(
        groups={"queueId": "queue", "skill": "skill", "wrapUpCode": "wrapUpCode"},
        per_offer=True,
    ),
    "queue-summary": Shape(by_media=True),
}


def shape_named(endpoint: str) -> Shape:
    """Return the options of an endpoint with fixed figures; of others, none."""
    return _SHAPES.get(endpoint, Shape())
