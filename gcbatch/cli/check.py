"""The command `check`."""

from gcbatch.cli.job_argument import PerOrg, exit_with_failures, load
from gcbatch.cli.options import From, JobFile, Sets, To
from gcbatch.cli.output import say

__all__ = ["check"]


def check(
    job: JobFile,
    *,
    start: From = "",
    end: To = "",
    settings: Sets = [],  # noqa: B006 - typer copies it
) -> None:
    """Check the file, the credentials and the permissions."""
    orgs = PerOrg(load(job, start, end, settings))
    say(f"{job}: the file is valid")
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
    exit_with_failures(orgs.failures)
