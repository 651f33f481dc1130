"""From a job to its plan: which queries, and the plan that was saved."""

from gcbatch.planning.plan import Plan, make_plan, run_id_of_all
from gcbatch.planning.saved_plan import (
    PartsDigest,
    SavedPlan,
    digest_parts,
    job_fingerprint,
)
from gcbatch.planning.scope import PlannedEndpoint, ResolvedScope

__all__ = [
    "PartsDigest",
    "Plan",
    "PlannedEndpoint",
    "ResolvedScope",
    "SavedPlan",
    "digest_parts",
    "job_fingerprint",
    "make_plan",
    "run_id_of_all",
]
