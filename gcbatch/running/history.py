"""The history of a job's runs: the last of them, each in a few figures.

Runs that ended with a report are in its run.json, so that they take no request more to
an object store. Those that failed are in a note of their own: the report of the last
run that did not fail stays.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final, Self

from gcbatch.errors import DataError, GcbatchError, OutputError
from gcbatch.job import Job
from gcbatch.running.report import RunReport
from gcbatch.store import FAILED_NOTE, REPORT_NOTE, Store
from gcbatch.text import one_line
from gcbatch.windows import iso, parse_instant

__all__ = [
    "MAX_RUNS",
    "PastRun",
    "note_failure",
    "note_report",
    "note_unreported",
    "runs_of",
    "unreported_changes",
]

MAX_RUNS: Final = 100
"""Runs that are kept, and as many that failed."""

Note = dict[str, Any]

RUNS: Final = "runs"
"""The key of both notes that has them, the oldest first."""

UNREPORTED: Final = "unreported_changes"
"""The key of the note of failed runs that has what they added to the change log: no
report of a run says it yet."""

MAX_UNREPORTED: Final = 10_000
"""Names of files that it has."""

MAX_ERROR: Final = 400
"""Length of an error that is kept."""

ATTEMPTS: Final = 5
"""Times that a note is written which other runs write meanwhile."""


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run of the past.

    Args:
        started_at: When it started, UTC.
        seconds: How long it took.
        kind: `run`, or `export` if it wrote outputs alone.
        start: The begin of its range, UTC; None if it had none, or failed before.
        end: The end of its range.
        run_id: Identifies its plan; empty if it failed before.
        queries: Queries of the plan.
        fetched: Those that it fetched.
        requests: Requests to the API.
        rows: Rows of all parts.
        corrections: Figures and rows that fetching again changed.
        exit: The exit code of a command that did the same: 0, or why not.
        error: What was wrong; empty if nothing was.
    """

    started_at: datetime
    seconds: float
    kind: str = "run"
    start: datetime | None = None
    end: datetime | None = None
    run_id: str = ""
    queries: int = 0
    fetched: int = 0
    requests: int = 0
    rows: int = 0
    corrections: int = 0
    exit: int = 0
    error: str = ""

    @classmethod
    def of_report(cls, report: RunReport, kind: str) -> Self:
        """Return the run that a report is about."""
        codes = [OutputError.exit_code] * bool(report.failed_exports)
        codes += [DataError.exit_code] * bool(report.gaps)
        return cls(
            started_at=report.started_at,
            seconds=report.seconds,
            kind=kind,
            start=report.window.start if report.window else None,
            end=report.window.end if report.window else None,
            run_id=report.run_id,
            queries=report.queries,
            fetched=report.fetched,
            requests=report.requests,
            rows=report.rows,
            corrections=sum(one.count for one in report.changes),
            exit=max(codes, default=0),
            error="; ".join(map(str, report.failed_exports))[:MAX_ERROR],
        )

    @classmethod
    def from_json(cls, said: Any) -> "PastRun | None":
        """Return what to_json wrote; None if it is something else."""
        try:
            instants: dict[str, Any] = {"started_at": parse_instant(said["started_at"])}
            for key, name in (("from", "start"), ("to", "end")):
                if said[key] is not None:
                    instants[name] = parse_instant(said[key])
            known = {field.name for field in fields(cls)} - {"start", "end"}
            return cls(**{n: said[n] for n in known if n in said} | instants)
        except (KeyError, TypeError, ValueError):
            return None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        said = asdict(self)
        start, end = said.pop("start"), said.pop("end")
        return {
            **said,
            "started_at": iso(self.started_at),
            "seconds": round(self.seconds, 3),
            "from": iso(start) if start else None,
            "to": iso(end) if end else None,
        }


