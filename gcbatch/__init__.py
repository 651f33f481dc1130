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
    "Table": "gcbatch.table",
    "load_job": "gcbatch.job",
}
"""Modules of the names that are not in gcbatch.running."""


def __getattr__(name: str) -> Any:
    # Imported on first use, so that `gcbatch --help` loads neither pyarrow nor aiohttp.
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(_HOMES.get(name, "gcbatch.running")), name)
    globals()[name] = value
    return value
