"""The store: a folder of parts, each there whole or not at all.

<store>/<job name>/parts/<digest>.parquet    the answers
<store>/<job name>/plan.json                 what the last run asked, and names
<store>/<job name>/run.json                  what the last run did
"""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from gcbatch.errors import DamagedPartError, DataError, OutputError, ReplacedPartError
from gcbatch.files import Sync, create_beside, write_whole
from gcbatch.windows import Period, Window, iso, step

__all__ = ["Account", "Part", "Store"]

ACCOUNT_KEY: Final = b"gcbatch"
SEAL_KEY: Final = b"gcbatch.sha256"
BLANK_SEAL: Final = b"0" * 64
MEND_HINT: Final = "`gcbatch run JOB` fetches it anew"


class Exchange(Protocol):
    """One answer, as far as an account needs it."""

    @property
    def asked_at(self) -> datetime:
        """When its request was sent."""
        ...

    @property
    def attempts(self) -> int:
        """Requests that it took."""
        ...

    @property
    def size(self) -> int:
        """Bytes of its body."""
        ...

    @property
    def correlation_id(self) -> str:
        """The service's id of it."""
        ...


@dataclass(frozen=True, slots=True)
class Account:
    """How a part came about.

    Args:
        asked_at: When the request that was answered was sent, UTC.
        window: The span that it is about.
        pages: Pages that it was put together from.
        rows: Rows of the part.
        requests: Requests that it took, repeated ones included.
        size: Bytes of the answers.
        correlation_ids: The service's ids of the exchanges.
        remarks: What is odd about the answer, each with how often.
    """

    asked_at: datetime
    window: Window
    pages: int
    rows: int
    requests: int
    size: int
    correlation_ids: tuple[str, ...]
    remarks: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of_pages(
        cls,
        window: Window,
        rows: int,
        pages: Sequence[Exchange],
        remarks: Mapping[str, int] | None = None,
    ) -> "Account":
        """Return the account of a part that was put together from *pages*."""
        return cls(
            asked_at=min(page.asked_at for page in pages),
            window=window,
            pages=len(pages),
            rows=rows,
            requests=sum(page.attempts for page in pages),
            size=sum(page.size for page in pages),
            correlation_ids=tuple(page.correlation_id for page in pages),
            remarks={what: n for what, n in (remarks or {}).items() if n},
        )

    def joined(self, other: "Account") -> "Account":
        """Return the account of two pieces of one query."""
        return Account(
            asked_at=min(self.asked_at, other.asked_at),
            window=Window(
                min(self.window.start, other.window.start),
                max(self.window.end, other.window.end),
            ),
            pages=self.pages + other.pages,
            rows=self.rows + other.rows,
            requests=self.requests + other.requests,
            size=self.size + other.size,
            correlation_ids=(*self.correlation_ids, *other.correlation_ids),
            remarks=Counter(self.remarks) + Counter(other.remarks),
        )

    def settled(self, settle: Period, zone: ZoneInfo) -> bool:
        """Say whether the service's figures had settled when it was asked.

        Args:
            settle: How long after a window its figures may still change.
            zone: Whose days *settle* counts.
        """
        return self.asked_at >= step(self.window.end, settle, 1, zone)

    def to_json(self) -> bytes:
        """Return it as the part's file carries it."""
        return orjson.dumps(
            {
                "asked_at": self.asked_at.isoformat(),
                "window": [iso(self.window.start), iso(self.window.end)],
                "pages": self.pages,
                "rows": self.rows,
                "requests": self.requests,
                "size": self.size,
                "correlation_ids": self.correlation_ids,
                "remarks": dict(self.remarks),
            }
        )

    @classmethod
    def from_json(cls, text: bytes) -> "Account":
        """Read what to_json wrote."""
        raw = orjson.loads(text)
        start, end = map(datetime.fromisoformat, raw["window"])
        return cls(
            asked_at=datetime.fromisoformat(raw["asked_at"]),
            window=Window(start, end),
            pages=raw["pages"],
            rows=raw["rows"],
            requests=raw["requests"],
            size=raw["size"],
            correlation_ids=tuple(raw["correlation_ids"]),
            remarks=raw["remarks"],
        )


@dataclass(frozen=True)
class Part:
    """The answer to one query, with its account."""

    table: pa.Table
    account: Account


