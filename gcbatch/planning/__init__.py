"""Turns a job into its plan, the list of queries; saves and reads plans."""

from gcbatch.planning.plan import Plan, combine_run_ids, make_plan
from gcbatch.planning.requested import describe_differences, requested_by
from gcbatch.planning.saved_plan import (
    PartsDigest,
    SavedPlan,
    digest_parts,
    fingerprint_of,
    job_fingerprint,
)
from gcbatch.planning.scope import PlannedEndpoint, ResolvedScope

__all__ = [
    "PartsDigest",
    "Plan",
    "PlannedEndpoint",
    "ResolvedScope",
    "SavedPlan",
    "combine_run_ids",
    "describe_differences",
    "digest_parts",
    "fingerprint_of",
    "job_fingerprint",
    "make_plan",
    "requested_by",
]
