"""Lists what the store holds, and removes what is old.

Parts hold personal data (ids of agents, what they did when), which often must not be
kept for ever. Only files that gcbatch wrote are removed; links are never followed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from gcbatch.errors import JobError, OutputError
from gcbatch.objects import ObjectUrl
from gcbatch.store.change_log import window_end_of
from gcbatch.store.entity_files import ENTITY_FILES
from gcbatch.store.job_files import CHANGES, PARTS, FileEntry, StoreRoot
from gcbatch.store.part_metadata import SETTLE, PartMetadata
from gcbatch.store.roots import open_root
from gcbatch.store.store import (
    FAILED_NOTE,
    FRESH_NOTE,
    PLAN_NOTE,
    REPORT_NOTE,
    Store,
)
from gcbatch.suggest import unknown
from gcbatch.windows import UTC_ZONE, Period, Window, iso, parse_period_or_zero, step

__all__ = ["PruneResult", "StoredJob", "list_store", "parse_age", "prune"]

NOTES: Final = (PLAN_NOTE, REPORT_NOTE, FAILED_NOTE, FRESH_NOTE, *ENTITY_FILES)
_PART: Final = re.compile(PARTS + r"(?P<digest>[0-9a-f]{40})\.parquet")
_PENDING: Final = re.compile(r"[0-9a-f]{40}\.pending")
"""Notes of the service's jobs; see PendingJobs."""

_LEFTOVER: Final = re.compile(
    rf"\.(?:[0-9a-f]{{40}}|\d{{8}}T\d{{6}}Z-[0-9a-f]{{23}}|"
    rf"{'|'.join(map(re.escape, NOTES))})\.[0-9a-f]{{12}}\.part"
)
"""What an interrupted write leaves behind; see atomic_files.create_temp_beside."""

LEFTOVER_AGE: Final = timedelta(days=1)
"""No write takes so long: a younger one may be under way. Nor does the service keep the
results of its jobs for ever: a job that is pending for longer is submitted again."""

_AGE: Final = re.compile(r"(?P<count>[1-9]\d{0,5}) ?(?P<unit>d|w|mo|y)", re.ASCII)
_UNITS: Final = {"d": "P{}D", "w": "P{}W", "mo": "P{}M", "y": "P{}Y"}


def parse_age(text: str) -> Period:
    """Read an age such as 30d, 12w, 6mo or 1y.

    Raises:
        JobError: If *text* is not an age.
    """
    match = _AGE.fullmatch(text.strip())
    if match is None:
        msg = f"{text!r} is not an age"
        raise JobError(msg, hint="write 30d, 12w, 6mo or 1y")
    return Period.parse(_UNITS[match["unit"]].format(match["count"]))


@dataclass(frozen=True, slots=True)
class StoredJob:
    """The summary of one job's files in the store.

    Args:
        job: Its name.
        parts: Number of parts.
        listings: Number of tables of entities that are listed.
        changes: Number of files of the change log: replacements of parts.
        size: Bytes of the parts, the listings and the change log.
        window: From the first part's start to the last one's end; None without parts.
        provisional: Parts that were fetched before their figures had settled, by the
            settling time of the last run.
        unreadable: Parts without metadata, or of another query; the next run fetches
            them.
        last_run: Start of the last run that ended; None if none did.
    """

    job: str
    parts: int
    listings: int
    changes: int
    size: int
    window: Window | None
    provisional: int
    unreadable: int
    last_run: str | None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "job": self.job,
            "from": iso(self.window.start) if self.window else None,
            "to": iso(self.window.end) if self.window else None,
            "parts": self.parts,
            "listings": self.listings,
            "changes": self.changes,
            "bytes": self.size,
            "provisional": self.provisional,
            "unreadable": self.unreadable,
            "last_run": self.last_run,
        }


@dataclass
class PruneResult:
    """The files that were removed, or would be.

    Args:
        before: Parts whose window ended earlier are old.
        jobs: Names of the jobs that lost parts.
        parts: Number of removed parts.
        changes: Number of removed files of change logs.
        leftovers: Files that an unfinished write or wait had left behind.
        emptied: Jobs that have nothing left.
        size: Bytes of all removed files.
    """

    before: datetime
    jobs: list[str] = field(default_factory=list)
    parts: int = 0
    changes: int = 0
    leftovers: int = 0
    emptied: list[str] = field(default_factory=list)
    size: int = 0

    def to_json(self, *, dry_run: bool) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "before": iso(self.before),
            "dry_run": dry_run,
            "jobs": self.jobs,
            "parts": self.parts,
            "changes": self.changes,
            "leftovers": self.leftovers,
            "emptied": self.emptied,
            "bytes": self.size,
        }


