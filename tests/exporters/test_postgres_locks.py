"""Loads and other sessions wait for one another no longer than they have to."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from gcbatch import OutputError
from gcbatch.exporting import export
from gcbatch.table import Table
from gcbatch.testing import sample_table
from tests.support.postgres_server import PostgresDatabase
from tests.support.postgres_tables import load, postgres_exporter

COUNT = "SELECT count(*) FROM intervals"


@contextmanager
def session(
    postgres: PostgresDatabase, statement: str
) -> Iterator[psycopg.Connection[Any]]:
    """Hold a transaction open that has run a statement, as a person in psql does."""
    with psycopg.connect(postgres.uri, application_name="psql") as connection:
        connection.execute(statement.encode())
        yield connection
        connection.rollback()


def test_a_reader_stops_no_load(postgres: PostgresDatabase) -> None:
    """A transaction that has read the table goes on seeing what it saw."""
    load(postgres, sample_table(30))

    with session(postgres, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ") as reader:
        before = reader.execute(COUNT).fetchall()
        load(postgres, sample_table(20), lock_timeout="PT1S")
        after = reader.execute(COUNT).fetchall()

    assert before == after == [(30,)]
    assert postgres.rows(COUNT) == [(20,)]


@pytest.mark.parametrize(
    ("held", "change"),
    [
        pytest.param(COUNT, "drop column", id="a reader of a table to be altered"),
        pytest.param(
            "LOCK TABLE intervals IN SHARE MODE", "", id="a lock on the table"
        ),
    ],
)
def test_who_is_in_the_way_is_named(
    postgres: PostgresDatabase, held: str, change: str
) -> None:
    """The load ends after lock_timeout and says which session to end."""
    load(postgres, sample_table(30))
    if change:
        postgres.execute("ALTER TABLE intervals DROP COLUMN t_handle_count")

    with session(postgres, held) as other:
        pid = other.info.backend_pid
        with pytest.raises(OutputError) as caught:
            load(postgres, sample_table(20), lock_timeout="PT1S")

    said = (
        rf"public\.intervals: locked for more than 1 s by pid {pid}, user "
        rf"{postgres.role}, psql, idle in transaction since \d{{4}}-\d\d-\d\dT[\d:.]+Z$"
    )
    assert caught.match(said)
    assert caught.value.hint == (
        "wait for that session or end it, or give `lock_timeout` a longer time"
    )
    assert postgres.rows(COUNT) == [(30,)]


def test_a_table_that_is_in_use_is_no_reason_to_refuse_a_job(
    postgres: PostgresDatabase,
) -> None:
    """What cannot be looked at now may be free when the rows are fetched."""
    load(postgres, sample_table(30))
    table = replace(sample_table(30), job="sample")

    with session(postgres, "LOCK TABLE intervals IN ACCESS EXCLUSIVE MODE"):
        postgres_exporter(postgres).check({"intervals": table})


def test_a_run_that_is_ended_waits_no_longer(postgres: PostgresDatabase) -> None:
    """Ctrl-C ends a wait for a lock, also one that has no limit."""
    load(postgres, sample_table(30))
    exporter = postgres_exporter(postgres, lock_timeout="PT0S")
    table, stop = replace(sample_table(20), job="sample"), threading.Event()
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"

    with (
        session(postgres, "LOCK TABLE intervals IN SHARE MODE"),
        ThreadPoolExecutor() as pool,
    ):
        tables = {"intervals": table}
        ended = pool.submit(export, exporter, "postgres", tables, stop=stop)
        while postgres.rows(waits) == [(0,)]:
            assert not ended.done()
        stop.set()
        with pytest.raises(OutputError, match="canceling statement"):
            ended.result(timeout=60)

    assert postgres.rows(COUNT) == [(30,)]


def slow(table: Table, began: threading.Event, go_on: threading.Event) -> Table:
    """Return a table whose second batch comes when it may."""

    def batches() -> Iterator[pa.RecordBatch]:
        first, *others = table.read_all().to_batches(max_chunksize=10)
        yield first
        began.set()
        assert go_on.wait(60)
        yield from others

    return replace(table, batches=batches, batch_rows=10)


@contextmanager
def slow_load(
    postgres: PostgresDatabase, table: Table, **options: Any
) -> Iterator[None]:
    """Run a load in a thread; it stands still in the middle for the block."""
    began, go_on = threading.Event(), threading.Event()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            load(postgres, slow(table, began, go_on), **options)
        except BaseException as exc:  # noqa: BLE001 - the test looks at it
            errors.append(exc)
            began.set()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert began.wait(60)
        assert not errors
        yield
    finally:
        go_on.set()
        thread.join()
    assert not errors


def test_another_load_of_the_table_waits(postgres: PostgresDatabase) -> None:
    """It waits for lock_timeout, and then names the job that is loading."""
    load(postgres, sample_table(0), job="nightly")

    with (
        slow_load(postgres, sample_table(30), job="nightly"),
        pytest.raises(OutputError, match=r"locked for .* 1 s by pid \d+, .*nightly"),
    ):
        load(postgres, sample_table(20), job="nightly", lock_timeout="PT1S")

    assert postgres.rows(COUNT) == [(30,)]


def test_two_loads_at_once_leave_one_copy(postgres: PostgresDatabase) -> None:
    """The second begins when the first has ended, also when both are the first ever."""
    with slow_load(postgres, sample_table(30)):
        others = [
            threading.Thread(target=load, args=(postgres, sample_table(rows)))
            for rows in (20, 40)
        ]
        for other in others:
            other.start()
    for other in others:
        other.join()

    assert postgres.rows(COUNT) in ([(20,)], [(40,)])
    loads = "SELECT count(*), count(DISTINCT load_number) FROM _gcbatch_loads"
    assert postgres.rows(loads) == [(3, 3)]


def test_readers_see_whole_states(postgres: PostgresDatabase) -> None:
    """In the middle of a load they see what was there before it."""
    load(postgres, sample_table(30))

    with slow_load(postgres, sample_table(200)):
        during = postgres.rows(COUNT)

    assert during == [(30,)]
    assert postgres.rows(COUNT) == [(200,)]


def test_loads_of_two_tables_wait_for_nothing(postgres: PostgresDatabase) -> None:
    """Once there is a ledger, they run at the same time."""
    load(postgres, sample_table(0))

    with slow_load(postgres, sample_table(30)):
        load(postgres, sample_table(20), name="others", lock_timeout="PT1S")

    assert postgres.rows("SELECT count(*) FROM others") == [(20,)]


@pytest.mark.parametrize("wait", ["P2D", "30", "PT"])
def test_a_wait_has_a_length(wait: str) -> None:
    """It is a duration, and at most a day."""
    with pytest.raises(ValueError, match="lock_timeout"):
        load("postgresql://h/d", sample_table(0), lock_timeout=wait)


def test_no_wait_is_for_ever(postgres: PostgresDatabase) -> None:
    """PT0S gives the server no limit."""
    load(postgres, sample_table(30), lock_timeout="PT0S")

    log = postgres.server.log.read_text("utf-8")
    assert "parameters: $1 = '0'" in log
