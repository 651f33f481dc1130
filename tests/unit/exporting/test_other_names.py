"""Names that people try for an exporter lead to the one that they mean."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from gcbatch.errors import JobError
from gcbatch.exporting import ExporterEntry, find_exporter
from gcbatch.exporting.other_names import OTHER_NAMES, nearest_exporter

ALL = (
    "csv", "delta", "duckdb", "html", "iceberg", "json", "parquet", "postgres",
    "sqlite", "xlsx",
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("postgresql", "postgres"),
        ("PostgreSQL", "postgres"),
        ("pg", "postgres"),
        ("psql", "postgres"),
        ("sqlite3", "sqlite"),
        ("deltalake", "delta"),
        ("delta-lake", "delta"),
        ("delta_lake", "delta"),
        ("excel", "xlsx"),
        ("jsonl", "json"),
        ("ndjson", "json"),
        ("JSON Lines", "json"),
        ("duck-db", "duckdb"),
        ("cvs", "csv"),
        ("CSV", "csv"),
    ],
)
def test_a_name_leads_to_the_exporter(name: str, meant: str) -> None:
    """By its spelling, or as another name of what the exporter writes."""
    assert nearest_exporter(name, ALL) == meant


@pytest.mark.parametrize("name", ["kafka", "", "snowflake"])
def test_a_strange_name_leads_nowhere(name: str) -> None:
    """Nothing is suggested that was hardly meant."""
    assert nearest_exporter(name, ALL) is None


def test_only_installed_exporters_are_suggested() -> None:
    """Another name of one that is not there is of no use."""
    assert nearest_exporter("pg", ("csv", "xlsx")) is None


def test_other_names_are_written_plainly() -> None:
    """As they are looked up: in lower case, without hyphens; none is an exporter's."""
    assert all(name.isalnum() and name.islower() for name in OTHER_NAMES)
    assert not OTHER_NAMES.keys() & set(ALL)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("pg", "did you mean postgres? pip install 'acme[postgres]'"),
        ("csvv", "did you mean csv?"),
        ("kafka", "installed: csv, postgres; install the package that has it"),
    ],
)
def test_the_hint_has_the_next_step(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, hint: str
) -> None:
    """For an exporter whose extra is missing, that is to install it."""
    (tmp_path / "acme_pg.py").write_text(
        "class Exporter:\n"
        "    api_version, Options, export = 2, None, None\n"
        "    requires = ('no_such_driver',)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    known = [
        ExporterEntry(one, "acme", "1", EntryPoint(one, value, "gcbatch.exporters"))
        for one, value in (
            ("csv", "gcbatch_exporters.csv:CsvExporter"),
            ("postgres", "acme_pg:Exporter"),
        )
    ]

    with pytest.raises(JobError, match=f"^no exporter named '{name}'$") as error:
        find_exporter(name, known)

    assert error.value.hint == hint
