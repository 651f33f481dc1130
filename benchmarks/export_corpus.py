"""Stored conversations to export: a store, JSON Lines, and the truth about both."""

import json
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from benchmarks.contest import HERE
from benchmarks.details_server import WIDE, conversations, day
from benchmarks.processes import measured, served

__all__ = ["ALL_TABLES", "ONE_TABLE", "TABLES", "Corpus", "counts_of", "fetched"]

DAYS: Final = 10
"""Each has a part of its own."""

TABLES: Final = (
    "conversations",
    "conversations_nested",
    "participants",
    "participant_attributes",
    "sessions",
    "segments",
    "session_metrics",
)

ALL_TABLES: Final = "all.json"
ONE_TABLE: Final = "conversations.json"
"""The job files that export; JSON is YAML."""


@dataclass(frozen=True)
class Corpus:
    """Stored conversations.

    Args:
        rows: Their number.
        folder: Has the store and the job files.
        truth: The number of rows of each table.
    """

    rows: int
    folder: Path
    truth: Mapping[str, int]

    @property
    def documents(self) -> Path:
        """The conversations in JSON Lines; only the first corpus has them."""
        return self.folder / "documents.jsonl"

    @property
    def output(self) -> Path:
        """The folder that an export writes."""
        return self.folder / "output"


def fetched(
    a_day: Sequence[int], folder: Path, environ: Mapping[str, str]
) -> list[Corpus]:
    """Fetch the conversations of each corpus by async jobs, which takes few requests.

    Args:
        a_day: Conversations a day, of each corpus.
        folder: For all files.
        environ: The environment of gcbatch.

    Raises:
        RuntimeError: If that fails.
    """
    days = [count for count in a_day for _ in range(DAYS)]
    server = [sys.executable, "-m", "benchmarks.details_server", "0", *map(str, days)]
    corpora = []
    with served(server, os.environ | HERE) as (url, client_id, secret):
        for number, count in enumerate(a_day):
            corpus = Corpus(count * DAYS, folder / f"{number}", {})
            corpus.folder.mkdir()
            first = number * DAYS
            org = {"api_url": url, "login_url": url, "client_id": client_id}
            for name, tables in (
                ("fetch.json", ()),
                (ONE_TABLE, TABLES[:1]),
                (ALL_TABLES, TABLES),
            ):
                job = _job(corpus, org, first, tables)
                (corpus.folder / name).write_text(json.dumps(job), "utf-8")
            run = ["-m", "gcbatch", "run", str(corpus.folder / "fetch.json")]
            measured(
                [sys.executable, *run],
                {**environ, "BENCH_SECRET": secret},
                corpus.folder / "log",
            )
            corpora.append(corpus)
    found = []
    for number, corpus in enumerate(corpora):
        path = Path(os.devnull) if number else corpus.documents
        truth = _written(path, days, number * DAYS)
        found.append(Corpus(corpus.rows, corpus.folder, truth))
    return found


def _job(
    corpus: Corpus, org: Mapping[str, str], first: int, tables: Sequence[str]
) -> dict[str, Any]:
    """Return a job of the days of a corpus, that exports some tables."""
    return {
        "name": "bench",
        "org": {**org, "client_secret": "${BENCH_SECRET}"},
        "query": {
            "endpoint": "conversation-details-jobs",
            "from": f"{day(first):%Y-%m-%d}",
            "to": f"{day(first + DAYS):%Y-%m-%d}",
            "timezone": "UTC",
        },
        "fetch": {
            "chunk": "P1D",
            "requests_per_minute": WIDE,
            "store": str(corpus.folder / "store"),
        },
        "exports": [
            {
                "exporter": "parquet",
                "table": table,
                "path": str(corpus.output / f"{table}.parquet"),
            }
            for table in tables
        ],
    }


def _written(path: Path, days: Sequence[int], first: int) -> Counter[str]:
    """Write the conversations, made again, to JSON Lines; return the truth."""
    truth: Counter[str] = Counter()
    with path.open("wb") as file:
        for number in range(first, first + DAYS):
            for document in conversations([0] * number + [days[number]]):
                text = document.body(attributes=True)
                file.write(text + b"\n")
                truth.update(counts_of(orjson.loads(text)))
    return truth


def counts_of(conversation: Mapping[str, Any]) -> dict[str, int]:
    """Return how many rows a conversation has in each table."""
    participants = conversation["participants"]
    sessions = [s for p in participants for s in p["sessions"]]
    return {
        "conversations": 1,
        "conversations_nested": 1,
        "participants": len(participants),
        "participant_attributes": sum(len(p["attributes"]) for p in participants),
        "sessions": len(sessions),
        "segments": sum(len(s["segments"]) for s in sessions),
        "session_metrics": sum(len(s["metrics"]) for s in sessions),
    }
