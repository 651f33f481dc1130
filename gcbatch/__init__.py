"""Genesys Cloud analytics in bulk: a YAML job in, exact tables out.

import gcbatch

job = gcbatch.load_job("configs/quickstart.yaml")
report = gcbatch.run(job)
report.tables["intervals"].read_all()  # a pyarrow.Table
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from gcbatch.errors import (
    AccessError,
    DataError,
    GcbatchError,
    JobError,
    OutputError,
    ServiceError,
)

if TYPE_CHECKING:
    from gcbatch.fetching import Observer
    from gcbatch.job import Job, load_job
    from gcbatch.running import (
        PastRun,
        ResolvedPlan,
        RunReport,
        achanges,
        acheck,
        aexport_job,
        aplan,
        arun,
        arun_all,
        asql,
        changes,
        check,
        export_job,
        plan,
        run,
        runs_of,
        sql,
    )
    from gcbatch.table import Table
    from gcbatch.verifying import Verification, averify, verify

__all__ = [
    "AccessError",
    "DataError",
    "GcbatchError",
    "Job",
    "JobError",
    "Observer",
    "OutputError",
    "PastRun",
    "ResolvedPlan",
    "RunReport",
    "ServiceError",
    "Table",
    "Verification",
    "achanges",
    "acheck",
    "aexport_job",
    "aplan",
    "arun",
    "arun_all",
    "asql",
    "averify",
    "changes",
    "check",
    "export_job",
    "load_job",
    "plan",
    "run",
    "runs_of",
    "sql",
    "verify",
]

_HOMES: Final = {
    "Job": "gcbatch.job",
    "Observer": "gcbatch.fetching",
    "Table": "gcbatch.table",
    "Verification": "gcbatch.verifying",
    "averify": "gcbatch.verifying",
    "load_job": "gcbatch.job",
    "verify": "gcbatch.verifying",
}
"""Modules of the names that are not in gcbatch.running."""


_OLD_NAMES: Final = {"plan_job": "plan"}
"""Names of release 0.2.0 that programs may still use."""


def __getattr__(name: str) -> Any:
    if name in _OLD_NAMES:
        return __getattr__(_OLD_NAMES[name])
    # Imported on first use, so that `gcbatch --help` loads neither pyarrow nor aiohttp.
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(_HOMES.get(name, "gcbatch.running")), name)
    globals()[name] = value
    return value
