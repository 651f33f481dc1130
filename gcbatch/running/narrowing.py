"""Refuses a narrowed range that would replace files of a wider one."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from gcbatch.errors import JobError
from gcbatch.genesys import ENTITY_TABLES
from gcbatch.job import CHANGES_TABLE, ExportOfEntry, Job, span_for_refetch
from gcbatch.objects import is_object_url
from gcbatch.running.file_range import FileRange
from gcbatch.running.report import Exported
from gcbatch.windows import Window, to_local

__all__ = ["file_ranges", "refuse_narrowing", "updated_ranges"]

MAX_FILES: Final = 1000
"""Files whose range a report keeps; those written last."""

MAX_LISTED: Final = 5
"""Files that a message names."""


def file_ranges(report: Mapping[str, Any]) -> dict[str, FileRange]:
    """Return the ranges of files that a run report knows, by path.

    Args:
        report: A run.json; of an older release, all its files have its range.
    """
    try:
        if "ranges" in report:
            found = [FileRange.from_json(one) for one in report["ranges"]]
        else:
            whole = {"from": report["from"], "to": report["to"]}
            found = [
                FileRange.from_json({"path": path, **whole})
                for export in report["exports"]
                if (path := _only_file(export["files"], export["tables"]))
            ]
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
        return {}
    return {one.path: one for one in found}


def updated_ranges(
    last_report: Mapping[str, Any],
    exports: Sequence[Exported],
    window: Window | None,
    *,
    is_narrowed: bool,
) -> tuple[FileRange, ...]:
    """Return the ranges of files after a run; files that it did not write keep theirs.

    Args:
        last_report: The run.json of the last run; empty if there is none.
        exports: What the run wrote, or found as it would write it.
        window: Its range; None in a job of tables alone.
        is_narrowed: Whether options narrowed it.
    """
    ranges = file_ranges(last_report)
    for export in exports:
        path = _only_file(export.files, export.tables)
        if not path or window is None:
            continue
        known = ranges.pop(path, None)
        if known is None or known.window != window:
            known = FileRange(path, window, is_narrowed)
        ranges[path] = known  # the last one now
    return tuple(ranges.values())[-MAX_FILES:]


def _only_file(files: Sequence[str], tables: Sequence[str]) -> str:
    """Return the file of an export that is one file; empty if it is none with a range.

    Partitions keep other days, and databases replace by range.
    """
    has_range = not {*tables} <= {*ENTITY_TABLES, CHANGES_TABLE}
    return str(files[0]) if len(files) == 1 and has_range else ""


def refuse_narrowing(
    job: Job, asked: Window, own: Window, last_report: Mapping[str, Any]
) -> None:
    """Refuse a range that options narrowed if it would replace files of a wider one.

    Args:
        job: A job of one org.
        asked: The range of the run.
        own: The range that the job file itself has now.
        last_report: The run.json of the last run; empty if there is none.

    Raises:
        JobError: If so; names the files, both ranges, and the ways out.
    """
    if own in asked:
        return  # not narrowed
    known, zone = file_ranges(last_report), job.query.zone
    lines = list(_losses(job.expanded_exports, known, asked, own, zone))
    if not lines:
        return
    if (more := len(lines) - MAX_LISTED) > 0:
        lines = [*lines[:MAX_LISTED], f"and {more:,} more files"]
    hint = (
        "`gcbatch run JOB --refetch FROM..TO` fetches days again and writes the whole "
        "range; or name another path; or add --replace"
    )
    raise JobError(lines, hint=hint)


def _losses(
    exports: Sequence[ExportOfEntry],
    known: Mapping[str, FileRange],
    asked: Window,
    own: Window,
    zone: ZoneInfo,
) -> Iterator[str]:
    for export in exports:
        path = str(export.spec.options.get("path", ""))
        if not is_object_url(path):
            path = str(Path(path))  # as a report names it
        there = known.get(path)  # never the folder of partitions
        if there is None or not _loses(there, asked, own, zone):
            continue
        if is_object_url(path) or Path(path).exists():
            yield (
                f"{export.place}: {path} holds {span_for_refetch(there.window, zone)} "
                f"and would hold only {span_for_refetch(asked, zone)}"
            )


def _loses(there: FileRange, asked: Window, own: Window, zone: ZoneInfo) -> bool:
    """Return whether a narrowed range is narrower than that of a file.

    Days that have left the job's own range do not count. A file that a narrowed run
    wrote may move with the options, as where a schedule names each day: it is only
    protected from a part of its own range.
    """
    held = there.window
    if asked != held and asked in held:
        return True
    still_own = held.intersection(own)
    is_lost = still_own is not None and still_own not in asked
    return is_lost and not there.is_narrowed and _wall(held, zone) > _wall(asked, zone)


def _wall(window: Window, zone: ZoneInfo) -> Any:
    """Return the length of a window by the clocks of a zone: each day has 24 hours."""
    start, end = (_naive(instant, zone) for instant in (window.start, window.end))
    return end - start


def _naive(instant: datetime, zone: ZoneInfo) -> datetime:
    return to_local(instant, zone).replace(tzinfo=None)
