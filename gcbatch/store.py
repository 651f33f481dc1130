"""The store: a folder of parts, each there whole or not at all.

<store>/<job name>/parts/<digest>.parquet    the answers
<store>/<job name>/parts/<digest>.pending    jobs of the service that are under way
<store>/<job name>/plan.json                 what the last run asked, and names
<store>/<job name>/run.json                  what the last run did
<store>/<job name>/users.parquet             what it listed for a table; so others
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import msgspec
import orjson
import pyarrow as pa

from gcbatch import partfile
from gcbatch.account import Account
from gcbatch.errors import DamagedPartError, DataError, OutputError, ReplacedPartError
from gcbatch.files import Sync, create_beside, replace_whole
from gcbatch.partfile import MEND_HINT, Part, Rows
from gcbatch.plain import fits_id
from gcbatch.windows import iso

__all__ = ["Pending", "Store", "Submitted"]

MOST_TOLD: Final = 10_000
"""Parts of which is remembered what they say of themselves: some ten megabytes."""

MISSING_HINT: Final = "`gcbatch run JOB` fetches what is missing"


class Store:
    """The parts of one job.

    Args:
        root: The folder that the job file calls `fetch.store`.
        name: The job's name.
        sync: Forces a file or folder to disk.
    """

    def __init__(self, root: Path, name: str, *, sync: Sync = os.fsync) -> None:
        self.root = root
        self.name = name
        self.folder = root / name
        self._parts = self.folder / "parts"
        self._sync = sync
        self._read: dict[str, str] = {}
        self._sealed: dict[partfile.Stamp, str] = {}
        self._told_by: dict[partfile.Stamp, Mapping[bytes, bytes]] = {}

    def path(self, digest: str) -> Path:
        """Return where the part of a query is, or will be."""
        return self._parts / f"{digest}.parquet"

    def account(self, digest: str) -> Account | None:
        """Return the account of a part; None if it is missing or unreadable."""
        try:
            return Account.from_json(self._metadata(digest)[partfile.ACCOUNT_KEY])
        except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
            return None

    def seal(self, digest: str) -> str | None:
        """Return a part's checksum as it says itself; None if it says none."""
        try:
            return partfile.seal_in(self._metadata(digest))
        except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
            return None

    def is_foreign(self, digest: str) -> bool:
        """Say whether what is named like a part is a Parquet file of someone else's."""
        try:
            known = self._metadata(digest)
        except (OSError, pa.ArrowException):
            return False
        return partfile.ACCOUNT_KEY not in known

    def _metadata(self, digest: str) -> Mapping[bytes, bytes]:
        """Return what a part says of itself, read once while it stays as it is.

        Raises:
            OSError, pa.ArrowException: If it cannot be read, or is no Parquet file.
        """
        path = self.path(digest)
        stamp = partfile.Stamp.of(path)
        told = self._told_by.get(stamp)
        if told is None:
            if len(self._told_by) >= MOST_TOLD:
                self._told_by.clear()
            whole = partfile.metadata_of(path)
            own = (partfile.ACCOUNT_KEY, partfile.SEAL_KEY)
            told = self._told_by[stamp] = {k: whole[k] for k in own if k in whole}
        return told

    def read(self, digest: str) -> pa.Table:
        """Return the rows of a part, checksums verified.

        Raises:
            DamagedPartError: If its checksum is wrong; it is removed, so that it is
                fetched anew.
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

    def batches(self, digest: str) -> Iterator[pa.RecordBatch]:
        """Yield the row groups of a part, one at a time in memory; see read."""
        with self._open(digest) as file:
            yield from self._batches(digest, file)

    def inspect(self, digest: str) -> Part:
        """Return a part with its account, checksums verified; nothing is removed.

        Raises:
            DamagedPartError: If its checksum is wrong, or it tells nothing of itself.
            DataError: If it is missing or cannot be read.
        """
        with self._checked(digest) as (file, _):
            account = self._told(digest, file)
            file.seek(0)
            with self._reading(digest):
                return Part(partfile.table_of(file), account)

    @contextmanager
    def examine(
        self, digest: str
    ) -> Iterator[tuple[Account, Iterator[pa.RecordBatch]]]:
        """Open a part, checksums verified; nothing is removed.

        Yields:
            Its account and its row groups, one at a time in memory.

        Raises:
            DamagedPartError: If its checksum is wrong, or it tells nothing of itself.
            DataError: If it is missing or cannot be read.
        """
        with self._checked(digest) as (file, _):
            account = self._told(digest, file)
            file.seek(0)
            yield account, self._batches(digest, file)

    def _batches(self, digest: str, file: Any) -> Iterator[pa.RecordBatch]:
        """Yield the row groups of an opened part."""
        with self._reading(digest):
            yield from partfile.batches_of(file)

    def _told(self, digest: str, file: Any) -> Account:
        """Return the account in an opened part."""
        try:
            with self._reading(digest):
                metadata = partfile.metadata_of(file)
            return Account.from_json(metadata[partfile.ACCOUNT_KEY])
        except (pa.ArrowException, KeyError, TypeError, ValueError) as exc:
            msg = f"{self.path(digest)}: part tells nothing of itself"
            raise DamagedPartError(msg, hint=MEND_HINT) from exc

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
        """Open a part's file, its seal checked once while it stays as it is."""
        path = self.path(digest)
        with ExitStack() as open_files:
            with self._reading(digest):
                found = open_files.enter_context(partfile.opened(path, self._sealed))
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
            create_beside(self.path("probe")).unlink()
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
        part: Rows,
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

        def fill(path: Path) -> None:
            partfile.fill(path, part)
            if not may():
                msg = f"{self.path(digest)}: writing it took too long"
                raise OutputError(msg, hint="run it again")

        try:
            self._put(self.path(digest), fill)
        finally:
            part.close()
        self.pending(digest).discard()

    def discard(self, digest: str) -> None:
        """Remove a part, so that it is fetched anew."""
        with suppress(FileNotFoundError):
            self.path(digest).unlink()

    def pending(self, digest: str) -> "Pending":
        """Return the note of what the service has under way for a query."""
        return Pending(self, f"parts/{digest}.pending")

    def forget_pending(self) -> None:
        """Drop what the service has under way, so that it is asked for anew."""
        for note in self._parts.glob("*.pending"):
            with suppress(OSError):
                note.unlink()

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
            content = orjson.loads((self.folder / name).read_bytes())
        except (OSError, orjson.JSONDecodeError):
            return None
        return content if isinstance(content, dict) else None

    def _put(self, path: Path, fill: Callable[[Path], object]) -> None:
        try:
            replace_whole(path, fill, sync=self._sync)
        except OSError as exc:
            raise self._unwritable(exc) from exc

    def _unwritable(self, exc: OSError) -> OutputError:
        msg = f"{self.folder}: cannot be written: {exc.strerror}"
        return OutputError(msg, hint="check fetch.store, its space and rights")


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from those that replace it; None if there is none."""
    try:
        known = path.stat()
    except OSError:
        return None
    return known.st_dev, known.st_ino


class Submitted(NamedTuple):
    """A job that the service has under way.

    Args:
        job_id: The service's.
        available_until: What the service had data up to; None: it did not say.
        at: When it was submitted.
    """

    job_id: str
    available_until: Annotated[datetime, msgspec.Meta(tz=True)] | None
    at: Annotated[datetime, msgspec.Meta(tz=True)]


class Pending:
    """Remembers the jobs that the service has under way for one query.

    It never proves anything done: a part does. Without it, a run that was killed would
    ask for the same jobs again.

    Args:
        store: Where it is kept.
        name: Of the note.
    """

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._name = name

    def job(self, about: str) -> Submitted | None:
        """Return what remember kept; None if it is nothing."""
        known = (self._store.read_note(self._name) or {}).get(about)
        try:
            found = msgspec.convert(known, Submitted)
        except msgspec.ValidationError:
            return None
        return found if fits_id(found.job_id) else None

    def remember(self, about: str, job: Submitted) -> None:
        """Keep a job that was submitted.

        Args:
            about: What it is about.
            job: Which.
        """
        jobs = self._store.read_note(self._name) or {}
        until = job.available_until and iso(job.available_until)
        self._store.write_note(
            self._name, {**jobs, about: [job.job_id, until, iso(job.at)]}
        )

    def forget(self, about: str) -> None:
        """Drop a job that is of no more use."""
        jobs = self._store.read_note(self._name) or {}
        if jobs.pop(about, None) is None:
            return
        if jobs:
            self._store.write_note(self._name, jobs)
        else:
            self.discard()

    def discard(self) -> None:
        """Drop all of it."""
        self._store.discard_note(self._name)
