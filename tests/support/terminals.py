"""A command on a terminal, and someone who answers its questions."""

import os
import pty
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["on_terminal"]


def on_terminal(
    command: Sequence[str],
    answers: Sequence[str],
    *,
    cwd: Path,
    environ: Mapping[str, str],
) -> tuple[int, str]:
    """Run a command on a terminal of its own.

    Args:
        command: The program, by its path, and its arguments.
        answers: A line for each question; a question ends with a colon and a space.
        cwd: The folder to run it in.
        environ: The whole environment.

    Returns:
        The exit code, and what the terminal showed.
    """
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(cwd)
        os.execve(command[0], [*command], environ)  # noqa: S606 - our own command
    shown, left = b"", [*answers]
    while True:
        try:
            more = os.read(terminal, 4096)
        except OSError:  # its other end is closed
            break
        if not more:
            break
        shown += more
        if left and shown.endswith(b": "):
            os.write(terminal, left.pop(0).encode() + b"\n")
    _, status = os.waitpid(process, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown.decode().replace("\r\n", "\n")
