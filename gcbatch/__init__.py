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
    from gcbatch.job import Job, load_job
    from gcbatch.running import (
        RunReport,
        arun,
        arun_all,
        check,
        export_job,
        plan_job,
        run,
    )
    from gcbatch.table import Table

__all__ = [
    "AccessError",
    "DataError",
    "GcbatchError",
    "Job",
    "JobError",
    "OutputError",
    "RunReport",
    "ServiceError",
    "Table",
    "arun",
    "arun_all",
    "check",
    "export_job",
    "load_job",
    "plan_job",
    "run",
]

_HOMES: Final = {
    "Job": "gcbatch.job",
    "RunReport": "gcbatch.running",
    "Table": "gcbatch.table",
    "arun": "gcbatch.running",
    "arun_all": "gcbatch.running",
    "check": "gcbatch.running",
    "export_job": "gcbatch.running",
    "load_job": "gcbatch.job",
    "plan_job": "gcbatch.running",
    "run": "gcbatch.running",
}


def __getattr__(name: str) -> Any:
    # Loaded on first use, so that `gcbatch --help` needs neither pyarrow nor aiohttp.
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
