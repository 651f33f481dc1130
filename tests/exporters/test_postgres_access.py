"""The postgres exporter needs few privileges, and says which one is missing."""

import re
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gcbatch import OutputError
from gcbatch.dialects import create_table
from gcbatch.exporting import load_exporter
from gcbatch.testing import sample_table
from tests.support.postgres_server import PostgresDatabase
from tests.support.postgres_tables import load

ROOT = Path(__file__).parents[2]


@pytest.fixture
def genesys(postgres: PostgresDatabase) -> PostgresDatabase:
    """Create a schema of an administrator, with the tables that a load needs."""
    postgres.execute("CREATE SCHEMA genesys")
    admin = f"postgresql://gcbatch@127.0.0.1:{postgres.server.port}/{postgres.name}"
    load(admin, sample_table(0), db_schema="genesys")
    return postgres


def problem_of(where: str, **options: Any) -> OutputError:
    with pytest.raises(OutputError) as caught:
        load(where, sample_table(), db_schema="genesys", **options)
    assert "\n" not in caught.value.problem
    return caught.value


def test_a_role_that_creates_nothing_suffices(genesys: PostgresDatabase) -> None:
    """It reads, inserts and deletes in tables that are there, and no more."""
    uri = genesys.create_role("writer")
    role = f"{genesys.name}_writer"
    genesys.execute(
        f"GRANT USAGE ON SCHEMA genesys TO {role}",
        f"GRANT SELECT, INSERT, DELETE ON genesys.intervals TO {role}",
        f"GRANT SELECT, INSERT ON genesys._gcbatch_loads TO {role}",
    )

    load(uri, sample_table(30), db_schema="genesys")
    load(uri, sample_table(20), db_schema="genesys")

    assert genesys.rows("SELECT count(*) FROM genesys.intervals") == [(20,)]


def test_each_privilege_that_is_missing_is_named(genesys: PostgresDatabase) -> None:
    """The hint is the statement to run; with all that were named, the load works."""
    uri = genesys.create_role("writer")

    hints = []
    for _ in range(3):
        hint = problem_of(uri).hint or ""
        assert hint.startswith("let its owner run: GRANT ")
        hints.append(hint.removeprefix("let its owner run: "))
        genesys.execute(hints[-1])
    load(uri, sample_table(), db_schema="genesys")

    role = f"{genesys.name}_writer"
    assert hints == [
        f'GRANT USAGE ON SCHEMA "genesys" TO {role}',
        f'GRANT SELECT, INSERT ON "genesys"."_gcbatch_loads" TO {role}',
        f'GRANT SELECT, INSERT, DELETE ON "genesys"."intervals" TO {role}',
    ]


def test_a_schema_in_which_nothing_may_be_created(genesys: PostgresDatabase) -> None:
    """It is said that the table is not there, and which privilege creates it."""
    uri = genesys.create_role("writer")
    role = f"{genesys.name}_writer"
    genesys.execute(
        f"GRANT USAGE ON SCHEMA genesys TO {role}",
        f"GRANT SELECT, INSERT ON genesys._gcbatch_loads TO {role}",
    )

    error = problem_of(uri, name="others")

    assert f"genesys.others: role '{role}' may not create it" in error.problem
    assert (
        error.hint == f'let its owner run: GRANT CREATE ON SCHEMA "genesys" TO {role}'
    )
    genesys.execute((error.hint or "").removeprefix("let its owner run: "))
    load(uri, sample_table(), db_schema="genesys", name="others")


def test_columns_are_added_by_the_owner(genesys: PostgresDatabase) -> None:
    """Another role is told the statement that its owner can run."""
    uri = genesys.create_role("writer")
    role = f"{genesys.name}_writer"
    genesys.execute(
        f"GRANT USAGE ON SCHEMA genesys TO {role}",
        f"GRANT SELECT, INSERT, DELETE ON genesys.intervals TO {role}",
        f"GRANT SELECT, INSERT ON genesys._gcbatch_loads TO {role}",
        "ALTER TABLE genesys.intervals DROP COLUMN t_handle_count",
    )

    error = problem_of(uri)

    assert f"genesys.intervals: may not be altered by role '{role}'" in error.problem
    genesys.execute((error.hint or "").removeprefix("let its owner run: "))
    load(uri, sample_table(), db_schema="genesys")


def test_a_role_acts_in_place_of_the_user(postgres: PostgresDatabase) -> None:
    """It owns what is created, so that others of the role may alter it."""
    uri = postgres.create_role("person")
    postgres.create_role("team")
    team, person = f"{postgres.name}_team", f"{postgres.name}_person"
    postgres.execute(
        f"GRANT {team} TO {person}", f"GRANT CREATE ON SCHEMA public TO {team}"
    )

    load(uri, sample_table(), role=team)

    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
    assert postgres.rows(owners) == [(team,)]


def test_a_role_that_may_not_be_taken(postgres: PostgresDatabase) -> None:
    """The hint is the GRANT; a role that does not exist is told apart."""
    uri = postgres.create_role("person")
    postgres.create_role("team")
    team, person = f"{postgres.name}_team", f"{postgres.name}_person"

    with pytest.raises(OutputError, match="permission denied to set role") as denied:
        load(uri, sample_table(), role=team)
    with pytest.raises(OutputError, match='role "no one" does not exist') as missing:
        load(uri, sample_table(), role="no one")

    assert denied.value.hint == f'let its owner run: GRANT "{team}" TO {person}'
    assert missing.value.hint == "correct `role`, or create it"


