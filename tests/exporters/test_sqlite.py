"""The sqlite exporter, read back by the standard library."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from gcbatch.exporting import export, load_exporter
from gcbatch.testing import DatabaseConformance, Row, sample_table
from gcbatch.windows import iso


class TestConformance(DatabaseConformance):
    exporter = load_exporter("sqlite")

    def options(self, folder: Path) -> dict[str, Any]:
        return {"path": folder / "genesys.db"}

    def read_table(self, folder: Path, name: str) -> list[Row]:
        with closing(sqlite3.connect(folder / "genesys.db")) as db:
            db.row_factory = sqlite3.Row
            rows = db.execute(f'SELECT * FROM "{name}"').fetchall()  # noqa: S608 - ours
        return [dict(row) for row in rows]

    def columns(self, folder: Path) -> list[str]:
        with closing(sqlite3.connect(folder / "genesys.db")) as db:
            found = db.execute("SELECT * FROM intervals").description
        return [name for name, *_ in found]

    def as_read(self, value: Any) -> Any:
        if isinstance(value, datetime):
            return iso(value)
        return int(value) if isinstance(value, bool) else value


def test_a_reader_delays_only_the_commit(tmp_path: Path) -> None:
    """Not each page of a load that is larger than the cache of SQLite."""
    kind = load_exporter("sqlite")
    exporter = kind(kind.Options.model_validate({"path": tmp_path / "genesys.db"}))
    table = replace(sample_table(30_000), batch_rows=8_000)
    export(exporter, "sqlite", {"intervals": sample_table(10)})
    is_read = threading.Event()

    def batches() -> Iterator[pa.RecordBatch]:
        yield from table.batches()
        is_read.set()

    with closing(sqlite3.connect(tmp_path / "genesys.db")) as reader:
        reader.execute("BEGIN")
        count = "SELECT count(*) FROM intervals"
        assert reader.execute(count).fetchall() == [(10,)]
        tables = {"intervals": replace(table, batches=batches)}
        load = threading.Thread(
            target=export, args=(exporter, "sqlite", tables), daemon=True
        )
        load.start()
        assert is_read.wait(60)
        reader.rollback()
        load.join()
        assert reader.execute(count).fetchall() == [(30_000,)]
