"""Connections that fail or break are told in one line, without the password."""

import re
import signal
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from gcbatch import OutputError
from gcbatch.exporting import load_exporter
from gcbatch.table import Table
from gcbatch.testing import sample_table
from tests.support.postgres_server import (
    PostgresDatabase,
    PostgresServer,
    new_database,
)
from tests.support.postgres_tables import load

SECRET = "Tr0ub4dor"


def error_of(uri: str, table: Table | None = None) -> OutputError:
    with pytest.raises(OutputError) as caught:
        load(uri, table or sample_table(0))
    error = caught.value
    chain: Any = error
    while chain is not None:  # also what --debug shows
        assert SECRET not in str(chain)
        chain = chain.__cause__ or chain.__context__
    assert "\n" not in error.problem
    for noise in ("libpq", "SQLSTATE", "FATAL", "PGRES", "Is the server running"):
        assert noise not in error.problem
    return error


@pytest.mark.parametrize(
    ("uri", "problem", "hint"),
    [
        (
            "postgresql://{role}:Tr0ub4dor@{server}/{name}",
            "{server}/{name}: cannot connect: password authentication failed",
            "check user and password",
        ),
        (
            "postgresql://{role}@{server}/{name}",
            "cannot connect: no password supplied",
            "`uri` has no password",
        ),
        (
            "postgresql://gcbatch:Tr0ub4dor@{server}/nowhere",
            'cannot connect: database "nowhere" does not exist',
            "check the database's name",
        ),
        (
            "postgresql://u:Tr0ub4dor@127.0.0.1:1/d",
            "127.0.0.1:1/d: cannot connect: Connection refused",
            "check host and port",
        ),
        (
            "postgresql://u:Tr0ub4dor@nowhere.invalid/d",
            "nowhere.invalid/d: cannot connect: could not translate host name",
            "check the host's name",
        ),
        (
            "postgresql://{role}:Tr0ub4dor@{server}/{name}?sslmode=require",
            "server does not support SSL",
            "check `sslmode`",
        ),
        (
            "postgresql://u:Tr0ub4dor@h/d?no_such_key=1",
            'invalid URI query parameter: "no_such_key"',
            "write it as postgresql://",
        ),
        ("postgresql://u:x@Tr0ub4dor@h/d", "characters that mean something", "%40"),
        ("postgresql://u:x/Tr0ub4dor@h/d", "characters that mean something", "%2F"),
        ("postgresql://u:%zTr0ub4dor@h/d", "characters that mean something", "%XX"),
        ("postgresql://u@h/d?password=%zTr0ub4dor", "characters that mean", "%XX"),
        ("mysql://u:Tr0ub4dor@h/d", "does not begin with postgresql://", "write it as"),
        ("user=u password=a Tr0ub4dor host=h", "`uri` cannot be used", "write it as"),
        (
            "host=127.0.0.1 port=1 dbname=d password='a\\' Tr0ub4dor'",
            "127.0.0.1:1/d: cannot connect: Connection refused",
            "check host and port",
        ),
    ],
)
def test_a_connection_that_fails(
    postgres: PostgresDatabase, uri: str, problem: str, hint: str
) -> None:
    """It says what is wrong and what to do, and nothing of the password."""
    words = {
        "role": postgres.role,
        "name": postgres.name,
        "server": f"127.0.0.1:{postgres.server.port}",
    }

    error = error_of(uri.format(**words))

    assert problem.format(**words) in error.problem
    assert hint in (error.hint or "")


def breaking(postgres: PostgresDatabase, statement: str) -> Table:
    """Return a table in whose middle the administrator does something."""

    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(40):
            if number == 4:
                postgres.execute(statement)
            yield BATCH

    return replace(
        sample_table(0), batches=batches, schema=BATCH.schema, time=None, end=None
    )


BATCH = pa.RecordBatch.from_pydict({"n": pa.array(range(32_768), pa.int64())})
END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{}'"


