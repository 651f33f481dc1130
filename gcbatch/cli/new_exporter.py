"""Writes the package of a new exporter from the templates in `scaffold/`.

The templates are a package that works, whose exporter is called `call-history`. The
files of all kinds are in `any/`.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath
from typing import Final

from gcbatch.errors import JobError, OutputError
from gcbatch.exporting import installed_exporters

__all__ = ["NewPackage", "write_package"]

MAX_NAME: Final = 30
"""Longer names would make lines that the formatter breaks."""

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_RESERVED: Final = ("exporters", "new", "show")
"""`gcbatch exporters new` is a command, and gcbatch_exporters a package of gcbatch."""

_GCBATCH: Final = "gcbatch>=0.2"
"""How the templates name gcbatch; the new package names the version that wrote it."""


@dataclass(frozen=True)
class NewPackage:
    """A package that was written.

    Args:
        folder: Where it is.
    """

    folder: Path

    @property
    def next_commands(self) -> list[str]:
        """The commands to go on with, for a shell."""
        return [
            f"cd {shlex.quote(str(self.folder))}",
            "pip install -e '.[dev]'",
            "pytest",
        ]


def write_package(name: str, kind: str, folder: Path | None = None) -> NewPackage:
    """Write a package with an exporter that passes its tests.

    Args:
        name: Its name in job files.
        kind: `database` or `file`.
        folder: Where the package is to be; None is `gcbatch-NAME`.

    Raises:
        JobError: If the name is none, or taken, or the folder is there already.
        OutputError: If the folder cannot be written.
    """
    _check_name(name)
    folder = Path(f"gcbatch-{name}") if folder is None else folder
    if folder.exists() or folder.is_symlink():
        msg = f"{folder}: exists already"
        hint = "name another folder with --folder FOLDER"
        raise JobError(msg, hint=hint)
    try:
        for path, text in _rendered(name, kind):
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as exc:
        msg = f"{folder}: cannot be written: {exc.strerror}"
        raise OutputError(msg, hint="name another folder: `--folder FOLDER`") from exc
    return NewPackage(folder)


def _check_name(name: str) -> None:
    where = "gcbatch exporters new"
    if not _NAME.fullmatch(name) or len(name) > MAX_NAME:
        msg = f"{where}: no name for an exporter ({name!r})"
        hint = (
            f"use lower-case letters, digits and single hyphens, a letter first, at "
            f"most {MAX_NAME}: call-history"
        )
        raise JobError(msg, hint=hint)
    if name in _RESERVED:
        msg = f"{where}: a word of gcbatch's own ({name})"
        raise JobError(msg, hint="choose another name")
    for entry in installed_exporters():
        if entry.name == name:
            msg = f"{where}: an exporter has this name ({entry})"
            raise JobError(msg, hint="choose another name: two of one name are refused")


def _rendered(name: str, kind: str) -> Iterator[tuple[PurePosixPath, str]]:
    """Yield the path and text of each file of the package."""
    words = name.split("-")
    spellings = {
        "call-history": name,
        "call_history": "_".join(words),
        "CallHistory": "".join(word.capitalize() for word in words),
        _GCBATCH: f"gcbatch>={version('gcbatch')}",
    }
    pattern = re.compile("|".join(map(re.escape, spellings)))
    templates = files("gcbatch.cli") / "scaffold"
    for folder in ("any", kind):
        for path, text in _texts(templates / folder, PurePosixPath()):
            named = PurePosixPath(pattern.sub(lambda m: spellings[m[0]], str(path)))
            yield named, pattern.sub(lambda m: spellings[m[0]], text)


def _texts(
    folder: Traversable, below: PurePosixPath
) -> Iterator[tuple[PurePosixPath, str]]:
    """Yield all templates of a folder, with the paths that they are to have."""
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.name == "__pycache__":
            continue  # pip compiles templates too
        # Tools would take .gitignore and pyproject.toml for their own settings.
        path = below / entry.name.removesuffix(".template")
        if entry.is_dir():
            yield from _texts(entry, path)
        else:
            yield path, entry.read_text("utf-8")
