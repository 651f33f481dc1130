"""The exporter does what every exporter has to do."""

import csv
from pathlib import Path
from typing import Any

from gcbatch.exporting import load_exporter
from gcbatch.testing import ExporterConformance, Row, typed


class TestCallHistory(ExporterConformance):
    """All tests are inherited; here stands how to write and how to read back."""

    # As gcbatch finds it: by its entry point.
    exporter = load_exporter("call-history")

    def options(self, folder: Path) -> dict[str, Any]:
        return {"path": folder / "rows.tsv"}

    def read(self, folder: Path) -> list[Row]:
        with (folder / "rows.tsv").open(encoding="utf-8", newline="") as file:
            return [typed(row) for row in csv.DictReader(file, dialect="excel-tab")]

    def columns(self, folder: Path) -> list[str]:
        with (folder / "rows.tsv").open(encoding="utf-8", newline="") as file:
            return next(csv.reader(file, "excel-tab"))
