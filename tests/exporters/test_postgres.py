"""The postgres exporter, on a real server, read back by another client."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from gcbatch import JobError, OutputError
from gcbatch.coverage import Coverage
from gcbatch.exporting import Receipt, export, held_export, load_exporter
from gcbatch.table import INSTANT, Table
from gcbatch.testing import ExporterConformance, Row, sample_table
from gcbatch.windows import Window
from tests.support.postgres_server import PostgresDatabase
from tests.support.postgres_tables import load, table_of


class TestPostgres(ExporterConformance):
    exporter = load_exporter("postgres")
    keeps_history: ClassVar[bool] = True
    _database: PostgresDatabase

    @pytest.fixture(autouse=True)
    def connect(self, postgres: PostgresDatabase) -> None:
        self._database = postgres

    def options(self, folder: Path) -> dict[str, Any]:
        del folder
        return {"uri": self._database.uri}

    def read(self, folder: Path) -> list[Row]:
        del folder
        query = "SELECT * FROM intervals ORDER BY interval_start, queue_id"
        names = columns_of(self._database, "intervals")
        rows = self._database.rows(query)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def columns(self, folder: Path) -> list[str]:
        del folder
        return columns_of(self._database, "intervals")


def columns_of(postgres: PostgresDatabase, table: str) -> list[str]:
    return list(types_of(postgres, table))


def types_of(postgres: PostgresDatabase, table: str) -> dict[str, str]:
    found = postgres.rows(
        "SELECT table_name, column_name, data_type FROM information_schema.columns "
        "ORDER BY ordinal_position"
    )
    return {column: kind for name, column, kind in found if name == table}


def test_columns_have_the_widest_types(postgres: PostgresDatabase) -> None:
    """Nothing that a table holds is cut."""
    load(postgres, sample_table())

    assert set(types_of(postgres, "intervals").values()) == {
        "bigint",
        "boolean",
        "double precision",
        "text",
        "timestamp with time zone",
    }


def test_tables_and_columns_have_comments(postgres: PostgresDatabase) -> None:
    """A column says what it means, its unit, and what the service calls it."""
    load(postgres, sample_table())

    comments = dict(
        postgres.rows(
            "SELECT attname::text, col_description(attrelid, attnum) "
            "FROM pg_attribute WHERE attrelid = 'intervals'::regclass AND attnum > 0"
        )
    )
    assert comments["interval_start"] == "Begin of the interval"
    assert comments["t_handle_sum_ms"] == "unit: ms; source: tHandle.sum"


def test_a_table_that_it_creates_has_an_index_on_its_time(
    postgres: PostgresDatabase,
) -> None:
    """It is of the kind that needs some kilobytes."""
    load(postgres, sample_table())

    ((index,),) = postgres.rows(
        "SELECT indexdef FROM pg_indexes WHERE tablename = 'intervals'"
    )
    assert index.endswith("USING brin (interval_start)")


def test_a_timeless_table_is_replaced_as_a_whole(postgres: PostgresDatabase) -> None:
    """It has no time and no index; each load is all of it."""
    queues = {"id": ["a", "b"], "name": ["x", None]}
    load(postgres, table_of(queues, name="queues", key=("id",), time=None))

    load(postgres, table_of({"id": ["b"], "name": ["y"]}, name="queues", time=None))

    assert postgres.rows("SELECT * FROM queues") == [("b", "y")]
    assert postgres.rows("SELECT 1 FROM pg_indexes WHERE tablename = 'queues'") == []


def test_it_says_where_rows_go(postgres: PostgresDatabase) -> None:
    """Server, database, schema and table; neither user nor password."""
    server = f"127.0.0.1:{postgres.server.port}/{postgres.name}"
    postgres.execute(f"CREATE SCHEMA genesys AUTHORIZATION {postgres.role}")

    receipt = load(postgres, sample_table(), db_schema="genesys", name="q")

    assert receipt == Receipt(f"{server}: genesys.q", 50)
    assert len(postgres.rows("SELECT * FROM genesys.q")) == 50
    assert len(postgres.rows("SELECT * FROM genesys._gcbatch_loads")) == 1
    assert columns_of(postgres, "intervals") == []


def test_names_of_any_letters_work(postgres: PostgresDatabase) -> None:
    """Quotes, capitals and spaces are part of a name."""
    name = 'My "Table"; --'

    load(postgres, sample_table(), name=name)
    load(postgres, sample_table(20), name=name)

    assert len(postgres.rows('SELECT * FROM "My ""Table""; --"')) == 20


def test_a_temporary_or_other_table_of_its_name_is_left_alone(
    postgres: PostgresDatabase,
) -> None:
    """Names mean the schema of the job, whatever the role's search_path has first."""
    postgres.execute(
        f"CREATE SCHEMA other AUTHORIZATION {postgres.role}",
        "CREATE TABLE other.intervals (a integer)",
        f"ALTER ROLE {postgres.role} SET search_path = other, public",
    )

    load(postgres, sample_table(), db_schema="public")

    assert postgres.rows("SELECT * FROM other.intervals") == []
    assert len(postgres.rows("SELECT * FROM public.intervals")) == 50


