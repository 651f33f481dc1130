"""The store: a folder of parts, each there whole or not at all.

<store>/<job name>/parts/<digest>.parquet    the answers
<store>/<job name>/parts/<digest>.pending    jobs of the service that are under way
<store>/<job name>/fresh.json                the run with --fresh that is not done
<store>/<job name>/plan.json                 what the last run asked, and names
<store>/<job name>/run.json                  what the last run did
<store>/<job name>/users.parquet             what it listed for a table; so others
"""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Final

import orjson
import pyarrow as pa

from gcbatch.atomic_files import (
    Sync,
    create_temp_beside,
    open_regular,
    to_disk,
    write_atomically,
)
from gcbatch.errors import DamagedPartError, DataError, OutputError, ReplacedPartError
from gcbatch.query import Query
from gcbatch.store import part_file as partfile
from gcbatch.store.part_file import MEND_HINT, Part, PartSource
from gcbatch.store.part_metadata import PartMetadata
from gcbatch.store.pending_jobs import PendingJobs

__all__ = ["FRESH_NOTE", "PLAN_NOTE", "REPORT_NOTE", "Store"]

PLAN_NOTE: Final = "plan.json"

REPORT_NOTE: Final = "run.json"

FRESH_NOTE: Final = "fresh.json"
"""Is there while a run with --fresh is not done, however often it is interrupted."""

MOST_TOLD: Final = 10_000
"""Parts of which is remembered what they say of themselves: some ten megabytes."""

MISSING_HINT: Final = "`gcbatch run JOB` fetches what is missing"


