"""What the shapes that tutorials tell of have room for.

Source: the two tutorials themselves, as far as job files have to know of them. The
first says "by queue, by skill, by wrap-up code", and divides handle time by offers;
the second filters by media.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Shape", "shape_named"]


@dataclass(frozen=True)
class Shape:
    """What there is room for in a question whose figures are fixed.

    Args:
        groups: The dimensions that it can be grouped by, each with its word on the
            wire; empty where its groups are fixed too.
        by_media: Whether media types narrow it down.
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
    """Return what an endpoint of fixed figures has room for; of most, nothing."""
    return _SHAPES.get(endpoint, Shape())
