"""The parquet exporter: one file, and folders of partitions."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import orjson
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcbatch.coverage import Coverage
from gcbatch.errors import DataError, JobError, OutputError
from gcbatch.exporting import Target, export
from gcbatch.table import BATCH_ROWS, Table
from gcbatch.testing import (
    SAMPLE_SCHEMA,
    ExporterConformance,
    Row,
    failing_table,
    sample_table,
)
from gcbatch.windows import Window
from gcbatch_exporters.parquet import ParquetExporter, ParquetOptions
from gcbatch_exporters.partition_folder import renamed_by_disk

DUBLIN = ZoneInfo("Europe/Dublin")


class TestParquetConformance(ExporterConformance):
    exporter = ParquetExporter

    def options(self, folder: Path) -> dict[str, Any]:
        return {"path": folder / "intervals.parquet"}

    def read(self, folder: Path) -> list[Row]:
        rows: list[Row] = pq.read_table(folder / "intervals.parquet").to_pylist()
        return rows

    def columns(self, folder: Path) -> list[str]:
        names: list[str] = pq.read_schema(folder / "intervals.parquet").names
        return names


class TestPartitionedConformance(ExporterConformance):
    exporter = ParquetExporter
    partition_by = ("queue_id", "media_type")

    def options(self, folder: Path) -> dict[str, Any]:
        return {"path": folder / "out", "partition_by": self.partition_by}

    def read(self, folder: Path) -> list[Row]:
        return read(folder / "out")


class TestMonthlyConformance(TestPartitionedConformance):
    partition_by = ("month", "queue_id")
    keeps_history = True


def read(folder: Path) -> list[Row]:
    parts = ds.partitioning(
        pa.schema(
            [("month", pa.string()), ("day", pa.string()), *SAMPLE_SCHEMA]
        ).remove_metadata(),
        flavor="hive",
    )
    # An empty folder has no schema.
    found = ds.dataset(folder, schema=SAMPLE_SCHEMA, partitioning=parts).to_table()
    order = [("interval_start", "ascending"), ("queue_id", "ascending")]
    rows: list[Row] = found.sort_by(order).to_pylist()
    return rows


def write(path: Path, table: Table, *partition_by: str, **options: Any) -> int:
    made = ParquetOptions(path=path, partition_by=partition_by, **options)
    exporter = ParquetExporter(made)
    exporter.check({table.name: replace(table, batches=lambda: iter(()))})
    return export(exporter, "parquet", {table.name: table})[0].rows


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def folders(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_dir()
    )


def in_month(month: int, rows: int = 30, **changes: Any) -> Table:
    table = sample_table(rows, start=datetime(2026, month, 1, tzinfo=UTC))
    return replace(table, **changes)


def with_columns(**columns: list[Any]) -> Table:
    """Return a table of October with some columns of its own."""
    data = pa.table({"n": list(range(len(next(iter(columns.values()))))), **columns})
    return replace(
        sample_table(0), schema=data.schema, batches=lambda: iter(data.to_batches())
    )


@pytest.mark.parametrize("compression", ["zstd", "snappy", "gzip", "none"])
def test_compression_is_as_asked(tmp_path: Path, compression: str) -> None:
    """The option reaches the file."""
    path = tmp_path / "a.parquet"
    write(path, sample_table(), compression=compression)

    found = pq.read_metadata(path).row_group(0).column(0).compression

    assert found == {"none": "UNCOMPRESSED"}.get(compression, compression.upper())


def test_file_keeps_the_schema(tmp_path: Path) -> None:
    """Units, sources and descriptions are still with the fields."""
    path = tmp_path / "a.parquet"
    write(path, sample_table())

    assert pq.read_schema(path).equals(SAMPLE_SCHEMA, check_metadata=True)


def test_batches_are_row_groups(tmp_path: Path) -> None:
    """Cut by count, so that equal rows give equal bytes; and pages are checked."""
    path = tmp_path / "a.parquet"
    write(path, sample_table(BATCH_ROWS + 5))

    found = pq.ParquetFile(path, page_checksum_verification=True)

    sizes = [found.metadata.row_group(n).num_rows for n in range(2)]
    assert sizes == [BATCH_ROWS, 5]
    assert found.read().num_rows == BATCH_ROWS + 5


def test_damage_is_seen(tmp_path: Path) -> None:
    """A flipped bit in a page does not become a number."""
    path = tmp_path / "a.parquet"
    write(path, sample_table(), compression="none")
    data = bytearray(path.read_bytes())
    at = data.index(b"Support")
    data[at] ^= 1
    path.write_bytes(data)

    with pytest.raises(OSError, match="CRC"):
        pq.ParquetFile(path, page_checksum_verification=True).read()


def test_how_the_parts_were_cut_does_not_matter(tmp_path: Path) -> None:
    """The same rows in other batches give the same bytes, partitioned or not."""
    table = sample_table(3000)
    cut = replace(
        table,
        batches=lambda: iter(table.read_all().to_batches(max_chunksize=7)),
    )

    write(tmp_path / "a" / "one.parquet", table)
    write(tmp_path / "b" / "one.parquet", cut)
    write(tmp_path / "a" / "many", table, "day", "queue_id")
    write(tmp_path / "b" / "many", cut, "day", "queue_id")

    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_duckdb_reads_the_file(tmp_path: Path) -> None:
    """Another implementation of Parquet reads the same values."""
    path = tmp_path / "a.parquet"
    table = sample_table()
    write(path, table)

    found = duckdb.read_parquet(str(path)).project("queue_name, t_handle_sum_ms")

    wanted = table.read_all().select(["queue_name", "t_handle_sum_ms"]).to_pylist()
    assert found.fetchall() == [tuple(row.values()) for row in wanted]


def test_partitions_are_hive_folders(tmp_path: Path) -> None:
    """Names and values in the path, those columns not in the files."""
    write(tmp_path, in_month(10, 12), "month", "media_type")

    assert sorted(files(tmp_path)) == [
        "month=2026-10/media_type=chat/data.parquet",
        "month=2026-10/media_type=email/data.parquet",
        "month=2026-10/media_type=voice/data.parquet",
    ]
    path = tmp_path / "month=2026-10/media_type=chat/data.parquet"
    kept = SAMPLE_SCHEMA.remove(SAMPLE_SCHEMA.get_field_index("media_type"))
    assert pq.read_schema(path).equals(kept, check_metadata=True)


def test_readers_restore_partition_columns(tmp_path: Path) -> None:
    """Pyarrow and DuckDB, without a declaration of types."""
    table = sample_table(300)
    write(tmp_path, table, "month", "queue_name", "compliance_met")
    wanted = sorted(
        (row["t_handle_count"], "2026-10", row["queue_name"])
        for row in table.read_all().to_pylist()
        if row["compliance_met"] is not None
    )

    arrow = ds.dataset(tmp_path, partitioning="hive").to_table().to_pylist()
    duck = duckdb.read_parquet(f"{tmp_path}/**/*.parquet", hive_partitioning=True)
    duck = duck.filter("compliance_met IS NOT NULL")
    duck = duck.project("t_handle_count, month, queue_name")

    assert len(arrow) == 300
    assert wanted == sorted(
        (row["t_handle_count"], row["month"], row["queue_name"])
        for row in arrow
        if row["compliance_met"] is not None
    )
    assert sorted(duck.fetchall()) == wanted


ODD = [
    "../../up", "/etc", "..", ".", "a.", "a\\b", "%2e%2e", "a=b", "", "CON", "a b",
    "_x", ".hidden", "é\n☎", "~", None,
]  # fmt: skip


def test_values_cannot_leave_the_folder(tmp_path: Path) -> None:
    """A queue may be called ../../up; each value has a folder of its own inside."""
    table = with_columns(queue=ODD)

    write(tmp_path / "out", table, "queue")

    inside = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert len(inside) == len(ODD)
    assert "queue=__HIVE_DEFAULT_PARTITION__" in inside
    assert not [name for name in inside if name.endswith(".")]  # lost on Windows
    found = duckdb.read_parquet(f"{tmp_path}/out/**/*.parquet", hive_partitioning=True)
    rows = found.project("n, queue").order("n").fetchall()
    assert rows == list(enumerate(ODD))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b/..", None]),
            st.sampled_from([1, 2**53 + 1, -3, None]),
            st.sampled_from([True, None]),
        ),
        min_size=1,
    )
)
def test_every_row_is_in_one_partition(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[Any, ...]]
) -> None:
    """No row is lost or doubled, and those of a partition keep their order."""
    folder = tmp_path_factory.mktemp("out")
    text, number, flag = (list(column) for column in zip(*rows, strict=True))
    types = [pa.string(), pa.int64(), pa.bool_()]
    table = with_columns(
        text=pa.array(text, types[0]),
        number=pa.array(number, types[1]),
        flag=pa.array(flag, types[2]),
    )

    write(folder, table, "text", "number", "flag")

    parts = ds.partitioning(table.schema, flavor="hive")
    found = ds.dataset(folder, partitioning=parts)
    got = {row["n"]: tuple(row.values())[1:] for row in found.to_table().to_pylist()}
    assert got == dict(enumerate(rows))
    for path in folder.rglob("*.parquet"):
        numbers = pq.ParquetFile(path).read()["n"].to_pylist()
        assert numbers == sorted(numbers)


def test_days_are_local(tmp_path: Path) -> None:
    """23:00 UTC in summer is the next day in Dublin."""
    whole = Window(
        datetime(2026, 9, 30, 23, tzinfo=UTC), datetime(2026, 10, 31, 0, tzinfo=UTC)
    )
    last = datetime(2026, 10, 1, 22, 45, tzinfo=UTC)
    times = [last, last + timedelta(minutes=15)]
    table = replace(
        with_columns(interval_start=times),
        timezone=DUBLIN,
        covered=Coverage.whole(whole),
    )

    write(tmp_path, table, "day")

    assert folders(tmp_path) == ["day=2026-10-01", "day=2026-10-02"]


@pytest.mark.parametrize(
    ("start", "end", "unit", "named"),
    [
        pytest.param("2026-10-02T00:00", "2026-11-01T00:00", "month", "2026-10"),
        pytest.param("2026-10-01T00:00", "2026-11-03T00:00", "month", "2026-11"),
        pytest.param("2026-10-01T09:00", "2026-10-03T00:00", "day", "2026-10-01"),
        pytest.param("2026-10-01T00:00", "2026-10-03T00:15", "day", "2026-10-03"),
    ],
)
def test_partial_partitions_are_refused(
    tmp_path: Path, start: str, end: str, unit: str, named: str
) -> None:
    """Writing a part of a day or month would lose the rest of it."""
    ends = (datetime.fromisoformat(t).replace(tzinfo=DUBLIN) for t in (start, end))
    covered = Window(*(t.astimezone(UTC) for t in ends))
    table = replace(sample_table(0), covered=Coverage.whole(covered), timezone=DUBLIN)
    options = ParquetOptions(path=tmp_path / "out", partition_by=(unit, "queue_id"))
    exporter = ParquetExporter(options)

    with pytest.raises(JobError, match=f"{unit} {named} is only partly") as error:
        exporter.check({"intervals": table})
    with pytest.raises(JobError, match=f"{unit} {named} is only partly"):
        export(exporter, "parquet", {"intervals": table})

    assert f"whole {unit}s of Europe/Dublin" in str(error.value.hint)
    assert list(tmp_path.iterdir()) == []


def test_month_and_day_need_whole_days_only(tmp_path: Path) -> None:
    """What is replaced is a day then."""
    days = Window(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 3, tzinfo=UTC))

    write(tmp_path, in_month(10, covered=Coverage.whole(days)), "month", "day")

    assert folders(tmp_path) == ["month=2026-10", "month=2026-10/day=2026-10-01"]


def test_other_months_are_kept(tmp_path: Path) -> None:
    """A month written again replaces itself and no other."""
    for month in (9, 10, 11):
        write(tmp_path, in_month(month), "month", "media_type")
    before = files(tmp_path)

    write(tmp_path, in_month(10, 1), "month", "media_type")

    after = files(tmp_path)
    gone = {name for name in before if name not in after}
    changed = {name for name in after if after[name] != before[name]}
    assert gone == {
        "month=2026-10/media_type=chat/data.parquet",
        "month=2026-10/media_type=email/data.parquet",
    }
    assert changed == {"month=2026-10/media_type=voice/data.parquet"}
    assert len(read(tmp_path)) == 30 + 1 + 30


def test_partitions_without_rows_go_with_their_folders(tmp_path: Path) -> None:
    """A month that has no rows any more leaves nothing but its neighbours."""
    write(tmp_path, in_month(9), "month", "media_type")
    write(tmp_path, in_month(10), "month", "media_type")

    write(tmp_path, in_month(10, 0), "month", "media_type")

    assert {name.split("/")[0] for name in folders(tmp_path)} == {"month=2026-09"}


def test_without_time_all_is_replaced(tmp_path: Path) -> None:
    """Columns say nothing of time: what an earlier run wrote is outdated."""
    write(tmp_path, in_month(9), "media_type")

    write(tmp_path, in_month(10, 1), "media_type")

    assert sorted(files(tmp_path)) == ["media_type=voice/data.parquet"]


def test_foreign_files_are_never_touched(tmp_path: Path) -> None:
    """Neither removed nor replaced; one in the way is an error that says so."""
    mine = tmp_path / "month=2026-10" / "media_type=voice"
    mine.mkdir(parents=True)
    (tmp_path / "notes.txt").write_text("mine")
    (mine / "data.parquet").write_text("mine")
    before = files(tmp_path)

    with pytest.raises(OutputError, match="is in the way"):
        write(tmp_path, in_month(10), "month", "media_type")

    assert files(tmp_path) == before
    assert folders(tmp_path) == ["month=2026-10", "month=2026-10/media_type=voice"]


def test_foreign_files_stay_beside_outdated_ones(tmp_path: Path) -> None:
    """A folder with something else in it stays with that."""
    write(tmp_path, in_month(10), "media_type")
    (tmp_path / "media_type=chat" / "notes.txt").write_text("mine")

    write(tmp_path, in_month(10, 1), "media_type")

    assert files(tmp_path / "media_type=chat") == {"notes.txt": b"mine"}


def test_failure_leaves_partitions_as_they_were(tmp_path: Path) -> None:
    """A table that breaks changes no partition and leaves no new folder."""
    write(tmp_path, in_month(9), "month", "media_type")
    before, made = files(tmp_path), folders(tmp_path)

    with pytest.raises(DataError):
        write(tmp_path, failing_table(), "month", "media_type")

    assert files(tmp_path) == before
    assert folders(tmp_path) == made


def test_interrupted_publication_is_mended_by_the_next(tmp_path: Path) -> None:
    """What is in its place already is known to be ours."""
    write(tmp_path, in_month(10), "media_type")
    table = in_month(10, 1)
    disk = OSError(28, "No space left on device")

    class Full(Target):
        def _publish(self) -> None:
            path, staged = next(iter(self._staged.items()))
            staged.replace(path)
            raise disk

    options = ParquetOptions(path=tmp_path, partition_by=("media_type",))
    with pytest.raises(OSError, match="No space"), Full() as target:
        ParquetExporter(options).export({"intervals": table}, target)
    write(tmp_path, table, "media_type")

    assert sorted(files(tmp_path)) == ["media_type=voice/data.parquet"]


def manifest(*names: str, **changes: Any) -> bytes:
    return orjson.dumps(
        {
            "version": 1,
            "table": "intervals",
            "timezone": "UTC",
            "partition_by": ["media_type"],
            "files": names,
            **changes,
        }
    )


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(manifest("../media_type=x/data.parquet"), id="above"),
        pytest.param(manifest("media_type=x/../../data.parquet"), id="up"),
        pytest.param(manifest("/media_type=x/data.parquet"), id="absolute"),
        pytest.param(manifest("media_type=x/secret"), id="another file"),
        pytest.param(manifest("data.parquet"), id="no folder"),
        pytest.param(manifest("other=x/data.parquet"), id="another column"),
        pytest.param(manifest("media_type=x\\..\\../data.parquet"), id="backslash"),
        pytest.param(manifest("media_type=link/data.parquet"), id="through a link"),
        pytest.param(manifest("data.parquet", partition_by=[]), id="no columns"),
        pytest.param(manifest("../data.parquet", partition_by=[".."]), id="column up"),
        pytest.param(manifest(version=2), id="newer"),
        pytest.param(manifest(extra=1), id="unknown key"),
        pytest.param(b"{", id="no JSON"),
    ],
)
def test_a_forged_list_removes_nothing(tmp_path: Path, data: bytes) -> None:
    """The list of what may be removed cannot point anywhere else."""
    folder, other = tmp_path / "out", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    (other / "data.parquet").write_text("precious")
    (tmp_path / "data.parquet").write_text("precious")
    (folder / "media_type=link").symlink_to(other)
    (folder / "_gcbatch.json").write_bytes(data)
    before = files(tmp_path)

    with pytest.raises(OutputError, match=r"_gcbatch\.json"):
        write(folder, sample_table(), "media_type")

    assert files(tmp_path) == before


def test_an_unreadable_list_is_an_error(tmp_path: Path) -> None:
    """It is not taken for none."""
    (tmp_path / "_gcbatch.json").mkdir()

    with pytest.raises(OutputError, match=r"_gcbatch\.json: cannot be read"):
        write(tmp_path, sample_table(), "media_type")


def test_another_layout_needs_another_folder(tmp_path: Path) -> None:
    """Two layouts in one folder would give every row twice."""
    write(tmp_path, in_month(10), "month")

    with pytest.raises(OutputError, match="is partitioned by month"):
        write(tmp_path, in_month(10), "day")


@pytest.mark.parametrize("change", [{"name": "sla"}, {"timezone": DUBLIN}])
def test_another_table_is_not_mixed_in(tmp_path: Path, change: Row) -> None:
    """Months of one table beside those of another are not one table."""
    write(tmp_path, in_month(9), "month")
    start = datetime(2026, 12, 1, tzinfo=UTC)  # midnight in both zones
    other = replace(sample_table(5, start=start), **change)

    with pytest.raises(OutputError, match="has partitions of intervals in UTC"):
        write(tmp_path, other, "month")


def test_another_table_may_replace_all(tmp_path: Path) -> None:
    """Where nothing of the earlier one would stay."""
    write(tmp_path, in_month(10), "month")

    write(tmp_path, replace(in_month(10, 5), name="sla"), "month")

    assert len(read(tmp_path)) == 5


@pytest.mark.parametrize(
    ("names", "problem", "hint"),
    [
        pytest.param(
            ["nope"],
            "intervals has no 'nope'",
            "choose from day, month, compliance_met, media_type, n_offered, queue_id, "
            "queue_name, t_handle_count, t_handle_sum_ms",
            id="unknown",
        ),
        pytest.param(["o_service_level_ratio"], "has no", "choose from", id="a float"),
        pytest.param(["interval_start"], "has no", "choose from", id="a time"),
        pytest.param(["day", "day"], "a name comes twice", "once", id="twice"),
    ],
)
def test_unusable_columns_are_refused(
    tmp_path: Path, names: list[str], problem: str, hint: str
) -> None:
    """Before the first request, with those that would do."""
    with pytest.raises(JobError, match=problem) as error:
        write(tmp_path, sample_table(), *names)

    assert str(error.value.hint).startswith(hint) or hint in str(error.value.hint)


def test_a_column_must_be_left(tmp_path: Path) -> None:
    """A file without columns has no rows."""
    with pytest.raises(JobError, match="no column of intervals would be left"):
        write(tmp_path, with_columns(a=[1]), "n", "a")


def test_a_table_without_time_has_no_days(tmp_path: Path) -> None:
    """Day and month are of a column that the table names."""
    with pytest.raises(JobError) as error:
        write(tmp_path, with_columns(a=["x"]), "day")

    assert error.value.hint == "choose from a, n"


def test_periods_have_days_too(tmp_path: Path) -> None:
    """The sla table's times are called period_start; text may be dictionaries."""
    table = with_columns(
        period_start=[datetime(2026, 10, 4, tzinfo=UTC)],
        queue=pa.array(["a"]).dictionary_encode(),
    )
    table = replace(table, time="period_start")

    write(tmp_path, table, "day", "queue")

    assert folders(tmp_path) == ["day=2026-10-04", "day=2026-10-04/queue=a"]


