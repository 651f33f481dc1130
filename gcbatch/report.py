"""What a run did: printed at its end, and kept as JSON beside the parts."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from gcbatch.windows import Window, iso

if TYPE_CHECKING:
    from gcbatch.tables.table import Table

__all__ = ["Exported", "RunReport"]


@dataclass(frozen=True, slots=True)
class Exported:
    """What one export wrote.

    Args:
        exporter: Its name in the job file.
        tables: What it was given.
        location: Where the rows are now.
        rows: How many.
    """

    exporter: str
    tables: tuple[str, ...]
    location: str
    rows: int


@dataclass(frozen=True)
class RunReport:
    """What a run did.

    Args:
        job: The job's name.
        run_id: Identifies the plan.
        window: The range of the job.
        started_at: UTC.
        seconds: How long it took.
        queries: How many the plan has.
        fetched: How many of them were asked by this run.
        provisional: How many parts the next run will fetch anew.
        requests: Requests to the API, repeated ones and listings included.
        retries: Repeated requests by cause.
        throttled: Answers 429.
        waited_s: Seconds that requests waited before they were repeated.
        tokens: Tokens that were granted.
        rows: Rows of all parts.
        exports: What was written.
        breaches: Rows of the table `sla` that miss their target.
        warnings: What the reader should know.
        tables: The tables, to read on; not part of the JSON.
    """

    job: str
    run_id: str
    window: Window
    started_at: datetime
    seconds: float
    queries: int
    fetched: int
    provisional: int
    requests: int
    retries: dict[str, int]
    throttled: int
    waited_s: float
    tokens: int
    rows: int
    exports: tuple[Exported, ...]
    breaches: int
    warnings: tuple[str, ...]
    tables: "dict[str, Table]" = field(repr=False, default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "job": self.job,
            "run_id": self.run_id,
            "from": iso(self.window.start),
            "to": iso(self.window.end),
            "started_at": iso(self.started_at),
            "seconds": round(self.seconds, 3),
            "queries": self.queries,
            "fetched": self.fetched,
            "provisional": self.provisional,
            "requests": self.requests,
            "retries": self.retries,
            "throttled": self.throttled,
            "waited_s": round(self.waited_s, 3),
            "tokens": self.tokens,
            "rows": self.rows,
            "exports": [
                {
                    "exporter": e.exporter,
                    "tables": list(e.tables),
                    "location": e.location,
                    "rows": e.rows,
                }
                for e in self.exports
            ],
            "breaches": self.breaches,
            "warnings": list(self.warnings),
        }
