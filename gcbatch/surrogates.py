"""Halves of surrogate pairs, which are left where a text in JSON was cut."""

import re
from typing import Final

__all__ = ["mended"]

_ESCAPES: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)
"""Escapes in JSON, pairs of surrogates as one, so that a half is what is left over."""


def mended(text: str) -> str:
    """Return a document with halves of surrogate pairs replaced by U+FFFD."""
    return _ESCAPES.sub(lambda e: r"\ufffd" if e["half"] else e[0], text)
