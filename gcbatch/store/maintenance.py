"""Lists what the store holds, and removes what is old.

Parts hold personal data (ids of agents, what they did when), which often must not be
kept for ever. Only files that gcbatch wrote are removed; links are never followed.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from gcbatch.errors import JobError, OutputError
from gcbatch.store.entity_files import ENTITY_FILES
from gcbatch.store.part_metadata import SETTLE
from gcbatch.store.store import FRESH_NOTE, PLAN_NOTE, REPORT_NOTE, Store
from gcbatch.suggest import unknown
from gcbatch.windows import UTC_ZONE, Period, Window, iso, parse_period_or_zero, step

__all__ = ["PruneResult", "StoredJob", "list_store", "parse_age", "prune"]

NOTES: Final = (PLAN_NOTE, REPORT_NOTE, FRESH_NOTE, *ENTITY_FILES)
_PART: Final = re.compile(r"[0-9a-f]{40}\.parquet")
_PENDING: Final = re.compile(r"[0-9a-f]{40}\.pending")
"""Notes of the service's jobs; see PendingJobs."""

_LEFTOVER: Final = re.compile(
    rf"\.(?:[0-9a-f]{{40}}|{'|'.join(map(re.escape, NOTES))})\.[0-9a-f]{{12}}\.part"
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
        size: Bytes of the parts.
        window: From the first part's start to the last one's end; None without parts.
        provisional: Parts that were fetched before their figures had settled, by the
            settling time of the last run.
        unreadable: Parts without metadata, or of another query; the next run fetches
            them.
        last_run: Start of the last run that ended; None if none did.
    """

    job: str
    parts: int
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
        leftovers: Files that an unfinished write or wait had left behind.
        emptied: Jobs that have nothing left.
        size: Bytes of all removed files.
    """

    before: datetime
    jobs: list[str] = field(default_factory=list)
    parts: int = 0
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
            "leftovers": self.leftovers,
            "emptied": self.emptied,
            "bytes": self.size,
        }


def list_store(root: Path, names: Sequence[str] = ()) -> list[StoredJob]:
    """Return what the store holds of each job, by name.

    Args:
        root: The folder that job files call `fetch.store`.
        names: Names of jobs, with all their orgs, or `job@org` for one org; none means
            all jobs.

    Raises:
        JobError: If it holds no job of such a name.
        OutputError: If the store cannot be read.
    """
    known = {folder.name: folder for folder in _job_folders(root)}
    wanted: list[str] = []
    for name in names or sorted(known):
        found = [k for k in sorted(known) if name in (k, k.partition("@")[0])]
        if not found:
            msg = f"{root}: {unknown('job', name, sorted(known))}"
            raise JobError(msg, hint="use the name of the job: `name:` in its file")
        wanted += found
    return [_stored_job(known[name]) for name in dict.fromkeys(wanted)]


def prune(
    root: Path, older_than: Period, *, now: datetime, dry_run: bool = False
) -> PruneResult:
    """Remove the parts whose window ended longer ago than *older_than*.

    The age of a part is that of its data, whenever they were fetched. A part without
    metadata is as old as its file. Plans, reports and folders go with the last part of
    a job; files of other programs stay, and so do links. A file whose own time lies far
    in the future has no age that can be trusted, and counts as old.

    Args:
        root: The folder that job files call `fetch.store`.
        older_than: Counted by the calendar in UTC.
        now: UTC.
        dry_run: Whether to remove nothing.

    Returns:
        What was removed, or would be.

    Raises:
        JobError: If *older_than* reaches back before the calendar begins.
        OutputError: If something cannot be read or removed.
    """
    try:
        before = step(now, older_than, -1, UTC_ZONE)
    except (OverflowError, ValueError) as exc:
        msg = f"--older-than {older_than}: no store is as old as that"
        raise JobError(msg, hint="write 30d, 12w, 6mo or 1y") from exc
    done = PruneResult(before)
    for folder in _job_folders(root):
        _prune_job(folder, done, now=now, dry_run=dry_run)
    return done


