"""Readers that have a database file open."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

__all__ = ["duckdb_reader", "sqlite_reader"]


@contextmanager
def sqlite_reader(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield a connection with a transaction that has read a table."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN")
        db.execute("SELECT count(*) FROM intervals").fetchall()
        yield db


@contextmanager
def duckdb_reader(path: Path) -> Iterator[None]:
    """Let another process have a file open to read."""
    code = (
        "import sys, duckdb\n"
        "db = duckdb.connect(sys.argv[1], read_only=True)\n"
        "print(1, flush=True)\n"
        "sys.stdin.read()"
    )
    process = subprocess.Popen(  # noqa: S603 - our own
        [sys.executable, "-c", code, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        yield
        process.kill()
