"""Names of folders for the values of a column, as Hive has them: `column=value`."""

import re
import unicodedata
from hashlib import sha256
from typing import Final
from urllib.parse import quote

__all__ = ["DATA", "LONGEST_COLUMN", "folder_of", "is_short", "prefix_of"]

DATA: Final = "data.parquet"

NULL: Final = "__HIVE_DEFAULT_PARTITION__"
"""What readers take for null, however it is quoted (pyarrow 26, Polars 2.1)."""

LONGEST: Final = 255
"""Bytes of a name that the usual disks take (NAME_MAX of ext4, XFS, APFS, NTFS)."""

LONGEST_COLUMN: Final = 128
"""Bytes of a column's name, which leave room for a value."""

_SHOWN: Final = 64
"""Bytes of a short name that tell its reader what it was."""

_SHORT: Final = re.compile(r"~[0-9a-f]{16}\Z")


def prefix_of(column: str) -> str:
    """Return what the names of a column's folders begin with."""
    return f"{quote(column, safe='')}="


def folder_of(column: str, value: str | int | bool | None) -> str:  # noqa: FBT001 - a cell
    """Return the name of the folder of a value; another for each value.

    Readers get the value from it. Letters beyond ASCII are percent-encoded, which
    every system takes; they are left as they are where the name would be too long so.
    What is too long even then has a short name with a hash, which is_short knows;
    likewise a text that readers would take for null, or that is like a short name.
    """
    prefix = prefix_of(column)
    if value is None:
        return prefix + NULL
    if isinstance(value, bool):
        return prefix + ("true" if value else "false")
    text = str(value)
    if text == NULL or _SHORT.search(text):
        return prefix + _shortened(text)
    room = LONGEST - len(prefix)
    # Nothing that a tenant names may leave the folder: no slash survives, and the
    # column's name before it keeps `..` a name. Windows drops a final dot.
    name = _without_final_dot(quote(text, safe=""))
    if len(name) <= room:
        return prefix + name
    # Some disks compose letters; there, others would come back.
    if unicodedata.is_normalized("NFC", text):
        name = _without_final_dot(
            "".join(c if c.isalnum() else _coded(c) for c in text)
        )
        if len(name.encode()) <= room:
            return prefix + name
    return prefix + _shortened(text)


def is_short(folder: str) -> bool:
    """Say whether a folder's name has a hash in place of its value."""
    return _SHORT.search(folder) is not None


def _coded(letter: str) -> str:
    return quote(letter, safe="")


def _without_final_dot(name: str) -> str:
    return f"{name[:-1]}%2E" if name.endswith(".") else name


def _shortened(text: str) -> str:
    shown = ""
    for letter in text:
        coded = _coded(letter)  # whole letters: half of one is no text
        if len(shown) + len(coded) > _SHOWN:
            break
        shown += coded
    return f"{shown}~{sha256(text.encode()).hexdigest()[:16]}"
