"""Reads Delta tables without the library that wrote them: the log, then Parquet."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["Log", "rows_of"]

KINDS = {"long": pa.int64(), "integer": pa.int32(), "date": pa.date32()}


@dataclass
class Log:
    """The commits of a Delta table, replayed from the first.

    Attributes:
        files: The present files, and the values of their partitions.
        metadata: The present metadata.
        protocol: The versions that readers and writers need.
        commits: What each commit says about itself.
    """

    folder: Path
    files: dict[str, dict[str, str | None]] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    protocol: dict[str, Any] = field(default_factory=dict)
    commits: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, folder: Path, *, version: int | None = None) -> "Log":
        """Replay the log of a table, up to a version."""
        log = cls(folder)
        for path in sorted((folder / "_delta_log").glob("*.json")):
            if version is not None and int(path.stem) > version:
                break
            for line in path.read_text("utf-8").splitlines():
                log._apply(json.loads(line))
        return log

    def _apply(self, action: dict[str, Any]) -> None:
        ((kind, said),) = action.items()
        match kind:
            case "add":
                self.files[unquote(said["path"])] = said["partitionValues"]
            case "remove":
                del self.files[unquote(said["path"])]
            case "metaData":
                self.metadata = said
            case "protocol":
                self.protocol = said
            case "commitInfo":
                self.commits.append(said)
            case _:
                pass  # transactions

    @property
    def fields(self) -> dict[str, dict[str, Any]]:
        """The columns, by name."""
        schema = json.loads(self.metadata["schemaString"])
        return {one["name"]: one for one in schema["fields"]}


def rows_of(folder: Path, *, version: int | None = None) -> list[dict[str, Any]]:
    """Return the rows of a Delta table, each with all of its columns, in any order."""
    log = Log.of(folder, version=version)
    rows = []
    for path, values in log.files.items():
        with pq.ParquetFile(folder / path) as file:
            data = file.read()
        for name, text in values.items():
            kind = KINDS.get(str(log.fields[name]["type"]), pa.string())
            value = pa.scalar(text, pa.string()).cast(kind)
            data = data.append_column(name, pa.repeat(value, data.num_rows))
        nulls = dict.fromkeys(log.fields)
        rows += [{**nulls, **row} for row in data.to_pylist()]
    return rows
