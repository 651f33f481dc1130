"""The conformance suite: finds what is wrong with an exporter, and only that."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from unittest import SkipTest

import pyarrow as pa
import pytest
from pydantic import BaseModel

from gcbatch.errors import DataError
from gcbatch.exporting import FileOptions, Receipt, Target
from gcbatch.table import BATCH_ROWS, Table
from gcbatch.testing import (
    SAMPLE_SCHEMA,
    SMALL_BATCH,
    ExporterConformance,
    Row,
    failing_table,
    sample_table,
    typed,
)
from gcbatch.windows import iso

RULES = sorted(name for name in dir(ExporterConformance) if name.startswith("test_"))


class Plain:
    """A right exporter; the others are wrong in one thing."""

    api_version: ClassVar[int] = 1
    Options: ClassVar[type[BaseModel]] = FileOptions

    def __init__(self, options: FileOptions) -> None:
        self.path = Path(options.path)

    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        (table,) = tables.values()
        rows = self.rows(table)
        staged = self.staged(target)
        staged.write_text("\n".join(json.dumps(row, default=iso) for row in rows))
        return Receipt(str(self.path), len(rows))

    def rows(self, table: Table) -> list[Row]:
        return [row for batch in table for row in batch.to_pylist()]

    def staged(self, target: Target) -> Path:
        return target.stage(self.path)


class OtherVersion(Plain):
    api_version: ClassVar[int] = 3


class NoExport(Plain):
    export: ClassVar[Any] = None


class NoModel(Plain):
    Options: ClassVar[Any] = dict


class OpenOptions(BaseModel):
    path: Path


class Open(Plain):
    Options: ClassVar[type[BaseModel]] = OpenOptions


class FirstBatch(Plain):
    def rows(self, table: Table) -> list[Row]:
        return [row for batch in list(table)[:1] for row in batch.to_pylist()]


class Backwards(Plain):
    def rows(self, table: Table) -> list[Row]:
        return super().rows(table)[::-1]


class Zeros(Plain):
    def rows(self, table: Table) -> list[Row]:
        rows = super().rows(table)
        return [{k: 0 if v is None else v for k, v in row.items()} for row in rows]


class Rounds(Plain):
    def rows(self, table: Table) -> list[Row]:
        rows = super().rows(table)
        name = "o_service_level_ratio"
        return [{**row, name: row[name] and round(row[name], 3)} for row in rows]


class Floats(Plain):
    def rows(self, table: Table) -> list[Row]:
        rows = super().rows(table)
        return [{**r, "t_handle_count": float(r["t_handle_count"])} for r in rows]


class Numbers(Plain):
    def rows(self, table: Table) -> list[Row]:
        rows = super().rows(table)
        name = "compliance_met"
        return [{**r, name: None if r[name] is None else int(r[name])} for r in rows]


class Flags(Plain):
    def rows(self, table: Table) -> list[Row]:
        rows = super().rows(table)
        return [{**r, "t_handle_count": r["t_handle_count"] == 1} for r in rows]


class Renames(Plain):
    def rows(self, table: Table) -> list[Row]:
        return [{k.upper(): v for k, v in row.items()} for row in super().rows(table)]


class Appends(Plain):
    def rows(self, table: Table) -> list[Row]:
        old = self.path.read_text().splitlines() if self.path.exists() else []
        return [*map(json.loads, old), *super().rows(table)]


class Grows(Plain):
    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        receipt = super().export(tables, target)
        files = len(list(self.path.parent.iterdir()))
        target.stage(self.path.with_name(f"log{files}")).touch()
        return receipt


class Dated(Plain):
    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        receipt = super().export(tables, target)
        log = self.path.with_name("log")
        before = log.read_text() if log.exists() else ""
        target.stage(log).write_text(before + "written\n")
        return receipt


class InPlace(Plain):
    def staged(self, target: Target) -> Path:
        del target
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self.path

    def rows(self, table: Table) -> list[Row]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text("")
        return super().rows(table)


class Litters(Plain):
    def rows(self, table: Table) -> list[Row]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name("temporary")
        temporary.touch()
        rows = super().rows(table)
        temporary.unlink()
        return rows


class Swallows(Plain):
    def rows(self, table: Table) -> list[Row]:
        rows: list[Row] = []
        with suppress(DataError):
            for batch in table:
                rows += batch.to_pylist()
        return rows


class Miscounts(Plain):
    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        return Receipt(super().export(tables, target).location, 1)


class Nowhere(Plain):
    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        return Receipt("", super().export(tables, target).rows)


class Empties(Plain):
    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        receipt = super().export(tables, target)
        tables.clear()  # type: ignore[attr-defined] # what it may not do
        return receipt


class NeedsFolder(Plain):
    def staged(self, target: Target) -> Path:
        if not self.path.parent.exists():
            raise FileNotFoundError(self.path)
        return super().staged(target)


class NeedsRows(Plain):
    def rows(self, table: Table) -> list[Row]:
        rows = super().rows(table)
        return rows or [{}]


class Refuses(Plain):
    def check(self, tables: Mapping[str, Table]) -> None:
        msg = f"refused: {sum(table.read_all().num_rows for table in tables.values())}"
        raise RuntimeError(msg)


def suite_for(made: Any) -> Any:
    class Suite(ExporterConformance):
        exporter = made

        def options(self, folder: Path) -> dict[str, Any]:
            return {"path": folder / "rows.json"}

        def read(self, folder: Path) -> list[Row]:
            lines = (folder / "rows.json").read_text().splitlines()
            return [json.loads(line) for line in lines]

        def as_read(self, value: Any) -> Any:
            return iso(value) if isinstance(value, datetime) else value

    return Suite()


def failures(suite: Any, tmp_path: Path) -> dict[str, str]:
    """Return the rules that an exporter breaks, with the messages."""
    found: dict[str, str] = {}
    for rule in RULES:
        folder = tmp_path / rule
        folder.mkdir()
        test: Callable[..., None] = getattr(suite, rule)
        try:
            if rule == "test_follows_the_contract":
                test()
            else:
                test(tmp_path=folder)
        except SkipTest:
            pass  # a rule about what the exporter does not have
        except Exception as exc:  # noqa: BLE001 - a broken exporter may raise anything
            found[rule.removeprefix("test_")] = str(exc)
    return found


def test_a_right_exporter_passes(tmp_path: Path) -> None:
    """The suite asks nothing that the contract does not."""
    assert failures(suite_for(Plain), tmp_path) == {}


@pytest.mark.parametrize(
    ("exporter", "rule", "message"),
    [
        (
            OtherVersion,
            "follows_the_contract",
            "OtherVersion.api_version: 3, expected one of [1, 2]",
        ),
        (NoExport, "follows_the_contract", "NoExport.export: is missing"),
        (NoModel, "follows_the_contract", "NoModel.Options: is not a pydantic model"),
        (Open, "refuses_unknown_options", "Open.Options: takes unknown keys"),
        (FirstBatch, "writes_rows_of_several_batches", "rows: 500, expected 1600"),
        (Backwards, "makes_missing_folders", "row 1: interval_start: "),
        (Zeros, "makes_missing_folders", "row 2: n_offered: 0, expected None"),
        (Rounds, "makes_missing_folders", "row 1: o_service_level_ratio: 0.333, expe"),
        (Floats, "makes_missing_folders", "row 1: t_handle_count: 0.0, expected 0"),
        (Numbers, "makes_missing_folders", "row 1: compliance_met: 1, expected True"),
        (Flags, "makes_missing_folders", "row 1: t_handle_count: False, expected 0"),
        (Renames, "makes_missing_folders", "row 1: columns: ['INTERVAL_START', "),
        (Appends, "writing_twice_leaves_one_copy", "rows: 100, expected 50"),
        (Appends, "replaces_what_it_wrote", "rows: 70, expected 20"),
        (Appends, "treats_an_earlier_range_as_it_says", "rows: 70, expected 40"),
        (Grows, "writing_twice_leaves_one_copy", "files: ["),
        (
            Dated,
            "writing_twice_leaves_one_copy",
            "files that differ: ['log'], expected",
        ),
        (InPlace, "failure_leaves_the_previous_output", "rows: 0, expected 50"),
        (Litters, "failure_leaves_the_previous_output", "files: ['rows.json', 'temp"),
        (Swallows, "failure_leaves_the_previous_output", "export: swallowed the error"),
        (Miscounts, "writes_an_empty_table", "receipt.rows: 1, expected 0"),
        (Nowhere, "writes_an_empty_table", "receipt.location: is empty"),
        (Empties, "leaves_the_table_alone", "tables: [], expected [('intervals', "),
        (NeedsFolder, "makes_missing_folders", "failed: FileNotFoundError"),
        (NeedsRows, "writes_an_empty_table", "rows: [{}], expected []"),
        (Refuses, "makes_missing_folders", "refused: 0"),
    ],
)
def test_a_wrong_exporter_gets_an_error_with_the_reason(
    tmp_path: Path, exporter: Any, rule: str, message: str
) -> None:
    """Each rule fails where it is broken, and says so in one line."""
    suite = suite_for(exporter)
    test = getattr(suite, f"test_{rule}")

    with pytest.raises(Exception, match=re.escape(message)):
        test(*[] if rule == "follows_the_contract" else [tmp_path])


def test_columns_of_an_empty_output_are_compared(tmp_path: Path) -> None:
    """A format with a header has to write it without rows too."""
    suite = suite_for(Plain)
    suite.columns = lambda folder: [folder.name]

    with pytest.raises(
        AssertionError, match=r"columns: \['x'\], expected \['interval_"
    ):
        suite.test_writes_an_empty_table(tmp_path / "x")


def test_a_suite_says_how_to_write_and_read(tmp_path: Path) -> None:
    """Both are its author's to give."""
    suite = ExporterConformance()

    with pytest.raises(NotImplementedError):
        suite.options(tmp_path)
    with pytest.raises(NotImplementedError):
        suite.read(tmp_path)
    assert suite.columns(tmp_path) is None
    assert suite.as_read(1) == 1


