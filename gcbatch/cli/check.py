"""The command `check`."""

from gcbatch.cli.job_argument import PerOrg, exit_with_failures, load
from gcbatch.cli.options import From, JobFile, Sets, To
from gcbatch.cli.output import say
from gcbatch.errors import GcbatchError

__all__ = ["check"]


def check(
    job: JobFile,
    *,
    start: From = "",
    end: To = "",
    settings: Sets = [],  # noqa: B006 - typer copies it
) -> None:
    """Check the file, the credentials, the permissions and where exports go."""
    loaded = load(job, start, end, settings)
    orgs = PerOrg(loaded)
    say(f"{job}: the file is valid")
    from gcbatch.running import check_outputs

    failures = check_outputs(loaded)
    if loaded.exports and not failures:
        say("exports: all could be written now")
    if not loaded.exports:
        say("warning: the job has no exports: a run only fills the store", err=True)
    try:
        _check_orgs(orgs)
    except GcbatchError as exc:
        failures.append(exc)
    exit_with_failures([*failures, *orgs.failures])


def _check_orgs(orgs: PerOrg) -> None:
    """Try credentials and permissions of each org, and say what was found.

    Raises:
        GcbatchError: What prevents a run of the only org.
    """
    from gcbatch.job import zone_warning
    from gcbatch.running import check as check_job

    for org_job, warnings in orgs.each(check_job):
        org = f"{org_job.org_name}: " if org_job.org_name else ""
        what = org_job.query.endpoint
        if org_job.lists_only:
            what = ", ".join(org_job.entities)
        say(f"{org}{what}: credentials and permission are good")
        of_zone = zone_warning(org_job.query.timezone)
        for warning in filter(None, (of_zone, *warnings)):
            say(f"warning: {org}{warning}", err=True)
