"""Paths in a job file."""

import os
import re
from pathlib import Path
from typing import Annotated, Final

from pydantic import BeforeValidator

__all__ = ["LocalPath"]

_SCHEME: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+):[/\\]")
"""The scheme of a URL; a single letter is a drive of Windows."""

MAX_NAME_BYTES: Final = 255
"""Longest name of a folder or file, on every common disk."""


def _check_local(value: object) -> object:
    """Refuse what looks like a path, but was meant otherwise."""
    if not isinstance(value, (str, Path)):
        return value
    text = str(value)
    if isinstance(value, str) and not text.strip():
        msg = "must not be empty; name a file or folder"
        raise ValueError(msg)
    if found := _SCHEME.match(text):
        scheme = found["scheme"].lower()
        way_out = "object stores are not supported yet; write to a disk, and copy it"
        if scheme == "file":
            way_out = "write the path alone"
        msg = f"{text} is a URL, not a path; {way_out}"
        raise ValueError(msg)
    if long := [n for n in Path(text).parts if len(os.fsencode(n)) > MAX_NAME_BYTES]:
        msg = f"{long[0][:20]}… is longer than the {MAX_NAME_BYTES} bytes of a name"
        raise ValueError(msg)
    return value


LocalPath = Annotated[Path, BeforeValidator(_check_local)]
"""A file or folder of this machine, as the job file names it."""
