"""dlt's load of a Parquet file of intervals into a database.

    python -m benchmarks.peers.dlt_loads DESTINATION PARQUET PLACE FOLDER

Rows come as Arrow's batches and go as Parquet files, into PostgreSQL by Arrow's driver:
a third of the CPU of CSV and of INSERT. Those of the same begin are replaced, by its
strategy `delete-insert`: of what dlt has, that comes nearest to the replacement of a
range, and it keeps rows of other ranges. (`replace` with staging takes as long, and
keeps none.) An instant without rows keeps its old ones.
"""

import sys
from collections.abc import Iterator
from typing import Final

import dlt
import pyarrow as pa
import pyarrow.parquet as pq

BATCH_ROWS: Final = 32_768
"""As many as gcbatch and the libraries take at once."""


def main() -> None:
    """Load what the command line says."""
    name, path, place, folder = sys.argv[1:]
    dlt.config["runtime.dlthub_telemetry"] = False

    @dlt.resource(
        name="intervals",
        write_disposition={"disposition": "merge", "strategy": "delete-insert"},
        merge_key="interval_start",
    )
    def intervals() -> Iterator[pa.RecordBatch]:
        yield from pq.ParquetFile(path).iter_batches(BATCH_ROWS)

    destination = getattr(dlt.destinations, name)(place)
    pipeline = dlt.pipeline(
        "bench", pipelines_dir=folder, destination=destination, dataset_name="bench"
    )
    pipeline.run(intervals(), loader_file_format="parquet")


if __name__ == "__main__":
    main()
