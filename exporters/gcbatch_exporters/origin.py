"""What a partition says of itself, by which gcbatch knows what it wrote."""

import errno
from pathlib import Path
from typing import Final, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from gcbatch.exporting import open_regular
from gcbatch.table import Table

__all__ = ["Origin"]

KEY: Final = "gcbatch.partition"
"""Of the file's metadata, which readers do not take for the table's."""


_NOT_OURS: Final = (None, errno.ENOENT, errno.EINVAL, errno.EISDIR)
"""What is no Parquet file (Arrow gives no number then), no regular one, or gone."""


class Origin(BaseModel):
    """What a partition's file says of itself.

    Args:
        version: Of what is said.
        table: Name of the table.
        timezone: Of its days and months.
        partition_by: Names of the folders, from the top.
        file: Where it was put, relative to the folder, with forward slashes: a copy
            elsewhere is not gcbatch's.
        is_whole: Whether all of its day or month, or whatever it is of, was there.
        values: Of folders whose name is short, the values that they stand for.
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
        """Return what a file says of itself; None if gcbatch did not write it there.

        Raises:
            OSError: If nobody can tell, for the disk does not let it be read.
        """
        try:
            with open_regular(folder / file) as opened:
                said = (pq.read_metadata(opened).metadata or {})[KEY.encode()]
            found = cls.model_validate_json(said)
        except OSError as exc:
            if exc.errno not in _NOT_OURS:
                raise
            return None
        except (pa.ArrowException, KeyError, ValidationError):
            return None
        return found if found.file == file else None

    def fits(self, table: Table) -> bool:
        """Say whether the rows are of the same table, cut by the same days."""
        return (self.table, self.timezone) == (table.name, table.timezone.key)

    @property
    def metadata(self) -> dict[str, str]:
        """What the file's metadata gets."""
        return {KEY: self.model_dump_json()}
