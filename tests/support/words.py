"""The words that the project has replaced by plain or standard ones."""

import re
from typing import Final

__all__ = ["ALLOWED", "OLD_WORDS", "old_words_in", "words_of_name"]

OLD_WORDS: Final = (
    *("anew", "whom", "kin", "nobody", "nowhere", "likewise"),
    *("tell", "tells", "told", "telling"),
    *("house", "room", "rooms", "shelf", "shelves", "deaf"),
    *("crew", "errand", "errands", "patience", "switchboard", "road", "roads"),
    *("desk", "asker", "ticket", "divisible", "workplace", "pacer"),
    *("but for", "save for"),
)
"""Half of the readers are no native speakers. Plain words say the same: again, which,
nothing, show, module, registry folder, worker, mode, context, fetcher, permit, rate
limiter, except."""

ALLOWED: Final[dict[tuple[str, str], str]] = {
    ("gcbatch/job/fetch.py", "road"): "the old name of fetch.mode is still read",
}
"""Files that need one of them, the word, and the reason."""

_PATTERN: Final = re.compile(rf"\b(?:{'|'.join(OLD_WORDS)})\b", re.IGNORECASE)
_NAME: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def old_words_in(text: str, place: str = "") -> set[str]:
    """Return the old words of a text.

    Args:
        text: White space and case do not matter.
        place: The file's place in the repository, for the words that it may use.
    """
    words = {word.lower() for word in _PATTERN.findall(" ".join(text.split()))}
    return {word for word in words if (place, word) not in ALLOWED}


def words_of_name(name: str) -> str:
    """Return the words of a name in code, such as `open part` for `OpenPart`."""
    return " ".join(_NAME.findall(name)).lower()
