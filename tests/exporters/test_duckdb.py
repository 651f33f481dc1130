"""The duckdb exporter, read back by DuckDB."""

from pathlib import Path
from typing import Any

import duckdb

from gcbatch.exporting import export, load_exporter
from gcbatch.testing import DatabaseConformance, Row, sample_table
from gcbatch_exporters.duckdb import DuckdbExporter, DuckdbOptions


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


def test_a_load_leaves_the_settings_of_the_process(tmp_path: Path) -> None:
    """DuckDB has them for a file, and the caller may have the same one open."""
    path = tmp_path / "genesys.duckdb"
    settings = "SELECT current_setting('threads'), current_setting('memory_limit')"
    with duckdb.connect(path) as db:
        db.execute("SET threads = 3")
        db.execute("SET memory_limit = '1GiB'")
        before = db.execute(settings).fetchall()

        exporter = DuckdbExporter(DuckdbOptions(path=path))
        export(exporter, "duckdb", {"intervals": sample_table()})

        assert db.execute(settings).fetchall() == before
