"""Splits the rows of an answer into pages behind opaque tokens.

A token holds the start of its page and the digest of its query. So the same page always
has the same token, and the server stores nothing.
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import orjson

from gcbatch.simulator.problems import bad_request

__all__ = ["Page", "Place", "digest_of", "page_at", "read_place"]

_Row = TypeVar("_Row")

_TOKEN: Final = re.compile(r"([0-9a-f]{16})\.([0-9]{1,9})\.([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins.

    Args:
        digest: The digest of the query that the page belongs to.
        offset: Rows before it.
        skipped: Empty pages sent so far; only faults make them.
    """

    digest: str
    offset: int = 0
    skipped: int = 0

    @property
    def token(self) -> str:
        """The token that leads here."""
        text = f"{self.digest}.{self.offset}.{self.skipped}"
        return base64.urlsafe_b64encode(text.encode()).decode()


@dataclass(frozen=True, slots=True)
class Page(Generic[_Row]):
    """Some rows, and the token of the next page; None on the last."""

    rows: Sequence[_Row]
    next_token: str | None


def digest_of(query: Mapping[str, Any]) -> str:
    """Return a digest of a query, which does not depend on the order of its keys."""
    text = orjson.dumps(query, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:16]


def read_place(token: object, name: str, digest: str) -> Place:
    """Return the place of a token; without one, the first page.

    Args:
        token: As sent.
        name: The name of its field or parameter.
        digest: The digest of the query that was sent with it.

    Raises:
        Problem: 400 if it is not a token, or belongs to another query.
    """
    if token is None:
        return Place(digest)
    place = _decoded(token) if isinstance(token, str) else None
    if place is None:
        msg = f"{name} is not a token that an answer gave."
        raise bad_request(msg)
    if place.digest != digest:
        msg = f"{name} belongs to another query."
        raise bad_request(msg)
    return place


def _decoded(token: str) -> Place | None:
    try:
        text = base64.urlsafe_b64decode(token).decode()
    except ValueError:
        return None
    match = _TOKEN.fullmatch(text)
    if match is None:
        return None
    place = Place(match[1], int(match[2]), int(match[3]))
    return place if place.token == token else None


def page_at(
    place: Place,
    rows: Sequence[_Row],
    size: int,
    faults: tuple[str, ...] = (),
) -> Page[_Row]:
    """Return the page at a place.

    Args:
        place: Where it begins.
        rows: All rows of the answer.
        size: Maximum rows of a page.
        faults: Kinds of the faults that apply to the request.
    """
    after = Place(place.digest, place.offset + size)
    next_token = after.token if after.offset < len(rows) else None
    if "empty_page" in faults:
        again = Place(place.digest, place.offset, place.skipped + 1)
        return Page((), again.token)
    if "repeated_token" in faults:
        next_token = place.token
    elif "looping_tokens" in faults and next_token is None and place.offset:
        next_token = Place(place.digest, min(size, place.offset)).token
    return Page(rows[place.offset : after.offset], next_token)
