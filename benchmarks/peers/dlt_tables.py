"""dlt's normaliser: conversations of a file to a Parquet table for each nested list.

    python -m benchmarks.peers.dlt_tables DOCUMENTS FOLDER

DOCUMENTS are JSON Lines. Nothing is fetched, and nesting is not limited.
"""

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import dlt
from dlt.common.json import json

AT_ONCE: Final = 1_000
"""Conversations that the resource yields together, as a page of the service's jobs."""


def main() -> None:
    """Normalise what the command line says."""
    documents, folder = map(Path, sys.argv[1:])
    dlt.config["runtime.dlthub_telemetry"] = False

    @dlt.resource(name="conversations")
    def conversations() -> Iterator[list[dict[str, Any]]]:
        with documents.open("rb") as file:
            while lines := list(islice(file, AT_ONCE)):
                yield list(map(json.loadb, lines))

    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=str(folder.with_name("work")),
        destination=dlt.destinations.filesystem(str(folder)),
        dataset_name="bench",
    )
    pipeline.run(conversations(), loader_file_format="parquet")


if __name__ == "__main__":
    main()
