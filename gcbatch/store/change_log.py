"""The change log: the rows that fetching a part again changed, beside the parts.

<store>/<job name>/changes/<end of the window>-<digest>-<old checksum>.parquet

A file is written before the new part takes the place of the old one, and its name
depends on the old one: whoever replaces the same part after a crash writes the same
file. While the old part is still there, the replacement did not happen, and readers
ignore the file.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from gcbatch.errors import DamagedPartError
from gcbatch.lazy import lazy_import
from gcbatch.store.job_files import CHANGES, FileEntry, JobFiles
from gcbatch.store.part_file import (
    FIRST_KEY,
    METADATA_KEY,
    QUERY_KEY,
    batches_of,
    footer_of,
    write_part,
)
from gcbatch.store.part_metadata import PartMetadata
from gcbatch.store.row_differences import IS_NEW, differences
from gcbatch.store.verified_files import open_verified
from gcbatch.windows import Window

__all__ = ["ChangeLog", "Replacement", "RunMark", "window_end_of"]

pc = lazy_import("pyarrow.compute")

CHANGE_KEY: Final = b"gcbatch.change"
"""What the footer of a file says besides the metadata of the new part."""

_END: Final = "%Y%m%dT%H%M%SZ"
_NAME: Final = re.compile(
    CHANGES + r"(?P<end>\d{8}T\d{6}Z)-[0-9a-f]+-[0-9a-f]{16}\.parquet"
)


@dataclass(frozen=True, slots=True)
class RunMark:
    """The run that replaces parts.

    Args:
        run_id: Identifies its plan, as in run.json.
        started_at: UTC.
    """

    run_id: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Replacement:
    """A part that a run replaced by another with other rows.

    Args:
        name: The file with the rows that differ.
        digest: The digest of the query.
        old_checksum: The checksum of the part that was replaced.
        first_fetched_at: When the query was first fetched, UTC, by the service's clock.
        run: The run that fetched the new part.
        metadata: The metadata of the new part; fields are those that occur in either.
        rows: How many rows differ, those of both parts together.
        columns: The columns of a part.
    """

    name: str
    digest: str
    old_checksum: str
    first_fetched_at: datetime
    run: RunMark
    metadata: PartMetadata
    rows: int
    columns: tuple[str, ...]

    @property
    def window(self) -> Window:
        """The span of time that both parts cover."""
        return self.metadata.window

    @property
    def changed_at(self) -> datetime:
        """When the new part was fetched, UTC, by the service's clock."""
        return self.metadata.asked_at


class _Stored(msgspec.Struct):
    """What the footer says of a replacement."""

    old_checksum: str
    first_fetched_at: Annotated[datetime, msgspec.Meta(tz=True)]
    run_id: str
    run_started_at: Annotated[datetime, msgspec.Meta(tz=True)]


