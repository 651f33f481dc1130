"""The run report: printed at the end of a run, and stored as JSON beside its parts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, Self

from gcbatch.errors import GcbatchError
from gcbatch.exporting import PublishedFile
from gcbatch.genesys import FailedCall
from gcbatch.html_table import html_table
from gcbatch.job import ExportOfEntry, Job
from gcbatch.planning import PartsDigest, combine_run_ids
from gcbatch.provisional import ProvisionalSpan
from gcbatch.running.empty_queues import EmptyQueues
from gcbatch.running.output_range import OutputRange
from gcbatch.windows import Window, iso

if TYPE_CHECKING:
    from gcbatch.running.change_summary import TableChanges
    from gcbatch.table import Table
    from gcbatch.tables import Catalog, MultiOrgCatalog

__all__ = ["Exported", "FailedExport", "Gap", "RunReport", "report_of_all"]

MAX_QUEUES: Final = 3
"""Queues that the text of a gap names."""

SUMS: Final = (
    "queries", "fetched", "provisional", "requests", "throttled", "waited_s", "tokens",
    "rows", "breaches", "received",
)  # fmt: skip
"""Figures of a report that add up over orgs."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A query that a run could not fetch.

    Args:
        window: The span that is missing.
        queues: Ids of the queues that are missing in it; none is all of the job.
        org: The org, if there are several.
    """

    window: Window
    queues: tuple[str, ...] = ()
    org: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        start, end = iso(self.window.start), iso(self.window.end)
        org = {"org": self.org} if self.org else {}
        return {"from": start, "to": end, "queues": list(self.queues), **org}

    def __str__(self) -> str:
        named = ", ".join(self.queues[:MAX_QUEUES])
        more = len(self.queues) - MAX_QUEUES
        rest = f" and {more} more" if more > 0 else ""
        return f"{self.window}" + (f" of queues {named}{rest}" if named else "")


@dataclass(frozen=True, slots=True)
class Exported:
    """An export that was written.

    Args:
        exporter: Its name in the job file.
        tables: The tables that it was given.
        location: Where the rows are now.
        rows: Number of rows.
        fingerprint: A hash over all that determines its files; empty if not known.
        files: The paths of its files, as in `outputs`.
        unchanged: Whether the files of an earlier run were left as they are.
        timeless: Places of tables in a database whose rows belong to no time: a load
            replaces those of any other range.
    """

    exporter: str
    tables: tuple[str, ...]
    location: str
    rows: int
    fingerprint: str = ""
    files: tuple[str, ...] = ()
    unchanged: bool = False
    timeless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FailedExport:
    """An export that failed; the output of an earlier run stays.

    Args:
        number: The number of its entry in the job file; the first is 0.
        exporter: Its name there.
        tables: The tables that it was given.
        error: What is wrong.
        hint: The next step; None if there is none.
        table: The table, if the entry is an export for each of several; else empty.
    """

    number: int
    exporter: str
    tables: tuple[str, ...]
    error: str
    hint: str | None
    table: str = ""

    @classmethod
    def of(cls, export: ExportOfEntry, error: GcbatchError) -> Self:
        """Return the failure of an export of the job file."""
        spec, what = export.spec, (error.problem, error.hint)
        return cls(export.number, spec.exporter, spec.table_names, *what, export.shown)

    def __str__(self) -> str:
        table = f", {self.table}" if self.table else ""
        return f"exports[{self.number}] ({self.exporter}{table}): {self.error}"


@dataclass(frozen=True, repr=False)
class RunReport:
    """The report of a run.

    Args:
        job: The job's name.
        run_id: Identifies the plan.
        window: The range of the job; None if it is of tables alone.
        started_at: UTC.
        seconds: How long it took.
        queries: How many the plan has.
        fetched: How many of them this run fetched.
        provisional: How many parts the next run will fetch again.
        requests: Requests to the API, repeated ones and listings included.
        retries: Repeated requests by cause.
        throttled: Answers 429.
        waited_s: Seconds that requests waited before they were repeated.
        tokens: Tokens that were granted.
        answers: Answers by HTTP status.
        received: Bytes of answers, after decompression.
        object_requests: Requests of all orgs to object stores, until the report was
            made; to store it takes one more for each org.
        quota_used_pct: Part of the quota that the run used while it ran, in percent;
            None without requests, if the service sent no quota, and for several orgs,
            each of which has its own.
        failed: The last failed calls of each status, in the order of time.
        gaps: What is missing; empty if the run is complete.
        failures: The errors of those of several orgs that failed.
        inputs: Digest of the parts that the tables were made of.
        listings: Checksums of the stored listings that tables were made of, by table.
        outputs: Every file that was published.
        provisional_spans: The spans of the provisional parts, and from when on a run
            fetches their final figures.
        ranges: The range that each published file holds, also of earlier runs.
        empty_queues: The queues that should have rows, and have none.
        settle, timezone: They decide which parts are provisional.
        names_at: When the names and targets in the tables were listed, UTC, by what
            they name: `queues`, `targets`, `users`, `wrapup_codes`. Of several orgs
            the oldest.
        rows: Rows of all parts.
        exports: The exports that were written.
        failed_exports: The exports that failed.
        changes: What fetching again changed, by table.
        breaches: Rows of the table `sla` that miss their target.
        warnings: What the reader should know.
        tables: The tables; not in the JSON.
        catalog: Makes any table of the job, of any period.
    """

    job: str
    run_id: str
    window: Window | None
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
    changes: "tuple[TableChanges, ...]" = ()
    answers: dict[str, int] = field(default_factory=dict)
    received: int = 0
    object_requests: int = 0
    quota_used_pct: float | None = None
    failed: tuple[FailedCall, ...] = ()
    gaps: Sequence[Gap] = ()
    failures: Mapping[str, GcbatchError] = field(default_factory=dict)
    failed_exports: tuple[FailedExport, ...] = ()
    inputs: PartsDigest | None = None
    listings: Mapping[str, str] = field(default_factory=dict)
    outputs: tuple[PublishedFile, ...] = ()
    provisional_spans: tuple[ProvisionalSpan, ...] = ()
    ranges: Sequence[OutputRange] = ()
    empty_queues: EmptyQueues = field(default_factory=EmptyQueues)
    settle: str = "P4D"
    timezone: str = "UTC"
    names_at: Mapping[str, datetime] = field(default_factory=dict)
    tables: "dict[str, Table]" = field(default_factory=dict)
    catalog: "Catalog | MultiOrgCatalog | None" = None

    def __repr__(self) -> str:
        span = f"{self.window}, " if self.window else ""
        done = "; ".join(f"{what}: {value}" for what, value in self._summary)
        return f"<RunReport {self.job}: {span}{done}>"

    def _repr_html_(self) -> str:
        """Return it as HTML; notebooks call it to show the report."""
        span = f": {self.window}" if self.window else ""
        rows = [*self._summary, *(("warning", text) for text in self.warnings)]
        return html_table(f"{self.job}{span}", (), rows)

    @property
    def _summary(self) -> list[tuple[str, str]]:
        """What a person looks at first: names and values."""
        lines = [
            ("rows", f"{self.rows:,}"),
            ("fetched", f"{self.fetched:,} of {self.queries:,} queries"),
            ("requests", f"{self.requests:,}"),
            ("seconds", f"{self.seconds:.1f}"),
        ]
        for one in self.exports:
            state = " (unchanged)" if one.unchanged else ""
            written = f"{one.rows:,} rows in {one.location}{state}"
            lines.append((f"{one.exporter} {', '.join(one.tables)}", written))
        lines += (("failed", str(one)) for one in self.failed_exports)
        lines += ((f"org {org}", error.problem) for org, error in self.failures.items())
        if self.provisional_spans:
            spans = "; ".join(
                f"{s.window}"
                + (f", final from {iso(f)}" if (f := s.final_from) else "")
                for s in self.provisional_spans[:MAX_QUEUES]
            )
            lines.append(("provisional", spans))
        if self.gaps:
            lines.append(("gaps", f"{len(self.gaps):,}"))
        return lines

    @property
    def row_counts(self) -> dict[str, int]:
        """Rows of each table; a table that was not read to its end yet is read now.

        Raises:
            DataError: As reading a table does.
        """
        return {name: table.num_rows for name, table in self.tables.items()}

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data. Keys are added, never renamed or left out.

        docs/verify.md says what each means.
        """
        quota = self.quota_used_pct
        return {
            "gcbatch": version("gcbatch"),
            "job": self.job,
            "run_id": self.run_id,
            "from": iso(self.window.start) if self.window else None,
            "to": iso(self.window.end) if self.window else None,
            "started_at": iso(self.started_at),
            "seconds": round(self.seconds, 3),
            "queries": self.queries,
            "fetched": self.fetched,
            "provisional": self.provisional,
            "provisional_spans": [span.to_json() for span in self.provisional_spans],
            "requests": self.requests,
            "retries": self.retries,
            "throttled": self.throttled,
            "waited_s": round(self.waited_s, 3),
            "tokens": self.tokens,
            "answers": self.answers,
            "received_bytes": self.received,
            "object_requests": self.object_requests,
            "quota_used_pct": None if quota is None else round(quota, 3),
            "failed_calls": [
                {**asdict(call), "at": iso(call.at)} for call in self.failed
            ],
            "gaps": [gap.to_json() for gap in self.gaps],
            "failures": {org: e.to_json() for org, e in self.failures.items()},
            "timezone": self.timezone,
            "settle": self.settle,
            "names_at": {what: iso(at) for what, at in self.names_at.items()},
            "rows": self.rows,
            "exports": [
                {
                    "exporter": e.exporter,
                    "tables": list(e.tables),
                    "location": e.location,
                    "rows": e.rows,
                    "mark": e.fingerprint,
                    "files": list(e.files),
                    "unchanged": e.unchanged,
                }
                for e in self.exports
            ],
            "failed_exports": [
                {**asdict(e), "tables": list(e.tables)} for e in self.failed_exports
            ],
            "ranges": [one.to_json() for one in self.ranges],
            "empty_queues": self.empty_queues.to_json(),
            "changes": [change.to_json() for change in self.changes],
            "breaches": self.breaches,
            "warnings": list(self.warnings),
            "digests": {
                "inputs": asdict(self.inputs) if self.inputs else None,
                "listings": dict(self.listings),
                "outputs": [asdict(output) for output in self.outputs],
            },
        }


