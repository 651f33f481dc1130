"""The duckdb exporter, read back by DuckDB."""

from pathlib import Path
from typing import Any

import duckdb

from gcbatch.exporting import load_exporter
from gcbatch.testing import DatabaseConformance, Row


class TestConformance(DatabaseConformance):
    exporter = load_exporter("duckdb")

    def options(self, folder: Path) -> dict[str, Any]:
        return {"path": folder / "genesys.duckdb"}

    def read_table(self, folder: Path, name: str) -> list[Row]:
        with duckdb.connect(folder / "genesys.duckdb", read_only=True) as db:
            found = db.table(name)
            rows: list[Row] = found.to_arrow_table().to_pylist()
            return rows

    def columns(self, folder: Path) -> list[str]:
        with duckdb.connect(folder / "genesys.duckdb", read_only=True) as db:
            return list(db.sql("SELECT * FROM intervals").columns)
