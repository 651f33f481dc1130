"""The words that the project has replaced by plain or standard ones."""

import re
from typing import Final

__all__ = ["ALLOWED", "OLD_WORDS", "old_words_in", "words_of_name"]

OLD_WORDS: Final = (
    *("anew", "whom", "kin", "nobody", "nowhere", "likewise"),
    *("tell", "tells", "told", "telling"),
    *("house", "room", "rooms", "shelf", "shelves", "deaf"),
    *("crew", "errand", "errands", "patience", "switchboard", "road", "roads"),
    *("but for", "save for"),
)
"""Half of the readers are no native speakers. Plain words say the same: again, which,
nothing, show, module, registry folder, worker, mode, except."""

ALLOWED: Final[dict[str, str]] = {}
"""Texts with such a word, and the reason: the service's own, or a quotation."""

_PATTERN: Final = re.compile(rf"\b(?:{'|'.join(OLD_WORDS)})\b", re.IGNORECASE)
_NAME: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def old_words_in(text: str) -> list[str]:
    """Return the old words of a text, whose white space does not matter."""
    text = " ".join(text.split())
    for allowed in ALLOWED:
        text = text.replace(allowed, "")
    return _PATTERN.findall(text)


def words_of_name(name: str) -> str:
    """Return the words of a name in code, such as `open part` for `OpenPart`."""
    return " ".join(_NAME.findall(name)).lower()
