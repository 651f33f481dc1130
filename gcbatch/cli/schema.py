"""The command `schema`."""

from typing import Annotated

import typer

from gcbatch.cli.output import print_json, print_text

__all__ = ["schema"]


def schema(
    *,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print it as a page for people.")
    ] = False,
) -> None:
    """Print the JSON Schema of job files, for editors."""
    from gcbatch.job import job_schema

    if markdown:
        from gcbatch.job import job_reference

        print_text(job_reference(job_schema()).removesuffix("\n"))
        return
    print_json(job_schema())
