"""Finds the partitions that earlier runs wrote into a folder."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from gcbatch.errors import OutputError
from gcbatch.table import Table
from gcbatch_exporters.folders import DATA
from gcbatch_exporters.layout import Layout
from gcbatch_exporters.manifest import ELSEWHERE, MANIFEST, Manifest
from gcbatch_exporters.origin import Origin

__all__ = ["ExistingPartitions"]

_LEFTOVER: Final = re.compile(
    rf"\.(?:{re.escape(DATA)}|{re.escape(MANIFEST)})\.[0-9a-f]{{12}}\.part"
)
"""Leftovers of killed runs of older releases, which wrote within the folder."""


@dataclass
class ExistingPartitions:
    """The files that gcbatch wrote into a folder of partitions.

    Outside the table's range only a few files are opened: enough to show that all
    partitions belong to one table.

    Args:
        own: Partitions in the range of the table.
        listed: Partitions that have no origin of their own, but are in the list of an
            older release, in the range or not.
        obsolete: Files that the next export removes: that list, and unfinished files.
    """

    own: dict[str, Origin] = field(default_factory=dict)
    listed: dict[str, Origin] = field(default_factory=dict)
    obsolete: list[str] = field(default_factory=list)

    @classmethod
    def find(cls, folder: Path, layout: Layout, table: Table) -> Self:
        """Return what gcbatch wrote into a folder.

        Raises:
            OutputError: If *folder* is a file, a list in it cannot be trusted, or its
                partitions do not fit the new ones.
        """
        if folder.exists() and not folder.is_dir():
            msg = f"{folder}: is a file, partition_by writes a folder"
            raise OutputError(msg, hint="name a folder, or leave partition_by out")
        found = cls()
        if manifest := Manifest.read(folder):
            found.obsolete.append(MANIFEST)
            about = manifest.model_dump(include={"table", "timezone", "partition_by"})
            found.listed = {f: Origin(**about, file=f) for f in manifest.files}
        found._refuse_others(folder, layout, table)
        return found

    def _refuse_others(self, folder: Path, layout: Layout, table: Table) -> None:
        """Add the files of a folder; refuse partitions that stay and do not fit."""
        misplaced: list[str] = []
        elsewhere: list[str] = []
        for file in _files_in(folder):
            if _LEFTOVER.fullmatch(file.rpartition("/")[2]):
                self.obsolete.append(file)
            elif not layout.is_own(file):
                misplaced.append(file)
            elif not layout.is_covered(file):
                elsewhere.append(file)
            elif origin := self._origin_of(folder, file):
                self.own[file] = origin
        misplaced = [file for file in misplaced if file.endswith(DATA)]
        for origin in self._first_of(folder, misplaced):
            msg = f"{folder}: is partitioned by {', '.join(origin.partition_by)}"
            raise OutputError(msg, hint=ELSEWHERE)
        kept = (origin for f, origin in self.own.items() if layout.is_lacking(f))
        for origin in (*self._first_of(folder, elsewhere), *kept):
            if not origin.fits(table):
                msg = f"{folder}: has partitions of {origin.table} in {origin.timezone}"
                raise OutputError(msg, hint=ELSEWHERE)

    def _origin_of(self, folder: Path, file: str) -> Origin | None:
        try:
            origin = Origin.of(folder, file)
        except OSError as exc:
            raise _unreadable(folder / file, exc) from exc
        if origin is not None:
            self.listed.pop(file, None)  # it was written again later
        return origin or self.listed.get(file)

    def _first_of(self, folder: Path, files: Iterable[str]) -> Iterator[Origin]:
        """Yield the first of *files* that gcbatch wrote, if there is one."""
        for file in files:
            if origin := self._origin_of(folder, file):
                yield origin
                return


def _files_in(folder: Path) -> Iterator[str]:
    """Yield the files below a folder, relative to it; links are not followed.

    Raises:
        OutputError: If a folder cannot be read: its files would stay beside those that
            replace them.
    """
    if not folder.exists():
        return

    def refuse(exc: OSError) -> None:
        if not isinstance(exc, FileNotFoundError):  # another run removed it just now
            raise _unreadable(exc.filename, exc) from exc

    for place, _, names in os.walk(folder, onerror=refuse):
        for name in sorted(names):
            path = Path(place, name)
            if not path.is_symlink():
                yield path.relative_to(folder).as_posix()


def _unreadable(path: object, exc: OSError) -> OutputError:
    msg = f"{path}: cannot be read: {exc.strerror}"
    return OutputError(msg, hint="check its permissions, and the disk")
