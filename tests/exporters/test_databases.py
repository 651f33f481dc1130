"""What loads into databases have in common: what is replaced, refused and noted."""

import resource
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from gcbatch.coverage import Coverage
from gcbatch.errors import JobError, OutputError
from gcbatch.exporting import Receipt, export, held_export, load_exporter, mismatches
from gcbatch.table import INSTANT, Table
from gcbatch.testing import sample_table
from gcbatch.windows import UTC_ZONE, Window
from gcbatch_exporters.databases import waiting
from tests.support.destinations import (
    FILES,
    Database,
    DuckdbFile,
    SqliteFile,
    place_of,
)
from tests.support.readers import duckdb_reader, sqlite_reader

START = datetime(2026, 10, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)

SCHEMA = pa.schema(
    [
        pa.field("interval_start", INSTANT, nullable=False),
        pa.field("interval_end", INSTANT, nullable=False),
        pa.field("queue_id", pa.string()),
        pa.field("n_offered", pa.int64()),
    ]
)
ORG = pa.field("org", pa.string(), nullable=False)


def window(first: float, last: float) -> Window:
    """Return a window by hours after START."""
    return Window(START + first * HOUR, START + last * HOUR)


def hours(
    first: int, last: int, *, step: int = 1, figure: int = 1, **more: Any
) -> Table:
    """Return a table of an hour or more each, which covers all of its range."""
    starts = [START + n * HOUR for n in range(first, last, step)]
    columns = {
        "interval_start": starts,
        "interval_end": [start + step * HOUR for start in starts],
        "queue_id": ["q"] * len(starts),
        "n_offered": [figure] * len(starts),
    }
    data = pa.Table.from_pydict(columns, SCHEMA)
    return table_of(data, Coverage.whole(window(first, last)), **more)


def table_of(data: pa.Table, covered: Coverage, **more: Any) -> Table:
    usual: dict[str, Any] = {
        "name": "intervals",
        "schema": data.schema,
        "key": ("interval_start", "queue_id"),
        "covered": covered,
        "timezone": UTC_ZONE,
        "run_id": "r",
        "batches": lambda: iter(data.to_batches()),
        "end": "interval_end",
        "job": "j",
    }
    return Table(**(usual | more))


def of_orgs(figure: int, *orgs: str) -> Table:
    """Return two hours of each of some orgs."""
    data = hours(0, 2, figure=figure).read_all()
    parts = [
        data.add_column(0, ORG, pa.array([org] * data.num_rows, pa.string()))
        for org in orgs
    ]
    covered = Coverage.of_orgs({org: Coverage.whole(window(0, 2)) for org in orgs})
    key = ("org", "interval_start", "queue_id")
    return table_of(pa.concat_tables(parts), covered, key=key)


@pytest.fixture(params=[*FILES, pytest.param("postgres", marks=pytest.mark.slow)])
def place(request: pytest.FixtureRequest) -> Database:
    found: Database = place_of(request.param, request)
    return found


class Loader:
    """Loads tables into a database of a test's own."""

    def __init__(self, place: Database, folder: Path) -> None:
        self.place, self.folder = place, folder

    def exporter(self, **options: Any) -> Any:
        kind: Any = load_exporter(self.place.exporter)
        return kind(kind.Options(**{**self.place.options(self.folder), **options}))

    def __call__(
        self, *tables: Table, fingerprint: str = "", **options: Any
    ) -> Receipt:
        by_name = {table.name: table for table in tables}
        name = self.place.exporter
        exporter = self.exporter(**options)
        return export(exporter, name, by_name, fingerprint=fingerprint)[0]

    def check(self, table: Table, **options: Any) -> None:
        self.exporter(**options).check({table.name: table})

    def holds(self, table: Table, fingerprint: str) -> Receipt | None:
        name, tables = self.place.exporter, {table.name: table}
        return held_export(self.exporter(), name, tables, fingerprint=fingerprint)

    def problems(self, table: Table) -> list[str]:
        name, tables = self.place.exporter, {table.name: table}
        return [str(found) for found in mismatches(self.exporter(), name, tables)]

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        return self.place.query(self.folder, statement)

    def figures(self, where: str = "1 = 1") -> list[int]:
        """Return the figures of rows, in the order of time."""
        statement = (
            f"SELECT n_offered FROM intervals WHERE {where} ORDER BY interval_start"  # noqa: S608 - a test's own
        )
        return [figure for (figure,) in self.sql(statement)]