def test_a_database_of_another_encoding_gets_its_letters(
    postgres: PostgresDatabase,
) -> None:
    """The driver sends UTF-8, and the server is told so."""
    latin = f"{postgres.name}_l"
    postgres.execute(
        f"CREATE DATABASE {latin} OWNER {postgres.role} ENCODING 'LATIN1' "
        "LOCALE 'C' TEMPLATE template0"
    )
    there = replace(postgres, name=latin)
    try:
        load(there, table_of({"id": ["a"], "name": ["Zürich"]}, time=None))
        found = there.rows("SELECT name FROM intervals")
        with pytest.raises(OutputError, match=r"row 2, .*no equivalent in .*LATIN1"):
            load(there, table_of({"id": ["a", "b"], "name": ["x", "☎"]}, time=None))
    finally:
        postgres.execute(f"DROP DATABASE {latin} WITH (FORCE)")

    assert found == [("Zürich",)]


def documents(*texts: str | None) -> Table:
    schema = pa.schema(
        [
            pa.field("id", pa.int64()),
            pa.field("attributes", pa.string(), metadata={"content": "json"}),
        ]
    )
    ids = pa.array(range(1, len(texts) + 1), pa.int64())
    return table_of({"id": ids, "attributes": list(texts)}, schema=schema, time=None)


def test_json_stays_as_it_was_sent(postgres: PostgresDatabase) -> None:
    """As text, it keeps its spaces and the order of its keys."""
    load(postgres, documents('{"b": 1,  "a": 2}', None))

    assert postgres.rows("SELECT attributes FROM intervals ORDER BY id") == [
        ('{"b": 1,  "a": 2}',),
        (None,),
    ]


def test_json_may_become_jsonb(postgres: PostgresDatabase) -> None:
    """Then the database searches it."""
    load(postgres, documents('{"b": 1, "a": "ü"}', None, "[1]"), json="jsonb")

    assert types_of(postgres, "intervals")["attributes"] == "jsonb"
    assert postgres.rows("SELECT id FROM intervals WHERE attributes ? 'a'") == [(1,)]
    assert postgres.rows("SELECT attributes ->> 'a' FROM intervals ORDER BY id") == [
        ("ü",),
        (None,),
        (None,),
    ]


def test_jsonb_and_text_are_not_mixed(postgres: PostgresDatabase) -> None:
    """A table that has the one refuses the other."""
    load(postgres, documents("{}"), json="jsonb")

    with pytest.raises(JobError, match="attributes is jsonb, not text"):
        load(postgres, documents("{}"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (r'{"a": "\u0000"}', r"its JSON has \\u0000, which jsonb does not store"),
        ("{", "holds no JSON that jsonb stores"),
        (r'"\ud800"', "holds no JSON that jsonb stores"),
    ],
)
def test_what_jsonb_refuses_is_said(
    postgres: PostgresDatabase, text: str, problem: str
) -> None:
    """Row and column are named, and the way out."""
    with pytest.raises(OutputError, match=rf"row 2, column attributes: {problem}") as e:
        load(postgres, documents("{}", text), json="jsonb")

    assert e.value.hint == "set `json: text` and another `name`"
    assert types_of(postgres, "intervals") == {}


