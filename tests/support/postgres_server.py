"""A real PostgreSQL server for tests: started by them, and gone with them.

One server serves all processes of a test session; see kept_servers.

The superuser `gcbatch` needs no password on this machine. Every other role does.
"""

import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote

import psycopg

from tests.support.ports import HOST, free_port
from tests.support.started_servers import LOG, start, wait_until_it_answers

__all__ = [
    "PostgresDatabase",
    "PostgresServer",
    "find_postgres",
    "new_database",
]

SUPERUSER: Final = "gcbatch"
MISSING: Final = (
    "no PostgreSQL server is installed (Debian: apt-get install postgresql)"
)

_PLACES: Final = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")
"""Where Debian and Red Hat put the server's programs, which are not on PATH."""

_ACCESS: Final = f"""\
host all {SUPERUSER} {HOST}/32 trust
host all all {HOST}/32 scram-sha-256
"""

_SETTINGS: Final = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "shared_buffers": "32MB",
    "max_wal_size": "4GB",
    "fsync": "off",
    "full_page_writes": "off",
    "password_encryption": "scram-sha-256",
    "log_statement": "all",  # what a server could log, tests search for secrets
    "log_connections": "on",
    "log_line_prefix": "%m [%p] %a ",
    "deadlock_timeout": "200ms",
}


def find_postgres() -> Path | None:
    """Return the folder of the server's programs, the newest; None if there is none."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    folders = [
        f for p in _PLACES for f in Path("/").glob(p[1:]) if (f / "initdb").exists()
    ]
    return max(folders, key=lambda f: _version(f.parent.name), default=None)


def _version(name: str) -> int:
    digits = re.search(r"\d+", name)
    return int(digits[0]) if digits else 0


@dataclass
class PostgresServer:
    """A server of its own, in a folder of its own.

    Args:
        folder: Holds the data and the log; the server's user owns it.
        port: Its port on 127.0.0.1; stays the same when it is started again.
    """

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @classmethod
    def create(cls) -> Self:
        """Create one and start it.

        Raises:
            RuntimeError: If no server is installed, or it does not start.
        """
        folder = Path(tempfile.mkdtemp(prefix="gcbatch-postgres-"))
        if os.geteuid() == 0:  # the server refuses to run as root
            shutil.chown(folder, "nobody", "nogroup")
        server = cls(folder, free_port())
        try:
            server._initialise()
            server.start()
        except BaseException:
            server.close()
            raise
        return server

    @classmethod
    def known(cls, place: dict[str, Any]) -> Self:
        """Return a server that runs, by its place."""
        return cls(Path(place["folder"]), place["port"])

    @property
    def place(self) -> dict[str, Any]:
        """Where it is, as plain data."""
        return {"folder": str(self.folder), "port": self.port}

    @property
    def log(self) -> Path:
        """All that it logged."""
        return self.folder / LOG

    def _initialise(self) -> None:
        made = subprocess.run(  # noqa: S603 - a command of ours
            [
                *self._as_user("initdb"),
                *("-D", str(self.folder / "data"), "-U", SUPERUSER, "-A", "trust"),
                *("-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"),
            ],
            env=self._environ(),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            msg = f"initdb: {made.stderr}"
            raise RuntimeError(msg)
        (self.folder / "data/pg_hba.conf").write_text(_ACCESS, "utf-8")

    def start(self) -> None:
        """Start it, and wait until it answers.

        Raises:
            RuntimeError: If it ends, or does not answer for a minute.
        """
        settings = [f"-c{k}={v}" for k, v in {**_SETTINGS, "port": self.port}.items()]
        self.process = start(
            [*self._as_user("postgres"), "-D", str(self.folder / "data"), *settings],
            self.folder,
            self._environ(),
        )
        failed = psycopg.OperationalError
        wait_until_it_answers(self.process, self.folder, self._probe, failed)

    def _probe(self) -> None:
        self.connect().close()

    def _answers(self) -> bool:
        try:
            self._probe()
        except psycopg.OperationalError:
            return False
        return True

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """Connect as the superuser; each statement is a transaction of its own."""
        return psycopg.connect(
            host=HOST, port=self.port, user=SUPERUSER, dbname=database, autocommit=True
        )

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT ends the sessions, SIGQUIT also skips the last write."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait()
            self.process = None

    def close(self) -> None:
        """Stop it and remove its folder."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _as_user(self, program: str) -> list[str]:
        programs = find_postgres()
        if programs is None:
            raise RuntimeError(MISSING)
        command = [str(programs / program)]
        if shutil.which("setpriv") is None:
            return command
        how = ["setpriv", "--pdeathsig", "QUIT"]  # in case this process is killed
        if os.geteuid() == 0:
            how += ["--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        return [*how, "--", *command]

    def _environ(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        return {**kept, "HOME": str(self.folder), "LC_ALL": "C", "TZ": "Asia/Tokyo"}


@dataclass(frozen=True)
class PostgresDatabase:
    """A database of one test, on the session's server.

    Args:
        server: Its server.
        name: Its name.
        role: A role that owns the database, and has a password.
        password: The password, which nothing may show.
    """

    server: PostgresServer
    name: str
    role: str
    password: str

    @property
    def uri(self) -> str:
        """The address with the role and its password."""
        return self.uri_of(self.role, self.password)

    def uri_of(self, role: str, password: str) -> str:
        """Return the address for another role."""
        who = f"{quote(role, safe='')}:{quote(password, safe='')}"
        return f"postgresql://{who}@{HOST}:{self.server.port}/{self.name}"

    def connect(self) -> psycopg.Connection[Any]:
        """Connect as the superuser; each statement is a transaction of its own."""
        return self.server.connect(self.name)

    def execute(self, *statements: str) -> None:
        """Run statements as the superuser."""
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query, with times in UTC."""
        with self.connect() as connection:
            connection.execute("SET TIME ZONE 'UTC'")
            return connection.execute(query.encode()).fetchall()

    def create_role(self, role: str) -> str:
        """Create a role that may do nothing but log in; return its address."""
        password = f"pw-{secrets.token_hex(12)}"
        role = f"{self.name}_{role}"
        self.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
        return self.uri_of(role, password)


@contextmanager
def new_database(server: PostgresServer) -> Iterator[PostgresDatabase]:
    """Create a database and its owner on a server; drop both on leaving."""
    name = f"t_{secrets.token_hex(6)}"
    # It has letters that a URI escapes: both forms are to be searched for.
    password = f"p@ss/{secrets.token_hex(12)}"
    with server.connect() as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'".encode())
        admin.execute(f"CREATE DATABASE {name} OWNER {name}".encode())
    yield PostgresDatabase(server, name, name, password)
    if not server._answers():
        return  # a test has stopped it
    with server.connect() as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
        found = "SELECT rolname FROM pg_roles WHERE rolname LIKE %s"
        for (role,) in admin.execute(found, [f"{name}%"]).fetchall():
            admin.execute(f"DROP ROLE {role}".encode())
