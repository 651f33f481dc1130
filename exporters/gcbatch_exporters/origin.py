"""The origin that a partition's file carries, so that gcbatch recognises its files."""

import errno
from pathlib import Path
from typing import BinaryIO, Final, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from gcbatch.exporting import open_regular
from gcbatch.table import Table

__all__ = ["Origin"]

KEY: Final = "gcbatch.partition"
"""The key in the metadata of the file; readers do not show it with the table's."""

_NOT_OURS: Final = (None, errno.ENOENT, errno.EINVAL, errno.EISDIR)
"""A file that is not Parquet (without a number, from Arrow), not regular, or gone."""


class Origin(BaseModel):
    """What a partition's file says of itself.

    Args:
        version: Version of this format.
        table: Name of the table.
        timezone: Time zone of its days and months.
        partition_by: Names of the folders, from the top.
        file: Its path in the folder, with forward slashes; a copy elsewhere does not
            count as gcbatch's.
        is_whole: Whether no row of its day, month or other value was missing.
        values: The values of folders with short names, by folder.
    """

    model_config = ConfigDict(frozen=True)

    version: Literal[1] = 1
    table: str
    timezone: str
    partition_by: tuple[str, ...]
    file: str
    is_whole: bool = True
    values: dict[str, str] = {}

    @classmethod
    def of(cls, folder: Path, file: str) -> "Origin | None":
        """Return the origin of a file; None if gcbatch did not write it there.

        Raises:
            OSError: If the disk does not let it be read, so that nothing is known.
        """
        try:
            with open_regular(folder / file) as opened:
                return cls.read(opened, file)
        except OSError as exc:
            if exc.errno not in _NOT_OURS:
                raise
            return None

    @classmethod
    def read(cls, opened: BinaryIO, file: str) -> "Origin | None":
        """Return the origin that a file says; None if gcbatch did not write it there.

        Args:
            opened: The file, or only its end with the whole footer.
            file: Its path in the folder.

        Raises:
            OSError: If it cannot be read.
        """
        try:
            said = (pq.read_metadata(opened).metadata or {})[KEY.encode()]
            found = cls.model_validate_json(said)
        except OSError as exc:
            if exc.errno is not None:
                raise
            return None
        except (pa.ArrowException, KeyError, ValidationError):
            return None
        return found if found.file == file else None

    def fits(self, table: Table) -> bool:
        """Return whether the rows are of the same table, cut by the same days."""
        return (self.table, self.timezone) == (table.name, table.timezone.key)

    @property
    def metadata(self) -> dict[str, str]:
        """The entry for the file's metadata."""
        return {KEY: self.model_dump_json()}
