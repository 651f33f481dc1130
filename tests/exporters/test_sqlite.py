"""The sqlite exporter, read back by the standard library."""

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from gcbatch.exporting import load_exporter
from gcbatch.testing import DatabaseConformance, Row
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
