"""HTML that cannot be broken by a name: text is escaped unless it is markup already."""

from html import escape
from typing import Final

__all__ = ["Html", "joined", "tag", "text"]

_VOID: Final = {"col", "meta"}
_REFERENCES: Final = str.maketrans({"\r": "&#13;", "\0": "\ufffd"})
"""A parser would make CR a line feed, and drop NUL."""


class Html(str):
    """Markup, made by this module alone."""

    __slots__ = ()


def text(value: str) -> Html:
    """Return *value* as markup; what is markup already stays."""
    if isinstance(value, Html):
        return value
    return Html(escape(value).translate(_REFERENCES))


def joined(*parts: str | None) -> Html:
    """Return parts one after the other; None is nothing."""
    return Html("".join(text(part) for part in parts if part is not None))


def tag(
    name: str, /, *children: str | None, **attributes: str | float | bool | None
) -> Html:
    """Return an element.

    Args:
        name: Of the element.
        children: Markup or text; None is nothing.
        attributes: `_` in a name stands for `-`, and one at its end for nothing
            (`class_`). True is an attribute without value, None and False none.
            Numbers have at most two decimals.
    """
    told = ""
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        told += " " + key.rstrip("_").replace("_", "-")
        if value is not True:
            shown = value if isinstance(value, str) else f"{round(value, 2):g}"
            told += f'="{text(shown)}"'
    if name in _VOID:
        return Html(f"<{name}{told}>")
    return Html(f"<{name}{told}>{joined(*children)}</{name}>")
