"""What helps to write a job file: exporters, its schema, a first one."""

from pathlib import Path
from typing import Annotated

import typer

from gcbatch.cli.options import AsJson
from gcbatch.cli.printing import print_json, print_screen, print_text, say
from gcbatch.errors import GcbatchError, OutputError

__all__ = ["exporters", "init", "schema"]


def exporters(*, as_json: AsJson = False) -> None:
    """List the installed exporters."""
    from gcbatch.exporting import installed_exporters, load_exporter

    rows = []
    for entry in installed_exporters():
        try:
            load_exporter(entry.name)
            state = "ok"
        except GcbatchError as exc:
            state = exc.problem
        rows.append(
            {
                "name": entry.name,
                "distribution": entry.distribution,
                "version": entry.version,
                "state": state,
            }
        )
    if as_json:
        print_json(rows)
        return
    from gcbatch.screens import rows_screen

    print_screen(rows_screen(rows))


def schema(
    *,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="As a page, for people.")
    ] = False,
) -> None:
    """Print the JSON Schema of job files, for editors."""
    from gcbatch.job import job_schema

    if markdown:
        from gcbatch.job import job_reference

        print_text(job_reference(job_schema()).removesuffix("\n"))
        return
    print_json(job_schema())


def init(
    path: Annotated[Path, typer.Argument(help="Where to.")] = Path("job.yaml"),
) -> None:
    """Write a job file to start from."""
    from importlib.resources import files

    text = (files("gcbatch") / "starter.yaml").read_text("utf-8")
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
