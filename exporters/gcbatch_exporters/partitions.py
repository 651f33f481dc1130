"""A folder of Parquet partitions, `month=2026-10/queue_id=9f1c…/data.parquet`.

By Hive's convention, partition columns are in the folders' names and left out of the
files; readers put them back. (If they are in both, readers take the name, and pyarrow
refuses columns whose values look like numbers; checked with pyarrow 26, DuckDB 2.0 and
Polars 2.1.)

The folder holds only data. Each file says in its own metadata that gcbatch wrote it
(`origin.py`), so that simultaneous runs have no list to share.
"""

import mmap
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gcbatch.errors import OutputError
from gcbatch.exporting import Target
from gcbatch.table import Table, rebatch
from gcbatch_exporters.existing_partitions import ExistingPartitions
from gcbatch_exporters.layout import ORG, Layout
from gcbatch_exporters.origin import Origin
from gcbatch_exporters.partition_folder import PartitionFolder

__all__ = ["Partitions"]

Write = Callable[[Path, pa.Schema, Iterable[pa.RecordBatch], Mapping[str, str]], int]
"""Writes batches to a path, with metadata of the file; returns the number of rows."""

Spans = dict[str, list[tuple[int, int, int]]]
"""Where the rows of each partition are: batch, first row, rows."""


@dataclass(frozen=True)
class Partitions:
    """One table's partitions in a folder.

    Args:
        folder: The folder of all partitions.
        layout: Layout of the table.
    """

    folder: PartitionFolder
    layout: Layout
    _shortened: dict[str, str] = field(default_factory=dict)

    def write(self, table: Table, target: Target, write: Write) -> int:
        """Stage the partitions of a table, and discard outdated ones.

        Rows are spilled to an unnamed temporary file, sorted by partition within each
        batch, then gathered: one output is open at a time and one batch in memory,
        however many partitions there are.

        On a disk the folder is locked from the look at it until all is published: of
        two simultaneous runs, the later one replaces partitions of the other as it
        would a day later.

        Args:
            table: The table of the layout.
            target: Stages the files.
            write: Writes one of them.

        Returns:
            Number of rows written.

        Raises:
            OutputError: If a file that gcbatch did not write is in the way, or
                partitions are there that do not fit the new ones.
            DataError: If a row is not in the range that the table covers.
        """
        self.folder.prepare(target)
        with self.folder.spill() as spill:
            schema, spans = self._spill(table, spill)
            rows: dict[str, int] = {}
            batches = _mapped(spill)
            for file in spans:
                staged = self.folder.stage(file, target)
                parts = (batches[n].slice(at, count) for n, at, count in spans[file])
                batches_of_file = rebatch(parts, schema, table.batch_rows)
                said = self._origin(file, table).metadata
                rows[file] = write(staged, schema, batches_of_file, said)
        self.folder.hold(target)
        found = ExistingPartitions.find(self.folder, self.layout, table, all_own=True)
        for file in self._worse(found, spans):
            self.folder.unstage(file, target)
            del rows[file]
        self._refuse_in_the_way(found, rows)
        folders = {file.rpartition("/")[0] for file in rows}
        self.folder.make_folders(folders, target)
        outdated = set(self._outdated(found, rows))
        for file in (*sorted(outdated), *found.obsolete):
            self.folder.discard(file, target)
        for file in found.listed.keys() - outdated - rows.keys():
            self._adopt(found.listed[file], target, write)
        return sum(rows.values())

    def _origin(self, file: str, table: Table) -> Origin:
        folders = file.split("/")
        lacks_orgs = table.lacking_orgs and ORG not in self.layout.columns
        return Origin(
            table=table.name,
            timezone=table.timezone.key,
            partition_by=self.layout.names,
            file=file,
            is_whole=not (lacks_orgs or self.layout.is_lacking(file)),
            values={f: self._shortened[f] for f in folders if f in self._shortened},
        )

    def _worse(self, found: ExistingPartitions, spans: Collection[str]) -> list[str]:
        """Return the new partitions that lack rows which the present ones have.

        A day that could not be fetched whole does not replace a whole one.
        """
        if self.layout.unit is None:
            return []
        whole = {
            self.layout.span_of(file)
            for file, origin in found.own.items()
            if origin.is_whole and self.layout.is_lacking(file)
        }
        return [
            file
            for file in spans
            if self.layout.is_lacking(file) and self.layout.span_of(file) in whole
        ]

    def _outdated(
        self, found: ExistingPartitions, new: Collection[str]
    ) -> Iterator[str]:
        """Yield the present partitions that new ones replace."""
        layout = self.layout
        replaced = {layout.span_of(file) for file in new if layout.unit}
        for file in found.own.keys() - set(new):
            if not layout.is_lacking(file) or layout.span_of(file) in replaced:
                yield file

    def _refuse_in_the_way(self, found: ExistingPartitions, new: Iterable[str]) -> None:
        for file in new:
            if file not in found.own and self.folder.is_taken(file):
                path = self.folder.path / file
                msg = f"{path}: is in the way, and gcbatch did not write it"
                raise OutputError(msg, hint="move it away, or name another folder")

    def _adopt(self, origin: Origin, target: Target, write: Write) -> None:
        """Write a partition of an older release again, with its origin."""
        try:
            with self.folder.open(origin.file) as file:
                parquet = pq.ParquetFile(file, pre_buffer=False)
                groups = range(parquet.num_row_groups)
                batches = (
                    batch
                    for n in groups
                    for batch in parquet.read_row_group(n, use_threads=False)
                    .combine_chunks()
                    .to_batches()
                )
                staged = self.folder.stage(origin.file, target)
                write(staged, parquet.schema_arrow, batches, origin.metadata)
        except (OSError, pa.ArrowException):
            self.folder.unstage(origin.file, target)  # a damaged file stays as it is

    def _spill(self, table: Table, file: Any) -> tuple[pa.Schema, Spans]:
        kept = [
            field for field in table.schema if field.name not in self.layout.columns
        ]
        schema = pa.schema(kept, metadata=table.schema.metadata)
        spans: Spans = {}
        with pa.ipc.new_file(file, schema) as writer:
            for number, batch in enumerate(table):
                files, counts, ordered = self.layout.split(
                    batch, table, self._shortened
                )
                writer.write_batch(ordered.cast(schema))
                at = 0
                for name, count in zip(files, counts, strict=True):
                    spans.setdefault(name, []).append((number, at, count))
                    at += count
        file.flush()
        return schema, spans


def _mapped(file: Any) -> list[pa.RecordBatch]:
    """Return the batches of an IPC file, which stay on disk until they are read."""
    view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    reader = pa.ipc.open_file(pa.py_buffer(view))
    return [reader.get_batch(n) for n in range(reader.num_record_batches)]
