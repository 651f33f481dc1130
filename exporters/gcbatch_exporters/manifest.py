"""The list of files that older releases wrote into a folder of partitions.

It is read because the listed files carry no origin. The next export removes it: readers
expect only data in the folder.
"""

from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from gcbatch.errors import OutputError
from gcbatch.exporting import read_bounded
from gcbatch_exporters.folders import DATA, prefix_of

__all__ = ["ELSEWHERE", "MANIFEST", "Manifest", "fits"]

MANIFEST: Final = "_gcbatch.json"

MAX_BYTES: Final = 256 << 20
"""Size of a manifest; a million partitions take less than half of it."""

ELSEWHERE: Final = "name another folder, or move this one away"


class Manifest(BaseModel):
    """The files that gcbatch wrote into a folder, and so may replace or remove.

    Args:
        version: Version of this format.
        table: Name of the table.
        timezone: Time zone of its days and months.
        partition_by: Names of the folders, from the top.
        files: Paths in the folder, with forward slashes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    table: str
    timezone: str
    partition_by: tuple[str, ...]
    files: tuple[str, ...]

    @classmethod
    def read(cls, folder: Path) -> "Manifest | None":
        """Return a folder's manifest, with only the files that still exist.

        Raises:
            OutputError: If it cannot be read, is not a manifest, or names files that
                are not partitions in the folder.
        """
        path = folder / MANIFEST
        try:
            found = cls.model_validate_json(read_bounded(path, MAX_BYTES))
        except FileNotFoundError:
            return None
        except OSError as exc:
            msg = f"{path}: cannot be read: {exc.strerror}"
            raise OutputError(msg, hint="check its permissions") from exc
        except ValidationError as exc:
            msg = f"{path}: is not a list of partitions"
            raise OutputError(msg, hint=ELSEWHERE) from exc
        root = folder.resolve()
        for file in found.files:
            is_inside = (folder / file).resolve().is_relative_to(root)
            if not (is_inside and fits(file, found.partition_by)):
                msg = f"{path}: names a file that is not a partition in it ({file})"
                raise OutputError(msg, hint=ELSEWHERE)
        there = tuple(file for file in found.files if (folder / file).is_file())
        return found.model_copy(update={"files": there})


def fits(file: str, partition_by: tuple[str, ...]) -> bool:
    """Return whether *file* is where a partition of this layout would be."""
    *folders, name = file.split("/")
    return (
        name == DATA
        and "\\" not in file
        and len(folders) == len(partition_by) > 0
        and all(
            folder.startswith(prefix_of(column))
            for folder, column in zip(folders, partition_by, strict=True)
        )
    )
