"""Starts and ends the servers of tests: each a process with a folder of its own."""

import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

__all__ = ["LOG", "remove", "start", "wait_until_it_answers"]

LOG: Final = "log"
"""The file in the folder of a server that has all that it printed."""

_START_S: Final = 60.0
_PAUSE_S: Final = 0.05

Process = subprocess.Popen[bytes]


def start(
    command: Sequence[str], folder: Path, environ: Mapping[str, str] | None = None
) -> Process:
    """Start a server in its folder.

    Args:
        command: What to run.
        folder: Where; it gets the log too.
        environ: The environment; None: ours.
    """
    with (folder / LOG).open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - a command of ours
            command,
            env=environ,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for pytest
        )


def wait_until_it_answers(
    process: Process,
    folder: Path,
    ask: Callable[[], object],
    not_yet: type[Exception],
) -> None:
    """Wait until a server answers: its port is open long before.

    Args:
        process: The server.
        folder: Its folder.
        ask: Asks it for something.
        not_yet: What that raises while there is no answer.

    Raises:
        RuntimeError: If it ends, or does not answer for a minute; has its log.
    """
    until = time.monotonic() + _START_S
    while True:
        try:
            ask()
        except not_yet as exc:
            if process.poll() is None and time.monotonic() < until:
                time.sleep(_PAUSE_S)
                continue
            log = (folder / LOG).read_text("utf-8", "replace")
            msg = f"{folder.name}: {exc}: {log[-2000:]}"
            raise RuntimeError(msg) from exc
        return


def remove(process: Process | None, folder: Path) -> None:
    """Kill a server, which may take long to end when asked, and remove its folder."""
    if process is not None:
        process.kill()
        process.wait()
    shutil.rmtree(folder, ignore_errors=True)
