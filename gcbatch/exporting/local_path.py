"""Paths in a job file."""

import os
import re
from importlib.util import find_spec
from pathlib import Path, PurePath
from typing import Annotated, Final

from pydantic import BeforeValidator

from gcbatch.objects import SCHEMES, ObjectUrl, is_object_url, path_of

__all__ = ["LocalPath", "OutputPath"]

_SCHEME: Final = re.compile(r"\s*(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+):[/\\]")
"""The scheme of a URL, maybe after a space; a single letter is a drive of Windows."""

_MEANT: Final = re.compile(rf"\s*(?:{'|'.join(SCHEMES)}):", re.IGNORECASE)
"""What was meant as the address of an object, such as `s3:bucket/key`."""

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
    if isinstance(value, str) and (odd := re.search(r"[\x00-\x1f]", value)):
        msg = (
            f"has {odd[0]!r} in it, which double quotes make of a backslash; "
            "write the path in single quotes"
        )
        raise ValueError(msg)
    if found := _SCHEME.match(text):
        way_out = "name a place on this machine"
        if found["scheme"].lower() == "file":
            way_out = "write the path alone"
        msg = f"{text} is a URL, not a path; {way_out}"
        raise ValueError(msg)
    if long := [n for n in Path(text).parts if len(os.fsencode(n)) > MAX_NAME_BYTES]:
        msg = f"{long[0][:20]}… is longer than the {MAX_NAME_BYTES} bytes of a name"
        raise ValueError(msg)
    return value


LocalPath = Annotated[Path, BeforeValidator(_check_local)]
"""A file or folder of this machine, as the job file names it."""


def _read_output(value: object) -> object:
    """Return the path that a value means, or the address of an object."""
    if isinstance(value, str) and _MEANT.match(value) and not is_object_url(value):
        msg = f"{value} is no address of an object; write s3://bucket/folder/file"
        raise ValueError(msg)
    if not isinstance(value, (str, PurePath)) or not is_object_url(value):
        value = _check_local(value)
        return path_of(value) if isinstance(value, str) else value
    if not ObjectUrl.parse(value).key:
        msg = f"{value} is a bucket; name a place in it, such as {value}/genesys"
        raise ValueError(msg)
    if find_spec("obstore") is None:
        msg = f"{value} is in an object store; pip install 'gcbatch[objects]'"
        raise ValueError(msg)
    return path_of(value)


OutputPath = Annotated[PurePath, BeforeValidator(_read_output)]
"""A file or folder, as the job file names it: a Path of this machine, or an ObjectPath
for the URL of an object store."""