def list_store(
    root: Path | ObjectUrl | StoreRoot, names: Sequence[str] = ()
) -> list[StoredJob]:
    """Return what the store holds of each job, by name.

    Args:
        root: The store, or the folder that job files call `fetch.store`.
        names: Names of jobs, with all their orgs, or `job@org` for one org; none means
            all jobs.

    Raises:
        JobError: If it holds no job of such a name.
        OutputError: If the store cannot be read.
    """
    root = open_root(root)
    return [_stored_job(root, name) for name in _folders_of(root, names)]


def _folders_of(root: StoreRoot, names: Sequence[str]) -> list[str]:
    """Return the folders of some jobs, with all their orgs; of all without names.

    Raises:
        JobError: If there is no job of such a name.
    """
    known = root.job_names(NOTES)
    wanted: list[str] = []
    for name in names or known:
        found = [k for k in known if name in (k, k.partition("@")[0])]
        if not found:
            msg = f"{root.place}: {unknown('job', name, known)}"
            raise JobError(msg, hint="use the name of the job: `name:` in its file")
        wanted += found
    return list(dict.fromkeys(wanted))


def prune(
    root: Path | ObjectUrl | StoreRoot,
    older_than: Period,
    *,
    now: datetime,
    dry_run: bool = False,
    names: Sequence[str] = (),
) -> PruneResult:
    """Remove the parts whose window ended longer ago than *older_than*.

    The age of a part is that of its data, whenever they were fetched; so is that of
    what the change log notes of the same window. A part without
    metadata is as old as its file, and so is a listing. Plans, reports, listings and
    folders go when a job has no part and no listing left that is younger; files of
    other programs stay, and so do links. A file whose own time lies far in the future
    has no age that can be trusted, and counts as old.

    Args:
        root: The store, or the folder that job files call `fetch.store`.
        older_than: Counted by the calendar in UTC.
        now: UTC.
        dry_run: Whether to remove nothing.
        names: Names of jobs, with all their orgs, or `job@org` for one org; none means
            all jobs.

    Returns:
        What was removed, or would be.

    Raises:
        JobError: If *older_than* reaches back before the calendar begins, or there is
            no job of such a name.
        OutputError: If something cannot be read or removed.
    """
    try:
        before = step(now, older_than, -1, UTC_ZONE)
    except (OverflowError, ValueError) as exc:
        msg = f"--older-than {older_than}: no store is as old as that"
        raise JobError(msg, hint="write 30d, 12w, 6mo or 1y") from exc
    done = PruneResult(before)
    root = open_root(root)
    for name in _folders_of(root, names):
        _prune_job(root, name, done, now=now, dry_run=dry_run)
    return done


def _prune_job(
    root: StoreRoot, name: str, done: PruneResult, *, now: datetime, dry_run: bool
) -> None:
    store = Store(root, name)
    found = _sorted_by_age(store, done.before, now)
    # A run may just have begun, and has no parts yet: its notes are young.
    is_idle = bool(found.old) or all(_is_idle(note, now) for note in found.notes)
    notes = found.notes if is_idle and not found.kept else []
    # Notes go when all else has gone.
    for entries in ([*found.old, *found.old_changes, *found.left], notes):
        _remove(store, entries, done, dry_run=dry_run)
    done.parts += len(found.old)
    done.changes += len(found.old_changes)
    done.leftovers += len(found.left)
    if found.old or found.old_changes:
        done.jobs.append(name)
    if notes or (found.old and not found.kept):
        done.emptied.append(name)
    if not dry_run and not found.kept and is_idle:
        root.remove_empty(name)


@dataclass
class _JobEntries:
    """The files of a job.

    Args:
        kept: Number of parts and listings that are not old.
        old: Parts that are.
        old_changes: Files of the change log that are.
        left: What an unfinished write or wait left behind, and no run can need.
        notes: Notes.
    """

    kept: int = 0
    old: list[FileEntry] = field(default_factory=list)
    old_changes: list[FileEntry] = field(default_factory=list)
    left: list[FileEntry] = field(default_factory=list)
    notes: list[FileEntry] = field(default_factory=list)