@pytest.mark.parametrize("rows", [0, 1, 50, BATCH_ROWS + 1000])
def test_samples_are_right_tables(rows: int) -> None:
    """As the contract has them: in the key's order, unique, inside the range."""
    table = sample_table(rows)

    data = table.read_all()
    keys = list(zip(*(data[name].to_pylist() for name in table.key), strict=True))
    assert data.num_rows == rows
    assert data.schema.equals(SAMPLE_SCHEMA, check_metadata=True)
    assert keys == sorted(set(keys))
    assert all(
        table.covered.start <= start and end <= table.covered.end
        for start, end in zip(
            data["interval_start"].to_pylist(),
            data["interval_end"].to_pylist(),
            strict=True,
        )
    )


def test_samples_have_what_formats_lose() -> None:
    """Nulls in every measure, names that break naive writers, exact numbers."""
    data = sample_table().read_all()
    names = [name for name in data["queue_name"].to_pylist() if name is not None]

    nullable = ["queue_name", "n_offered", "o_service_level_ratio", "compliance_met"]
    assert all(data[name].null_count for name in nullable)
    assert all(any(c in name for name in names) for c in '",=☎\n')
    assert 2**53 + 1 in data["n_offered"].to_pylist()
    assert "" not in names


def test_a_sample_begins_where_it_is_set() -> None:
    """Other months do not overlap, and have the name that is asked for."""
    table = sample_table(1, start=datetime(2026, 9, 1, tzinfo=UTC), name="sla")

    assert table.name == "sla"
    assert table.covered.end == sample_table(1).covered.start
    assert table.read_all()["interval_start"][0].as_py() == table.covered.start


