"""Text of others, made fit for a line of ours."""

import json
import re
from collections.abc import Callable
from typing import Any, Final

__all__ = ["fits_id", "one_line", "plain_json", "replace_lone_surrogates", "visible"]

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~+/=-]{0,127}")
"""The service's ids are UUIDs; a gateway's may be any that are safe in a URL, a header
and a log line. None begins with a dot: `..` in a path leads elsewhere."""


def fits_id(text: str) -> bool:
    """Say whether *text* can be an id of an exchange or a job, and is nothing else."""
    return _ID.fullmatch(text) is not None


def visible(text: str) -> str:
    """Return *text* with each character that a terminal may act on as a space.

    These are control characters, such as those that begin escape codes or new lines,
    and those that change the direction of what follows.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " for c in text)


def one_line(text: object, most: int = 200) -> str:
    """Return *text* as one line of at most *most* characters that no terminal acts on.

    See visible; runs of spaces become one.
    """
    line = " ".join(visible(str(text)).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def plain_json(
    content: object,
    *,
    indent: int | None = None,
    default: Callable[[Any], str] | None = None,
    only_ascii: bool = False,
) -> str:
    """Return plain data as JSON that no terminal acts on.

    What is not printable is escaped, which changes nothing for who reads the JSON.

    Args:
        content: The data.
        indent: Spaces for each level; None is all in one line.
        default: Returns what stands for a value that JSON does not know.
        only_ascii: Whether all other letters are escaped too.
    """
    text = json.dumps(content, indent=indent, ensure_ascii=only_ascii, default=default)
    return "".join(
        c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text
    )


_ESCAPES: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)
"""Escapes in JSON, pairs of surrogates as one, so that a half is what is left over."""


def replace_lone_surrogates(text: str) -> str:
    """Return a document with halves of surrogate pairs replaced by U+FFFD."""
    return _ESCAPES.sub(lambda e: r"\ufffd" if e["half"] else e[0], text)
