"""The command `exporters`."""

from gcbatch.cli.options import AsJson
from gcbatch.cli.output import print_json, print_screen
from gcbatch.errors import GcbatchError

__all__ = ["exporters"]


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
    from gcbatch.cli.screens.grid import rows_screen

    print_screen(rows_screen(rows))