def test_a_schema_that_does_not_exist(postgres: PostgresDatabase) -> None:
    """The hint creates it."""
    error = problem_of(postgres.uri)

    assert error.problem.endswith(": genesys: there is no such schema")
    assert error.hint == 'create it: CREATE SCHEMA "genesys"; or correct `db_schema`'


def test_a_search_path_without_a_schema(postgres: PostgresDatabase) -> None:
    """Then the job has to name one."""
    postgres.execute(f"ALTER ROLE {postgres.role} SET search_path = nowhere")

    with pytest.raises(OutputError, match="search_path names no schema") as caught:
        load(postgres, sample_table())

    assert caught.value.hint == "name one as `db_schema`"


def test_a_role_that_only_reads_can_verify(genesys: PostgresDatabase) -> None:
    """Neither verify nor a check needs more than SELECT."""
    uri = genesys.create_role("reader")
    role = f"{genesys.name}_reader"
    genesys.execute(
        f"GRANT USAGE ON SCHEMA genesys TO {role}",
        f"GRANT SELECT ON genesys.intervals, genesys._gcbatch_loads TO {role}",
    )
    kind = load_exporter("postgres")
    exporter = kind(kind.Options.model_validate({"uri": uri, "db_schema": "genesys"}))
    tables = {"intervals": sample_table(0)}

    exporter.check(tables)  # type: ignore[attr-defined]
    assert list(exporter.verify(tables)) == []  # type: ignore[attr-defined]


def test_a_server_that_only_reads(postgres: PostgresDatabase) -> None:
    """A standby server or a read-only role is told."""
    postgres.execute(
        f"ALTER ROLE {postgres.role} SET default_transaction_read_only = on"
    )

    with pytest.raises(OutputError, match="in a read-only transaction") as caught:
        load(postgres, sample_table())

    assert re.match("connect to the primary server", caught.value.hint or "")


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("ALTER COLUMN queue_name SET NOT NULL", 'null value in column "queue_name"'),
        ("ADD UNIQUE (media_type)", "duplicate key value violates unique constraint"),
        ("ADD CHECK (n_offered < 3)", "violates check constraint"),
    ],
)
def test_rules_of_the_table_hold(
    postgres: PostgresDatabase, rule: str, problem: str
) -> None:
    """A row that an administrator's rule refuses ends the load; no value is quoted."""
    load(postgres, sample_table(0))
    postgres.execute(f"ALTER TABLE intervals {rule}")

    with pytest.raises(OutputError, match=problem) as caught:
        load(postgres, sample_table())

    assert "Zürich" not in caught.value.problem
    assert "voice" not in caught.value.problem
    assert postgres.rows("SELECT count(*) FROM intervals") == [(0,)]


def test_row_level_security_is_told(genesys: PostgresDatabase) -> None:
    """COPY does not go with it; the hint says which role may load."""
    uri = genesys.create_role("writer")
    genesys.execute(
        f"GRANT USAGE ON SCHEMA genesys TO {genesys.name}_writer",
        f"GRANT ALL ON ALL TABLES IN SCHEMA genesys TO {genesys.name}_writer",
        "ALTER TABLE genesys.intervals ENABLE ROW LEVEL SECURITY",
    )

    error = problem_of(uri)

    assert "COPY FROM not supported with row-level security" in error.problem
    assert error.hint == "let the role own the table, or give it BYPASSRLS"


@pytest.mark.parametrize("creates", [True, False])
def test_the_statements_of_the_page_suffice(
    postgres: PostgresDatabase, *, creates: bool
) -> None:
    """They are run as they stand, for both kinds of roles."""
    page = (ROOT / "docs" / "databases.md").read_text("utf-8")
    page = page.partition("\n## PostgreSQL")[2].partition("\n## ")[0]
    roles = {role: f"{postgres.name}_{role}" for role in ("gc_writer", "analysts")}
    for role, own in roles.items():
        page = page.replace(f"CREATE ROLE {role} LOGIN PASSWORD '…';\n", "")
        page = page.replace(role, own)
    index, create, read, ledger, grant = re.findall(
        r"```sql\n(.*?)```", page, re.DOTALL
    )
    writer, reader = map(postgres.create_role, roles)
    table = sample_table()
    if not creates:
        create = create.partition("GRANT")[0] + ledger
        create += create_table(
            "intervals", table.schema, dialect="postgresql", db_schema="genesys"
        )
        create += grant

    postgres.execute(create, read)
    load(writer, table, db_schema="genesys")
    postgres.execute(index)
    load(writer, table, db_schema="genesys")

    assert postgres.rows("SELECT count(*) FROM genesys.intervals") == [(50,)]
    with psycopg.connect(reader) as connection:
        if not creates:
            postgres.execute(
                f"GRANT SELECT ON genesys.intervals TO {roles['analysts']}"
            )
        found = connection.execute("SELECT count(*) FROM genesys.intervals").fetchall()
    assert found == [(50,)]


def test_a_trigger_that_drops_rows_is_found(postgres: PostgresDatabase) -> None:
    """What the server takes without keeping it is counted."""
    load(postgres, sample_table(0))
    postgres.execute(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql "
        "AS 'BEGIN IF NEW.n_offered = 3 THEN RETURN NULL; END IF; RETURN NEW; END'",
        "CREATE TRIGGER no BEFORE INSERT ON intervals "
        "FOR EACH ROW EXECUTE FUNCTION no()",
    )

    with pytest.raises(OutputError, match="has 40 rows where 50 were loaded"):
        load(postgres, sample_table())
