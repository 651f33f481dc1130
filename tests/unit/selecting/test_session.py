"""Queries over tables: right rows and types, bounded, and refused with a reason."""

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gcbatch.coverage import Coverage
from gcbatch.errors import DamagedPartError, GcbatchError, JobError
from gcbatch.selecting import Limits, Session
from gcbatch.table import INSTANT, StoppedError, Table
from gcbatch.windows import UTC_ZONE, Window

START = datetime(2026, 3, 1, tzinfo=UTC)
SCHEMA = pa.schema(
    [
        pa.field("interval_start", INSTANT, nullable=False),
        pa.field("queue", pa.dictionary(pa.int32(), pa.string())),
        pa.field("n_offered", pa.int64()),
        pa.field("tags", pa.list_(pa.string())),
    ]
)
HOURS = 6


def batches() -> Iterator[pa.RecordBatch]:
    for hour in range(HOURS):
        yield pa.RecordBatch.from_arrays(
            [
                pa.array([START + timedelta(hours=hour)] * 2, INSTANT),
                pa.array(["Sales", "Support"]).dictionary_encode(),
                pa.array([hour, 10 * hour]),
                pa.array([["x"], None], pa.list_(pa.string())),
            ],
            schema=SCHEMA,
        )


def damaged() -> Iterator[pa.RecordBatch]:
    rows = batches()
    yield next(rows)
    msg = "part abc: is damaged"
    raise DamagedPartError(msg)


class Tables:
    """Opens tables, and counts how often each is read."""

    def __init__(self) -> None:
        self.read: Counter[str] = Counter()
        self.rows: dict[str, Callable[[], Iterator[pa.RecordBatch]]] = {
            "intervals": batches,
            "queues": batches,
            "bad": damaged,
        }

    def open(self, name: str) -> Table:
        def rows() -> Iterator[pa.RecordBatch]:
            self.read[name] += 1
            yield from self.rows[name]()

        range_ = Window(START, START + timedelta(days=1))
        return Table(
            name,
            SCHEMA,
            ("interval_start",),
            Coverage.whole(range_),
            UTC_ZONE,
            "",
            rows,
        )

    def session(self, **limits: Any) -> Session:
        return Session(self.rows.keys(), self.open, Limits(**limits))


@pytest.fixture
def tables() -> Tables:
    return Tables()


@pytest.fixture
def session(tables: Tables) -> Iterator[Session]:
    with tables.session() as opened:
        yield opened


def refusal(session: Session, sql: str) -> GcbatchError:
    with pytest.raises(GcbatchError) as refused:
        session.select(sql).read_all()
    return refused.value


def test_a_query_reads_the_tables_that_it_names(
    session: Session, tables: Tables
) -> None:
    """And no other; in any case, and once for each time that it names one."""
    rows = session.select(
        "select a.queue, sum(b.n_offered) as n from Intervals a "
        "join intervals b using (interval_start, queue) group by all order by all"
    )

    assert rows.read_all().to_pylist() == [
        {"queue": "Sales", "n": 15},
        {"queue": "Support", "n": 150},
    ]
    assert set(tables.read) == {"intervals"}


