"""The command `init`."""

from pathlib import Path
from typing import Annotated

import typer

from gcbatch.cli.output import say
from gcbatch.errors import OutputError

__all__ = ["init"]


def init(
    path: Annotated[Path, typer.Argument(help="The new job file.")] = Path("job.yaml"),
) -> None:
    """Write a commented job file to start from."""
    from importlib.resources import files

    text = (files("gcbatch.cli") / "starter.yaml").read_text("utf-8")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as exc:
        exists = isinstance(exc, FileExistsError)
        what = "exists already" if exists else f"cannot be written: {exc.strerror}"
        msg = f"{path}: {what}"
        hint = "name another path: `gcbatch init PATH`"
        raise OutputError(msg, hint=hint) from exc
    say(f"wrote {path}; next: gcbatch check {path}")