class Store:
    """The parts of one job.

    Args:
        root: The folder that the job file calls `fetch.store`.
        name: The job's name.
        sync: Forces a file or folder to disk.

    Attributes:
        fresh: Names the run with --fresh that is not done; empty if there is none.
            Parts that are written carry it, since no clock tells for sure which parts
            are older. It is as it was when the store was opened: whoever began to ask
            before that run does not answer it.
    """

    def __init__(self, root: Path, name: str, *, sync: Sync = to_disk) -> None:
        self.root = root
        self.name = name
        self.folder = root / name
        self._parts = self.folder / "parts"
        self._sync = sync
        self._read: dict[str, str] = {}
        self._sealed: dict[partfile.FileStamp, str] = {}
        self._told_by: dict[partfile.FileStamp, Mapping[bytes, bytes]] = {}
        self.fresh = self._named_fresh()

    def path(self, digest: str) -> Path:
        """Return where the part of a query is, or will be."""
        return self._parts / f"{digest}.parquet"

    def account(self, digest: str) -> PartMetadata | None:
        """Return the account of a part; None if it is missing, damaged or misplaced."""
        try:
            return _account_in(self._own_metadata(digest))
        except (OSError, pa.ArrowException, DataError):
            return None

    def account_of(self, query: Query) -> PartMetadata | None:
        """Return the account of a query's part; None also where it is of another one.

        A part of before it carried its query's digest is known by its window.
        """
        account = self.account(query.digest)
        return account if account and account.window == query.window else None

    def is_unreadable(self, query: Query) -> bool:
        """Say whether there is a part of a query, but one that is of no use."""
        return self.path(query.digest).exists() and self.account_of(query) is None

    def seal(self, digest: str) -> str | None:
        """Return a part's checksum as it says itself; None if it says none."""
        try:
            return partfile.seal_in(self._own_metadata(digest))
        except (OSError, pa.ArrowException, DataError, KeyError, ValueError):
            return None

    def is_fresh(self, digest: str) -> bool:
        """Say whether a part was fetched for the run with --fresh that is not done.

        It is, if there is no such run.
        """
        try:
            named = self._own_metadata(digest).get(partfile.FRESH_KEY, b"")
        except (OSError, pa.ArrowException, DataError):
            return False
        return not self.fresh or named == self.fresh.encode()

    def is_foreign(self, digest: str) -> bool:
        """Say whether what is named like a part is a Parquet file of someone else's."""
        try:
            known = self._metadata(self.path(digest))
        except (OSError, pa.ArrowException):
            return False
        return partfile.ACCOUNT_KEY not in known

    def _own_metadata(self, digest: str, file: Any = None) -> Mapping[bytes, bytes]:
        """Return what the part of a query says of itself.

        Args:
            digest: Of the query.
            file: The part, opened; None is what is in its place.

        Raises:
            OSError, pa.ArrowException: As metadata_of of partfile does.
            DamagedPartError: If it is the part of another query.
        """
        known = self._metadata(self.path(digest) if file is None else file)
        if known.get(partfile.QUERY_KEY, digest.encode()) != digest.encode():
            msg = f"{self.path(digest)}: part is of another query"
            raise DamagedPartError(msg, hint=MEND_HINT)
        return known

    def _metadata(self, source: Any) -> Mapping[bytes, bytes]:
        """Return what a part says of itself, read once while it stays as it is.

        Args:
            source: Its path, or the opened file.

        Raises:
            OSError, pa.ArrowException: If it cannot be read, or is no Parquet file.
        """
        stamp = partfile.FileStamp.of(source)
        told = self._told_by.get(stamp)
        if told is None:
            if len(self._told_by) >= MOST_TOLD:
                self._told_by.clear()
            with (
                open_regular(source)
                if isinstance(source, Path)
                else nullcontext(source) as file
            ):
                whole = partfile.metadata_of(file)
            told = {k: whole[k] for k in partfile.OWN_KEYS if k in whole}
            self._told_by[stamp] = told
        return told

    def read(self, digest: str) -> pa.Table:
        """Return the rows of a part, checksums verified.

        Raises:
            DamagedPartError: If its checksum is wrong, or it is of another query; it is
                removed, so that it is fetched again.
            ReplacedPartError: If it is not what was read before: outputs of one run
                must not contradict each other.
            DataError: If it is missing or cannot be read.
        """
        with self._open(digest) as file, self._reading(digest):
            return partfile.table_of(file)

    def check(self, digest: str) -> None:
        """See that a part is what was written; see read."""
        with self._open(digest):
            pass

    def batches(
        self, digest: str, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield the row groups of a part, one at a time in memory; see read.

        Args:
            digest: Of its query.
            columns: Those to read; None is all.
        """
        with self._open(digest) as file:
            yield from self._batches(digest, file, columns)

    def inspect(self, digest: str) -> Part:
        """Return a part with its account, checksums verified; nothing is removed.

        Raises:
            DamagedPartError: If its checksum is wrong, it is of another query, or it
                says nothing of itself.
            DataError: If it is missing or cannot be read.
        """
        with self._checked(digest) as (file, _):
            account = self._told(digest, file)
            with self._reading(digest):
                return Part(partfile.table_of(file), account)

    @contextmanager
    def examine(
        self, digest: str
    ) -> Iterator[tuple[PartMetadata, Iterator[pa.RecordBatch]]]:
        """Open a part, checksums verified; nothing is removed.

        Yields:
            Its account and its row groups, one at a time in memory.

        Raises:
            DamagedPartError: If its checksum is wrong, it is of another query, or it
                says nothing of itself.
            DataError: If it is missing or cannot be read.
        """
        with self._checked(digest) as (file, _):
            account = self._told(digest, file)
            yield account, self._batches(digest, file)

    def _batches(
        self, digest: str, file: Any, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield the row groups of an opened part."""
        with self._reading(digest):
            yield from partfile.batches_of(file, columns)

    def _told(self, digest: str, file: Any) -> PartMetadata:
        """Return the account in an opened part."""
        account = _account_in(self._metadata(file))
        if account is None:
            msg = f"{self.path(digest)}: part tells nothing of itself"
            raise DamagedPartError(msg, hint=MEND_HINT)
        return account

    @contextmanager
    def _open(self, digest: str) -> Iterator[Any]:
        """Open a part that belongs with what was read before."""
        path = self.path(digest)
        looked_at = _identity(path)
        try:
            with self._checked(digest) as (file, seal):
                if self._read.setdefault(digest, seal) != seal:
                    msg = f"{path}: another run replaced this part meanwhile"
                    raise ReplacedPartError(msg, hint="run it again")
                yield file
        except DamagedPartError:
            if _identity(path) == looked_at:
                self.discard(digest)
            raise

    @contextmanager
    def _checked(self, digest: str) -> Iterator[tuple[Any, str]]:
        """Open a part's file, its seal checked once while it stays as it is.

        Raises:
            DamagedPartError: If the seal is not right, or it is of another query.
            DataError: If it is missing or cannot be read.
        """
        path = self.path(digest)
        with ExitStack() as open_files:
            with self._reading(digest):
                found = open_files.enter_context(
                    partfile.open_verified(path, self._sealed)
                )
                file, _ = found
                self._own_metadata(digest, file)
                file.seek(0)
            yield found

    @contextmanager
    def _reading(self, digest: str) -> Iterator[None]:
        """Tell what keeps a part from being read.

        Raises:
            DataError: If it is missing or cannot be read.
        """
        try:
            yield
        except OSError as exc:
            missing = isinstance(exc, FileNotFoundError)
            reason = f"cannot be read: {exc.strerror or exc}"
            msg = f"{self.path(digest)}: {'part is missing' if missing else reason}"
            raise DataError(msg, hint=MISSING_HINT) from exc

    def prepare(self) -> None:
        """Make sure that parts can be written, before anything is asked for.

        Raises:
            OutputError: If they cannot.
        """
        try:
            create_temp_beside(self.path("probe")).unlink()
        except OSError as exc:
            raise self._unwritable(exc) from exc

    @property
    def workplace(self) -> Path:
        """A folder for what parts are put together from; prepare makes it."""
        return self._parts

    def forget_reads(self) -> None:
        """Take parts as they are now for what is to be read."""
        self._read.clear()

    def is_whole(self, digest: str) -> bool:
        """Say whether a part can be read, as it is now; a damaged one is removed."""
        self._read.pop(digest, None)
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
        """Put a part in its place, whole; what the service had under way is done.

        Args:
            digest: Of its query.
            part: What to write; it is closed, written or not.
            may: Is asked last before the part takes its place.

        Raises:
            OutputError: If the store cannot be written, or it may not.
        """
        about = {partfile.QUERY_KEY: digest.encode()}
        if self.fresh:
            about[partfile.FRESH_KEY] = self.fresh.encode()

        def fill(path: Path) -> None:
            partfile.fill(path, part, about)
            if not may():
                msg = f"{self.path(digest)}: writing it took too long"
                raise OutputError(msg, hint="run it again")

        try:
            self._put(self.path(digest), fill)
        finally:
            part.close()
        self.pending(digest).discard()

    def discard(self, digest: str) -> None:
        """Remove a part, so that it is fetched again."""
        with suppress(FileNotFoundError):
            self.path(digest).unlink()

    def pending(self, digest: str) -> PendingJobs:
        """Return the note of what the service has under way for a query."""
        return PendingJobs(self, digest)

    def begin_fresh(self) -> None:
        """Count no part that is there, nor a job under way, until end_fresh.

        Raises:
            OutputError: If the store cannot be written.
        """
        for note in self._parts.glob("*.pending"):
            with suppress(OSError):
                note.unlink()
        self.fresh = secrets.token_hex(8)
        self.write_note(FRESH_NOTE, {"run": self.fresh})

    def end_fresh(self) -> None:
        """Count all parts again: they were fetched for the run with --fresh.

        A run with --fresh that began after this store was opened is not done by that.
        """
        if self._named_fresh() in (self.fresh, ""):
            self.discard_note(FRESH_NOTE)
        self.fresh = ""

    def _named_fresh(self) -> str:
        """Return the run with --fresh that is not done now; empty if there is none."""
        named = (self.read_note(FRESH_NOTE) or {}).get("run")
        return named if isinstance(named, str) else ""

    def write_note(self, name: str, content: dict[str, Any]) -> None:
        """Keep a JSON document beside the parts, whole.

        Raises:
            OutputError: If the store cannot be written.
        """
        options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        text = orjson.dumps(content, option=options)
        self._put(self.folder / name, lambda path: path.write_bytes(text))

    def discard_note(self, name: str) -> None:
        """Remove a document kept beside the parts, if there is one."""
        with suppress(OSError):
            (self.folder / name).unlink()

    def read_note(self, name: str) -> dict[str, Any] | None:
        """Return a JSON document kept beside the parts; None if there is none."""
        try:
            with open_regular(self.folder / name) as file:
                content = orjson.loads(file.read())
        except (OSError, orjson.JSONDecodeError):
            return None
        return content if isinstance(content, dict) else None

    def _put(self, path: Path, fill: Callable[[Path], object]) -> None:
        try:
            write_atomically(path, fill, sync=self._sync)
        except OSError as exc:
            raise self._unwritable(exc) from exc

    def _unwritable(self, exc: OSError) -> OutputError:
        msg = f"{self.folder}: cannot be written: {exc.strerror}"
        return OutputError(msg, hint="check fetch.store, its space and rights")


def _account_in(metadata: Mapping[bytes, bytes]) -> PartMetadata | None:
    """Return the account that a part carries; None if it carries none."""
    try:
        return PartMetadata.from_json(metadata[partfile.ACCOUNT_KEY])
    except (KeyError, TypeError, ValueError):
        return None


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from those that replace it; None if there is none."""
    try:
        known = path.stat()
    except OSError:
        return None
    return known.st_dev, known.st_ino
