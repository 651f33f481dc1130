"""The command `list`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gcbatch.cli.job_argument import PerOrg, exit_with_failures, load
from gcbatch.cli.options import AsJson, From, JobFile, Sets, To
from gcbatch.cli.output import print_screen, say

if TYPE_CHECKING:
    from gcbatch.cli.listed_entities import ListedEntity
    from gcbatch.job import Job

__all__ = ["list_entities"]


def list_entities(
    table: Annotated[
        str,
        typer.Argument(metavar="TABLE", help="queues, users, skills and so on"),
    ],
    job: JobFile,
    *,
    like: Annotated[
        str,
        typer.Option(
            metavar="PATTERN", help="Only names like 'Sup*', in upper or lower case."
        ),
    ] = "",
    start: From = "",
    end: To = "",
    settings: Sets = [],  # noqa: B006 - typer copies it
    as_json: AsJson = False,
) -> None:
    """List the ids and names of queues, users and whatever else the org has."""
    from gcbatch.cli.listed_entities import entities_of, kind_to_list, nothing_found

    kind = kind_to_list(table)
    orgs = PerOrg(load(job, start, end, settings))
    from gcbatch.running import list_table

    def of_org(own: "Job") -> "list[ListedEntity]":
        listing = list_table(own, kind.table)
        where = f"{own.org_name}: " if own.org_name else ""
        for remark in listing.remarks:
            say(f"warning: {where}{remark}", err=True)
        return entities_of(listing, own.org_name)

    every = list(orgs.each(of_org))
    found = [
        (own, [row for row in rows if not like or row.is_like(like)])
        for own, rows in every
    ]
    listed = [row for _, rows in found for row in rows]
    if like and not listed and every:
        orgs.failures.append(
            nothing_found(kind, like, [row for _, rows in every for row in rows])
        )
    elif as_json:

        def to_json(own: "Job", rows: "list[ListedEntity]") -> dict[str, Any]:
            entities = [row.to_json() for row in rows]
            return {"job": own.name, "table": kind.table, "entities": entities}

        orgs.print_json(found, to_json)
    elif every:
        from gcbatch.cli.screens.entities import entities_screen

        print_screen(entities_screen(listed, kind.label))
    exit_with_failures(orgs.failures)
