"""The exporter does what every exporter to a database has to do."""

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from gcbatch.exporting import load_exporter
from gcbatch.testing import DatabaseConformance, Row
from gcbatch.windows import iso


class TestCallHistory(DatabaseConformance):
    """All tests are inherited; here stands how to write and how to read back."""

    # As gcbatch finds it: by its entry point.
    exporter = load_exporter("call-history")
    has_owners: ClassVar[bool] = False  # it notes nowhere which job wrote a table

    def options(self, folder: Path) -> dict[str, Any]:
        return {"path": folder / "history.db"}

    def read_table(self, folder: Path, name: str) -> list[Row]:
        with closing(sqlite3.connect(folder / "history.db")) as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(f'SELECT * FROM "{name}"')]

    def columns(self, folder: Path) -> list[str]:
        with closing(sqlite3.connect(folder / "history.db")) as db:
            found = db.execute("SELECT * FROM intervals").description
        return [name for name, *_ in found]

    def as_read(self, value: Any) -> Any:
        if isinstance(value, datetime):
            return iso(value)
        return int(value) if isinstance(value, bool) else value