class ChangeLog:
    """The change log of a job.

    Args:
        files: The files of the job.

    Attributes:
        damaged: Names of files that could not be read; their changes are lost.
    """

    def __init__(self, files: JobFiles) -> None:
        self._files = files
        self.damaged: set[str] = set()

    def stamps(self) -> dict[str, bytes]:
        """Return what identifies each file in its present state, by name.

        In a bucket that takes no request.
        """
        names = filter(_NAME.fullmatch, sorted(self._files.names(CHANGES)))
        found = {name: self._files.stamp(name) for name in names}
        return {name: stamp for name, stamp in found.items() if stamp is not None}

    def look_again(self) -> list[FileEntry]:
        """List the files, also those that other processes wrote; by name."""
        entries = self._files.entries(CHANGES)
        return [one for one in entries if one.size and _NAME.fullmatch(one.name)]

    def note(
        self, digest: str, old: Any, checksum: str, new: Path, run: RunMark
    ) -> None:
        """Note the rows that differ; nothing is written if none do.

        Memory holds 36 bytes for each row, and a row group.

        Args:
            digest: Digest of the query.
            old: The opened file of the part that will be replaced, verified.
            checksum: Its checksum.
            new: The file of the part that replaces it.
            run: The run that fetched that.

        Raises:
            OSError: If it cannot be written.
            OutputError: If the bucket cannot be written.
        """
        first = first_fetch_of(old)
        before, after = _metadata_of(old), _metadata_of(new)
        if first is None or before is None or after is None:
            return  # of another program
        if before.window != after.window:
            return
        either = before.merged_with(after)
        about = replace(
            after, fields=either.fields, unknown_fields=either.unknown_fields
        )
        found = differences(old, new, about)
        if found is None:
            return
        stored = _Stored(checksum, first, run.run_id, run.started_at)
        own = {QUERY_KEY: digest.encode(), CHANGE_KEY: msgspec.json.encode(stored)}
        end = after.window.end.astimezone(UTC).strftime(_END)
        name = f"{CHANGES}{end}-{digest}-{checksum[:16]}.parquet"
        self._files.write(name, partial(write_part, part=found, own=own))

    def replacements(
        self,
        checksum_of: Callable[[str], str | None],
        names: Collection[str] | None = None,
    ) -> list[Replacement]:
        """Return the replacements that happened, in the order of time.

        Args:
            checksum_of: Returns the checksum of the present part of a query.
            names: The files to read; None means all.
        """
        found = map(self._read, sorted(self.stamps() if names is None else names))
        done = [r for r in found if r and checksum_of(r.digest) != r.old_checksum]
        return sorted(done, key=lambda r: (r.changed_at, r.window.start, r.digest))

    def _read(self, name: str) -> Replacement | None:
        try:
            with open_verified(self._files, name) as (opened, _):
                return _replacement(name, opened.file)
        except FileNotFoundError:  # another run has removed it
            return None
        except (OSError, ValueError, DamagedPartError, pa.ArrowException):
            self.damaged.add(name)
            return None

    def batches(self, one: Replacement, *, is_new: bool) -> Iterator[pa.RecordBatch]:
        """Yield rows that only the new part has, or only the old one.

        Raises:
            OSError: If they cannot be read.
            DamagedPartError: If the file was damaged meanwhile.
        """
        with open_verified(self._files, one.name) as (opened, _):
            for batch in batches_of(opened.file):
                side = batch.column(IS_NEW)
                rows = batch.filter(side if is_new else pc.invert(side))
                if rows.num_rows:
                    yield rows.select([*one.columns])

    def trim(self, keep_from: datetime, max_bytes: int) -> list[FileEntry]:
        """Remove what was noted before an instant, and the oldest of what is too much.

        Returns:
            The files that were removed.

        Raises:
            OutputError, OSError: If one cannot be removed.
        """
        newest_first = sorted(self.look_again(), key=lambda e: (-e.written_s, e.name))
        gone: dict[str, FileEntry] = {}
        size = 0
        for entry in newest_first:
            size += entry.size
            if size > max_bytes or entry.written_s < keep_from.timestamp():
                gone[entry.name] = entry
        return [gone[name] for name in self._files.discard_all([*gone])]


def window_end_of(name: str) -> datetime | None:
    """Return the end of the window that a file of the log is about.

    Returns:
        UTC; None if it is not a file of the log.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    try:
        return datetime.strptime(match["end"], _END).replace(tzinfo=UTC)
    except ValueError:
        return None


def first_fetch_of(part: Any) -> datetime | None:
    """Return when the query of a part was first fetched; None if it does not say.

    Args:
        part: The opened file of a part.
    """
    part.seek(0)
    footer = footer_of(part)
    try:
        if FIRST_KEY in footer:
            return datetime.fromisoformat(footer[FIRST_KEY].decode())
        return PartMetadata.from_json(footer[METADATA_KEY]).asked_at
    except (KeyError, ValueError):
        return None


def _metadata_of(part: Any) -> PartMetadata | None:
    """Return the metadata of a part's file; None if it carries none."""
    if not isinstance(part, Path):
        part.seek(0)
    try:
        return PartMetadata.from_json(footer_of(part)[METADATA_KEY])
    except (KeyError, ValueError):
        return None


def _replacement(name: str, file: Any) -> Replacement:
    """Return what the footer of a file of the log says.

    Raises:
        ValueError: If it is of another program.
    """
    found = pq.read_metadata(file)
    footer = found.metadata or {}
    try:
        stored = msgspec.json.decode(footer[CHANGE_KEY], type=_Stored)
        metadata = PartMetadata.from_json(footer[METADATA_KEY])
        digest = footer[QUERY_KEY].decode()
    except (KeyError, msgspec.DecodeError) as exc:
        msg = f"{name}: is no file of a change log"
        raise ValueError(msg) from exc
    columns = [n for n in found.schema.to_arrow_schema().names if n != IS_NEW]
    return Replacement(
        name=name,
        digest=digest,
        old_checksum=stored.old_checksum,
        first_fetched_at=stored.first_fetched_at,
        run=RunMark(stored.run_id, stored.run_started_at),
        metadata=metadata,
        rows=found.num_rows,
        columns=tuple(columns),
    )
