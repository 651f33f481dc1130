"""Finds the partitions that earlier runs wrote into a folder."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Self

from gcbatch.errors import OutputError
from gcbatch.table import Table
from gcbatch_exporters.folders import DATA
from gcbatch_exporters.layout import Layout
from gcbatch_exporters.manifest import ELSEWHERE, MANIFEST
from gcbatch_exporters.origin import Origin
from gcbatch_exporters.partition_folder import PartitionFolder

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
    def find(
        cls, folder: PartitionFolder, layout: Layout, table: Table, *, all_own: bool
    ) -> Self:
        """Return what gcbatch wrote into a folder.

        Args:
            folder: The folder.
            layout: Layout of the table.
            table: The table.
            all_own: Whether the partitions in the range are to be returned; otherwise
                no more is read than it takes to refuse what does not fit.

        Raises:
            OutputError: If the folder is a file or cannot be read, a list in it cannot
                be trusted, or its partitions do not fit the new ones.
        """
        found = cls()
        found._refuse_others(folder, layout, table, all_own=all_own)
        return found

    def _refuse_others(
        self, folder: PartitionFolder, layout: Layout, table: Table, *, all_own: bool
    ) -> None:
        """Add the files of a folder; refuse partitions that stay and do not fit."""
        files = list(folder.files())
        if manifest := folder.manifest():
            self.obsolete.append(MANIFEST)
            about = manifest.model_dump(include={"table", "timezone", "partition_by"})
            self.listed = {f: Origin(**about, file=f) for f in manifest.files}
        misplaced: list[str] = []
        elsewhere: list[str] = []
        covered: list[str] = []
        for file in files:
            if _LEFTOVER.fullmatch(file.rpartition("/")[2]):
                self.obsolete.append(file)
            elif not layout.is_own(file):
                misplaced.append(file)
            elif not layout.is_covered(file):
                elsewhere.append(file)
            elif all_own or layout.is_lacking(file):
                covered.append(file)
        self.own.update(self._origins(folder, covered))
        misplaced = [file for file in misplaced if file.endswith(DATA)]
        for origin in self._first_of(folder, misplaced):
            msg = f"{folder}: is partitioned by {', '.join(origin.partition_by)}"
            raise OutputError(msg, hint=ELSEWHERE)
        kept = (origin for f, origin in self.own.items() if layout.is_lacking(f))
        for origin in (*self._first_of(folder, elsewhere), *kept):
            if not origin.fits(table):
                msg = f"{folder}: has partitions of {origin.table} in {origin.timezone}"
                raise OutputError(msg, hint=ELSEWHERE)

    def _origins(
        self, folder: PartitionFolder, files: Collection[str]
    ) -> dict[str, Origin]:
        """Return the origins of files, those of an older release from its list."""
        own = folder.origins(files)
        listed = {f: self.listed[f] for f in files if f in self.listed and f not in own}
        for file in own:
            self.listed.pop(file, None)  # it was written again later
        return {**own, **listed}

    def _first_of(
        self, folder: PartitionFolder, files: Iterable[str]
    ) -> Iterator[Origin]:
        """Yield the first of *files* that gcbatch wrote, if there is one."""
        for file in files:
            if found := self._origins(folder, [file]):
                yield found[file]
                return
