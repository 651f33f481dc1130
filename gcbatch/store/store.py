"""The store: a folder of parts, each there whole or not at all.

<store>/<job name>/parts/<digest>.parquet    the answers
<store>/<job name>/parts/<digest>.pending    jobs that the service is working on
<store>/<job name>/fresh.json                the run with --fresh that is not done
<store>/<job name>/plan.json                 the saved plan of the last run, with names
<store>/<job name>/run.json                  the run report of the last run
<store>/<job name>/users.parquet             entities that it listed; one file a table
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from gcbatch.atomic_files import Sync, create_temp_beside, open_regular, to_disk
from gcbatch.errors import DamagedPartError, DataError, OutputError, ReplacedPartError
from gcbatch.query import Query
from gcbatch.store.notes import Notes, unwritable
from gcbatch.store.part_file import (
    CHECKSUM_KEY,
    FRESH_KEY,
    METADATA_KEY,
    QUERY_KEY,
    REFETCH_HINT,
    PartSource,
    batches_of,
    footer_of,
    open_verified,
    stamp_of,
    table_of,
    write_part,
)
from gcbatch.store.part_metadata import PartMetadata
from gcbatch.store.pending_jobs import PendingJobs

__all__ = ["FRESH_NOTE", "PLAN_NOTE", "REPORT_NOTE", "Store"]

PLAN_NOTE: Final = "plan.json"

REPORT_NOTE: Final = "run.json"

FRESH_NOTE: Final = "fresh.json"
"""Exists while a run with --fresh is not done, however often it is interrupted."""

MAX_HELD: Final = 1_000
"""Bytes of part metadata that are held as they are."""

MISSING_HINT: Final = "`gcbatch run JOB` fetches what is missing"


@dataclass(slots=True)
class _KnownPart:
    """What the footer of a part says; it holds while the file is unchanged.

    A run asks for it five times, of each part of its plan. So all are held, however
    many they are: some 700 bytes for each. What is long in the metadata of details is
    held once or not at all: fields that parts have in common, correlation ids.

    Args:
        stamp: Identifies the file in its state when it was read.
        is_own: Whether the part is of the query whose name it has.
        metadata: As JSON; None if the file is of another program.
        fields: Those of the metadata, if they are not in the JSON.
        fresh: The run with --fresh that it was fetched for.
        checksum: The one that it carries; None if it carries none.
        is_verified: Whether the checksum is right.
    """

    stamp: bytes
    is_own: bool
    metadata: bytes | None
    fields: tuple[str, ...] | None
    fresh: bytes
    checksum: str | None
    is_verified: bool = False

    @property
    def verified(self) -> tuple[bytes, str] | None:
        """The stamp and the checksum, if that is verified."""
        return (self.stamp, self.checksum or "") if self.is_verified else None


class Store(Notes):
    """The parts and notes of one job.

    Args:
        root: The folder that the job file calls `fetch.store`.
        name: The job's name.
        sync: Forces a file or folder to disk.

    Attributes:
        fresh: Identifies the run with --fresh that is not done; empty if there is none.
            Parts that are written carry it, since no clock shows reliably which parts
            are older. It stays as it was when the store was opened: a run that began
            before the run with --fresh does not fetch for it.
    """

    def __init__(self, root: Path, name: str, *, sync: Sync = to_disk) -> None:
        super().__init__(root / name, sync)
        self.root = root
        self.name = name
        self._parts = self.folder / "parts"
        self._seen: dict[str, str] = {}
        self._known: dict[str, _KnownPart] = {}
        self._field_lists: dict[tuple[str, ...], tuple[str, ...]] = {}
        self.fresh = self._current_fresh()

    def path(self, digest: str) -> Path:
        """Return where the part of a query is, or will be."""
        return self._parts / f"{digest}.parquet"

    def metadata(self, digest: str) -> PartMetadata | None:
        """Return a part's metadata; None if it is missing, damaged or misplaced."""
        return _metadata_in(self._own_part(digest))

    def metadata_of(self, query: Query) -> PartMetadata | None:
        """Return the metadata of a query's part; None also if another query's is there.

        A part of an older release that carries no digest is recognised by its window.
        """
        metadata = self.metadata(query.digest)
        return metadata if metadata and metadata.window == query.window else None

    def is_unreadable(self, query: Query) -> bool:
        """Return whether a query has a part, but one that cannot be used."""
        return self.path(query.digest).exists() and self.metadata_of(query) is None

    def checksum(self, digest: str) -> str | None:
        """Return the checksum that a part carries; None if it carries none."""
        known = self._own_part(digest)
        return None if known is None else known.checksum

    def is_fresh(self, digest: str) -> bool:
        """Return whether a part was fetched for the run with --fresh that is not done.

        True for every part if there is no such run.
        """
        if not self.fresh:
            return True
        known = self._own_part(digest)
        return known is not None and known.fresh == self.fresh.encode()

    def is_foreign(self, digest: str) -> bool:
        """Return whether a file has the name of a part, but is of another program."""
        try:
            return self._known_part(digest, self.path(digest)).metadata is None
        except (OSError, pa.ArrowException):
            return False

    def forget(self, digest: str) -> None:
        """Forget what is known of a part, to look at any number of them one by one."""
        self._known.pop(digest, None)

    def _own_part(self, digest: str) -> _KnownPart | None:
        """Return what a part says; None if it is missing, unreadable or another's."""
        try:
            known = self._known_part(digest, self.path(digest))
        except (OSError, pa.ArrowException):
            return None
        return known if known.is_own else None

    def _known_part(self, digest: str, source: Any) -> _KnownPart:
        """Return what a part says; its file is read once while it is unchanged.

        Args:
            digest: Digest of the query.
            source: Path of the part, or the opened file.

        Raises:
            OSError, pa.ArrowException: If it cannot be read, or is no Parquet file.
        """
        stamp = stamp_of(source)
        known = self._known.get(digest)
        if known is None or known.stamp != stamp:
            is_path = isinstance(source, Path)
            with open_regular(source) if is_path else nullcontext(source) as file:
                footer = footer_of(file)
            checksum = footer.get(CHECKSUM_KEY, b"")
            metadata, noted = self._shortened(footer.get(METADATA_KEY))
            known = _KnownPart(
                stamp,
                is_own=footer.get(QUERY_KEY, digest.encode()) == digest.encode(),
                metadata=metadata,
                fields=noted,
                fresh=footer.get(FRESH_KEY, b""),
                checksum=checksum.decode() if checksum.isalnum() else None,
            )
            self._known[digest] = known
        return known

    def _shortened(
        self, metadata: bytes | None
    ) -> tuple[bytes | None, tuple[str, ...] | None]:
        """Return the metadata of a part as it is held, and its fields."""
        if metadata is None or len(metadata) <= MAX_HELD:
            return metadata, None
        try:
            found = PartMetadata.from_json(metadata)
        except ValueError:
            return metadata, None
        noted = found.fields and self._field_lists.setdefault(
            found.fields, found.fields
        )
        short = replace(found, fields=None, correlation_ids=())
        return short.to_json(), noted

    def read(self, digest: str) -> pa.Table:
        """Return the rows of a part, checksums verified.

        Raises:
            DamagedPartError: If its checksum is wrong, or it belongs to another query;
                it is removed, so that it is fetched again.
            ReplacedPartError: If it is not what was read before: outputs of one run
                must not contradict each other.
            DataError: If it is missing or cannot be read.
        """
        with self._open(digest) as file, self._reading(digest):
            return table_of(file)

    def check(self, digest: str) -> None:
        """Verify a part without reading its rows; see read."""
        with self._open(digest):
            pass

    def batches(
        self, digest: str, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield the row groups of a part, one at a time in memory; see read.

        Only *columns* are read; None means all.
        """
        with self._open(digest) as file, self._reading(digest):
            yield from batches_of(file, columns)

    def documents(
        self, digest: str
    ) -> Iterator[tuple[PartMetadata | None, pa.RecordBatch]]:
        """Yield the row groups of a part, each with its metadata; see batches.

        Both are of the same file, even if another run replaces the part meanwhile.
        """
        with self._open(digest) as file, self._reading(digest):
            metadata = _metadata_in(self._known_part(digest, file))
            file.seek(0)
            for batch in batches_of(file):
                yield metadata, batch

    @contextmanager
    def open_part(
        self, digest: str
    ) -> Iterator[tuple[PartMetadata, Iterator[pa.RecordBatch]]]:
        """Open a part, checksums verified; nothing is removed.

        Yields:
            Its metadata and its row groups, one at a time in memory.

        Raises:
            DamagedPartError: If its checksum is wrong, it belongs to another query, or
                it has no metadata.
            DataError: If it is missing or cannot be read.
        """
        with self._verified_file(digest) as (file, _):
            metadata = _metadata_in(self._known_part(digest, file))
            if metadata is None:
                msg = f"{self.path(digest)}: part has no metadata"
                raise DamagedPartError(msg, hint=REFETCH_HINT)
            yield metadata, self._batches(digest, file)

    def _batches(self, digest: str, file: Any) -> Iterator[pa.RecordBatch]:
        with self._reading(digest):
            yield from batches_of(file)

    @contextmanager
    def _open(self, digest: str) -> Iterator[Any]:
        """Open a part for a run: unchanged since it was last read, removed if damaged.

        Raises:
            DataError: As read does.
        """
        path = self.path(digest)
        before = _identity(path)
        try:
            with self._verified_file(digest) as (file, checksum):
                if self._seen.setdefault(digest, checksum) != checksum:
                    msg = f"{path}: another run replaced this part meanwhile"
                    raise ReplacedPartError(msg, hint="run it again")
                yield file
        except DamagedPartError:
            if _identity(path) == before:
                self.discard(digest)
            raise

    @contextmanager
    def _verified_file(self, digest: str) -> Iterator[tuple[Any, str]]:
        """Open a part's file; its checksum is verified once while it is unchanged.

        Raises:
            DamagedPartError: If the checksum is wrong, or it belongs to another query.
            DataError: If it is missing or cannot be read.
        """
        with ExitStack() as stack:
            with self._reading(digest):
                before = self._known.get(digest)
                file, checksum = stack.enter_context(
                    open_verified(
                        self.path(digest), before.verified if before else None
                    )
                )
                known = self._known_part(digest, file)
                if not known.is_own:
                    msg = f"{self.path(digest)}: part belongs to another query"
                    raise DamagedPartError(msg, hint=REFETCH_HINT)
                known.checksum, known.is_verified = checksum, True
                file.seek(0)
            yield file, checksum

    @contextmanager
    def _reading(self, digest: str) -> Iterator[None]:
        """Turn an OSError of the block into a DataError that names the part."""
        try:
            yield
        except OSError as exc:
            missing = isinstance(exc, FileNotFoundError)
            reason = f"cannot be read: {exc.strerror or exc}"
            msg = f"{self.path(digest)}: {'part is missing' if missing else reason}"
            raise DataError(msg, hint=MISSING_HINT) from exc

    def prepare(self) -> None:
        """Make sure that parts can be written, before the first request.

        Raises:
            OutputError: If they cannot.
        """
        try:
            create_temp_beside(self.path("probe")).unlink()
        except OSError as exc:
            raise unwritable(self.folder, exc) from exc

    @property
    def work_folder(self) -> Path:
        """The folder for temporary files of parts; prepare creates it."""
        return self._parts

    def reset_seen(self) -> None:
        """Forget which parts were read: from now on replaced parts may be read."""
        self._seen.clear()

    def check_again(self, digest: str) -> bool:
        """Read a part as it is now, and remove it if it is damaged.

        Returns:
            Whether it can be read.
        """
        self._seen.pop(digest, None)
        try:
            for _ in self.batches(digest):
                pass
        except DataError:
            return False
        return True

    def write(
        self,
        digest: str,
        part: PartSource,
        *,
        may: Callable[[], bool] = lambda: True,
    ) -> None:
        """Write a part, whole, and remove the note of the service's jobs for it.

        Args:
            digest: Digest of its query.
            part: What to write; it is closed, written or not.
            may: Called last, before the part is put in place; False refuses it.

        Raises:
            OutputError: If the store cannot be written, or *may* refuses.
        """
        own = {QUERY_KEY: digest.encode()}
        if self.fresh:
            own[FRESH_KEY] = self.fresh.encode()

        def fill(path: Path) -> None:
            write_part(path, part, own)
            if not may():
                msg = f"{self.path(digest)}: writing it took too long"
                raise OutputError(msg, hint="run it again")

        try:
            self.write_file(f"parts/{digest}.parquet", fill)
        finally:
            part.close()
        self.pending(digest).discard()

    def discard(self, digest: str) -> None:
        """Remove a part, so that it is fetched again."""
        with suppress(FileNotFoundError):
            self.path(digest).unlink()

    def pending(self, digest: str) -> PendingJobs:
        """Return the note of the jobs that the service is working on for a query."""
        return PendingJobs(self, digest)

    def begin_fresh(self) -> None:
        """Ignore all existing parts and pending jobs until end_fresh.

        Raises:
            OutputError: If the store cannot be written.
        """
        for note in self._parts.glob("*.pending"):
            with suppress(OSError):
                note.unlink()
        self.fresh = secrets.token_hex(8)
        self.write_note(FRESH_NOTE, {"run": self.fresh})

    def end_fresh(self) -> None:
        """End the run with --fresh: from now on all parts count again.

        A run with --fresh that began after this store was opened goes on.
        """
        if self._current_fresh() in (self.fresh, ""):
            self.discard_note(FRESH_NOTE)
        self.fresh = ""

    def _current_fresh(self) -> str:
        """Return the run with --fresh that is not done now; empty if there is none."""
        run = (self.read_note(FRESH_NOTE) or {}).get("run")
        return run if isinstance(run, str) else ""


def _metadata_in(known: _KnownPart | None) -> PartMetadata | None:
    """Return the metadata that a part carries; None if it carries none."""
    if known is None or known.metadata is None:
        return None
    try:
        metadata = PartMetadata.from_json(known.metadata)
    except ValueError:
        return None
    return metadata if known.fields is None else replace(metadata, fields=known.fields)


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what distinguishes a file from one that replaces it; None if missing."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
