"""A command whose reader leaves after the first line."""

import subprocess
import sys
from pathlib import Path

__all__ = ["first_line_of"]


def first_line_of(
    arguments: str, *, folder: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run `gcbatch ARGUMENTS | head -1`; the command's own exit code counts.

    Args:
        arguments: As a shell reads them.
        folder: Where it runs. Default: here.
    """
    command = f"set -o pipefail; {sys.executable} -m gcbatch {arguments} | head -1"
    return subprocess.run(  # noqa: S603 - our own command
        ["/bin/bash", "-c", command],
        check=False, capture_output=True, text=True, timeout=60, cwd=folder,
    )  # fmt: skip
