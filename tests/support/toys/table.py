"""The table `toy_peaks`: the loudest bucket of each window."""

from collections.abc import Iterator
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from gcbatch.coverage import Coverage
from gcbatch.table import Table
from gcbatch.tables.source import TableSource

__all__ = ["table"]

_SCHEMA: Final = pa.schema(
    [
        pa.field("interval_start", pa.timestamp("ms", tz="UTC"), nullable=False),
        pa.field("decibels", pa.int64()),
    ]
)


def table(source: TableSource) -> Table:
    """Return the table of a job."""

    def batches() -> Iterator[pa.RecordBatch]:
        for _, queries in source.plan.windows:
            parts = [source.store.read(query.digest) for query in queries]
            rows = pa.concat_tables(parts).select(_SCHEMA.names).cast(_SCHEMA)
            loudest = pc.max(rows["decibels"])
            at = pc.index(rows["decibels"], loudest).as_py()
            yield from rows.slice(at, 1).to_batches()

    return Table(
        name="toy_peaks",
        schema=_SCHEMA,
        key=("interval_start",),
        covered=Coverage.whole(source.plan.window),
        timezone=source.job.query.zone,
        run_id=source.plan.run_id,
        batches=batches,
    )