@pytest.fixture
def load(place: Database, tmp_path: Path) -> Loader:
    return Loader(place, tmp_path)


@pytest.fixture
def short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no load wait for long."""
    monkeypatch.setattr(waiting, "MAX_WAIT_S", 0.3)


class TestSpans:
    def test_a_span_is_half_open(self, load: Loader) -> None:
        """The row at its start goes, the one at its end stays."""
        load(hours(0, 6))

        load(hours(2, 4, figure=9))

        assert load.figures() == [1, 1, 9, 9, 1, 1]

    def test_a_row_outside_all_spans_is_not_loaded(self, load: Loader) -> None:
        """What is there of a gap stays, also rows that the new table has not."""
        load(hours(0, 6))
        table = hours(0, 6, figure=9)

        load(replace(table, covered=table.covered.without([window(2, 4)])))

        assert load.figures() == [9, 9, 1, 1, 9, 9]

    def test_without_spans_nothing_happens(self, load: Loader) -> None:
        """A table that covers nothing makes no table."""
        table = hours(0, 6)

        receipt = load(replace(table, covered=replace(table.covered, spans=())))

        assert receipt.rows == 0
        assert load.place.found(load.folder, "intervals") is None

    def test_orgs_are_replaced_one_by_one(self, load: Loader) -> None:
        """An org that the table does not cover keeps its rows."""
        load(of_orgs(1, "north", "south"))

        load(of_orgs(9, "north"))

        assert load.figures("org = 'north'") == [9, 9]
        assert load.figures("org = 'south'") == [1, 1]

    def test_a_timeless_table_is_replaced_as_a_whole(self, load: Loader) -> None:
        """Whatever its rows say of time."""
        load(hours(0, 6, time=None, end=None))

        load(hours(2, 4, time=None, end=None))

        assert load.figures() == [1, 1]


class TestEdges:
    @pytest.mark.parametrize(("first", "last"), [(1, 4), (0, 3), (1, 3), (-3, 1)])
    def test_a_row_over_an_edge_is_refused(
        self, load: Loader, first: int, last: int
    ) -> None:
        """At the start or the end of a span; nothing changes."""
        load(hours(0, 4, step=2))

        with pytest.raises(JobError, match="cannot be divided"):
            load(hours(first, last, figure=9))

        assert load.figures() == [1, 1]

    @pytest.mark.parametrize(("first", "last"), [(0, 2), (2, 4), (0, 4), (-1, 5)])
    def test_rows_that_end_at_an_edge_are_whole(
        self, load: Loader, first: int, last: int
    ) -> None:
        """They are replaced, or stay."""
        load(hours(0, 4, step=2))

        load(hours(first, last, figure=9))

        assert load.figures().count(9) == last - first

    def test_a_month_is_seen_too(self, load: Loader) -> None:
        """A row may be as long as 31 days and an hour."""
        load(hours(0, 31 * 24 + 1, step=31 * 24 + 1))

        with pytest.raises(JobError, match="cannot be divided"):
            load(hours(31 * 24, 31 * 24 + 1))


class TestOwner:
    def test_another_job_is_refused(self, load: Loader) -> None:
        """By check and by export; the message names the owner and the way out."""
        load(hours(0, 2))

        for work in (load, load.check):
            with pytest.raises(JobError, match="belongs to the job j") as refused:
                work(hours(0, 2, figure=9, job="other"))
            assert "_gcbatch_loads" in str(refused.value.hint)
        assert load.figures() == [1, 1]

    def test_another_table_of_the_job_is_refused(self, load: Loader) -> None:
        """One without time would replace all rows that are there."""
        load(hours(0, 2), name="numbers")
        queues = replace(hours(0, 2, figure=9), name="queues", time=None)

        for work in (load, load.check):
            with pytest.raises(JobError, match="has rows of intervals, not of queues"):
                work(queues, name="numbers")

        assert load.sql("SELECT n_offered FROM numbers") == [(1,), (1,)]

    @pytest.mark.parametrize("place", FILES, indirect=True)
    def test_names_are_the_same_in_any_case(self, load: Loader) -> None:
        """`Intervals` is the table `intervals`, and its owner the same."""
        load(hours(0, 2))

        load(hours(1, 2, figure=9), name="Intervals")

        assert load.figures() == [1, 9]
        assert {*load.place.ledger(load.folder, "table_name")} == {("intervals",)}

    def test_other_letters_are_other_tables(self, load: Loader) -> None:
        """Databases fold a to A, but not ä to Ä."""
        load(hours(0, 2), name="ä")
        load(hours(0, 2, job="other"), name="Ä")

        tables = load.place.ledger(load.folder, "table_name, job")
        assert tables == [("ä", "j"), ("Ä", "other")]

    def test_rows_of_others_are_refused(self, load: Loader) -> None:
        """An empty table may be taken."""
        load.sql("CREATE TABLE intervals (note text)")
        load.sql("INSERT INTO intervals (note) VALUES ('mine')")

        with pytest.raises(JobError, match="did not load"):
            load.check(hours(0, 2))
        load.sql("DELETE FROM intervals")
        load(hours(0, 2))

        assert load.figures() == [1, 1]

    @pytest.mark.parametrize("place", FILES, indirect=True)
    def test_a_view_is_refused(self, load: Loader) -> None:
        """Before the first request."""
        load.sql("CREATE VIEW intervals AS SELECT 1 AS n_offered")

        with pytest.raises(JobError, match="is a view"):
            load.check(hours(0, 2))


class TestColumns:
    def test_another_type_is_refused(self, load: Loader) -> None:
        """The message names both types."""
        load.sql("CREATE TABLE intervals (n_offered text, queue_id double precision)")

        with pytest.raises(JobError) as refused:
            load.check(hours(0, 2))

        assert "column n_offered is " in str(refused.value)
        assert "column queue_id is " in str(refused.value)

    def test_a_new_column_of_the_key_is_refused(self, load: Loader) -> None:
        """Old rows could not be distinguished from new ones."""
        load(hours(0, 2))
        table = hours(0, 2)
        more = table.read_all().append_column("media_type", pa.array(["voice"] * 2))
        key = (*table.key, "media_type")

        with pytest.raises(JobError, match="has no media_type, which"):
            load(table_of(more, table.covered, key=key))

    @pytest.mark.parametrize("is_first", [True, False])
    def test_a_column_org_comes_or_goes(self, load: Loader, is_first: bool) -> None:  # noqa: FBT001 - a parameter
        """It is refused, as long as there are rows."""
        one, several = hours(0, 2), of_orgs(1, "north")
        first, second = (several, one) if is_first else (one, several)
        load(first)

        with pytest.raises(JobError, match="org, which"):
            load(second)

    def test_a_column_that_was_dropped_comes_back(self, load: Loader) -> None:
        """The table is then not what was loaded last."""
        load(hours(0, 2, step=1), fingerprint="f")
        assert load.holds(hours(0, 2), "f") is not None
        load.sql("ALTER TABLE intervals DROP COLUMN n_offered")

        assert load.holds(hours(0, 2), "f") is None
        load(hours(0, 2), fingerprint="f")
        assert load.figures() == [1, 1]


class TestLedger:
    def test_a_load_is_a_row_for_each_span(self, load: Loader) -> None:
        """With its count; the number of the load goes up."""
        table = hours(0, 6)
        load(replace(table, covered=table.covered.without([window(2, 3)])))
        load(hours(0, 2), fingerprint="f")

        found = load.place.ledger(load.folder, "load_number, row_count, fingerprint")
        assert found == [(1, 2, ""), (1, 3, ""), (2, 2, "f")]

    def test_a_later_load_of_a_part_makes_the_whole_unknown(self, load: Loader) -> None:
        """And one beside it does not."""
        load(hours(0, 4), fingerprint="f")
        load(hours(4, 6), fingerprint="g")
        assert load.holds(hours(0, 4), "f") is not None

        load(hours(1, 2), fingerprint="h")

        assert load.holds(hours(0, 4), "f") is None
        assert load.holds(hours(4, 6), "g") is not None

    def test_spans_of_another_cut_are_unknown(self, load: Loader) -> None:
        """Only the same spans with the same fingerprint are held."""
        load(hours(0, 4), fingerprint="f")

        assert load.holds(hours(0, 3), "f") is None
        assert load.holds(hours(0, 5), "f") is None
        assert load.holds(hours(0, 4), "g") is None
        assert load.holds(hours(0, 4, job="other"), "f") is None

    def test_a_lost_row_is_seen(self, load: Loader) -> None:
        """By its count; the next load brings it back."""
        load(hours(0, 4), fingerprint="f")
        load.sql("DELETE FROM intervals WHERE interval_start < '2026-10-01T01:00:00Z'")

        assert load.holds(hours(0, 4), "f") is None

    def test_each_org_has_its_own(self, load: Loader) -> None:
        """A load of one org leaves what is known of another."""
        load(of_orgs(1, "north", "south"), fingerprint="f")
        load(of_orgs(9, "north"), fingerprint="g")

        assert load.holds(of_orgs(1, "south"), "f") is not None
        assert load.holds(of_orgs(1, "north"), "f") is None

    def test_a_dropped_table_is_loaded_again(self, load: Loader) -> None:
        """By any job."""
        load(hours(0, 2), fingerprint="f")
        load.sql("DROP TABLE intervals")

        assert load.holds(hours(0, 2), "f") is None
        load(hours(0, 2, job="other"))
        assert load.figures() == [1, 1]


class TestWrongOnTheWay:
    def test_rows_that_the_database_drops_are_missed(self, tmp_path: Path) -> None:
        """Counts are compared before the commit; the old rows stay."""
        load = Loader(SqliteFile(), tmp_path)
        load(hours(0, 2))
        load.sql(
            "CREATE TRIGGER t BEFORE INSERT ON intervals WHEN NEW.n_offered = 9 "
            "BEGIN SELECT RAISE(IGNORE); END"
        )

        with pytest.raises(OutputError, match="has 0 rows where 2 were loaded"):
            load(hours(0, 2, figure=9))

        assert load.figures() == [1, 1]
        assert len(load.place.ledger(load.folder)) == 1

    def test_threads_of_one_process_leave_one_copy(self, tmp_path: Path) -> None:
        """DuckDB takes two inserts for no conflict; the loads see to it."""
        load = Loader(DuckdbFile(), tmp_path)
        load(hours(0, 1))

        def work(number: int) -> None:
            load(hours(2, 40, figure=number))

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(8)))

        figures = load.figures("interval_start >= '2026-10-01T02:00:00Z'")
        assert len(figures) == 38
        assert len({*figures}) == 1

    @pytest.mark.usefixtures("short_wait")
    def test_a_load_within_another_is_refused(self, tmp_path: Path) -> None:
        """Also where both add rows to a range that has none."""
        load = Loader(DuckdbFile(), tmp_path)
        load(hours(0, 1))
        table = hours(2, 4, figure=9)

        def batches() -> Iterator[pa.RecordBatch]:
            with pytest.raises(OutputError, match="another load changed the same"):
                load(hours(2, 4, figure=5))
            yield from table.batches()

        load(replace(table, batches=batches))

        assert load.figures() == [1, 9, 9]

    def test_threads_load_two_tables_of_one_file(self, tmp_path: Path) -> None:
        """Both create the ledger; the one that is refused tries again."""
        load = Loader(DuckdbFile(), tmp_path)

        def work(name: str) -> None:
            load(hours(0, 2), name=name)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, "abcd"))

        assert len(load.place.ledger(load.folder, "table_name")) == 4

    @pytest.mark.parametrize("place", FILES, indirect=True)
    @pytest.mark.parametrize("is_new", [True, False])
    def test_a_full_disk_changes_nothing(self, load: Loader, is_new: bool) -> None:  # noqa: FBT001 - a parameter
        """The error is one of outputs; with more space, the next load ends right."""
        if not is_new:
            load(replace(sample_table(500), job="j"))
        size = sum(file.stat().st_size for file in load.folder.iterdir())
        big = replace(sample_table(20_000), job="j")

        with no_file_larger_than(size + 2_000), pytest.raises(OutputError):
            load(big)

        if not is_new:
            assert load.sql("SELECT count(*) FROM intervals") == [(500,)]
        load(big)
        assert load.sql("SELECT count(*) FROM intervals") == [(20_000,)]

    @pytest.mark.parametrize("place", FILES, indirect=True)
    @pytest.mark.parametrize("content", ["text", "folder"])
    def test_what_is_no_database_is_refused(self, load: Loader, content: str) -> None:
        """And left as it is."""
        path = Path(load.place.options(load.folder)["path"])
        if content == "folder":
            path.mkdir()
        else:
            path.write_text("not a database\n" * 100, "utf-8")

        with pytest.raises(OutputError, match=str(path)):
            load(hours(0, 2))

        assert path.is_dir() or path.read_text("utf-8").startswith("not a database")

    @pytest.mark.parametrize(
        "name", ["", " ", "a\0b", "_gcbatch_loads", "_GCBATCH_loads"]
    )
    def test_names_that_no_table_can_have(self, load: Loader, name: str) -> None:
        """They are refused with the job file."""
        with pytest.raises(ValidationError):
            load.exporter(name=name)

    @pytest.mark.parametrize(
        "name", ['say "hi"', "x; DROP TABLE y", "select", "a.b", "q'", "ä" * 31]
    )
    def test_odd_names_are_names(self, load: Loader, name: str) -> None:
        """Whatever is in them."""
        load(hours(0, 2), name=name)
        load(hours(0, 2), name=name)

        quoted = name.replace('"', '""')
        assert load.sql(f'SELECT count(*) FROM "{quoted}"') == [(2,)]  # noqa: S608 - a test's own

    def test_sqlite_keeps_names_for_itself(self, tmp_path: Path) -> None:
        """They are refused with the job file."""
        with pytest.raises(ValidationError, match="SQLite's own"):
            Loader(SqliteFile(), tmp_path).exporter(name="SQLITE_x")

    def test_one_name_for_several_tables_is_refused(self, load: Loader) -> None:
        """The hint says how to give each its own."""
        tables = {name: hours(0, 2, name=name) for name in ("a", "b")}

        with pytest.raises(JobError, match="one for 2 tables") as refused:
            load.exporter(name="x").check(tables)

        assert "{table}" in str(refused.value.hint)


class TestReaders:
    @pytest.mark.usefixtures("short_wait")
    def test_a_reader_keeps_a_rollback_journal_from_commit(
        self, tmp_path: Path
    ) -> None:
        """The error says how to let both go on; then the next load ends right."""
        load = Loader(SqliteFile(), tmp_path)
        load(hours(0, 2))

        with (
            sqlite_reader(tmp_path / "genesys.db"),
            pytest.raises(OutputError) as refused,
        ):
            load(hours(0, 2, figure=9))

        assert "another program has kept it locked" in str(refused.value)
        assert "journal_mode=WAL" in str(refused.value.hint)
        assert load.figures() == [1, 1]
        load(hours(0, 2, figure=9))
        assert load.figures() == [9, 9]

    def test_a_load_waits_for_a_reader(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It ends once the reader lets go."""
        load = Loader(SqliteFile(), tmp_path)
        load(hours(0, 2))
        reader = sqlite_reader(tmp_path / "genesys.db")
        reader.__enter__()
        monkeypatch.setattr(
            "gcbatch_exporters.databases.waiting.time.sleep",
            lambda _: reader.__exit__(None, None, None),
        )

        load(hours(0, 2, figure=9))

        assert load.figures() == [9, 9]

    def test_readers_do_not_matter_to_a_write_ahead_log(self, tmp_path: Path) -> None:
        """They see the old rows until they end."""
        load = Loader(SqliteFile(), tmp_path)
        load(hours(0, 2))
        load.sql("PRAGMA journal_mode = WAL")

        with sqlite_reader(tmp_path / "genesys.db") as reader:
            load(hours(0, 2, figure=9))
            seen = reader.execute("SELECT DISTINCT n_offered FROM intervals").fetchall()

        assert seen == [(1,)]
        assert load.figures() == [9, 9]

    @pytest.mark.usefixtures("short_wait")
    def test_another_process_keeps_duckdb_closed(self, tmp_path: Path) -> None:
        """Also if it only reads; check lets it pass, as it may end meanwhile."""
        load = Loader(DuckdbFile(), tmp_path)
        load(hours(0, 2))

        with duckdb_reader(tmp_path / "genesys.duckdb"):
            load.check(hours(0, 2))
            with pytest.raises(OutputError, match="another program has kept it open"):
                load(hours(0, 2, figure=9))

        assert load.figures() == [1, 1]
        load(hours(0, 2, figure=9))
        assert load.figures() == [9, 9]


class TestVerify:
    def test_a_value_of_another_type_is_found_by_its_day_alone(
        self, tmp_path: Path
    ) -> None:
        """SQLite stores a text in a column of numbers; other days are as they were."""
        load = Loader(SqliteFile(), tmp_path)
        load(hours(0, 72))
        load.sql(
            "UPDATE intervals SET n_offered = 'many' "
            "WHERE interval_start = '2026-10-02T05:00:00.000Z'"
        )

        (problem,) = load.problems(hours(0, 72))

        assert problem.startswith("intervals, 2026-10-02: n_offered")


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """Let writes beyond a size fail, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
