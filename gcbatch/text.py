"""Makes text from outside safe to show, and damaged JSON readable."""

import json
import re
from collections.abc import Callable
from typing import Any, Final

__all__ = [
    "HIDDEN",
    "fits_id",
    "one_line",
    "plain_json",
    "pluralize",
    "replace_lone_surrogates",
    "visible",
]

HIDDEN: Final = "[hidden]"
"""Replaces credentials; needs no escape in JSON, and is no id of any kind."""

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~+/=-]{0,127}")
"""The service's ids are UUIDs; a gateway may use others that are safe in a URL,
a header and a log line. None begins with a dot: `..` in a path leads elsewhere."""


def fits_id(text: str) -> bool:
    """Return whether *text* can be the id of a request or an async job."""
    return _ID.fullmatch(text) is not None


def pluralize(number: int, noun: str) -> str:
    """Return a number with its noun, which has an s unless the number is 1."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def visible(text: str) -> str:
    """Return *text* with a space for each character that a terminal may act on.

    These are control characters, such as those that begin escape codes or new lines,
    and characters that change the direction of text.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " for c in text)


def one_line(text: object, max_length: int = 200) -> str:
    """Return *text* as one line that no terminal acts on, cut at *max_length*.

    See visible; runs of spaces become one.
    """
    line = " ".join(visible(str(text)).split())
    return line if len(line) <= max_length else f"{line[: max_length - 1]}…"


def plain_json(
    content: object,
    *,
    indent: int | None = None,
    default: Callable[[Any], str] | None = None,
    only_ascii: bool = False,
) -> str:
    """Return plain data as JSON that no terminal acts on.

    Unprintable characters are escaped, which changes nothing for readers of the JSON.

    Args:
        content: The data.
        indent: Spaces for each level; None writes one line.
        default: Returns the text for a value that JSON does not support.
        only_ascii: Whether letters beyond ASCII are escaped too.
    """
    text = json.dumps(content, indent=indent, ensure_ascii=only_ascii, default=default)
    return "".join(
        c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text
    )


_ESCAPES: Final = (
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)
"""Escapes in JSON; a pair of surrogates is one match, so `half` is a lone one. Compiled
on first use: the command line imports this module before it knows what to do."""


def replace_lone_surrogates(text: str) -> str:
    """Return a JSON document with lone halves of surrogate pairs as U+FFFD."""
    return re.sub(_ESCAPES, lambda e: r"\ufffd" if e["half"] else e[0], text)
