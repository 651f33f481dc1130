"""A whole job checked: each of its orgs, then the destinations of its exports."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gcbatch.errors import GcbatchError
from gcbatch.job import Job
from gcbatch.verifying.destinations import DestinationsResult, verify_destinations
from gcbatch.verifying.result import VerifyResult
from gcbatch.verifying.verifier import verify_org

__all__ = ["Verification", "averify", "verify"]


@dataclass(frozen=True)
class Verification:
    """What checking a job found.

    Args:
        orgs: The result of each org by its name, which is empty in a job of one org.
        failures: The errors of orgs that could not be checked.
        destinations: What the databases and lakes hold.
    """

    orgs: Mapping[str, VerifyResult]
    failures: Mapping[str, GcbatchError]
    destinations: DestinationsResult

    @property
    def errors(self) -> list[GcbatchError]:
        """What to act on; empty if all is good."""
        of_orgs = [result.error for result in self.orgs.values() if result.error]
        return [*of_orgs, *self.destinations.errors, *self.failures.values()]

    @property
    def is_good(self) -> bool:
        """Whether all was checked, and nothing has a flaw or a difference."""
        return not self.errors

    def to_json(self) -> dict[str, dict[str, Any]]:
        """Return each org as plain data, by its name."""
        return dict(self._to_json())

    def __repr__(self) -> str:
        job = self.destinations.job
        found = "; ".join(error.problem for error in self.errors) or "good"
        return f"<Verification {job}: {found}>"

    def _to_json(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for org, result in self.orgs.items():
            yield (
                org,
                {
                    **result.to_json(),
                    "good": result.is_good and self.destinations.is_good(org),
                    "destinations": self.destinations.to_json(org),
                },
            )


def verify(job: Job, *, offline: bool = False) -> Verification:
    """Check the last run of a job: its parts, its outputs and its destinations.

    Args:
        job: The job.
        offline: Whether to send no request to the service; otherwise the figures are
            compared with its own totals.

    Returns:
        What was found, good or not. In a job of several orgs, an org that cannot be
        checked is among the failures.

    Raises:
        DataError: If the job never ran.
        JobError: If it requests other data than its last run did.
    """
    orgs: dict[str, VerifyResult] = {}
    failures: dict[str, GcbatchError] = {}
    for org_job in job.per_org():
        try:
            orgs[org_job.org_name] = verify_org(org_job, offline=offline)
        except GcbatchError as exc:
            if job.orgs is None:
                raise
            exc.org = org_job.org_name
            failures[exc.org] = exc
    spans = dict.fromkeys(span for result in orgs.values() for span in result.refetch)
    for result in orgs.values():
        if result.refetch:  # one command mends all orgs
            result.refetch = tuple(spans)
    # The orgs are exported together, so their destinations are compared once.
    return Verification(orgs, failures, verify_destinations(job, orgs))


async def averify(job: Job, *, offline: bool = False) -> Verification:
    """Check the last run of a job, in a thread; see verify."""
    return await asyncio.to_thread(verify, job, offline=offline)
