"""The command `init`."""

from pathlib import Path
from typing import Annotated

import typer

from gcbatch.cli.output import say
from gcbatch.errors import OutputError

__all__ = ["init"]


def init(
    path: Annotated[Path, typer.Argument(help="Where to.")] = Path("job.yaml"),
) -> None:
    """Write a job file to start from."""
    from importlib.resources import files

    text = (files("gcbatch.cli") / "starter.yaml").read_text("utf-8")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as exc:
        msg = f"{path}: is there already"
        raise OutputError(msg, hint="name another path") from exc
    except OSError as exc:
        msg = f"{path}: cannot be written: {exc.strerror}"
        raise OutputError(msg, hint="name another path") from exc
    say(f"wrote {path}; next: gcbatch check {path}")