def test_a_nul_in_a_text_is_refused(postgres: PostgresDatabase) -> None:
    """PostgreSQL stores none; row and column are named, and nothing changes."""
    load(postgres, table_of({"id": ["a", "b"], "name": ["x", "y"]}, time=None))

    with pytest.raises(OutputError, match="row 2, column name: holds a NUL"):
        load(postgres, table_of({"id": ["a", "b"], "name": ["x", "y\0z"]}, time=None))

    assert len(postgres.rows("SELECT * FROM intervals")) == 2


@pytest.mark.parametrize(
    ("there", "kind"),
    [
        ("double precision", "bigint"),
        ("integer", "bigint"),
        ("numeric", "bigint"),
        ("text", "bigint"),
    ],
)
def test_another_type_is_refused(
    postgres: PostgresDatabase, there: str, kind: str
) -> None:
    """Both types are named: the driver would store 2.5e-323 for 5 without a word."""
    postgres.execute(
        f"CREATE TABLE intervals (id text, n {there})",
        f"ALTER TABLE intervals OWNER TO {postgres.role}",
    )

    with pytest.raises(JobError, match=f"column n is {there}, not {kind}"):
        load(postgres, table_of({"id": ["a"], "n": [5]}, time=None))

    assert postgres.rows("SELECT * FROM intervals") == []


@pytest.mark.parametrize(
    "kind", ["timestamp(3) with time zone", "timestamptz", "timestamptz(6)"]
)
def test_times_of_milliseconds_fit(postgres: PostgresDatabase, kind: str) -> None:
    """An administrator may have declared fewer digits than six."""
    table = sample_table()
    declared = ", ".join(
        f"{f.name} {kind if f.type == INSTANT else KINDS[f.type]}" for f in table.schema
    )
    postgres.execute(
        f"CREATE TABLE intervals ({declared})",
        f"ALTER TABLE intervals OWNER TO {postgres.role}",
    )

    load(postgres, table)

    wanted = {row["interval_start"] for row in table.read_all().to_pylist()}
    found = postgres.rows("SELECT DISTINCT interval_start FROM intervals")
    assert {at for (at,) in found} == wanted


KINDS = {
    pa.string(): "varchar",  # without a limit it is text by another name
    pa.int64(): "bigint",
    pa.float64(): "float8",
    pa.bool_(): "boolean",
}


@pytest.mark.parametrize(
    ("create", "what"),
    [
        ("CREATE VIEW intervals AS SELECT 1 AS id", "a view"),
        ("CREATE MATERIALIZED VIEW intervals AS SELECT 1 AS id", "a materialized view"),
    ],
)
def test_a_view_is_refused(postgres: PostgresDatabase, create: str, what: str) -> None:
    """It is said what it is, and that another name helps: before the first request."""
    postgres.execute(create)

    with pytest.raises(JobError, match=f"public.intervals: is {what}, not a table"):
        load(postgres, sample_table())


def test_a_partitioned_table_is_loaded(postgres: PostgresDatabase) -> None:
    """An administrator may have created it, with columns that gcbatch does not know."""
    load(postgres, sample_table(0))
    postgres.execute(
        "ALTER TABLE intervals RENAME TO template",
        "CREATE TABLE intervals (LIKE template, seen timestamptz DEFAULT now()) "
        "PARTITION BY RANGE (interval_start)",
        "CREATE TABLE october PARTITION OF intervals "
        "FOR VALUES FROM ('2026-10-01Z') TO ('2026-11-01Z')",
        f"ALTER TABLE intervals OWNER TO {postgres.role}",
    )

    load(postgres, sample_table(30))
    load(postgres, sample_table(20))

    assert postgres.rows("SELECT count(*), count(seen) FROM october") == [(20, 20)]


def test_new_columns_are_added(postgres: PostgresDatabase) -> None:
    """They are null in the rows that are there, and have a comment."""
    load(postgres, narrow(sample_table(30)))
    november = sample_table(20, start=NOVEMBER)

    load(postgres, november)

    counts = "SELECT count(*), count(t_handle_count) FROM intervals"
    assert postgres.rows(counts) == [(50, 20)]
    comment = "SELECT col_description('intervals'::regclass, attnum) FROM pg_attribute"
    where = "WHERE attrelid = 'intervals'::regclass AND attname = 't_handle_sum_ms'"
    assert postgres.rows(f"{comment} {where}") == [("unit: ms; source: tHandle.sum",)]


