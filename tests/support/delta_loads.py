"""Loads into a Delta table as a run does them, and what is there then."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import deltalake

from gcbatch import Table
from gcbatch.exporting import Mismatch, Receipt, export, held_export, mismatches
from gcbatch_exporters.delta import DeltaExporter, DeltaOptions
from tests.support.delta_files import rows_of

__all__ = [
    "check",
    "exporter",
    "held",
    "load",
    "offered",
    "read_by_delta",
    "sorted_rows",
    "verified",
    "wanted",
]

Row = dict[str, Any]


def exporter(path: Path, **options: Any) -> DeltaExporter:
    return DeltaExporter(DeltaOptions.model_validate({"path": path, **options}))


def check(path: Path, table: Table, **options: Any) -> None:
    """Check a table as a run does, before it has rows."""
    empty = replace(table, batches=lambda: iter(()))
    exporter(path, **options).check({table.name: empty})


def load(path: Path, table: Table, *, fingerprint: str = "", **options: Any) -> Receipt:
    """Write a table."""
    made = exporter(path, **options)
    receipt, published = export(
        made, "delta", {table.name: table}, fingerprint=fingerprint
    )
    assert published == ()
    return receipt


def held(path: Path, table: Table, fingerprint: str, **options: Any) -> Receipt | None:
    made = exporter(path, **options)
    return held_export(made, "delta", {table.name: table}, fingerprint=fingerprint)


def verified(path: Path, table: Table, **options: Any) -> list[Mismatch]:
    return list(mismatches(exporter(path, **options), "delta", {table.name: table}))


def wanted(*tables: Table) -> list[str]:
    """Return the rows of tables in the spans that they cover, in one order."""
    return sorted_rows(
        [row for t in tables for batch in t.covered_rows() for row in batch.to_pylist()]
    )


def read_by_delta(path: Path) -> list[Row]:
    """Return the rows as Delta's own library gives them to pyarrow."""
    found: list[Row] = deltalake.DeltaTable(path).to_pyarrow_table().to_pylist()
    return found


def sorted_rows(rows: list[Row]) -> list[str]:
    return sorted(repr(sorted(row.items())) for row in rows)


def offered(path: Path) -> Counter[int]:
    """Return how many rows are of which load; see lake_tables.hours."""
    return Counter(row["n_offered"] for row in rows_of(path))
