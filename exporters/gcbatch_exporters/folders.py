"""Names of folders for the values of a column, in Hive's form `column=value`."""

import re
import unicodedata
from hashlib import sha256
from typing import Final
from urllib.parse import quote

__all__ = ["DATA", "MAX_COLUMN_BYTES", "folder_of", "is_short", "prefix_of"]

DATA: Final = "data.parquet"

NULL: Final = "__HIVE_DEFAULT_PARTITION__"
"""Readers take this for null, however it is quoted (pyarrow 26, Polars 2.1)."""

MAX_NAME_BYTES: Final = 255
"""Longest name on the usual disks (NAME_MAX of ext4, XFS, APFS, NTFS)."""

MAX_COLUMN_BYTES: Final = 128
"""Longest name of a column, which leaves space for a value."""

_SHOWN: Final = 64
"""Bytes of a short name that show the value."""

_SHORT: Final = re.compile(r"~[0-9a-f]{16}\Z")


def prefix_of(column: str) -> str:
    """Return the prefix of the names of a column's folders."""
    return f"{quote(column, safe='')}="


def folder_of(column: str, value: str | int | bool | None) -> str:  # noqa: FBT001 - a cell
    """Return the name of the folder of a value, different for each value.

    Readers get the value from it. Letters beyond ASCII are percent-encoded, which every
    system accepts; if that makes the name too long, they stay as they are. If it is
    still too long, it becomes a short name with a hash, which is_short recognises. So
    does a text that readers would take for null, or that looks like a short name.
    """
    prefix = prefix_of(column)
    if value is None:
        return prefix + NULL
    if isinstance(value, bool):
        return prefix + ("true" if value else "false")
    text = str(value)
    if text == NULL or _SHORT.search(text):
        return prefix + _shortened(text)
    max_bytes = MAX_NAME_BYTES - len(prefix)
    # No name that a user of the org chose may lead out of the folder: slashes are
    # encoded, and after the column's name `..` is a name. Windows drops a final dot.
    name = _without_final_dot(quote(text, safe=""))
    if len(name) <= max_bytes:
        return prefix + name
    # Some disks compose letters: decomposed ones would come back changed.
    if unicodedata.is_normalized("NFC", text):
        name = _without_final_dot(
            "".join(c if c.isalnum() else _coded(c) for c in text)
        )
        if len(name.encode()) <= max_bytes:
            return prefix + name
    return prefix + _shortened(text)


def is_short(folder: str) -> bool:
    """Return whether a folder's name has a hash in place of its value."""
    return _SHORT.search(folder) is not None


def _coded(letter: str) -> str:
    return quote(letter, safe="")


def _without_final_dot(name: str) -> str:
    return f"{name[:-1]}%2E" if name.endswith(".") else name


def _shortened(text: str) -> str:
    shown = ""
    for letter in text:
        coded = _coded(letter)  # whole letters only: half of one is not text
        if len(shown) + len(coded) > _SHOWN:
            break
        shown += coded
    return f"{shown}~{sha256(text.encode()).hexdigest()[:16]}"
