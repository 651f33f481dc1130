"""Tables as bytes, to compare them."""

import pyarrow as pa

from gcbatch.table import Table


def to_bytes(table: Table) -> bytes:
    """Return the stream of a table, batches and all."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        for batch in table:
            writer.write_batch(batch)
    return bytes(sink.getvalue().to_pybytes())
