"""The command `export`."""

from gcbatch.cli.job_argument import exit_with_failures, load
from gcbatch.cli.logs import LogFormat, logging_to_stderr
from gcbatch.cli.options import AsJson, From, JobFile, Replace, Sets, To
from gcbatch.cli.output import print_json, print_screen

__all__ = ["export_again"]


def export_again(
    job: JobFile,
    *,
    start: From = "",
    end: To = "",
    settings: Sets = [],  # noqa: B006 - typer copies it
    replace: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Write the outputs again from the store, without any request."""
    loaded = load(job, start, end, settings)
    from gcbatch.cli.progress import observing
    from gcbatch.running import export_job

    with (
        logging_to_stderr(LogFormat.TEXT, verbose=False),
        observing(lines=as_json) as observer,
    ):
        report = export_job(loaded, replace=replace, observer=observer)
    if as_json:
        print_json(report.to_json())
    else:
        from gcbatch.cli.screens.run import report_screen

        print_screen(report_screen(report, loaded.query.zone))
    exit_with_failures(report.failures.values())