def test_a_connection_that_breaks(postgres: PostgresDatabase) -> None:
    """The load fails, and the table has what it had."""
    load(
        postgres, replace(breaking(postgres, "SELECT 1"), batches=lambda: iter([BATCH]))
    )

    error = error_of(postgres.uri, breaking(postgres, END.format(postgres.role)))

    assert error.problem.endswith("intervals: the server closed the connection")
    assert postgres.rows("SELECT count(*) FROM intervals") == [(32_768,)]


@pytest.mark.slow
def test_a_server_that_is_restarted(postgres_server: PostgresServer) -> None:
    """Its crash in the middle of a load leaves the old state; the next load works."""
    del postgres_server  # tells whether there is one to start
    server = PostgresServer.create()
    try:
        with new_database(server) as database:
            load(database, sample_table(30))

            def batches() -> Iterator[pa.RecordBatch]:
                yield from sample_table(10).batches()
                server.stop(signal.SIGQUIT)
                server.start()
                yield from sample_table(10).batches()

            error = error_of(database.uri, replace(sample_table(), batches=batches))
            before = database.rows("SELECT count(*) FROM intervals")
            load(database, sample_table(20))
            after = database.rows("SELECT count(*) FROM intervals")
    finally:
        server.close()

    assert error.problem.endswith("intervals: the server closed the connection")
    assert (before, after) == ([(30,)], [(20,)])


def test_a_statement_timeout_is_told(postgres: PostgresDatabase) -> None:
    """The role's limit may be too short for a load."""
    load(postgres, sample_table(0))
    postgres.execute(f"ALTER ROLE {postgres.role} SET statement_timeout = '300ms'")

    error = error_of(postgres.uri, breaking(postgres, "SELECT pg_sleep(0.5)"))

    assert "statement timeout" in error.problem
    assert "SET statement_timeout" in (error.hint or "")


def test_no_secret_is_seen_on_the_server(postgres: PostgresDatabase) -> None:
    """Neither its log nor its list of sessions has the password; both name the job."""
    seen: list[tuple[Any, ...]] = []
    table = sample_table()

    def batches() -> Iterator[pa.RecordBatch]:
        seen.extend(
            postgres.rows("SELECT pg_stat_activity::text FROM pg_stat_activity")
        )
        yield from table.batches()

    load(postgres, replace(table, batches=batches), job="nightly")

    activity = " ".join(text for (text,) in seen)
    log = postgres.server.log.read_text("utf-8")
    assert "gcbatch nightly" in activity
    assert "gcbatch nightly" in log
    secret = postgres.password.rpartition("/")[2]
    after = re.split(rf"CREATE DATABASE {postgres.name} ", log)[-1]
    assert secret not in activity
    assert secret not in after


def test_the_user_may_name_the_application(postgres: PostgresDatabase) -> None:
    """A name in the address wins."""
    seen: list[tuple[Any, ...]] = []
    table = sample_table()

    def batches() -> Iterator[pa.RecordBatch]:
        seen.extend(postgres.rows("SELECT application_name FROM pg_stat_activity"))
        yield from table.batches()

    load(f"{postgres.uri}?application_name=loader", replace(table, batches=batches))

    assert ("loader",) in seen


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgresql://u:Tr0ub4dor@db:5432/sales", "db:5432/sales"),
        ("postgres://db/sales?password=Tr0ub4dor", "db/sales"),
        ("postgresql://u:p@a:1,b:2/sales", "a:1,b:2/sales"),
        ("postgresql://u:Tr0@ub4dor@[::1]:5432/s%20x", "[::1]:5432/s x"),
        ("postgresql://u:Tr0?ub4dor@db/sales?sslmode=disable", "db/sales"),
        ("host=db port=5433 password=Tr0ub4dor dbname=sales", "db:5433/sales"),
        ("service=mine", "postgres"),
    ],
)
def test_what_is_shown_of_an_address(uri: str, shown: str) -> None:
    """It is host, port and database, as far as the text names them."""
    kind = load_exporter("postgres")
    exporter: Any = kind(kind.Options.model_validate({"uri": uri}))

    assert exporter.destinations(["intervals"]) == [f"{shown}: intervals"]
