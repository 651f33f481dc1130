"""Listings that lag behind, as those of some object stores do.

S3's own are right since 2020.
"""

import html
import random
import re
from typing import Final

__all__ = ["Listings"]

LAGGING: Final = 12
"""So many of the last writes a listing may lack."""

_ENTRY: Final = re.compile(r"<Contents>.*?<Key>(.*?)</Key>.*?</Contents>", re.DOTALL)
_PREFIX: Final = re.compile(r"<Prefix>(.*?)</Prefix>", re.DOTALL)
_COUNT: Final = re.compile(r"<KeyCount>\d+</KeyCount>")
_MORE: Final = "<IsTruncated>true</IsTruncated>"
_END: Final = "</ListBucketResult>"


class Listings:
    """Knows what was written of late, and what listings had."""

    def __init__(self) -> None:
        self._writes: list[str] = []
        self._entries: dict[str, str] = {}

    def note_writes(self, keys: list[str]) -> None:
        """Note keys that were written or removed."""
        self._writes += keys

    def note(self, listing: str) -> None:
        """Note what a listing has."""
        self._entries.update(_entries_of(listing))

    def lagging(self, listing: str, share: float) -> str:
        """Return a listing of one page without some of the last writes.

        What was created is not there, what was replaced or removed is as a listing
        before had it.

        Args:
            listing: As it is now.
            share: How many of the last writes it lacks, 0 to 1.
        """
        if _MORE in listing:
            return listing
        chance = random.Random(share)  # noqa: S311 - of faults, not of secrets
        late = {key for key in self._writes[-LAGGING:] if chance.random() < share}
        found = _PREFIX.search(listing)
        prefix = html.unescape(found[1]) if found else ""
        entries = _entries_of(listing)
        for key in late:
            entries.pop(key, None)
            if key in self._entries and key.startswith(prefix):
                entries[key] = self._entries[key]
        shown = "".join(entry for _, entry in sorted(entries.items()))
        text = _ENTRY.sub("", listing).replace(_END, f"{shown}{_END}")
        return _COUNT.sub(f"<KeyCount>{len(entries)}</KeyCount>", text)


def _entries_of(listing: str) -> dict[str, str]:
    return {html.unescape(found[1]): found[0] for found in _ENTRY.finditer(listing)}
