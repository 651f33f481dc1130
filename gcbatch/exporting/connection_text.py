"""Finds the passwords in the text by which a program connects.

The text is a URI, such as `postgresql://user:password@host/db?sslpassword=…`, or has
keywords, such as `host=db password=…` of libpq. What looks like a password counts as
one: a text is rather refused than a password overlooked.

Source: libpq, connection strings, postgresql.org/docs/18/libpq-connect.html, read
2026-11.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import quote, unquote

__all__ = ["Password", "password_forms", "passwords_in"]

# Compiled when they are first used: most runs have no secret.
_START: Final = r"\s*(?:jdbc:)?(?:[A-Za-z][A-Za-z0-9+.-]*:)?//"
_KEYWORDS: Final = r"\s*\w+\s*="
_KEYWORD: Final = r"(\w+)\s*=\s*(?:'((?:\\.|[^'\\])*)'?|((?:\\.|[^\s\\])*))"
_IN_QUERY: Final = r"(?<=[?&])([^=?&]*)=([^&]*)"
_BETWEEN_SEMICOLONS: Final = r"(?<=[;#])([^=?&;#]*)=([^&;#]*)"

_WORDS: Final = (
    "password", "passwd", "pwd", "passphrase", "secret", "token", "credential",
    "apikey", "accesskey", "accountkey", "scramclientkey", "scramserverkey",
)  # fmt: skip
"""Words in keys whose values are secret; `passfile` and `sslkey` are paths."""

_BREAKS: Final = r"[/?#@:&;\s]+"
"""Where a driver cuts a password that is not encoded, to quote one of its pieces."""


@dataclass(frozen=True, slots=True)
class Password:
    """The place of a password within a text.

    Args:
        start, end: The characters [start, end).
        writing: How a password is written there: percent-encoded, as libpq's keyword
            with or without quotes around it, or as it is.
    """

    start: int
    end: int
    writing: Literal["percent", "quoted", "bare", "plain"]

    def write(self, password: str) -> str:
        """Return a password as it must be written at this place."""
        match self.writing:
            case "percent":
                return quote(password, safe="")
            case "plain":
                return password
            case "quoted":
                return _escaped(password)
            case "bare":
                return f"'{_escaped(password)}'"


def _escaped(password: str) -> str:
    return password.replace("\\", "\\\\").replace("'", "\\'")


def passwords_in(text: str) -> list[Password]:
    """Return the places of all passwords, in order; empty ones are left out."""
    found = {one.start: one for one in _places(text) if one.start < one.end}
    return [found[start] for start in sorted(found)]


def _places(text: str) -> Iterator[Password]:
    is_keywords = re.match(_KEYWORDS, text) or "//" not in text
    starts = {m.end() for m in re.finditer("//", text)} if is_keywords else set()
    if not re.match(_KEYWORDS, text):
        begin = re.match(_START, text)
        starts.add(begin.end() if begin else 0)
    for start in sorted(starts):
        yield from _in_user_part(text, start)
    for found in re.finditer(_BETWEEN_SEMICOLONS, text):
        if _is_secret(found[1]):
            yield Password(*found.span(2), "plain")
    if is_keywords:
        for found in re.finditer(_KEYWORD, text):
            if _is_secret(found[1]):
                is_quoted = found[2] is not None
                writing: Literal["quoted", "bare"] = "quoted" if is_quoted else "bare"
                yield Password(*found.span(2 if is_quoted else 3), writing)
    for found in re.finditer(_IN_QUERY, text):
        if _is_secret(found[1]):
            yield Password(*found.span(2), "percent")


def _in_user_part(text: str, start: int) -> Iterator[Password]:
    """Yield the password of `user:password@`, whatever characters it has."""
    first = text.find("@", start)
    if first < 0:
        return
    after = re.compile(r"[/?#]|$").search(text, first)
    last = text.rfind("@", start, after.start() if after else len(text))
    colon = text.find(":", start, last)
    if colon >= 0:
        yield Password(colon + 1, last, "percent")


def _is_secret(key: str) -> bool:
    letters = re.sub(r"[\s_-]", "", unquote(key).lower())
    if letters.endswith("id"):
        return False  # such as access_key_id
    return letters == "pass" or any(word in letters for word in _WORDS)


def password_forms(text: str) -> set[str]:
    """Return the passwords in a text, in all forms that an error may quote.

    As they are, decoded, and the pieces that a program sees which takes the characters
    of a password for those of the URI.
    """
    forms: set[str] = set()
    places = passwords_in(text)
    written = [text[place.start : place.end] for place in places]
    begin, last = re.match(_START, text), text.rfind("@")
    if begin and places and "?" not in text[places[0].end : last]:
        # A URI with an @ in its path: the password may go on to the last one.
        written.append(text[places[0].start : last])
    for one in written:
        if re.search(_BREAKS, one):
            forms |= {piece for piece in re.split(_BREAKS, one) if len(piece) > 1}
        forms |= {one, unquote(one), re.sub(r"\\(.)", r"\1", one)}
    return forms - {""}
