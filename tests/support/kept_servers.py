"""Servers that all processes of a test session share, gone with the last of them.

A keeper, a process of its own, starts the server and waits for a lock that each process
of the session shares. The system releases these locks also when pytest is killed; then
the keeper stops the server and removes its folder.
"""

import fcntl
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

__all__ = ["KeptServer", "shared_server"]


class KeptServer(Protocol):
    """A server that a keeper can start, and others can use."""

    @classmethod
    def create(cls) -> Self:
        """Create one and start it.

        Raises:
            RuntimeError: If it is not installed, or does not start.
        """
        ...

    @classmethod
    def known(cls, place: dict[str, Any]) -> Self:
        """Return a server that runs, by its place."""
        ...

    @property
    def place(self) -> dict[str, Any]:
        """Where it is, as plain data."""
        ...

    def close(self) -> None:
        """Stop it and remove its folder."""
        ...


S = TypeVar("S", bound=KeptServer)


@dataclass(frozen=True)
class _Files:
    """The files by which the processes of a session find a server.

    Args:
        folder: The same for all processes of the session.
        kind: The class of the server, as `module:Class`.
    """

    folder: Path
    kind: str

    def path(self, name: str) -> Path:
        return self.folder / f"{self.kind.rpartition(':')[2]}.{name}"

    @property
    def state(self) -> Path:
        """Exists while the server runs: its place."""
        return self.path("json")

    def server(self) -> Any:
        module, _, name = self.kind.partition(":")
        return getattr(importlib.import_module(module), name)


@contextmanager
def shared_server(kind: type[S], folder: Path) -> Iterator[S]:
    """Give the server of a session, which the first process of it starts.

    Args:
        kind: The class of the server; importable.
        folder: The same for all processes of the session.
    """
    files = _Files(folder, f"{kind.__module__}:{kind.__qualname__}")
    with files.path("lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        users = _join(files)
        if users is None:
            users = _start_keeper(files)
    try:
        yield kind.known(json.loads(files.state.read_text("utf-8")))
    finally:
        os.close(users)


def _join(files: _Files) -> int | None:
    """Share the lock of a server that is there; None if there is none, or it ends."""
    if not files.state.exists():
        return None
    users = os.open(files.path("users"), os.O_RDWR)
    try:
        fcntl.flock(users, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(users)
        return None
    if files.state.exists():
        return users
    os.close(users)  # it ended before the lock was shared
    return None


def _start_keeper(files: _Files) -> int:
    files.path("users").unlink(missing_ok=True)  # an ending keeper has its own
    files.state.unlink(missing_ok=True)
    users = os.open(files.path("users"), os.O_RDWR | os.O_CREAT)
    fcntl.flock(users, fcntl.LOCK_SH)
    command = [sys.executable, "-m", __name__, str(files.folder), files.kind]
    keeper = subprocess.Popen(  # noqa: S603 - a command of ours
        command,
        cwd=Path(__file__).parents[2],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    assert keeper.stdout is not None
    with keeper.stdout as told:
        said = told.readline()
    keeper.returncode = 0  # it outlives this process, which never waits for it
    if said != "ready\n":
        os.close(users)
        msg = said.strip().encode().decode("unicode_escape") or "the keeper ended"
        raise RuntimeError(msg)
    return users


def _keep(files: _Files) -> None:
    """Run a server until no process shares its lock."""
    users = os.open(files.path("users"), os.O_RDWR)
    try:
        server = files.server().create()
    except RuntimeError as exc:
        print(str(exc).encode("unicode_escape").decode(), flush=True)  # noqa: T201 - to the test
        return
    files.state.write_text(json.dumps(server.place), "utf-8")
    print("ready", flush=True)  # noqa: T201 - to the test
    try:
        fcntl.flock(users, fcntl.LOCK_EX)
    finally:
        with suppress(OSError):
            if json.loads(files.state.read_text("utf-8")) == server.place:
                files.state.unlink()
        server.close()


if __name__ == "__main__":
    _keep(_Files(Path(sys.argv[1]), sys.argv[2]))
