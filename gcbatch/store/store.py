"""The store: parts in a folder or a bucket, each there whole or not at all.

<store>/<job name>/parts/<digest>.parquet    the answers
<store>/<job name>/parts/<digest>.pending    jobs that the service is working on
<store>/<job name>/changes/                  what fetching parts again changed
<store>/<job name>/fresh.json                the run with --fresh that is not done
<store>/<job name>/plan.json                 the saved plan of the last run, with names
<store>/<job name>/run.json                  the run report of the last run
<store>/<job name>/failed.json               the last runs that failed
<store>/<job name>/users.parquet             entities that it listed; one file a table
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from gcbatch.atomic_files import Sync, to_disk
from gcbatch.errors import DamagedPartError, DataError, OutputError, ReplacedPartError
from gcbatch.objects import ObjectUrl
from gcbatch.query import Query
from gcbatch.store.change_log import ChangeLog, RunMark, first_fetch_of
from gcbatch.store.fresh_note import FreshRun
from gcbatch.store.job_files import PARTS, OpenedFile, StoreRoot, part_name
from gcbatch.store.known_part import KnownPart
from gcbatch.store.known_parts import KnownParts
from gcbatch.store.notes import Notes, unwritable
from gcbatch.store.part_file import (
    FIRST_KEY,
    FRESH_KEY,
    QUERY_KEY,
    REFETCH_HINT,
    PartSource,
    batches_of,
    table_of,
    write_part,
)
from gcbatch.store.part_metadata import PartMetadata
from gcbatch.store.pending_jobs import PENDING_SUFFIX, PendingJobs
from gcbatch.store.roots import open_root
from gcbatch.store.verified_files import open_verified
from gcbatch.windows import Window

__all__ = ["FAILED_NOTE", "FRESH_NOTE", "PLAN_NOTE", "REPORT_NOTE", "Store"]

PLAN_NOTE: Final = "plan.json"

REPORT_NOTE: Final = "run.json"

FAILED_NOTE: Final = "failed.json"

FRESH_NOTE: Final = "fresh.json"
"""Exists while a run with --fresh or --refetch is not done; see FreshRun."""

MISSING_HINT: Final = "`gcbatch run JOB` fetches what is missing"


class Store(Notes):
    """The parts and notes of one job.

    Args:
        root: The store, or the folder or address where it is: `fetch.store` of the job
            file.
        name: The job's name.
        sync: Forces a file or folder to disk, if *root* is a folder.

    Attributes:
        fresh_run: The run with --fresh or --refetch that is not done. Parts that are
            written carry its token, since no clock shows reliably which parts are
            older. It stays as it was when the store was opened: a run that began
            before it does not fetch for it.
        changes: The change log.
        run: The run that writes parts. It is noted what differs from a part that it
            replaces; None: nothing is noted.
    """

    def __init__(
        self, root: Path | ObjectUrl | StoreRoot, name: str, *, sync: Sync = to_disk
    ) -> None:
        self.root = open_root(root, sync=sync)
        super().__init__(self.root.files(name))
        self.name = name
        self._seen: dict[str, str] = {}
        self._known = KnownParts(self.files)
        self.changes = ChangeLog(self.files)
        self.run: RunMark | None = None
        self.fresh_run = self._current_fresh()

    @property
    def fresh(self) -> str:
        """The token of the run with --fresh or --refetch; empty if there is none."""
        return self.fresh_run.token

    def place_of(self, digest: str) -> str:
        """Return where the part of a query is, or will be, for messages."""
        return self.files.place_of(part_name(digest))

    def has(self, digest: str) -> bool:
        """Return whether there is a file for a query, usable or not."""
        return self.files.stamp(part_name(digest)) is not None

    def metadata(self, digest: str) -> PartMetadata | None:
        """Return a part's metadata; None if it is missing, damaged or misplaced."""
        known = self._own_part(digest)
        return None if known is None else known.to_metadata()

    def metadata_of(self, query: Query) -> PartMetadata | None:
        """Return the metadata of a query's part; None also if another query's is there.

        A part of an older release that carries no digest is recognised by its window.
        """
        metadata = self.metadata(query.digest)
        return metadata if metadata and metadata.window == query.window else None

    def is_unreadable(self, query: Query) -> bool:
        """Return whether a query has a part, but one that cannot be used."""
        return self.has(query.digest) and self.metadata_of(query) is None

    def checksum(self, digest: str) -> str | None:
        """Return the checksum that a part carries; None if it carries none."""
        known = self._own_part(digest)
        return None if known is None else known.checksum

    def is_fresh(self, digest: str, window: Window | None = None) -> bool:
        """Return whether the run with --fresh or --refetch has no need of a part.

        So it is if the part was fetched for it, or if there is no such run.

        Args:
            digest: The part's.
            window: The part's; parts of windows that the run does not want are fresh.
                None is one that it wants.
        """
        wanted = self.fresh_run
        if not wanted.token or (window is not None and not wanted.wants(window)):
            return True
        known = self._own_part(digest)
        return known is not None and known.fresh == self.fresh.encode()

    def is_foreign(self, digest: str) -> bool:
        """Return whether a file has the name of a part, but is of another program."""
        try:
            return self._known.of(digest).metadata is None
        except (OSError, pa.ArrowException):
            return False

    def forget(self, digest: str) -> None:
        """Forget what is known of a part, to look at any number of them one by one."""
        self._known.forget(digest)

    def _own_part(self, digest: str) -> KnownPart | None:
        """Return what a part says; None if it is missing, unreadable or another's."""
        try:
            known = self._known.of(digest)
        except (OSError, pa.ArrowException):
            return None
        return known if known.is_own else None

    def read(self, digest: str) -> pa.Table:
        """Return the rows of a part, checksums verified.

        Raises:
            DamagedPartError: If its checksum is wrong, or it belongs to another query;
                it is removed, so that it is fetched again.
            ReplacedPartError: If it is not what was read before: outputs of one run
                must not contradict each other.
            DataError: If it is missing or cannot be read.
        """
        with self._open(digest) as opened, self._reading(digest):
            return table_of(opened.file)

    def check(self, digest: str) -> None:
        """Verify a part without reading its rows; see read.

        An object that was verified once is not downloaded again: it has not changed.
        """
        known = self._own_part(digest) if self.files.index is not None else None
        if known is not None and known.is_whole:
            self._see(digest, known.checksum or "")
            return
        with self._open(digest):
            pass

    def _see(self, digest: str, checksum: str) -> None:
        """Note which version of a part this run uses.

        Raises:
            ReplacedPartError: If it used another one before.
        """
        if self._seen.setdefault(digest, checksum) != checksum:
            place = self.place_of(digest)
            msg = f"{place}: another run replaced this part meanwhile"
            raise ReplacedPartError(msg, hint="run it again")

    def batches(
        self, digest: str, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield the row groups of a part, one at a time in memory; see read.

        Only *columns* are read; None means all.
        """
        with self._open(digest) as opened, self._reading(digest):
            yield from batches_of(opened.file, columns)

    def documents(
        self, digest: str
    ) -> Iterator[tuple[PartMetadata | None, pa.RecordBatch]]:
        """Yield the row groups of a part, each with its metadata; see batches.

        Both are of the same file, even if another run replaces the part meanwhile.
        """
        with self._open(digest) as opened, self._reading(digest):
            metadata = self._known.of_opened(digest, opened).to_metadata()
            opened.file.seek(0)
            for batch in batches_of(opened.file):
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
        with self._verified_file(digest) as (opened, _):
            metadata = self._known.of_opened(digest, opened).to_metadata()
            if metadata is None:
                msg = f"{self.place_of(digest)}: part has no metadata"
                raise DamagedPartError(msg, hint=REFETCH_HINT)
            yield metadata, self._batches(digest, opened.file)

    def _batches(self, digest: str, file: Any) -> Iterator[pa.RecordBatch]:
        with self._reading(digest):
            yield from batches_of(file)

    @contextmanager
    def _open(self, digest: str) -> Iterator[OpenedFile]:
        """Open a part for a run: unchanged since it was last read, removed if damaged.

        Raises:
            DataError: As read does.
        """
        before = self.files.stamp(part_name(digest))
        try:
            with self._verified_file(digest) as (opened, checksum):
                self._see(digest, checksum)
                yield opened
        except DamagedPartError:
            if before is not None:
                self.files.discard_if(part_name(digest), before)
            raise

    @contextmanager
    def _verified_file(self, digest: str) -> Iterator[tuple[OpenedFile, str]]:
        """Open a part's file; its checksum is verified once while it is unchanged.

        Raises:
            DamagedPartError: If the checksum is wrong, or it belongs to another query.
            DataError: If it is missing or cannot be read.
        """
        with ExitStack() as stack:
            with self._reading(digest):
                opened, checksum = stack.enter_context(
                    open_verified(
                        self.files, part_name(digest), self._known.verified(digest)
                    )
                )
                known = self._known.of_opened(digest, opened)
                if not known.is_own:
                    msg = f"{self.place_of(digest)}: part belongs to another query"
                    raise DamagedPartError(msg, hint=REFETCH_HINT)
                self._known.note_verified(known, checksum, opened.local)
                opened.file.seek(0)
            yield opened, checksum

    @contextmanager
    def _reading(self, digest: str) -> Iterator[None]:
        """Turn an OSError of the block into a DataError that names the part."""
        try:
            yield
        except OSError as exc:
            missing = isinstance(exc, FileNotFoundError)
            reason = f"cannot be read: {exc.strerror or exc}"
            place = self.place_of(digest)
            msg = f"{place}: {'part is missing' if missing else reason}"
            raise DataError(msg, hint=MISSING_HINT) from exc

    def expect(self, digests: Iterable[str]) -> None:
        """Say which parts will be read, in order.

        From a bucket they are downloaded while others are used; on disk that changes
        nothing.
        """
        self.files.expect(digests)

    def look_again(self, digests: Sequence[str]) -> None:
        """Look again at parts that other processes may have written.

        On disk a part is looked at whenever it is asked for; in a bucket only the first
        time.
        """
        self.files.look_again([part_name(digest) for digest in digests])
        self._known.look_again()

    def save_index(self) -> None:
        """Store what the footers of parts say, so that the next run need not read them.

        On disk, and where nothing is new, it does nothing.

        Raises:
            OutputError: If it cannot be written.
        """
        self._known.save()

    def prepare(self) -> None:
        """Make sure that parts can be written, before the first request.

        Raises:
            OutputError: If they cannot.
        """
        try:
            self.files.prepare()
        except OSError as exc:
            raise unwritable(self.place, exc) from exc

    @property
    def work_folder(self) -> Path:
        """The folder for temporary files of parts; prepare creates it."""
        return self.files.work_folder

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
        with self._replaced_part(digest) as replaced:
            first = replaced and first_fetch_of(replaced[0])
        if first:
            own[FIRST_KEY] = first.isoformat().encode()

        def fill(path: Path) -> None:
            write_part(path, part, own)
            with self._replaced_part(digest) as replaced:
                if replaced and self.run:
                    self.changes.note(digest, *replaced, path, self.run)
            if not may():
                msg = f"{self.place_of(digest)}: writing it took too long"
                raise OutputError(msg, hint="run it again")

        try:
            self.write_file(part_name(digest), fill)
        finally:
            part.close()
        if self.files.index is not None:
            known = self._own_part(digest)  # its copy is still here
            if known is not None:
                self._known.note_whole(known)
        self.pending(digest).discard()

    @contextmanager
    def _replaced_part(self, digest: str) -> Iterator[tuple[Any, str] | None]:
        """Open the part that a write replaces, if what differs is noted.

        Yields:
            Its file and its checksum; None if there is none to compare with.
        """
        with ExitStack() as stack:
            replaced: tuple[Any, str] | None = None
            if self.run is not None and self.has(digest):
                with suppress(DamagedPartError, DataError):
                    opened, checksum = stack.enter_context(self._verified_file(digest))
                    replaced = opened.file, checksum
            yield replaced

    def discard(self, digest: str) -> None:
        """Remove a part, so that it is fetched again."""
        self.files.discard(part_name(digest))

    def pending(self, digest: str) -> PendingJobs:
        """Return the note of the jobs that the service is working on for a query."""
        return PendingJobs(self, digest)

    def begin_fresh(self, spans: Iterable[Window] | None = None) -> None:
        """Ignore existing parts and pending jobs until end_fresh.

        What an earlier such run did not come to stays wanted.

        Args:
            spans: Only parts whose window touches one of them are ignored; None is all.

        Raises:
            OutputError: If the store cannot be written.
        """
        for entry in self.files.entries():
            if entry.name.startswith(PARTS) and entry.name.endswith(PENDING_SUFFIX):
                self.discard_note(entry.name)
        self.imagine_fresh(spans)
        self.write_note(FRESH_NOTE, self.fresh_run.to_json())

    def imagine_fresh(self, spans: Iterable[Window] | None = None) -> None:
        """Ignore existing parts as begin_fresh does, but leave the store as it is."""
        self.fresh_run = FreshRun.after(self.fresh_run, spans)

    def end_fresh(self) -> None:
        """End the run with --fresh or --refetch: from now on all parts count again.

        Such a run that began after this store was opened goes on.
        """
        is_ours = self._current_fresh().token in (self.fresh, "")
        stamp = self.files.stamp(FRESH_NOTE)
        if is_ours and stamp is not None:
            with suppress(OSError):
                self.files.discard_if(FRESH_NOTE, stamp)
        self.fresh_run = FreshRun()

    def _current_fresh(self) -> FreshRun:
        """Return the run with --fresh or --refetch that is not done now."""
        return FreshRun.from_json(self.read_note(FRESH_NOTE))