def note_report(
    store: Store, report: RunReport, kind: str, last: tuple[Note, bytes | None]
) -> None:
    """Store a run report, and add its run to those of the report before.

    Args:
        store: The store of the job.
        report: The report.
        kind: `run` or `export`.
        last: The report before, as it was read, and the stamp that it had.

    Raises:
        OutputError: If it cannot be written.
    """
    run = PastRun.of_report(report, kind).to_json()

    def changed(note: Note) -> Note:
        before = [r for r in _runs_in(note) if r["started_at"] != run["started_at"]]
        return {**report.to_json(), RUNS: [*before, run][-MAX_RUNS:]}

    _update(store, REPORT_NOTE, changed, last)


def note_failure(
    store: Store,
    started_at: datetime,
    error: GcbatchError,
    changes: Sequence[str] = (),
) -> None:
    """Note a run that failed.

    Args:
        store: The store of the job.
        started_at: When the run started, UTC.
        error: Why it failed.
        changes: The files that it added to the change log.

    Raises:
        OutputError: If it cannot be written.
    """
    seconds = (datetime.now(UTC) - started_at).total_seconds()
    said = one_line(error.problem, MAX_ERROR)
    failed = PastRun(started_at, max(0.0, seconds), exit=error.exit_code, error=said)

    def changed(note: Note) -> Note:
        unreported = sorted({*_unreported_in(note), *changes})[-MAX_UNREPORTED:]
        runs = [*_runs_in(note), failed.to_json()][-MAX_RUNS:]
        return {RUNS: runs, UNREPORTED: unreported}

    _update(store, FAILED_NOTE, changed, _failed_note(store))


def unreported_changes(store: Store) -> list[str]:
    """Return the files of the change log that no report of a run has yet."""
    return _unreported_in(_failed_note(store)[0])


def note_unreported(store: Store, changes: Sequence[str]) -> None:
    """Note which files of the change log no report of a run has yet.

    Raises:
        OutputError: If it cannot be written.
    """
    last = _failed_note(store)
    if _unreported_in(last[0]) != sorted(changes):
        names = sorted(changes)[-MAX_UNREPORTED:]
        _update(store, FAILED_NOTE, lambda note: {**note, UNREPORTED: names}, last)


def _failed_note(store: Store) -> tuple[Note, bytes | None]:
    """Return the note of failed runs, and the stamp that it has."""
    stamp = store.files.stamp(FAILED_NOTE)
    return (store.read_note(FAILED_NOTE) or {}) if stamp else {}, stamp


def _unreported_in(note: Note) -> list[str]:
    found = note.get(UNREPORTED)
    names = found if isinstance(found, list) else []
    return [name for name in names if isinstance(name, str)]


def runs_of(job: Job) -> list[PastRun]:
    """Return the last runs of a job, the newest last.

    Args:
        job: A job of one org; of several orgs, one of Job.per_org().

    Raises:
        OutputError: If the store cannot be read.
    """
    store = Store(job.open_store(), job.store_name)
    notes = [store.read_note(name) or {} for name in (REPORT_NOTE, FAILED_NOTE)]
    found = [PastRun.from_json(said) for note in notes for said in _runs_in(note)]
    runs = sorted((run for run in found if run), key=lambda run: run.started_at)
    return runs[-MAX_RUNS:]


def _runs_in(note: Note) -> list[Any]:
    """Return the runs in a note; what is none is left out."""
    found = note.get(RUNS)
    runs = found if isinstance(found, list) else []
    return [said for said in runs if PastRun.from_json(said)]


def _update(
    store: Store,
    name: str,
    change: Callable[[Note], Note],
    last: tuple[Note, bytes | None],
) -> None:
    """Write a note that depends on the present one, whoever writes it meanwhile.

    Args:
        store: The store of the job.
        name: The name of the note.
        change: Returns the note as it will be.
        last: The present note, and the stamp that it had when it was read.

    Raises:
        OutputError: If it cannot be written, or others write it again and again.
    """
    for _ in range(ATTEMPTS):
        note, stamp = last
        if store.write_note_if(name, change(note), stamp):
            return
        store.files.look_again([name])
        stamp = store.files.stamp(name)
        last = store.read_note(name) or {}, stamp
    msg = f"{store.files.place_of(name)}: cannot be written: other runs write it"
    raise OutputError(msg, hint="run it again")
