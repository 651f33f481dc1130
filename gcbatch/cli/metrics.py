"""The command `metrics`."""

from typing import Annotated

import typer

from gcbatch.cli.options import AsJson
from gcbatch.cli.output import print_json, print_screen
from gcbatch.errors import JobError

__all__ = ["metrics"]


def metrics(
    endpoint: Annotated[
        str, typer.Argument(metavar="ENDPOINT", help="As query.endpoint of a job.")
    ] = "",
    word: Annotated[
        str,
        typer.Argument(metavar="WORD", help="A part of the name, or of a column's."),
    ] = "",
    *,
    everywhere: Annotated[
        bool, typer.Option("--all", help="Search every endpoint: --all WORD.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Find metrics and dimensions, and the columns that they become."""
    if everywhere and word:
        msg = "metrics: --all takes a word and no endpoint"
        raise JobError(msg, hint=f"gcbatch metrics --all {word}")
    from gcbatch.cli.listed_metrics import all_endpoints, find_endpoint, matching

    if everywhere:
        endpoint, word = "", endpoint
    found = (find_endpoint(endpoint),) if endpoint else all_endpoints()
    if word:
        found = matching(found, word)
    if as_json:
        rows = [one.to_json() for one in found]
        print_json(rows[0] if endpoint else rows)
        return
    from gcbatch.cli.screens.metrics import endpoints_screen, metrics_screen

    if endpoint or everywhere:
        print_screen(metrics_screen(found, word))
    else:
        print_screen(endpoints_screen(found))
