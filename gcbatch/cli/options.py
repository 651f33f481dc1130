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
    "Sets",
    "StoreFolder",
    "To",
    "Verbose",
]

DEFAULT_STORE: Final = Path(".gcbatch")

JobFile = Annotated[Path, typer.Argument(metavar="JOB", help="A job file (YAML).")]
JobFiles = Annotated[
    list[Path], typer.Argument(metavar="JOB", help="Job files (YAML).")
]
From = Annotated[str, typer.Option("--from", help="Instead of query.from.")]
To = Annotated[str, typer.Option("--to", help="Instead of query.to; exclusive.")]
Sets = Annotated[
    list[str],
    typer.Option("--set", metavar="KEY=VALUE", help="Override any key."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
LogAs = Annotated[LogFormat, typer.Option("--log-format", help="Of log lines.")]
StoreFolder = Annotated[
    Path, typer.Option("--store", help="The folder that `fetch.store` names.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log every query.")]