def test_new_columns_may_be_refused(postgres: PostgresDatabase) -> None:
    """Then the load names them and changes nothing."""
    load(postgres, narrow(sample_table(30)))

    with pytest.raises(JobError, match="has no column t_handle_count, t_handle_sum_ms"):
        load(postgres, sample_table(), new_columns="refuse")

    assert postgres.rows("SELECT count(*) FROM intervals") == [(30,)]


NOVEMBER = sample_table().covered.end


def narrow(table: Table) -> Table:
    """Return the table of a job without three of its metrics."""
    lost = {"t_handle_count", "t_handle_sum_ms", "o_service_level_ratio"}
    names = [name for name in table.schema.names if name not in lost]
    schema = pa.schema([table.schema.field(name) for name in names])

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in table.batches():
            yield pa.RecordBatch.from_arrays(
                [batch.column(name) for name in names], schema=schema
            )

    return replace(table, schema=schema, batches=batches)


def test_it_knows_what_it_holds(postgres: PostgresDatabase) -> None:
    """The ledger tells by the fingerprint; a row that was removed is seen."""
    exporter = load_exporter("postgres")
    options = exporter.Options.model_validate({"uri": postgres.uri})
    tables = {"intervals": table_of({"id": ["a"], "n": [5]}, time=None)}
    export(exporter(options), "postgres", tables, fingerprint="f1")

    def held(fingerprint: str) -> Receipt | None:
        return held_export(
            exporter(options), "postgres", tables, fingerprint=fingerprint
        )

    assert held("f1") is not None
    assert held("f2") is None
    postgres.execute("DELETE FROM intervals")
    assert held("f1") is None


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("SELECT 1", False),
        ("UPDATE intervals SET n_offered = 4 WHERE t_handle_count = 15", True),
        ("DELETE FROM intervals WHERE t_handle_count = 15", True),
    ],
)
def test_verify_finds_a_row_that_was_changed(
    postgres: PostgresDatabase, change: str, *, found: bool
) -> None:
    """It names the table and the day."""
    table = sample_table(200)
    load(postgres, table)
    postgres.execute(change)
    kind = load_exporter("postgres")
    exporter: Any = kind(kind.Options.model_validate({"uri": postgres.uri}))

    problems = list(exporter.verify({"intervals": table}))

    assert [(p.table, str(p.day)) for p in problems[:1]] == (
        [("intervals", "2026-10-01")] if found else []
    )


def test_verify_compares_no_jsonb(postgres: PostgresDatabase) -> None:
    """The server rewrites such texts, with spaces and an order of its own."""
    table = documents('{"a":  1}', None)
    load(postgres, table, json="jsonb")
    kind = load_exporter("postgres")
    options = kind.Options.model_validate({"uri": postgres.uri, "json": "jsonb"})
    exporter: Any = kind(options)

    assert list(exporter.verify({"intervals": table})) == []


def test_a_source_that_fails_says_so_itself(postgres: PostgresDatabase) -> None:
    """The driver would say `Unknown error`; what was loaded before stays."""
    table = table_of({"id": ["a"], "n": [5]}, time=None)
    load(postgres, table)

    def broken() -> Iterator[pa.RecordBatch]:
        yield from table.batches()
        msg = "the disk is on fire"
        raise RuntimeError(msg)

    with pytest.raises(OutputError, match=r"RuntimeError: the disk is on fire"):
        load(postgres, replace(table, batches=broken))

    assert postgres.rows("SELECT * FROM intervals") == [("a", 5)]


def test_a_window_of_an_hour_replaces_an_hour(postgres: PostgresDatabase) -> None:
    """Rows beside what a table covers stay."""
    whole = sample_table(200)
    load(postgres, whole)
    start = whole.covered.start
    hour = Window(start, start + (NOVEMBER - start) / 31 / 24)

    load(postgres, replace(sample_table(0), covered=Coverage.whole(hour)))

    rows: Sequence[Row] = whole.read_all().to_pylist()
    stay = [row for row in rows if row["interval_start"] >= hour.end]
    assert postgres.rows("SELECT count(*) FROM intervals") == [(len(stay),)]
