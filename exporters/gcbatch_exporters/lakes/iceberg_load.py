"""The load of a table into an Iceberg table: one snapshot."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gcbatch.errors import OutputError
from gcbatch.lazy import lazy_import
from gcbatch_exporters.lakes.iceberg_commit import (
    RefusedError,
    SureCatalog,
    summary_of,
)
from gcbatch_exporters.lakes.iceberg_files import DataFiles
from gcbatch_exporters.lakes.iceberg_rows import (
    IcebergRows,
    covered_rows,
    other_rows,
    rows_of_file,
)
from gcbatch_exporters.lakes.loads import Load
from gcbatch_exporters.lakes.selection import Selection
from gcbatch_exporters.lakes.table import ConflictError

if TYPE_CHECKING:
    from gcbatch_exporters.lakes.iceberg_table import IcebergLakeTable

__all__ = ["load_table"]

ex = lazy_import("pyiceberg.expressions")
ice_errors = lazy_import("pyiceberg.exceptions")
ice_table = lazy_import("pyiceberg.table")


@dataclass(frozen=True, slots=True)
class _Replacement:
    """What a load replaces.

    Args:
        transaction: pyiceberg's, with the columns and properties that are new.
        files: The new files.
        replaced: The files that go.
        rows: The rows that were loaded.
    """

    transaction: Any
    files: DataFiles
    replaced: list[Any]
    rows: int


def load_table(lake: "IcebergLakeTable", present: Any, load: Load) -> int:
    """Replace the rows that a table covers by one snapshot.

    Args:
        lake: The table, and where it goes.
        present: The Iceberg table.
        load: What the snapshot says. The table covers something.

    Returns:
        The number of rows that were loaded.

    Raises:
        ConflictError: If another program was faster. Nothing has changed.
        JobError: If the Iceberg table is not the job's, does not fit, or has a row that
            reaches over an edge of what is covered.
        OutputError: If it cannot be written, or then has another number of rows.
    """
    # The transaction gets a table of its own, whose catalog is put in its place later.
    with lake.reported():
        own = _copy(present, present.catalog)
        transaction = own.transaction()
        _prepare(lake, present, transaction)
        lake.rows(present).refuse_cut()
        files = DataFiles(transaction.table_metadata, present.io)
    try:
        with lake.reported():
            replaced = _keep_others(present, lake.selection, files)
        rows = 0
        for batch in lake.table.covered_rows():
            rows += batch.num_rows
            with lake.reported():
                files.add(batch)
        with lake.reported():
            files.finish()
            _look_again(lake, present)
    except BaseException:
        files.remove()
        raise
    found = _Replacement(transaction, files, replaced, rows)
    with lake.reported():
        snapshot_id = _commit(lake, own, found, load)
        _compare_counts(lake, own, snapshot_id, rows)
    return rows


def _copy(present: Any, catalog: Any) -> Any:
    return ice_table.Table(
        present.name(),
        present.metadata,
        present.metadata_location,
        present.io,
        catalog,
        present.config,
    )


def _prepare(lake: "IcebergLakeTable", present: Any, transaction: Any) -> None:
    """Let a transaction add the columns that are new, and say whose the table is."""
    if not lake.agree(present):
        transaction.set_properties(lake.properties)
    if new := lake.new_columns(present):
        wanted = {field.name: field for field in lake.schema.fields}
        with transaction.update_schema() as update:
            for name in new:
                update.add_column((name,), wanted[name].field_type, wanted[name].doc)


def _keep_others(present: Any, selection: Selection, files: DataFiles) -> list[Any]:
    """Write the rows that stay of files with rows that are replaced.

    Returns:
        Those files.
    """
    covered, others = covered_rows(selection), other_rows(selection)
    scan = present.scan(row_filter=covered)
    columns = present.schema()
    narrow = columns.select(*(columns.column_names[:1]))
    replaced = []
    for task in scan.plan_files():
        if not any(b.num_rows for b in rows_of_file(present, task, covered, narrow)):
            continue
        for batch in rows_of_file(present, task, others, columns):
            files.add(batch)
        replaced.append(task.file)
    return replaced


def _look_again(lake: "IcebergLakeTable", present: Any) -> None:
    """Make sure that nothing changed while rows were written.

    The catalog compares the snapshot; of the owner only this look knows.

    Raises:
        ConflictError: If rows or columns changed.
        JobError: If the table was given to another job.
    """
    now = present.catalog.load_table(present.name())
    lake.agree(now)
    before, after = (
        (t.metadata.table_uuid, t.metadata.current_snapshot_id, t.schema().schema_id)
        for t in (present, now)
    )
    if before != after:
        raise ConflictError


def _commit(lake: "IcebergLakeTable", own: Any, found: _Replacement, load: Load) -> int:
    """Commit a load, and return its snapshot."""
    said = summary_of(load, found.rows)
    with found.transaction.update_snapshot(said).overwrite() as snapshot:
        snapshot.delete_by_predicate(ex.AlwaysTrue())  # looks into all manifests
        for file in found.replaced:
            snapshot.delete_data_file(file)
        for file in found.files.written:
            snapshot.append_data_file(file)
    own.catalog = SureCatalog(own.catalog, snapshot.snapshot_id, lake.place)
    try:
        found.transaction.commit_transaction()
    except ice_errors.ValidationException as exc:
        found.files.remove()
        raise ConflictError from exc
    except RefusedError as exc:
        found.files.remove()
        msg = f"{lake.place}: the catalog refused the load: {exc}"
        raise OutputError(msg, hint="the table is as it was") from exc
    number: int = snapshot.snapshot_id
    return number


def _compare_counts(
    lake: "IcebergLakeTable", own: Any, snapshot_id: int, sent: int
) -> None:
    """Make sure that the Iceberg table holds the rows that it was sent.

    Raises:
        OutputError: If it does not; the snapshot stays.
    """
    there = IcebergRows(lake.place, own, lake.table, lake.selection, snapshot_id)
    if (held := there.count()) == sent:
        return
    parent = own.snapshot_by_id(snapshot_id).parent_snapshot_id
    msg = f"{lake.place}: {sent:,} rows were sent, and snapshot {snapshot_id} has"
    hint = f"roll back to snapshot {parent}, and report this"
    raise OutputError(msg + f" {held:,}", hint=hint)
