"""Parquet: one file, or a folder of partitions."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel

from gcbatch.exporting import FileOptions, ObjectPath, Receipt, Target
from gcbatch.table import BATCH_ROWS, Table
from gcbatch_exporters.base import FileExporter, only_table
from gcbatch_exporters.existing_partitions import ExistingPartitions
from gcbatch_exporters.layout import Layout
from gcbatch_exporters.partition_folder import DiskFolder, PartitionFolder
from gcbatch_exporters.partition_objects import ObjectFolder
from gcbatch_exporters.partitions import Partitions

__all__ = ["ParquetExporter", "ParquetOptions"]


class ParquetOptions(FileOptions):
    """Options of the parquet exporter.

    Args:
        path: A file; with `partition_by` a folder. A path, which starts at the current
            directory if it is relative, exactly as given; or the URL of an object or
            a folder of them, such as `s3://bucket/intervals`.
        compression: Compression of the pages.
        partition_by: Columns of text, whole numbers or booleans whose values become
            folders, and `day` or `month` of the table's times in its time zone.
            Default: one file.
    """

    compression: Literal["zstd", "snappy", "gzip", "none"] = "zstd"
    partition_by: tuple[str, ...] = ()


class ParquetExporter(FileExporter[ParquetOptions]):
    """Writes one table as Parquet; the same rows give the same bytes.

    The schema has its fields' metadata, pages have checksums, and each batch of the
    table is a row group. With `partition_by` it writes a folder as Hive does,
    `day=2026-10-16/data.parquet`: days or months that the table covers are replaced as
    a whole, others stay as they are. A value too long for a folder's name gets a short
    name with a hash.
    """

    Options: ClassVar[type[BaseModel]] = ParquetOptions

    def check(self, tables: Mapping[str, Table]) -> None:
        """Refuse what cannot be exported.

        Raises:
            JobError: If there is not exactly one table, it cannot be partitioned as
                asked, or its range covers a day or month only in part.
            OutputError: If the folder is a file, cannot be read or holds what cannot be
                replaced.
        """
        table = only_table(tables, "parquet")
        if self._options.partition_by:
            layout = Layout.of(table, self._options.partition_by)
            folder = self._folder
            ExistingPartitions.find(
                folder, layout, table, all_own=folder.is_read_by_check
            )

    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        """Write the table.

        Raises:
            JobError: As in check.
            OutputError: As in check, or if a file that gcbatch did not write is in
                the way.
        """
        table = only_table(tables, "parquet")
        if self._options.partition_by:
            layout = Layout.of(table, self._options.partition_by)
            partitions = Partitions(self._folder, layout)
            rows = partitions.write(table, target, self._write)
        else:
            staged = target.stage(self._options.path)
            rows = self._write(staged, table.schema, table, {})
        return Receipt(str(self._options.path), rows)

    @property
    def _folder(self) -> PartitionFolder:
        path = self._options.path
        if isinstance(path, ObjectPath):
            return ObjectFolder(path, self._options.buckets)
        return DiskFolder(Path(path))

    def _write(
        self,
        path: Path,
        schema: pa.Schema,
        batches: Iterable[pa.RecordBatch],
        metadata: Mapping[str, str],
    ) -> int:
        rows = 0
        with pq.ParquetWriter(
            path,
            schema,
            compression=self._options.compression,
            write_page_checksum=True,
        ) as writer:
            for batch in batches:
                writer.write_batch(batch, row_group_size=BATCH_ROWS)
                rows += batch.num_rows
                del batch  # or it would stay in memory while the next is made
            if metadata:
                writer.add_key_value_metadata(metadata)
        return rows