def test_the_types_are_those_of_tables(session: Session) -> None:
    """Whole numbers are int64, instants have milliseconds, what is nested is JSON."""
    rows = session.select(
        """
        select sum(n_offered) as total, count(*)::utinyint as small, 7 as plain,
               12::decimal(18, 0) as whole, 1.25 as part, 2::float as narrow,
               max(interval_start) as last, max(interval_start)::date as day,
               timestamp '2026-03-01 10:00' as wall, any_value(queue) as queue,
               ['a', 'b'] as texts, [1, 2] as numbers, {'a': 1} as pair,
               interval 90 minute as span, true as yes, null as nothing,
               '3d7e7e3a-6a0c-4d2e-8a5d-0c1f2a3b4c5d'::uuid as id
        from intervals
        """
    )

    table = rows.read_all()
    assert {field.name: str(field.type) for field in table.schema} == {
        "total": "int64",
        "small": "int64",
        "plain": "int64",
        "whole": "int64",
        "part": "double",
        "narrow": "double",
        "last": "timestamp[ms, tz=UTC]",
        "day": "date32[day]",
        "wall": "timestamp[ms]",
        "queue": "string",
        "texts": "list<item: string>",
        "numbers": "string",
        "pair": "string",
        "span": "string",
        "yes": "bool",
        "nothing": "string",
        "id": "string",
    }
    (row,) = table.to_pylist()
    assert row == {
        "total": 165,
        "small": 12,
        "plain": 7,
        "whole": 12,
        "part": 1.25,
        "narrow": 2.0,
        "last": START + timedelta(hours=5),
        "day": date(2026, 3, 1),
        "wall": datetime(2026, 3, 1, 10),  # noqa: DTZ001 - what a clock shows
        "queue": row["queue"],
        "texts": ["a", "b"],
        "numbers": "[1,2]",
        "pair": '{"a":1}',
        "span": "01:30:00",
        "yes": True,
        "nothing": None,
        "id": "3d7e7e3a-6a0c-4d2e-8a5d-0c1f2a3b4c5d",
    }


def test_finer_instants_are_cut_to_milliseconds(session: Session) -> None:
    """As the service's own have no more."""
    rows = session.select("select timestamptz '2026-03-01 00:00:00.123999+00' as at")

    assert rows.read_all()["at"].to_pylist() == [START + timedelta(milliseconds=123)]


