"""The load of a table into a Delta table: one commit."""

from dataclasses import asdict
from typing import Any, Final

import pyarrow as pa

from gcbatch.errors import OutputError
from gcbatch.lazy import lazy_import
from gcbatch.table import BATCH_ROWS
from gcbatch_exporters.databases.row_stream import own_errors
from gcbatch_exporters.lakes.delta_rows import DeltaRows
from gcbatch_exporters.lakes.loads import KEY, Load
from gcbatch_exporters.lakes.row_stream import RowStream

__all__ = ["load_table"]

deltalake = lazy_import("deltalake")

MAX_COMMITS: Final = 100
"""No more commits of others follow a load before it looks at its own."""


def load_table(rows: RowStream, present: Any, there: DeltaRows, load: Load) -> int:
    """Replace the rows that a table covers by one commit.

    Args:
        rows: The rows of the table.
        present: The Delta table.
        there: The rows there that are replaced.
        load: What the commit says.

    Returns:
        The number of rows that were loaded.

    Raises:
        CommitFailedError: Delta's; if another program was faster. Nothing has changed.
        OutputError: If it cannot be written, or then has another number of rows.
    """
    with own_errors(rows.reader()) as stream:
        deltalake.write_deltalake(
            present,
            stream,
            mode="overwrite",
            predicate=there.condition,
            schema_mode="merge",  # adds columns; their types were compared
            writer_properties=_writer_properties(rows),
            commit_properties=_commit_properties(present, load),
        )
    _compare_counts(present, there, rows.count, load)
    return rows.count


def _writer_properties(rows: RowStream) -> Any:
    """Return how Parquet is written.

    Delta keeps a file of each partition open. Dictionaries of numbers took half of the
    memory of that; without them the files were a fifth smaller.
    """
    numbers = [f.name for f in rows.schema if not pa.types.is_string(f.type)]
    plain = deltalake.ColumnProperties(dictionary_enabled=False)
    return deltalake.WriterProperties(
        compression="ZSTD",
        max_row_group_size=BATCH_ROWS,
        column_properties=dict.fromkeys(numbers, plain)
        if rows.partitions.names
        else None,
    )


def _commit_properties(present: Any, load: Load) -> Any:
    """Return what the commit carries.

    Of two commits with the next number of a transaction, Delta refuses the second. So a
    load that has not seen the one before it is tried again.
    """
    last = present.transaction_version(KEY)
    following = deltalake.Transaction(KEY, 0 if last is None else last + 1)
    return deltalake.CommitProperties(
        custom_metadata={KEY: asdict(load)}, app_transactions=[following]
    )


def _compare_counts(present: Any, there: DeltaRows, sent: int, load: Load) -> None:
    """Make sure that the Delta table holds the rows that it was sent.

    Raises:
        OutputError: If it does not; the commit stays.
    """
    commits = present.history(MAX_COMMITS)
    own = next(c for c in commits if Load.parse(c.get(KEY)) == load)
    number, added = own["version"], own["operationMetrics"]["num_added_rows"]
    present.load_as_version(number)  # another load may have followed already
    if sent == added == (held := there.count()):
        return
    msg = f"{there.place}: {sent:,} rows were sent, {added:,} added, "
    msg += f"and version {number} has {held:,}"
    raise OutputError(msg, hint=f"restore version {number - 1}, and report this")