def test_a_failing_table_gives_a_batch_first() -> None:
    """So that an exporter has begun to write."""
    stream = iter(failing_table())

    assert next(stream).num_rows == SMALL_BATCH
    with pytest.raises(DataError):
        next(stream)


def test_texts_get_their_types_back() -> None:
    """By the schema, never by their looks."""
    texts = {
        "interval_start": "2026-10-01T00:00:00.000Z",
        "queue_name": "007",
        "media_type": "",
        "n_offered": "9007199254740993",
        "t_handle_count": None,
        "o_service_level_ratio": "1",
        "compliance_met": "false",
    }

    found = typed(texts)

    assert list(found.values()) == [
        datetime(2026, 10, 1, tzinfo=UTC), "007", None, 2**53 + 1, None, 1.0, False,
    ]  # fmt: skip
    assert isinstance(found["o_service_level_ratio"], float)


@pytest.mark.parametrize(
    ("kind", "text"),
    [(pa.int64(), "1.0"), (pa.bool_(), "True"), (pa.timestamp("ms", "UTC"), "x")],
)
def test_texts_of_another_type_are_errors(kind: pa.DataType, text: str) -> None:
    """A boolean is true or false, a whole number has no point."""
    with pytest.raises(ValueError, match=text):
        typed({"a": text}, pa.schema([("a", kind)]))


def test_needs_no_pytest() -> None:
    """The module may be imported where pytest is not installed."""
    code = "import sys; sys.modules['pytest'] = None; import gcbatch.testing"

    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - our own
