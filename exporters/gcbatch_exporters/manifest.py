"""The manifest of a folder of partitions: what gcbatch wrote there."""

from pathlib import Path
from typing import Final, Literal
from urllib.parse import quote

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from gcbatch.errors import OutputError

__all__ = ["DATA", "ELSEWHERE", "MANIFEST", "Manifest"]

DATA: Final = "data.parquet"
MANIFEST: Final = "_gcbatch.json"
"""Readers of Parquet folders pass over names that begin with an underscore."""

ELSEWHERE: Final = "name another folder, or move this one away"


class Manifest(BaseModel):
    """What gcbatch wrote into a folder, and so may replace or remove.

    Args:
        version: Of this file's format.
        table: Name of the table.
        timezone: Of its days and months.
        partition_by: Names of the folders, from the top.
        files: Relative to the folder, with forward slashes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    table: str
    timezone: str
    partition_by: tuple[str, ...]
    files: tuple[str, ...]

    @classmethod
    def read(cls, folder: Path) -> "Manifest | None":
        """Return a folder's manifest, of the files that are still there.

        Raises:
            OutputError: If it cannot be read, is not one, or names files that are
                no partitions inside the folder.
        """
        path = folder / MANIFEST
        try:
            found = cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as exc:
            msg = f"{path}: cannot be read: {exc.strerror}"
            raise OutputError(msg, hint="check its permissions") from exc
        except ValidationError as exc:
            msg = f"{path}: is no list of partitions"
            raise OutputError(msg, hint=ELSEWHERE) from exc
        root = folder.resolve()
        for file in found.files:
            if not found.fits(file) or not (folder / file).resolve().is_relative_to(
                root
            ):
                msg = f"{path}: names a file that is no partition in it ({file})"
                raise OutputError(msg, hint=ELSEWHERE)
        there = tuple(file for file in found.files if (folder / file).is_file())
        return found.model_copy(update={"files": there})

    def fits(self, file: str) -> bool:
        """Whether *file* is where a partition of this layout would be."""
        *folders, name = file.split("/")
        return (
            name == DATA
            and "\\" not in file
            and len(folders) == len(self.partition_by) > 0
            and all(
                folder.startswith(quote(column, safe="") + "=")
                for folder, column in zip(folders, self.partition_by, strict=True)
            )
        )

    def as_json(self) -> bytes:
        """Return the manifest as it is kept."""
        return orjson.dumps(
            self.model_dump(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        )