def _prune_job(
    folder: Path, done: PruneResult, *, now: datetime, dry_run: bool
) -> None:
    store = Store(folder.parent, folder.name)
    kept = 0
    old: list[Path] = []
    for part in _parts(store):
        metadata = store.metadata(part.stem)
        end = metadata.window.end if metadata else _written(part)
        is_ahead = metadata is None and end - now > LEFTOVER_AGE
        if end >= done.before and not is_ahead:
            kept += 1
        else:
            old.append(part)
    left = [p for p in _leftovers(folder) if _is_idle(p, now)]
    notes = [p for p in _entries(folder) if p.name in NOTES and _is_file(p)]
    # A run may just have begun, and has no parts yet: its notes are young.
    is_idle = old or all(_is_idle(note, now) for note in notes)
    if kept or not is_idle:
        notes = []
    for path in (*old, *left, *notes):
        _remove(path, done, dry_run=dry_run)
    done.parts += len(old)
    done.leftovers += len(left)
    if old:
        done.jobs.append(folder.name)
    if notes or (old and not kept):
        done.emptied.append(folder.name)
    if not dry_run and not kept and is_idle:
        for empty in (folder / "parts", folder):
            with suppress(OSError):  # rmdir refuses a folder that is not empty
                empty.rmdir()


def _stored_job(folder: Path) -> StoredJob:
    store = Store(folder.parent, folder.name)
    note = store.read_note(REPORT_NOTE) or {}
    settle, zone = _settling(note)
    now = datetime.now(UTC)
    parts = size = unreadable = provisional = 0
    window: Window | None = None
    for part in _parts(store):
        with suppress(FileNotFoundError):  # a run may be under way
            size += part.stat().st_size
            parts += 1
            metadata = store.metadata(part.stem)
            if metadata is None:
                unreadable += 1
                continue
            provisional += not metadata.is_final(settle, zone, now)
            own = metadata.window
            window = window or own
            window = Window(min(window.start, own.start), max(window.end, own.end))
    started = note.get("started_at")
    return StoredJob(
        job=folder.name,
        parts=parts,
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


def _job_folders(root: Path) -> list[Path]:
    """Return the folders of jobs: those with parts or notes.

    Raises:
        OutputError: If the store cannot be read.
    """
    if not root.is_dir():
        msg = f"{root}: holds no store"
        raise OutputError(msg, hint="name the folder that `fetch.store` names")
    # The store itself may be a link, which is followed: the user named it.
    return [
        folder
        for folder in _entries(root.resolve())
        if _is_folder(folder)
        and (
            _is_folder(folder / "parts")
            or any(_is_file(folder / name) for name in NOTES)
        )
    ]


def _parts(store: Store) -> Iterator[Path]:
    """Yield the parts of a job, whole or damaged; what is known of each is dropped."""
    for path in _entries(store.folder / "parts"):
        is_part = _PART.fullmatch(path.name) and _is_file(path)
        if is_part and not store.is_foreign(path.stem):
            yield path
        store.forget(path.stem)


def _leftovers(folder: Path) -> Iterator[Path]:
    for path in (*_entries(folder), *_entries(folder / "parts")):
        is_left = _LEFTOVER.fullmatch(path.name) or _PENDING.fullmatch(path.name)
        if is_left and _is_file(path):
            yield path


def _entries(folder: Path) -> Iterator[Path]:
    """Yield what is in a folder, by name; nothing if it is a link or missing.

    Raises:
        OutputError: If it cannot be read.
    """
    if not _is_folder(folder):
        return iter(())
    try:
        # A path takes five times the memory of its name.
        names = sorted(entry.name for entry in os.scandir(folder))
    except OSError as exc:
        msg = f"{folder}: cannot be read: {exc.strerror}"
        raise OutputError(msg, hint="check the permissions of the store") from exc
    return map(folder.joinpath, names)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _written(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        return datetime.now(UTC)


def _is_idle(path: Path, now: datetime) -> bool:
    """Return whether no run can be at work on a file.

    A file whose time lies far in the future was written while the clock was wrong, not
    just now.
    """
    return abs(now - _written(path)) > LEFTOVER_AGE


def _remove(path: Path, done: PruneResult, *, dry_run: bool) -> None:
    try:
        size = path.lstat().st_size
        if not dry_run:
            path.unlink()
    except FileNotFoundError:
        return
    except OSError as exc:
        msg = f"{path}: cannot be removed: {exc.strerror}"
        raise OutputError(msg, hint="check the permissions of the store") from exc
    done.size += size
