"""The command `export`."""

from gcbatch.cli.job_argument import exit_with_failures, load
from gcbatch.cli.options import AsJson, From, JobFile, Sets, To
from gcbatch.cli.output import print_json, print_screen

__all__ = ["export_again"]


def export_again(
    job: JobFile,
    *,
    start: From = "",
    end: To = "",
    settings: Sets = [],  # noqa: B006 - typer copies it
    as_json: AsJson = False,
) -> None:
    """Write the outputs again from the store, without any request."""
    loaded = load(job, start, end, settings)
    from gcbatch.running import export_job

    report = export_job(loaded)
    if as_json:
        print_json(report.to_json())
    else:
        from gcbatch.cli.screens.run import report_screen

        print_screen(report_screen(report, loaded.query.zone))
    exit_with_failures(report.failures.values())
