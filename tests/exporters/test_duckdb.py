"""The duckdb exporter, read back by DuckDB."""

from pathlib import Path
from typing import Any, ClassVar

import duckdb

from gcbatch.exporting import load_exporter
from gcbatch.testing import ExporterConformance, Row


class TestConformance(ExporterConformance):
    exporter = load_exporter("duckdb")
    keeps_history: ClassVar[bool] = True

    def options(self, folder: Path) -> dict[str, Any]:
        return {"path": folder / "genesys.duckdb"}

    def read(self, folder: Path) -> list[Row]:
        with duckdb.connect(folder / "genesys.duckdb", read_only=True) as db:
            found = db.sql("SELECT * FROM intervals ORDER BY 1, 3")
            rows: list[Row] = found.to_arrow_table().to_pylist()
            return rows

    def columns(self, folder: Path) -> list[str]:
        with duckdb.connect(folder / "genesys.duckdb", read_only=True) as db:
            return list(db.sql("SELECT * FROM intervals").columns)
