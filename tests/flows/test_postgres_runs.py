"""Whole runs into PostgreSQL, by the command line."""

import pytest

from tests.conftest import Cli, Workspace
from tests.support.postgres_server import PostgresDatabase


def test_a_run_loads_once_and_keeps_the_password(
    workspace: Workspace,
    cli: Cli,
    postgres: PostgresDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second run finds its rows there; no file and no screen has the password."""
    monkeypatch.setenv("PG_PASSWORD", postgres.password)
    server = f"127.0.0.1:{postgres.server.port}/{postgres.name}"
    uri = f"postgresql://{postgres.role}:${{PG_PASSWORD}}@{server}"
    export = {"exporter": "postgres", "table": "intervals", "uri": uri}
    job = workspace.write(exports=[export])

    first = cli("run", job)
    rows = postgres.rows("SELECT count(*) FROM intervals")
    second = cli("run", job)
    checked = cli("verify", job)

    assert (first.exit_code, second.exit_code, checked.exit_code) == (0, 0, 0)
    assert rows[0][0] > 0
    assert postgres.rows("SELECT count(*) FROM intervals") == rows
    assert postgres.rows("SELECT count(*) FROM _gcbatch_loads") == [(1,)]
    assert server in first.output
    secret = postgres.password.rpartition("/")[2]
    written = [p for p in workspace.folder.rglob("*") if p.is_file()]
    assert not [p for p in written if secret.encode() in p.read_bytes()]
    assert secret not in first.output + second.output + checked.output


def test_a_wrong_password_ends_a_run_with_exit_code_6(
    workspace: Workspace,
    cli: Cli,
    postgres: PostgresDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One line says so, another what to do."""
    monkeypatch.setenv("PG_PASSWORD", "Tr0ub4dor")
    server = f"127.0.0.1:{postgres.server.port}/{postgres.name}"
    uri = f"postgresql://{postgres.role}:${{PG_PASSWORD}}@{server}"
    export = {"exporter": "postgres", "table": "intervals", "uri": uri}

    ended = cli("run", workspace.write(exports=[export]))

    assert ended.exit_code == 6
    assert "password authentication failed" in ended.output
    assert "check user and password of `uri`" in ended.output
    assert "Tr0ub4dor" not in ended.output
