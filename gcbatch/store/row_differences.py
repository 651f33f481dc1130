"""The rows in which two parts of one query differ, whatever their columns are."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from gcbatch.lazy import lazy_import
from gcbatch.store.id_set import IdSet
from gcbatch.store.part_file import batches_of
from gcbatch.store.part_metadata import PartMetadata
from gcbatch.table import rebatch

__all__ = ["IS_NEW", "Differences", "differences"]

pc = lazy_import("pyarrow.compute")

IS_NEW: Final = "is_new"
"""The last column: whether the new part has the row, and the old one lacks it."""

BATCH_ROWS: Final = 1_024
"""Rows of a row group: of documents some 5 MB."""

BETWEEN: Final = b"\x1f"
NOTHING: Final = b"\x00"
"""Between two values of a row, and for null; no text of the service has them."""


@dataclass(frozen=True)
class Differences:
    """The rows that differ, as a part is written from; see PartSource.

    Args:
        old: The file of the old part.
        new: The file of the new part.
        columns: The columns that both have.
        old_rows: The rows of the old part.
        new_rows: The rows of the new part.
        schema: The columns, and IS_NEW.
        metadata: The metadata of the new part.
    """

    old: Any
    new: Path
    columns: tuple[str, ...]
    old_rows: IdSet
    new_rows: IdSet
    schema: pa.Schema
    metadata: PartMetadata

    @property
    def is_large(self) -> bool:
        """False: few rows differ, and a row group has few rows."""
        return False

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the new rows, then the old ones."""
        return rebatch(self._each(), self.schema, BATCH_ROWS)

    def _each(self) -> Iterator[pa.RecordBatch]:
        with self.new.open("rb") as new:
            yield from self._lacking(new, self.old_rows, is_new=True)
        yield from self._lacking(self.old, self.new_rows, is_new=False)

    def _lacking(
        self, file: Any, others: IdSet, *, is_new: bool
    ) -> Iterator[pa.RecordBatch]:
        for batch in _batches(file, self.columns):
            places = [n for n, row in enumerate(_rows(batch)) if row not in others]
            if not places:
                continue
            rows = batch.take(pa.array(places, pa.int64()))
            side = pa.repeat(pa.scalar(is_new), rows.num_rows)
            yield pa.RecordBatch.from_arrays([*rows.columns, side], schema=self.schema)

    def close(self) -> None:
        """Do nothing: the files belong to the caller."""


def differences(old: Any, new: Path, metadata: PartMetadata) -> Differences | None:
    """Return the rows in which two parts differ; None if there are none.

    Rows are compared by a hash of their values, in the columns that both parts have
    with the same type: a release may add a column. Memory holds 18 bytes for each row.

    Args:
        old: The opened file of the old part.
        new: The file of the new part.
        metadata: What to say of the rows.

    Raises:
        OSError: If a part cannot be read.
    """
    old.seek(0)
    before, after = pq.read_schema(old), pq.read_schema(new)
    columns = tuple(
        field.name
        for field in after
        if field.name in before.names and before.field(field.name).type == field.type
    )
    old_rows, new_rows = IdSet(), IdSet()
    for batch in _batches(old, columns):
        old_rows.update(_rows(batch))
    is_same = True
    with new.open("rb") as file:
        for batch in _batches(file, columns):
            for row in _rows(batch):
                new_rows.add(row)
                is_same = is_same and row in old_rows
    if is_same and len(old_rows) == len(new_rows):
        return None
    own = [field for field in after if field.name in columns]
    schema = pa.schema(
        [*own, pa.field(IS_NEW, pa.bool_(), nullable=False)], metadata=after.metadata
    )
    return Differences(old, new, columns, old_rows, new_rows, schema, metadata)


def _batches(file: Any, columns: Iterable[str]) -> Iterator[pa.RecordBatch]:
    file.seek(0)
    return batches_of(file, [*columns])


def _rows(batch: pa.RecordBatch) -> Iterator[bytes]:
    """Yield a text for each row; rows with equal values have equal texts."""
    columns = [_texts(column) for column in batch.columns]
    if not columns:
        return
    joined = pc.binary_join_element_wise(
        *columns, BETWEEN, null_handling="replace", null_replacement=NOTHING
    )
    for row in joined:
        yield row.as_py()


def _texts(column: pa.Array) -> pa.Array:
    """Return a column as bytes; null stays null."""
    if pa.types.is_binary(column.type):
        return column
    return column.cast(pa.string()).cast(pa.binary())
