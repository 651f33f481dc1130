"""The server of the tests ends with them, and asks for passwords."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from tests.support.kept_servers import shared_server
from tests.support.postgres_server import PostgresDatabase, PostgresServer

ROOT = Path(__file__).parents[2]


def test_roles_need_their_password(postgres: PostgresDatabase) -> None:
    """Only the superuser connects without one."""
    wrong = postgres.uri_of(postgres.role, "wrong")

    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(wrong)
    with psycopg.connect(postgres.uri) as connection:
        assert connection.execute("SELECT current_user").fetchall() == [
            (postgres.role,)
        ]


def test_processes_of_a_session_share_one(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    """The second process finds the server that the first has started."""
    with (
        shared_server(PostgresServer, tmp_path) as first,
        shared_server(PostgresServer, tmp_path) as second,
    ):
        assert first.port == second.port != postgres_server.port


@pytest.mark.slow
def test_it_ends_when_its_users_are_killed(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    """A killed pytest leaves neither a server nor its files."""
    del postgres_server  # tells whether there is one to start
    code = (
        "import sys; from pathlib import Path\n"
        "from tests.support.kept_servers import shared_server\n"
        "from tests.support.postgres_server import PostgresServer\n"
        "with shared_server(PostgresServer, Path(sys.argv[1])) as server:\n"
        "    print(server.folder, flush=True); input()"
    )
    user = subprocess.Popen(  # noqa: S603 - a command of ours
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert user.stdout is not None
    folder = Path(user.stdout.readline().strip())
    assert (folder / "data/postmaster.pid").exists()

    os.kill(user.pid, signal.SIGKILL)
    user.communicate()

    until = time.monotonic() + 30
    while folder.exists():
        assert time.monotonic() < until
        time.sleep(0.05)
