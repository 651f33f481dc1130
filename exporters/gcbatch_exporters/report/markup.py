"""HTML that no name can break: text is escaped unless it is markup already."""

from html import escape
from typing import Final

__all__ = ["Html", "joined", "tag", "text"]

_VOID: Final = {"col", "meta"}
_REFERENCES: Final = str.maketrans({"\r": "&#13;", "\0": "\ufffd"})
"""A parser would turn CR into a line feed, and drop NUL."""


class Html(str):
    """Markup; only this module creates it."""

    __slots__ = ()


def text(value: str) -> Html:
    """Return *value* as markup; markup stays as it is."""
    if isinstance(value, Html):
        return value
    return Html(escape(value).translate(_REFERENCES))


def joined(*parts: str | None) -> Html:
    """Return the parts joined; None is skipped."""
    return Html("".join(text(part) for part in parts if part is not None))


def tag(
    name: str, /, *children: str | None, **attributes: str | float | bool | None
) -> Html:
    """Return an element.

    Args:
        name: Name of the element.
        children: Markup or text; None is skipped.
        attributes: `_` in a name stands for `-`, and is dropped at its end (`class_`).
            True gives an attribute without value, None and False give none. Numbers
            have at most two decimals.
    """
    written = ""
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        written += " " + key.rstrip("_").replace("_", "-")
        if value is not True:
            shown = value if isinstance(value, str) else f"{round(value, 2):g}"
            written += f'="{text(shown)}"'
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{joined(*children)}</{name}>")
