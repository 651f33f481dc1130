"""Listings that change while they are read, and pages that are wrong.

Someone adds or removes an entity just before a page is answered: later pages, and later
readings, have the changed listing.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

__all__ = ["ListingChanges", "corrupt_page"]

_IDS: Final = uuid.UUID("2d3f3e0b-7a64-4d0c-9d0a-0f5f3f1e8c55")
"""Namespace of the ids of added entities."""

Json = Mapping[str, Any]
"""An entity."""


class ListingChanges:
    """What was added to listings and removed from them so far."""

    def __init__(self) -> None:
        self._added: defaultdict[str, list[Json]] = defaultdict(list)
        self._removed: defaultdict[str, set[str]] = defaultdict(set)

    def changed(
        self,
        listing: str,
        entities: Sequence[Json],
        faults: Collection[str],
        *,
        at_end: bool,
    ) -> Sequence[Json]:
        """Return a listing as it is now, after the faults of a request.

        Args:
            listing: Which it is: its address and filters.
            entities: Those of the tenant.
            faults: Kinds of the faults that apply to the request.
            at_end: Whether entities come and go at the end, as behind a cursor, which
                keeps its place. Pages with numbers shift instead.
        """
        added, removed = self._added[listing], self._removed[listing]
        step = -1 if at_end else 1
        if "shrunk_listing" in faults:
            there = [e["id"] for e in entities[::step] if e["id"] not in removed]
            removed.update(there[:1])
        if "grown_listing" in faults and entities:
            number = len(added) + 1
            identity = str(uuid.uuid5(_IDS, f"{listing}/{number}"))
            name = {"name": f"Added {number}"} if "name" in entities[0] else {}
            added.append({**entities[0], "id": identity, **name})
        if not added and not removed:
            return entities
        left = [entity for entity in entities if entity["id"] not in removed]
        return [*left, *added] if at_end else [*added[::-1], *left]


def corrupt_page(
    page: Sequence[Json], before: Json | None, faults: Collection[str]
) -> list[Json]:
    """Return the entities of a page, after the faults of a request.

    Args:
        page: The right ones.
        before: The last entity of the page before; None on the first.
        faults: Kinds of the faults that apply to the request.
    """
    entities = list(page)
    if "short_listing" in faults:
        del entities[-1:]
    if "repeated_entity" in faults and before is not None:
        entities[:1] = [before]
    return entities
