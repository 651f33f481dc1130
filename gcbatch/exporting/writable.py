"""Says whether an output could be written, without writing anything."""

import os
import shutil
from pathlib import Path, PurePath
from typing import Final, Literal

from gcbatch.errors import OutputError
from gcbatch.objects import Buckets, ObjectUrl, is_object_url

__all__ = ["require_writable"]

FULL: Final = 1_000_000
"""Bytes. A disk with fewer has no space for an output worth its name."""

_HINT: Final = "check the folder and its permissions"


def require_writable(
    path: PurePath,
    kind: Literal["file", "folder"] = "file",
    *,
    buckets: Buckets | None = None,
) -> None:
    """Refuse a path that could not be written now.

    Nothing is created. A path of this machine is judged by what is there: a file is
    written beside its place first, so its folder counts, or the nearest folder above
    that exists. An object is asked for, which shows whether its bucket can be reached;
    whether it may be written shows only in writing.

    Args:
        path: Where the output is to be.
        kind: Whether it is a file, or a folder of files.
        buckets: Access to object stores. Default: as the environment says.

    Raises:
        OutputError: If it could not be written; says why.
        JobError: If the settings of the object store cannot be used.
    """
    if is_object_url(path):
        url = ObjectUrl.parse(path)
        (buckets or Buckets()).of(url).head(url.key)
        return
    path = Path(path)
    try:
        problem, hint = _problem_of(path, kind)
    except OSError as exc:
        problem, hint = f"cannot be written: {exc.strerror or exc}", _HINT
    if problem:
        msg = f"{path}: {problem}"
        raise OutputError(msg, hint=hint)


def _problem_of(path: Path, kind: Literal["file", "folder"]) -> tuple[str, str]:
    """Return what prevents writing to a path, with the next step; empty if nothing.

    Raises:
        OSError: If the system does not say what is there.
    """
    place = path.resolve() if path.is_symlink() else path
    if kind == "file" and place.exists() and not place.is_file():
        what = "a folder" if place.is_dir() else "no regular file"
        return f"is {what}", "name a file, such as out/intervals.csv"
    if kind == "folder" and place.exists() and not place.is_dir():
        return "is a file, not a folder", "name a folder, such as out/intervals"
    folder = place if kind == "folder" else place.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        return f"cannot be written: {folder} is a file, not a folder", _HINT
    if not os.access(
        folder, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids
    ):
        return f"cannot be written: no permission to write to {folder}", _HINT
    if shutil.disk_usage(folder).free < FULL:
        return "cannot be written: no space is left", "free space on its disk"
    return "", ""