def _sorted_by_age(store: Store, before: datetime, now: datetime) -> _JobEntries:
    found = _JobEntries()
    for entry in store.files.entries():
        if _is_leftover(entry.name) or _is_emptied(store, entry):
            found.left += [entry] * _is_idle(entry, now)
        elif entry.name in (*NOTES, *store.files.own_notes):
            found.notes.append(entry)
            # A listing is data too, as old as its file.
            is_data = entry.name in ENTITY_FILES
            found.kept += is_data and before <= _written(entry) <= now + LEFTOVER_AGE
        elif ended := window_end_of(entry.name):
            if ended < before:
                found.old_changes.append(entry)
            else:
                found.kept += 1
        elif part := _found_part(store, entry):
            metadata = part.metadata
            end = metadata.window.end if metadata else _written(entry)
            is_ahead = metadata is None and end - now > LEFTOVER_AGE
            if end >= before and not is_ahead:
                found.kept += 1
            else:
                found.old.append(entry)
    return found


def _stored_job(root: StoreRoot, name: str) -> StoredJob:
    store = Store(root, name)
    note = store.read_note(REPORT_NOTE) or {}
    settle, zone = _settling(note)
    now = datetime.now(UTC)
    parts = listings = changes = size = unreadable = provisional = 0
    window: Window | None = None
    for entry in store.files.entries():
        if entry.name in ENTITY_FILES:
            listings += 1
            size += entry.size
            continue
        if window_end_of(entry.name) is not None:
            changes += 1
            size += entry.size
            continue
        part = _found_part(store, entry)
        if part is None:
            continue
        size += entry.size
        parts += 1
        metadata = part.metadata
        if metadata is None:
            unreadable += 1
            continue
        provisional += not metadata.is_final(settle, zone, now)
        own = metadata.window
        window = window or own
        window = Window(min(window.start, own.start), max(window.end, own.end))
    started = note.get("started_at")
    return StoredJob(
        job=name,
        parts=parts,
        listings=listings,
        changes=changes,
        size=size,
        window=window,
        provisional=provisional,
        unreadable=unreadable,
        last_run=started if isinstance(started, str) else None,
    )


def _settling(note: dict[str, Any]) -> tuple[Period, ZoneInfo]:
    """Return the settling time of the last run, and the time zone of its days."""
    try:
        return parse_period_or_zero(note["settle"]), ZoneInfo(note["timezone"])
    except (KeyError, TypeError, ValueError, OSError):
        return SETTLE, UTC_ZONE


class _FoundPart(NamedTuple):
    """A part, whole or damaged.

    Args:
        metadata: None if it has none, or another query's.
    """

    metadata: PartMetadata | None


def _found_part(store: Store, entry: FileEntry) -> _FoundPart | None:
    """Return a part; None if a file is none. What is known of it is dropped."""
    match = _PART.fullmatch(entry.name)
    if match is None or _is_emptied(store, entry):
        return None
    digest = match["digest"]
    found = _FoundPart(store.metadata(digest))
    is_foreign = found.metadata is None and store.is_foreign(digest)
    store.forget(digest)
    return None if is_foreign else found


def _is_leftover(name: str) -> bool:
    """Return whether an unfinished write or wait has left a file behind."""
    own = name.removeprefix(PARTS).removeprefix(CHANGES)
    return bool(_LEFTOVER.fullmatch(own) or _PENDING.fullmatch(own))


def _is_emptied(store: Store, entry: FileEntry) -> bool:
    """Return whether a part was discarded in a bucket, where an empty object stays."""
    match = _PART.fullmatch(entry.name)
    return match is not None and not entry.size and not store.has(match["digest"])


def _written(entry: FileEntry) -> datetime:
    return datetime.fromtimestamp(entry.written_s, UTC)


def _is_idle(entry: FileEntry, now: datetime) -> bool:
    """Return whether no run can be at work on a file.

    A file whose time lies far in the future was written while the clock was wrong, not
    just now.
    """
    return abs(now - _written(entry)) > LEFTOVER_AGE


def _remove(
    store: Store, entries: Sequence[FileEntry], done: PruneResult, *, dry_run: bool
) -> None:
    sizes = {entry.name: entry.size for entry in entries}
    try:
        gone = [*sizes] if dry_run else store.files.discard_all([*sizes])
    except OSError as exc:
        msg = f"{exc.filename}: cannot be removed: {exc.strerror}"
        raise OutputError(msg, hint="check the permissions of the store") from exc
    done.size += sum(sizes[name] for name in gone)
