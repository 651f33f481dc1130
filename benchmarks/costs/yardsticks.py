"""The yardsticks: the indispensable part of each workload, without gcbatch.

Another build of Python or of a library changes a yardstick too; what gcbatch adds shows
in the workload alone. So each yardstick spends about the same share of its instructions
in the interpreter as its workload.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv as arrow_csv
from pyarrow import json as arrow_json

__all__ = ["Conversations", "Figures", "Plan"]

START: Final = datetime(2026, 3, 2, tzinfo=UTC)
DAY: Final = timedelta(days=1)
HALF_HOUR: Final = timedelta(minutes=30)
HALF_HOURS: Final = 192


class _Statistics(msgspec.Struct):
    metric: str
    stats: dict[str, float]


class _Bucket(msgspec.Struct):
    interval: str
    metrics: list[_Statistics]


class _Group(msgspec.Struct):
    group: dict[str, str]
    data: list[_Bucket]


class _Page(msgspec.Struct):
    results: list[_Group]


class Figures:
    """An answer of aggregates, and a row of its figures for each bucket.

    Args:
        folder: For files.
        body: The answer, JSON.
    """

    def __init__(self, folder: Path, body: bytes) -> None:
        self._body = body
        self._stored, self._out = folder / "figures.parquet", folder / "out"
        self._decoder = msgspec.json.Decoder(_Page)
        self._rows = self._table()
        _write(self._rows, self._stored)

    def _table(self) -> pa.Table:
        return pa.Table.from_pylist(
            [
                {
                    "interval": bucket.interval,
                    **group.group,
                    **{
                        f"{metric.metric} {name}": value
                        for metric in bucket.metrics
                        for name, value in metric.stats.items()
                    },
                }
                for group in self._decoder.decode(self._body).results
                for bucket in group.data
            ]
        )

    def store(self) -> None:
        """Decode the answer with types; write its rows."""
        self._decoder.decode(self._body)
        _write(self._rows, self._out)

    def to_parquet(self) -> None:
        """Read the rows and write them again."""
        _write(pq.read_table(self._stored), self._out)

    def to_csv(self) -> None:
        """Read the rows and write them as CSV."""
        arrow_csv.write_csv(pq.read_table(self._stored), self._out)


class _Metric(msgspec.Struct):
    name: str
    value: float


class _Segment(msgspec.Struct):
    segmentStart: str  # noqa: N815 - the API's word
    segmentType: str  # noqa: N815 - the API's word


class _Session(msgspec.Struct):
    metrics: list[_Metric]
    segments: list[_Segment]


class _Participant(msgspec.Struct):
    purpose: str
    sessions: list[_Session]


class _Conversation(msgspec.Struct):
    conversationId: str  # noqa: N815 - the API's word
    participants: list[_Participant]


class _Conversations(msgspec.Struct):
    conversations: list[msgspec.Raw]


class Conversations:
    """A page of conversations, as documents and as rows.

    Args:
        folder: For files.
        body: The page, JSON.
    """

    def __init__(self, folder: Path, body: bytes) -> None:
        self._body = body
        self._stored, self._out = folder / "documents.parquet", folder / "out"
        self._page = msgspec.json.Decoder(_Conversations)
        self._one = msgspec.json.Decoder(_Conversation)
        texts = [bytes(text) for text in self._page.decode(body).conversations]
        self._documents = pa.table({"document": pa.array(texts, pa.binary())})
        self._rows = _records(texts)
        _write(self._documents, self._stored)

    def store(self) -> None:
        """Decode each conversation with types; write its document."""
        for text in self._page.decode(self._body).conversations:
            self._one.decode(text)
        _write(self._documents, self._out)

    def to_parquet(self) -> None:
        """Read the documents into columns; write them without their participants."""
        _records(pq.read_table(self._stored)["document"].to_pylist())
        _write(self._rows, self._out)


def _records(texts: list[bytes]) -> pa.Table:
    lines = pa.BufferReader(b"\n".join(texts))
    return arrow_json.read_json(lines).drop_columns("participants")


@dataclass(frozen=True, slots=True)
class _Span:
    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise ValueError


def _midnight(at: datetime, zone: ZoneInfo) -> datetime:
    local = at.astimezone(zone)
    return local.replace(hour=0, minute=0)


class Plan:
    """Bodies of requests about batches of queues, one after another for each window.

    Args:
        windows: How many.
        batches: How many, of each window.
        queues: How many, over all batches.
    """

    def __init__(self, windows: int, batches: int, queues: int) -> None:
        self._windows, self._batches, self._queues = windows, batches, queues

    def work_out(self) -> list[str]:
        """Write the bodies; name each with its window by a hash."""
        zone = ZoneInfo("UTC")
        each = self._queues // self._batches
        predicates = [{"dimension": "queueId", "value": str(n)} for n in range(each)]
        bodies = [orjson.dumps([*predicates, n]) for n in range(self._batches)]
        names: list[str] = []
        for number in range(self._windows):
            day = START + number * DAY
            spans = [_Span(day, day + n * HALF_HOUR) for n in range(1, HALF_HOURS)]
            local = [_midnight(one.end, zone) for one in spans]
            about = f"{day.isoformat()}/{max(local).isoformat()}".encode()
            hashes = (sha256(sha256(body).digest() + about) for body in bodies)
            names += [one.hexdigest() for one in hashes]
        return names


def _write(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd")
