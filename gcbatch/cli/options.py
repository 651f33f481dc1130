"""Arguments and options that commands share."""

from pathlib import Path
from typing import Annotated, Final

import typer

from gcbatch.cli.logs import LogFormat

__all__ = [
    "DEFAULT_STORE",
    "AsJson",
    "From",
    "JobFile",
    "JobFiles",
    "LogAs",
    "Refetch",
    "Replace",
    "Sets",
    "StoreOfJob",
    "StorePlace",
    "To",
    "Verbose",
]

DEFAULT_STORE: Final = ".gcbatch"

JobFile = Annotated[Path, typer.Argument(metavar="JOB", help="A job file (YAML).")]
JobFiles = Annotated[
    list[Path], typer.Argument(metavar="JOB", help="Job files (YAML).")
]
From = Annotated[str, typer.Option("--from", help="Replace query.from.")]
To = Annotated[
    str, typer.Option("--to", help="Replace query.to, the first instant not fetched.")
]
Sets = Annotated[
    list[str],
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Replace any key, such as fetch.chunk=P1D."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
LogAs = Annotated[LogFormat, typer.Option("--log-format", help="Format of log lines.")]
Refetch = Annotated[
    list[str],
    typer.Option(
        "--refetch",
        metavar="FROM..TO",
        help="Fetch these days again, without TO itself. Can be repeated.",
    ),
]
Replace = Annotated[
    bool,
    typer.Option(
        "--replace", help="Let a narrowed range replace outputs of a wider one."
    ),
]
StorePlace = Annotated[
    str, typer.Option("--store", help="A folder, or a URL such as s3://bucket/store.")
]
StoreOfJob = Annotated[
    Path | None,
    typer.Option("--job", help="A job file whose fetch.store and storage are used."),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log every query.")]
