"""For authors of exporters: conformance suites and sample tables.

    class TestMyExporter(ExporterConformance):
        exporter = MyExporter

        def options(self, folder: Path) -> dict[str, Any]:
            return {"path": folder / "out.xyz"}

        def read(self, folder: Path) -> list[dict[str, Any]]:
            ...

Exporters to databases inherit DatabaseConformance, which asks more. It needs pytest to
run, but not to import. See docs/writing-an-exporter.md.
"""

from gcbatch.testing.conformance import ExporterConformance
from gcbatch.testing.databases import DatabaseConformance
from gcbatch.testing.samples import (
    SAMPLE_SCHEMA,
    SMALL_BATCH,
    Row,
    failing_table,
    sample_of_orgs,
    sample_table,
    typed,
)

__all__ = [
    "SAMPLE_SCHEMA",
    "SMALL_BATCH",
    "DatabaseConformance",
    "ExporterConformance",
    "Row",
    "failing_table",
    "sample_of_orgs",
    "sample_table",
    "typed",
]
