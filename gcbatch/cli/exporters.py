"""The commands `exporters`, `exporters NAME` and `exporters new`."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from gcbatch.cli.options import AsJson
from gcbatch.cli.output import print_json, print_screen, print_text

__all__ = ["exporters_app"]


class _NamesToo(TyperGroup):
    """Takes the name of an exporter in place of `show NAME`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] not in self.commands:
            args = ["show", *args]
        return super().resolve_command(ctx, args)


exporters_app = typer.Typer(
    cls=_NamesToo,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@exporters_app.callback(invoke_without_command=True)
def list_exporters(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """List the installed exporters; `gcbatch exporters NAME` explains one."""
    ctx.obj = as_json
    if ctx.invoked_subcommand is not None:
        return
    from gcbatch.cli.listed_exporters import list_exporter
    from gcbatch.exporting import installed_exporters

    found = [list_exporter(entry) for entry in installed_exporters()]
    if as_json:
        print_json([one.to_json() for one in found])
        return
    from gcbatch.cli.screens.exporters import exporters_screen

    print_screen(exporters_screen(found))


@exporters_app.command()
def show(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Its name, or module:Class.")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Explain the options of one exporter."""
    from gcbatch.cli.listed_exporters import list_exporter
    from gcbatch.exporting import find_exporter

    one = list_exporter(find_exporter(name))
    if as_json or ctx.obj:
        print_json(one.to_json())
        return
    from gcbatch.cli.screens.exporters import exporter_screen

    print_screen(exporter_screen(one))


@exporters_app.command()
def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Its name in job files: call-history.")
    ],
    *,
    kind: Annotated[
        Literal["database", "file"],
        typer.Option("--kind", help="What it writes to."),
    ] = "file",
    folder: Annotated[
        Path | None,
        typer.Option("--folder", help="The new folder; gcbatch-NAME by default."),
    ] = None,
) -> None:
    """Write a package with a new exporter, which passes its own tests."""
    from gcbatch.cli.new_exporter import write_package

    made = write_package(name, kind, folder)
    print_text(f"wrote {made.folder}; next:")
    for command in made.next_commands:
        print_text(f"  {command}")