def test_instants_are_utc_wherever_it_runs(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day without a zone is a day of UTC, not of this machine."""
    monkeypatch.setenv("TZ", "Pacific/Auckland")

    rows = session.select("select timestamptz '2026-03-01 00:00' as at")

    assert rows.read_all()["at"].to_pylist() == [START]


def test_a_sum_that_does_not_fit_is_an_error(session: Session) -> None:
    """It is not another number."""
    error = refusal(session, "select sum(9223372036854775807) from intervals")

    assert isinstance(error, JobError)
    assert "out of range" in error.problem


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        (
            "select offered from intervals",
            "line 1, column 8: unknown column 'offered': did you mean n_offered?",
        ),
        (
            "select 1,\n  i.ofered\nfrom intervals i",
            "line 2, column 5: unknown column 'ofered': did you mean n_offered?",
        ),
        (
            "select 1\nfrom interval",
            "line 2, column 6: unknown table 'interval': did you mean intervals?",
        ),
        (
            "select lenth(queue) from intervals",
            "line 1, column 8: unknown function 'lenth': did you mean length?",
        ),
    ],
)
def test_a_wrong_name_has_its_place_and_the_nearest(
    session: Session, sql: str, problem: str
) -> None:
    """Of columns, tables and functions."""
    assert refusal(session, sql).problem.removeprefix("query: ") == problem


def test_a_value_that_cannot_be_cast_is_named(session: Session) -> None:
    """As it is found, in the middle of the rows."""
    error = refusal(session, "select queue::int from intervals")

    assert "Could not convert string 'Sales' to INT32" in error.problem.replace(
        "could", "Could"
    )


@pytest.mark.parametrize(
    "sql",
    [
        "select * from '{file}'",
        "select * from read_csv('{file}')",
        "select * from read_text('{file}')",
        "select * from read_parquet('{file}')",
        "select * from glob('{file}')",
        "select * from 'http://127.0.0.1:9/x.parquet'",
        "select * from read_csv('https://127.0.0.1:9/x.csv')",
        "select * from read_parquet('s3://bucket/x.parquet')",
        "copy intervals to '{file}.out'",
        "attach '{file}.db'",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "export database '{file}.folder'",
        "explain analyze copy intervals to '{file}.out'",
        "select * from query('select * from read_text(''{file}'')')",
        "with a as (select * from read_text('{file}')) select * from a",
    ],
)
def test_files_and_the_network_are_refused(
    session: Session, tmp_path: Path, sql: str
) -> None:
    """However a query asks for them; the error says what allows them."""
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n", "utf-8")

    error = refusal(session, sql.format(file=secret.as_posix()))

    assert isinstance(error, JobError)
    assert "--allow-files" in (error.hint or "")
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]


def test_files_can_be_allowed(tables: Tables, tmp_path: Path) -> None:
    """Then a query reads and writes them, beside the tables."""
    path = (tmp_path / "some.csv").as_posix()

    with tables.session(allow_files=True) as session:
        session.select(f"copy (select sum(n_offered) n from intervals) to '{path}'")  # noqa: S608 - ours
        rows = session.select(f"select n from '{path}'").read_all()  # noqa: S608 - ours

    assert rows.to_pylist() == [{"n": 165}]


def test_settings_stay_locked_where_files_are_allowed(tables: Tables) -> None:
    """A query cannot take more memory than it was given."""
    with tables.session(allow_files=True) as session:
        error = refusal(session, "set memory_limit = '64GB'")

    assert "locked" in error.problem


@pytest.mark.parametrize("allow_files", [False, True])
def test_variables_of_the_program_are_no_tables(
    tables: Tables, *, allow_files: bool
) -> None:
    """DuckDB would find them in the frames that call it."""
    secrets = pa.table({"secret": ["x"]})

    with tables.session(allow_files=allow_files) as session:
        assert "secrets" in refusal(session, "from secrets").problem

    assert secrets.num_rows


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has kB")
def test_a_query_that_needs_too_much_memory_ends(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a clear error, within its memory, and without a file."""
    resource = pytest.importorskip("resource")
    monkeypatch.chdir(tmp_path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sql = (
        "select count(*) from (select distinct i, i::varchar from range(9000000) t(i))"
    )

    with tables.session(memory="50MB") as session:
        error = refusal(session, sql)

    assert error.problem == "query: needs more than 50MB of memory"
    assert "--memory" in (error.hint or "")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 200_000
    assert not [*tmp_path.iterdir()]


def test_rows_come_a_batch_at_a_time(tables: Tables) -> None:
    """A result that is larger than the memory can be read."""
    sql = "select i, repeat('x', 100) as x from range(1000000) t(i)"

    with tables.session(memory="60MB") as session:
        rows = sum(batch.num_rows for batch in session.select(sql))

    assert rows == 1_000_000


@pytest.mark.parametrize(
    "sql",
    [
        "select * from bad",
        "select sum(n_offered) from bad",
        "select queue from intervals union all select queue from bad",
        "select * from intervals join bad using (interval_start)",
    ],
)
def test_an_error_of_a_table_is_the_tables_own(session: Session, sql: str) -> None:
    """Not DuckDB's, which has the text of a traceback."""
    error = refusal(session, sql)

    assert isinstance(error, DamagedPartError)
    assert error.problem == "part abc: is damaged"


def test_a_session_goes_on_after_an_error(session: Session) -> None:
    """Of a table or of a query."""
    refusal(session, "select * from bad")
    error = refusal(session, "select nope from intervals")
    rows = session.select("select count(*) as n from intervals").read_all()

    assert isinstance(error, JobError)
    assert rows.to_pylist() == [{"n": 2 * HOURS}]


def test_a_query_ends_when_it_shall(tables: Tables) -> None:
    """Also one that reads no table, and computes for hours."""
    stop = threading.Event()
    stop.set()
    sql = "select count(*) from range(1000000000000) t(i) where hash(i) % 7 = 1"

    with (
        Session((), tables.open, stop=stop) as session,
        pytest.raises(StoppedError),
    ):
        session.select(sql).read_all()


def test_a_memory_that_is_none_is_refused() -> None:
    """Before anything is read."""
    with pytest.raises(JobError, match=r"memory is not a size \(much\)"):
        Tables().session(memory="much")


def test_without_duckdb_one_line_says_what_to_install(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a traceback."""
    monkeypatch.setitem(sys.modules, "duckdb", None)
    monkeypatch.setattr("gcbatch.selecting.connection.duckdb.connect", missing)

    with pytest.raises(JobError) as refused:
        tables.session()

    assert refused.value.problem == "query: needs DuckDB, which is not installed"
    assert refused.value.hint == "pip install 'gcbatch[sql]'"


def missing(*_: object, **__: object) -> None:
    raise ModuleNotFoundError(name="duckdb")
