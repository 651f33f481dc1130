"""The rows of a table as a lake gets them."""

from collections.abc import Iterator

import pyarrow as pa

from gcbatch.table import Table
from gcbatch_exporters.lakes.partition_columns import PartitionColumns

__all__ = ["RowStream"]


class RowStream:
    """Streams the rows of the spans that a table covers, with the lake's columns.

    Args:
        table: The table.
        schema: Columns in the lake: the table's, then those made of its time.
        partitions: The partition columns.

    Attributes:
        schema: Columns in the lake.
        partitions: The partition columns.
        count: Rows so far.
    """

    def __init__(
        self,
        table: Table,
        schema: pa.Schema,
        partitions: PartitionColumns,
    ) -> None:
        self._table = table
        self.schema = schema
        self.partitions = partitions
        self.count = 0

    def reader(self) -> pa.RecordBatchReader:
        """Return the rows as an Arrow stream; it is read once."""
        return pa.RecordBatchReader.from_batches(self.schema, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for batch in self._table.covered_rows():
            self.count += batch.num_rows
            yield self._in_lake(batch)
            del batch  # or it would stay in memory while the next is made

    def _in_lake(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        columns = [
            column.cast(field.type)
            for column, field in zip(
                self.partitions.added_to(batch), self.schema, strict=True
            )
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)
