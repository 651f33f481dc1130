"""Removes credentials from what a service sends back.

A service may echo what it was sent, in an error, a header or a debug field. The client
passes every answer through a Redactor before it reads it, so that no other code, and no
part or note, has to deal with secrets.
"""

import base64
import re
from collections.abc import Iterator
from typing import Final

from gcbatch.text import HIDDEN

__all__ = ["SHORTEST_IN_DATA", "Redactor"]

SHORTEST_IN_DATA: Final = 12
"""Characters. A shorter secret may be a word of the data, which must not change; only
messages hide it. The service's own secrets have 43 characters, tokens 86."""

TOKENS_KEPT: Final = 3
"""Tokens to search for: an answer may be to a request with the last token or with one
of the two before it. Older ones have ended."""


class Redactor:
    """Hides the credentials of one org: plain, in Base64, with escapes of JSON or URLs.

    Args:
        client_id: The id of the OAuth client; no secret, but half of the credentials.
        client_secret: Its secret; empty if unknown, as on a worker.
    """

    def __init__(self, client_id: str, client_secret: str) -> None:
        self._pair = f"{client_id}:{client_secret}" if client_secret else ""
        self._known = [client_secret] if client_secret else []
        self._update()

    def learn(self, token: str) -> None:
        """Hide this token too, from now on."""
        if token in self._known:
            return
        secret, tokens = (
            self._known[: bool(self._pair)],
            self._known[bool(self._pair) :],
        )
        self._known = [*secret, *[*tokens, token][-TOKENS_KEPT:]]
        self._update()

    def _update(self) -> None:
        forms = {form for known in self._known for form in _secret_encodings(known)}
        forms.add(base64.b64encode(self._pair.encode()).decode().rstrip("="))
        # The longest first, so that a shorter form leaves no rest of a longer one.
        in_text = sorted(forms - {""}, key=len, reverse=True)
        in_data = [form for form in in_text if len(form) >= SHORTEST_IN_DATA]
        self._in_text, self._in_data = _Search(in_text), _Search(in_data)

    def text(self, text: str) -> str:
        """Return a message without credentials, however short they are."""
        return _text_of(self._in_text.hide(_raw(text)))

    def body(self, body: bytes) -> bytes:
        """Return the body of an answer without credentials; see SHORTEST_IN_DATA.

        A body without any is the same object; searching it takes a quarter of the time
        of decoding it.
        """
        return self._in_data.hide(body)


class _Search:
    """Finds and hides some texts, in any escaped form."""

    def __init__(self, texts: list[str]) -> None:
        needles = {needle for text in texts for needle in _needles_of(text)}
        # A needle that contains another one is found with it.
        self._needles = tuple(
            one for one in needles if not any(o in one for o in needles - {one})
        )
        self._texts = texts
        self._escapes = _escapes_of({c for n in needles for c in _text_of(n)})
        self._pattern: re.Pattern[bytes] | None = None

    def hide(self, content: bytes) -> bytes:
        if not self._finds(content):
            return content
        if self._pattern is None:
            self._pattern = re.compile(b"|".join(_patterns_of(self._texts)))
        return self._pattern.sub(HIDDEN.encode(), content)

    def _finds(self, content: bytes) -> bool:
        if any(needle in content for needle in self._needles):
            return True
        is_changed = False
        for letter, escapes in self._escapes:
            # Most bodies have only escapes of other characters, such as line breaks.
            if letter in content and escapes.search(content):
                content = escapes.sub(_unescaped, content)
                is_changed = True
        return is_changed and any(needle in content for needle in self._needles)


def _secret_encodings(credential: str) -> Iterator[str]:
    """Yield a credential, and its Base64 at any offset of a text.

    Within a text the first and the last group hold bits of the neighbouring characters;
    they are left out.
    """
    raw = credential.encode()
    yield credential
    yield base64.b64encode(raw).decode().rstrip("=")
    for offset in range(3):
        coded = base64.b64encode(b"\0" * offset + raw).decode()
        core = coded[4 if offset else 0 : len(coded) - 4]
        if len(core) >= SHORTEST_IN_DATA:
            yield core


def _needles_of(text: str) -> Iterator[bytes]:
    """Yield the bytes to search for after escapes are undone."""
    raw = _raw(text)
    yield raw
    yield raw.replace(b" ", b"+")  # as in a form
    yield raw.translate(bytes.maketrans(b"+/", b"-_"))  # the other alphabet of Base64


def _escapes_of(characters: set[str]) -> list[tuple[bytes, re.Pattern[bytes]]]:
    """Return patterns of the escapes of some characters, each with its first letter.

    JSON within JSON has more backslashes; text that is encoded twice has `%25` for `%`.
    Each pattern begins with one letter, because such a search is fast.
    """
    wide = [_raw(c, "utf-16-be").hex() for c in sorted(characters)]
    units = {text[at : at + 4] for text in wide for at in range(0, len(text), 4)}
    octets = {f"{byte:02x}" for c in characters for byte in _raw(c)}
    shorts = [re.escape(c) for c in '"/\\' if c in characters]
    escapes = "|".join([f"u(?P<unit>(?i:{'|'.join(sorted(units))}))", *shorts])
    patterns = {
        b"\\": rf"\\\\*(?:{escapes})",
        b"%": rf"%(?:25)*(?P<octet>(?i:{'|'.join(sorted(octets))}))",
    }
    return [(first, re.compile(one.encode())) for first, one in patterns.items()]


def _unescaped(escape: re.Match[bytes]) -> bytes:
    """Return the bytes of an escaped character."""
    groups = escape.groupdict()
    if unit := groups.get("unit"):
        return _raw(chr(int(unit, 16)))
    if octet := groups.get("octet"):
        return bytes([int(octet, 16)])
    return escape[0][-1:]


def _raw(text: str, coding: str = "utf-8") -> bytes:
    return text.encode(coding, "surrogatepass")


def _text_of(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogatepass")


def _patterns_of(texts: list[str]) -> Iterator[bytes]:
    """Yield patterns of all ways to write some texts.

    Each begins with one letter, so that the search jumps from one such letter to the
    next; a search at each place takes ten times as long.
    """
    for text in texts:
        after = b"".join(b"(?:" + b"|".join(_ways_of(c)) + b")" for c in text[1:])
        # A backslash before it would escape the replacement.
        for way in (*_ways_of(text[0]), rb"\\\\*" + re.escape(_raw(text[0]))):
            yield way + after


def _ways_of(character: str) -> Iterator[bytes]:
    """Yield patterns of all ways to write a character.

    The plain one comes last: escapes may end with it.
    """
    for same in {character, {"+": "-", "/": "_", " ": "+"}.get(character, character)}:
        raw, wide = _raw(same), _raw(same, "utf-16-be").hex()
        units = [wide[at : at + 4] for at in range(0, len(wide), 4)]
        yield b"".join(rb"\\\\*u(?i:%s)" % unit.encode() for unit in units)
        yield b"".join(rb"%%(?:25)*(?i:%02x)" % byte for byte in raw)
        if same in '"\\/':
            yield rb"\\\\*" + re.escape(raw)
        yield re.escape(raw)