def report_of_all(
    job: Job,
    reports: Mapping[str, RunReport],
    failures: Mapping[str, GcbatchError],
    catalog: "MultiOrgCatalog",
) -> RunReport:
    """Return the report of a run of several orgs: their figures added up."""
    each = list(reports.values())
    windows = [r.window for r in each if r.window]
    sums: dict[str, Any] = {n: sum(getattr(r, n) for r in each) for n in SUMS}
    counts = {
        name: sum((Counter(getattr(r, name)) for r in each), Counter[str]())
        for name in ("retries", "answers")
    }
    return replace(
        each[0],
        **sums,
        job=job.name,
        run_id=combine_run_ids({org: r.run_id for org, r in reports.items()}),
        window=(
            Window(min(w.start for w in windows), max(w.end for w in windows))
            if windows
            else None
        ),
        started_at=min(r.started_at for r in each),
        seconds=max(r.seconds for r in each),
        retries=dict(counts["retries"]),
        answers=dict(sorted(counts["answers"].items())),
        quota_used_pct=None,
        warnings=tuple(
            f"{org}: {warning}" for org, r in reports.items() for warning in r.warnings
        ),
        failed=tuple(
            sorted((call for r in each for call in r.failed), key=lambda call: call.at)
        ),
        changes=tuple(change for r in each for change in r.changes),
        gaps=tuple(gap for r in each for gap in r.gaps),
        empty_queues=EmptyQueues(),
        provisional_spans=tuple(s for r in each for s in r.provisional_spans),
        failures=dict(sorted(failures.items())),
        inputs=None,
        listings={},
        timezone=job.query.timezone,
        names_at=catalog.names_at,
        tables=catalog.all(),
        catalog=catalog,
    )
