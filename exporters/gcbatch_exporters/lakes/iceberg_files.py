"""Data files of an Iceberg table, written in bounded memory."""

from collections.abc import Iterator
from functools import reduce
from typing import Any, Final
from uuid import uuid4

import pyarrow as pa

from gcbatch.lazy import lazy_import

__all__ = ["MAX_BYTES", "DataFiles"]

pc = lazy_import("pyarrow.compute")
arrow_io = lazy_import("pyiceberg.io.pyarrow")
ice_table = lazy_import("pyiceberg.table")
partitioning = lazy_import("pyiceberg.partitioning")

MAX_BYTES: Final = 64 * 2**20
"""Bytes of rows in memory that become one file, whatever size the table asks for:
pyiceberg holds what it writes into a file."""

_EPOCH: Final = 1970
_MONTHS: Final = 12

Values = tuple[Any, ...]


class DataFiles:
    """Writes rows to new data files; they belong to the table once a commit says so.

    Args:
        metadata: That of the table, with the columns that the rows have.
        io: Its files.

    Attributes:
        written: The files so far.
    """

    def __init__(self, metadata: Any, io: Any) -> None:
        self._metadata = metadata
        self._io = io
        self._schema = metadata.schema()
        self._spec = metadata.spec()
        self._arrow = arrow_io.schema_to_pyarrow(self._schema, include_field_ids=False)
        self._waiting: dict[Values, list[pa.RecordBatch]] = {}
        self._bytes: dict[Values, int] = {}
        self._id = uuid4()
        self.written: list[Any] = []

    def add(self, batch: pa.RecordBatch) -> None:
        """Take rows; columns that they lack are null."""
        for values, part in self._by_partition(self._fitted(batch)):
            self._waiting.setdefault(values, []).append(part)
            self._bytes[values] = self._bytes.get(values, 0) + part.nbytes
        while sum(self._bytes.values()) >= MAX_BYTES:
            self._write(max(self._bytes, key=self._bytes.__getitem__))

    def finish(self) -> None:
        """Write the rows that wait."""
        for values in list(self._waiting):
            self._write(values)

    def remove(self) -> None:
        """Remove the files: no commit has them."""
        for file in self.written:
            self._io.delete(file.file_path)
        self.written.clear()

    def _write(self, values: Values) -> None:
        key = None
        if values:
            pairs = zip(self._spec.fields, values, strict=True)
            fields = [partitioning.PartitionFieldValue(*pair) for pair in pairs]
            key = partitioning.PartitionKey(fields, self._spec, self._schema)
        task = ice_table.WriteTask(
            write_uuid=self._id,
            task_id=len(self.written),
            schema=self._schema,
            record_batches=self._waiting.pop(values),
            partition_key=key,
        )
        del self._bytes[values]
        self.written += arrow_io.write_file(self._io, self._metadata, iter([task]))

    def _fitted(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        there = set(batch.schema.names)
        columns = [
            batch.column(field.name).cast(field.type)
            if field.name in there
            else pa.nulls(batch.num_rows, field.type)
            for field in self._arrow
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self._arrow)

    def _by_partition(
        self, batch: pa.RecordBatch
    ) -> Iterator[tuple[Values, pa.RecordBatch]]:
        """Yield the rows of each partition, with its values; none if there are none."""
        keys = [self._values(field, batch) for field in self._spec.fields]
        if not keys:
            yield (), batch
            return
        names = [str(number) for number in range(len(keys))]
        found = pa.table(keys, names).group_by(names).aggregate([])
        for row in found.select(names).to_pylist():
            values = tuple(row[name] for name in names)
            masks = [
                pc.is_null(key) if value is None else pc.equal(key, value)
                for key, value in zip(keys, values, strict=True)
            ]
            yield values, batch.filter(reduce(pc.and_kleene, masks))

    def _values(self, field: Any, batch: pa.RecordBatch) -> pa.Array:
        """Return the value of a partition in each row, as Iceberg stores it."""
        column = batch.column(self._schema.find_column_name(field.source_id))
        match str(field.transform):
            case "day":
                return column.cast(pa.date32()).cast(pa.int32())
            case "month":
                years = pc.multiply(pc.subtract(pc.year(column), _EPOCH), _MONTHS)
                return pc.add(years, pc.subtract(pc.month(column), 1))
            case _:
                return column
