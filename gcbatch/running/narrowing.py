"""Refuses a narrowed range that would replace outputs of a wider one."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from gcbatch.errors import JobError
from gcbatch.genesys import ENTITY_TABLES
from gcbatch.job import CHANGES_TABLE, span_for_refetch
from gcbatch.objects import is_object_url
from gcbatch.running.exports import CheckedExport
from gcbatch.running.output_range import OutputRange
from gcbatch.running.report import Exported
from gcbatch.table import Table
from gcbatch.windows import Window, to_local

__all__ = ["output_ranges", "refuse_narrowing", "timeless_places", "updated_ranges"]

MAX_OUTPUTS: Final = 1000
"""Outputs whose range a report keeps; those written last."""

MAX_LISTED: Final = 5
"""Outputs that a message names."""


def output_ranges(report: Mapping[str, Any]) -> dict[str, OutputRange]:
    """Return the ranges of outputs that a run report knows, by path.

    Args:
        report: A run.json; of an older release, all its files have its range.
    """
    try:
        if "ranges" in report:
            found = [OutputRange.from_json(one) for one in report["ranges"]]
        else:
            whole = {"from": report["from"], "to": report["to"]}
            found = [
                OutputRange.from_json({"path": path, **whole})
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
) -> tuple[OutputRange, ...]:
    """Return the ranges of outputs after a run; those it did not write keep theirs.

    Args:
        last_report: The run.json of the last run; empty if there is none.
        exports: What the run wrote, or found as it would write it.
        window: Its range; None in a job of tables alone.
        is_narrowed: Whether options narrowed it.
    """
    ranges = output_ranges(last_report)
    for export in exports:
        if window is None:
            break
        file = _only_file(export.files, export.tables)
        for path in filter(None, (file, *export.timeless)):
            known = ranges.pop(path, None)
            if known is None or known.window != window:
                known = OutputRange(path, window, is_narrowed)
            ranges[path] = known  # the last one now
    return tuple(ranges.values())[-MAX_OUTPUTS:]


def _only_file(files: Sequence[str], tables: Sequence[str]) -> str:
    """Return the file of an export that is one file; empty if it is none with a range.

    Partitions keep other days, and databases replace by range.
    """
    return str(files[0]) if len(files) == 1 and any(map(_has_range, tables)) else ""


def _has_range(table: str) -> bool:
    return table not in {*ENTITY_TABLES, CHANGES_TABLE}


def timeless_places(
    tables: Mapping[str, Table], places: Sequence[str]
) -> tuple[str, ...]:
    """Return the places where a load replaces the rows of any other range.

    Args:
        tables: The tables of an export.
        places: The place of each; none if the exporter does not say.
    """
    return tuple(
        place
        for (name, table), place in zip(tables.items(), places, strict=False)
        if table.is_timeless and _has_range(name)
    )


def refuse_narrowing(
    zone: ZoneInfo,
    exports: Sequence[CheckedExport],
    asked: Window,
    own: Window,
    last_report: Mapping[str, Any],
) -> None:
    """Refuse a range that options narrowed if it would replace outputs of a wider one.

    Args:
        zone: The time zone of the job.
        exports: What a run would write.
        asked: The range of the run.
        own: The range that the job file itself has now.
        last_report: The run.json of the last run; empty if there is none.

    Raises:
        JobError: If so; names the outputs, both ranges, and the ways out.
    """
    if own in asked:
        return  # not narrowed
    lines = list(_losses(exports, output_ranges(last_report), asked, own, zone))
    if not lines:
        return
    if (more := len(lines) - MAX_LISTED) > 0:
        lines = [*lines[:MAX_LISTED], f"and {more:,} more"]
    hint = (
        "`gcbatch run JOB --refetch FROM..TO` fetches days again and writes the whole "
        "range; or write elsewhere; or add --replace"
    )
    raise JobError(lines, hint=hint)


def _losses(
    exports: Sequence[CheckedExport],
    known: Mapping[str, OutputRange],
    asked: Window,
    own: Window,
    zone: ZoneInfo,
) -> Iterator[str]:
    for one in exports:
        path = str(one.spec.options.get("path", ""))
        if path and not is_object_url(path):
            path = str(Path(path))  # as a report names it
            if not Path(path).exists():
                continue
        for output in (path, *one.timeless):
            there = known.get(output)  # never the folder of partitions
            if there is not None and _loses(there, asked, own, zone):
                yield (
                    f"{one.export.place}: {output} holds "
                    f"{span_for_refetch(there.window, zone)} and would hold only "
                    f"{span_for_refetch(asked, zone)}"
                )


def _loses(there: OutputRange, asked: Window, own: Window, zone: ZoneInfo) -> bool:
    """Return whether a narrowed range is narrower than that of an output.

    Days that have left the job's own range do not count. An output that a narrowed
    run wrote may move with the options, as where a schedule names each day: it is only
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
