"""Lets clients do the same work in turns, measures them, and checks their output."""

import os
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from benchmarks.clients import Ask, Client, Work
from benchmarks.counted import Asked, asked_since
from benchmarks.environments import FOLDER, ROOT, NotInstalledError, python_of
from benchmarks.processes import Spent, environment, measured, served

__all__ = ["PEER_ROUNDS", "Contest", "Load", "Run", "installed"]

PEER_ROUNDS: Final = 2
"""Rounds that peers take part in: they take minutes, and their ratios are large."""

HERE: Final = {"PYTHONPATH": str(ROOT)}
"""Makes the benchmarks importable from every folder."""


@dataclass(frozen=True, slots=True)
class Load:
    """One amount of work.

    Args:
        start: First day.
        end: First day after the range.
        rows: Number of rows of that range.
        problem_of: Returns what is wrong with an output; empty if nothing is.
    """

    start: date
    end: date
    rows: int
    problem_of: Callable[[Path], str]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a client.

    Args:
        spent: CPU, memory and time; None if it failed.
        asked: The requests to the server in that time.
        problem: What is wrong with its rows; empty if nothing is.
    """

    spent: Spent | None
    asked: Asked
    problem: str


def installed(
    clients: Sequence[Client], find: Callable[[str], Path] = python_of
) -> tuple[list[Client], list[str]]:
    """Return the installed clients, and a line for each other one.

    Args:
        clients: All of them.
        find: Returns the Python of an environment.
    """
    there, missing = [], []
    for client in clients:
        try:
            if client.environment is not None:
                find(client.environment)
        except NotInstalledError as reason:
            missing.append(f"not measured: {client.name} is not installed: {reason}")
        else:
            there.append(client)
    return there, missing


@dataclass
class Contest:
    """Clients and their loads, at one server.

    Args:
        work: What they fetch.
        server: Arguments of Python that start the server.
        loads: The loads of each client, smallest first.
        runs: All runs so far, by client and rows.
    """

    work: Work
    server: Sequence[str]
    loads: Mapping[Client, Sequence[Load]]
    runs: dict[tuple[str, int], list[Run]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def take(self, rounds: int, *, warm: bool = True) -> None:
        """Let every client do all its loads, several times.

        Clients take turns, in every other round in reverse order.

        Args:
            rounds: Number of rounds; peers take part in the first PEER_ROUNDS.
            warm: Whether each client first does its smallest load, uncounted: that
                compiles byte code and fills the system's file cache.
        """
        with self._opened() as server:
            if warm:
                for client, loads in self.loads.items():
                    server.run(client, loads[0])
            for number in range(rounds):
                for client in list(self.loads)[:: -1 if number % 2 else 1]:
                    if client.is_peer and number >= PEER_ROUNDS:
                        continue
                    for load in self.loads[client]:
                        found = server.run(client, load)
                        self.runs[client.name, load.rows].append(found)

    @contextmanager
    def _opened(self) -> Iterator["_Server"]:
        with (
            tempfile.TemporaryDirectory(prefix="gcbatch-bench-") as folder,
            served([sys.executable, *self.server], os.environ | HERE) as login,
        ):
            yield _Server(self.work, login, Path(folder))


class _Server:
    """A running server, and a folder for what its clients write."""

    def __init__(self, work: Work, login: Sequence[str], folder: Path) -> None:
        self._work: Work = work
        self._url, self._client_id, self._secret = login
        self._folder = folder
        self._variables = HERE | {
            "BENCH_ID": self._client_id,
            "BENCH_SECRET": self._secret,
        }

    def run(self, client: Client, load: Load) -> Run:
        """Let a client without stored data fetch a load, and check its output."""
        line = f"{self._work}: {client.name}, {load.rows:,} rows"
        print(line, file=sys.stderr, flush=True)
        folder = self._folder / "run"
        folder.mkdir()
        path = folder / client.output
        ask = Ask(
            url=self._url,
            client_id=self._client_id,
            secret=self._secret,
            work=self._work,
            start=load.start,
            end=load.end,
            folder=folder,
        )
        asked_since(self._url)
        spent = None
        try:
            spent = measured(
                client.command(ask, path), self._environ(client), folder / "log"
            )
            problem = load.problem_of(path)
        except RuntimeError as failure:
            problem = f"failed: {str(failure).strip().splitlines()[-1][:60]}"
        except (OSError, ValueError, KeyError) as failure:
            problem = f"its output cannot be read: {failure!r}"
        asked = asked_since(self._url)
        shutil.rmtree(folder)
        return Run(spent, asked, problem)

    def _environ(self, client: Client) -> dict[str, str]:
        """Return the environment of a client; peers have compiled byte code."""
        if client.environment is None:
            return environment(FOLDER / "bytecode") | self._variables
        return os.environ | self._variables
