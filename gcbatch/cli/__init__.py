"""The commands: the only package that prints, exits and reads the environment."""

import atexit
import gc
import sys
from typing import Annotated, Final

import typer

from gcbatch.cli.changes import changes
from gcbatch.cli.check import check
from gcbatch.cli.error_boundary import ErrorBoundary
from gcbatch.cli.export import export_again
from gcbatch.cli.exporters import exporters_app
from gcbatch.cli.init import init
from gcbatch.cli.list import list_entities
from gcbatch.cli.metrics import metrics
from gcbatch.cli.output import print_text, say
from gcbatch.cli.plan import plan
from gcbatch.cli.report import report
from gcbatch.cli.run import run
from gcbatch.cli.runs import runs
from gcbatch.cli.schema import schema
from gcbatch.cli.simulate import simulate
from gcbatch.cli.sql import sql
from gcbatch.cli.store import store_app
from gcbatch.cli.streams import tolerant_streams
from gcbatch.cli.tables import tables
from gcbatch.cli.verify import verify

__all__ = ["app", "main"]

NEW_OBJECTS: Final = 10_000
"""So many more objects than before start the garbage collector. By its own 700, it goes
a hundred times through what imports leave: 8 % of the CPU of a run that has nothing to
fetch."""

app = typer.Typer(
    cls=ErrorBoundary,
    name="gcbatch",
    help="Genesys Cloud analytics in bulk: a YAML job in, exact tables out.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals hold secrets
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line."""
    gc.set_threshold(NEW_OBJECTS)
    atexit.register(_skip_last_collection)
    with tolerant_streams():
        app()


def _skip_last_collection() -> None:
    """Keep Python from going through all objects once more to find garbage."""
    if "duckdb" not in sys.modules:  # it would print a list of what was not collected
        gc.freeze()


@app.callback(invoke_without_command=True)
def options(
    ctx: typer.Context,
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.")
    ] = False,
) -> None:
    """Genesys Cloud analytics in bulk: a YAML job in, exact tables out."""
    if version:
        from importlib.metadata import version as version_of

        say(f"gcbatch {version_of('gcbatch')}")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        print_text(ctx.get_help())


app.command()(run)
app.command()(plan)
app.command()(check)
app.command(name="export")(export_again)
app.command()(report)
app.command()(verify)
app.command()(changes)
app.command()(sql)
app.command()(runs)
app.command(name="list")(list_entities)
app.command()(tables)
app.command()(metrics)
app.command()(schema)
app.command()(init)
app.command()(simulate)
app.add_typer(exporters_app, name="exporters")
app.add_typer(store_app, name="store")
