"""The load of a table into a Delta table: one commit."""

from importlib.metadata import version
from typing import Any, Final
from uuid import uuid4

import pyarrow as pa

from gcbatch.errors import OutputError
from gcbatch.lazy import lazy_import
from gcbatch.table import BATCH_ROWS
from gcbatch_exporters.databases.row_stream import own_errors
from gcbatch_exporters.lakes.delta_log import KEY, Load
from gcbatch_exporters.lakes.delta_rows import DeltaRows
from gcbatch_exporters.lakes.delta_table import DeltaLayout, own_table, reported
from gcbatch_exporters.lakes.row_stream import RowStream
from gcbatch_exporters.lakes.selection import Selection

__all__ = ["load_table"]

deltalake = lazy_import("deltalake")

MAX_COMMITS: Final = 100
"""No more commits of others follow a load before it looks at its own."""


def load_table(layout: DeltaLayout, selection: Selection, fingerprint: str) -> int:
    """Replace the rows that a table covers by one commit.

    Args:
        layout: The table, and where it goes.
        selection: What it covers; not nothing.
        fingerprint: A hash over all that determines the rows; empty if not known.

    Returns:
        The number of rows that were loaded.

    Raises:
        CommitFailedError: Delta's; if another program was faster. Nothing has changed.
        JobError: If the Delta table is not the job's, does not fit, or has a row that
            reaches over an edge of what is covered.
        OutputError: If it cannot be written, or then has another number of rows.
    """
    present = own_table(layout)
    table = layout.table
    there = DeltaRows(layout.path, present, table, selection)
    load = Load(
        id=uuid4().hex,
        job=table.job,
        run_id=table.run_id,
        table=table.name,
        spans=selection.spans,
        fingerprint=fingerprint,
        version=version("gcbatch"),
    )
    rows = RowStream(table, layout.schema, layout.partitions)
    with reported(layout.path):
        there.refuse_cut()
        with own_errors(rows.reader()) as stream:
            deltalake.write_deltalake(
                present,
                stream,
                mode="overwrite",
                predicate=selection.condition,
                schema_mode="merge",  # adds columns; their types were compared
                writer_properties=_writer_properties(layout),
                commit_properties=_commit_properties(present, load),
            )
        _compare_counts(there, rows.count, load)
    return rows.count


def _writer_properties(layout: DeltaLayout) -> Any:
    """Return how Parquet is written.

    Delta keeps a file of each partition open. Dictionaries of numbers took half of the
    memory of that; without them the files were a fifth smaller.
    """
    numbers = [f.name for f in layout.schema if not pa.types.is_string(f.type)]
    plain = deltalake.ColumnProperties(dictionary_enabled=False)
    is_partitioned = bool(layout.partitions.names)
    return deltalake.WriterProperties(
        compression="ZSTD",
        max_row_group_size=BATCH_ROWS,
        column_properties=dict.fromkeys(numbers, plain) if is_partitioned else None,
    )


def _commit_properties(present: Any, load: Load) -> Any:
    """Return what the commit carries.

    Of two commits with the next number of a transaction, Delta refuses the second. So a
    load that has not seen the one before it is tried again.
    """
    last = present.transaction_version(KEY)
    following = deltalake.Transaction(KEY, 0 if last is None else last + 1)
    return deltalake.CommitProperties(
        custom_metadata=load.metadata, app_transactions=[following]
    )


def _compare_counts(there: DeltaRows, sent: int, load: Load) -> None:
    """Make sure that the Delta table holds the rows that it was sent.

    Raises:
        OutputError: If it does not; the commit stays.
    """
    commits = there.present.history(MAX_COMMITS)
    own = next(c for c in commits if Load.of_commit(c) == load)
    number, added = own["version"], own["operationMetrics"]["num_added_rows"]
    there.present.load_as_version(number)  # another load may have followed already
    if sent == added == (held := there.count()):
        return
    msg = f"{there.place}: {sent:,} rows were sent, {added:,} added, "
    msg += f"and version {number} has {held:,}"
    raise OutputError(msg, hint=f"restore version {number - 1}, and report this")