def test_a_column_called_day_is_that_column(tmp_path: Path) -> None:
    """A table's own names come first."""
    table = with_columns(
        day=["Mon"], interval_start=[datetime(2026, 10, 4, tzinfo=UTC)]
    )

    write(tmp_path, table, "day")

    assert folders(tmp_path) == ["day=Mon"]


@pytest.mark.parametrize(
    ("instant", "problem"),
    [
        (datetime(2026, 11, 1, tzinfo=UTC), "is not in 2026-10-01"),
        (None, "interval_start is missing"),
    ],
)
def test_rows_outside_the_range_are_an_error(
    tmp_path: Path, instant: datetime | None, problem: str
) -> None:
    """Their month would be replaced by a piece of it."""
    kind = pa.timestamp("ms", "UTC")
    table = with_columns(interval_start=pa.array([instant], kind))

    with pytest.raises(DataError, match=problem):
        write(tmp_path / "out", table, "month")

    assert list(tmp_path.iterdir()) == []


def test_a_link_is_no_partition(tmp_path: Path) -> None:
    """Two partitions in one folder would overwrite each other."""
    (tmp_path / "queue=support").mkdir()
    (tmp_path / "queue=Support").symlink_to(tmp_path / "queue=support")

    with pytest.raises(OutputError, match="queue=Support: is a link"):
        write(tmp_path, with_columns(queue=["Support", "support"]), "queue")