class Store:
    """The parts of one job.

    Args:
        root: The folder that the job file calls `fetch.store`.
        name: The job's name.
        sync: Forces a file or folder to disk.
    """

    def __init__(self, root: Path, name: str, *, sync: Sync = os.fsync) -> None:
        self.folder = root / name
        self._parts = self.folder / "parts"
        self._sync = sync
        self._read: dict[str, int] = {}

    def path(self, digest: str) -> Path:
        """Return where the part of a query is, or will be."""
        return self._parts / f"{digest}.parquet"

    def account(self, digest: str) -> Account | None:
        """Return the account of a part; None if it is missing or unreadable."""
        try:
            return Account.from_json(self._metadata(digest)[ACCOUNT_KEY])
        except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
            return None

    def seal(self, digest: str) -> str | None:
        """Return a part's checksum as it says itself; None if it says none."""
        try:
            return self._metadata(digest)[SEAL_KEY].decode("ascii")
        except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
            return None

    def is_foreign(self, digest: str) -> bool:
        """Say whether what is named like a part is a Parquet file of someone else's."""
        try:
            return ACCOUNT_KEY not in self._metadata(digest)
        except (OSError, pa.ArrowException):
            return False

    def _metadata(self, digest: str) -> Mapping[bytes, bytes]:
        found: Mapping[bytes, bytes] | None
        found = pq.read_metadata(self.path(digest)).metadata
        return found or {}

    def read(self, digest: str) -> pa.Table:
        """Return the rows of a part, checksums verified.

        Raises:
            DamagedPartError: If its checksum is wrong; it is removed, so that it is
                fetched anew.
            ReplacedPartError: If it is not what was read before: outputs of one run
                must not contradict each other.
            DataError: If it is missing or cannot be read.
        """
        try:
            content = self._whole(digest)
        except DamagedPartError:
            self.discard(digest)
            raise
        if self._read.setdefault(digest, hash(content)) != hash(content):
            msg = f"{self.path(digest)}: another run replaced this part meanwhile"
            raise ReplacedPartError(msg, hint="run it again")
        return _table(content)

    def inspect(self, digest: str) -> Part:
        """Return a part with its account, checksums verified; nothing is removed.

        Raises:
            DamagedPartError: If its checksum is wrong, or it tells nothing of itself.
            DataError: If it is missing or cannot be read.
        """
        try:
            content = self._whole(digest)
            metadata = pq.read_metadata(pa.BufferReader(content)).metadata
            account = Account.from_json(metadata[ACCOUNT_KEY])
            return Part(_table(content), account)
        except (pa.ArrowException, KeyError, TypeError, ValueError) as exc:
            msg = f"{self.path(digest)}: part tells nothing of itself"
            raise DamagedPartError(msg, hint=MEND_HINT) from exc

    def _whole(self, digest: str) -> bytes:
        """Return a part's file, its checksum verified."""
        path = self.path(digest)
        try:
            content = path.read_bytes()
        except OSError as exc:
            missing = isinstance(exc, FileNotFoundError)
            reason = "part is missing" if missing else f"cannot be read: {exc.strerror}"
            msg = f"{path}: {reason}"
            raise DataError(
                msg, hint="`gcbatch run JOB` fetches what is missing"
            ) from exc
        if _sealed(content) != content:
            msg = f"{path}: part is damaged"
            raise DamagedPartError(msg, hint=MEND_HINT)
        return content

    def prepare(self) -> None:
        """Make sure that parts can be written, before anything is asked for.

        Raises:
            OutputError: If they cannot.
        """
        try:
            create_beside(self.path("probe")).unlink()
        except OSError as exc:
            raise self._unwritable(exc) from exc

    def forget_reads(self) -> None:
        """Take parts as they are now for what is to be read."""
        self._read.clear()

    def is_whole(self, digest: str) -> bool:
        """Say whether a part can be read; a damaged one is removed."""
        try:
            self.read(digest)
        except DataError:
            return False
        return True

    def write(self, digest: str, part: Part) -> None:
        """Put a part in its place, whole.

        Raises:
            OutputError: If the store cannot be written.
        """
        schema = part.table.schema
        metadata = {
            **(schema.metadata or {}),
            ACCOUNT_KEY: part.account.to_json(),
            SEAL_KEY: BLANK_SEAL,
        }
        sink = pa.BufferOutputStream()
        pq.write_table(
            part.table.replace_schema_metadata(metadata),
            sink,
            compression="zstd",
            write_page_checksum=True,
        )
        self._put(self.path(digest), _sealed(sink.getvalue().to_pybytes()))

    def discard(self, digest: str) -> None:
        """Remove a part, so that it is fetched anew."""
        with suppress(FileNotFoundError):
            self.path(digest).unlink()

    def write_note(self, name: str, content: dict[str, Any]) -> None:
        """Keep a JSON document beside the parts, whole.

        Raises:
            OutputError: If the store cannot be written.
        """
        options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        self._put(self.folder / name, orjson.dumps(content, option=options))

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

    def _put(self, path: Path, content: bytes | memoryview) -> None:
        try:
            write_whole(path, content, sync=self._sync)
        except OSError as exc:
            raise self._unwritable(exc) from exc

    def _unwritable(self, exc: OSError) -> OutputError:
        msg = f"{self.folder}: cannot be written: {exc.strerror}"
        return OutputError(msg, hint="check fetch.store, its space and rights")


def _table(content: bytes) -> pa.Table:
    return pq.read_table(
        pa.BufferReader(content), page_checksum_verification=True, partitioning=None
    )


def _sealed(content: bytes) -> bytes:
    """Return a part's file with the hash of all its other bytes in its metadata.

    Parquet's own checksums are of pages: a byte of the footer may turn over unseen,
    and with it a column's name or the number of rows.
    """
    # The key's value follows it, after two bytes of Thrift: a field and a length.
    at = content.rfind(SEAL_KEY) + len(SEAL_KEY) + 2
    before, after = content[:at], content[at + len(BLANK_SEAL) :]
    seal = sha256(before + BLANK_SEAL + after).hexdigest().encode()
    return before + seal + after
