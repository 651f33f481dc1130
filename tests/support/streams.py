"""Tables as bytes, to compare them."""

import pyarrow as pa
import pyarrow.parquet as pq

from gcbatch.table import Table


def to_bytes(table: Table) -> bytes:
    """Return a table as Parquet, a row group for each batch.

    Not as an Arrow stream: behind a null, equal rows can have different memory.
    """
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema) as writer:
        for batch in table:
            writer.write_batch(batch)
    return bytes(sink.getvalue().to_pybytes())