@pytest.mark.parametrize(
    ("asked", "there", "wrong"),
    [
        pytest.param(
            ["q=A/day=1", "q=a/day=2"],
            {"": ["q=A"], "q=A": ["day=1", "day=2"]},
            ["q=a/day=2"],
            id="one run",
        ),
        pytest.param(
            ["q=SALES/day=2"],
            {"": ["q=Sales"], "q=SALES": ["day=1", "day=2"]},
            ["q=SALES/day=2"],
            id="a run before",
        ),
        pytest.param(["q=a"], {"": ["q=a", "other"]}, [], id="as asked"),
    ],
)
def test_a_disk_that_folds_case_is_noticed(
    asked: list[str], there: dict[str, list[str]], wrong: list[str]
) -> None:
    """Rows of SALES would be read as those of Sales, be it of a day before."""
    assert list(renamed_by_disk(asked, there.__getitem__)) == wrong


def test_cases_have_folders_of_their_own(tmp_path: Path) -> None:
    """If the disk distinguishes them."""
    write(tmp_path, with_columns(queue=["Support", "support"]), "queue")

    assert folders(tmp_path) == ["queue=Support", "queue=support"]


def test_folder_and_file_are_not_confused(tmp_path: Path) -> None:
    """One needs partition_by, the other must not have it."""
    (tmp_path / "file").touch()
    options = ParquetOptions(path=tmp_path / "file", partition_by=("day",))

    with pytest.raises(OutputError, match="is a file, partition_by writes a folder"):
        ParquetExporter(options).check({"intervals": sample_table(0)})
    with pytest.raises(OutputError, match="is a folder"):
        write(tmp_path, sample_table())


def test_takes_one_table(tmp_path: Path) -> None:
    """A job that asks for more is refused before its first request."""
    exporter = ParquetExporter(ParquetOptions(path=tmp_path / "a"))
    tables: dict[str, Table] = {"sla": sample_table(), "intervals": sample_table()}

    with pytest.raises(JobError, match=r"takes one table, got 2 \(sla, intervals\)"):
        exporter.check(tables)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files")
def test_many_partitions_need_few_files(tmp_path: Path) -> None:
    """Thousands of queues do not hold thousands of files open."""
    opened: list[int] = []
    table = with_columns(queue=[f"{n % 1000:04}" for n in range(3000)])

    class Counting(ParquetExporter):
        def _write(self, *args: Any) -> int:
            opened.append(len(os.listdir("/proc/self/fd")))  # noqa: PTH208 - a count
            return super()._write(*args)

    options = ParquetOptions(path=tmp_path, partition_by=("queue",))
    export(Counting(options), "parquet", {"intervals": table})

    assert len(opened) == 1000
    assert max(opened) - min(opened) < 8
