"""A page of aggregates to its stored part, compared with the minimum of work.

`python -m benchmarks.own_page`: 200 queues of 96 buckets with five metrics, in one
process, in turns. CPU is counted, user and system, of all threads.

- **gcbatch** checks the text, decodes it, checks buckets, groups and figures, makes a
  row of each bucket, writes the part with a checksum of each page, adds a hash of all
  its bytes, and moves it to its place.
- **The minimum** decodes the same text with msgspec into typed structs, and writes a
  prepared table of the same rows to Parquet with zstd. It makes no rows.
- **By hand** has no target: it decodes in the same way, and makes each column with a
  line of Python, without checks.
"""

import asyncio
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time
from typing import Any, Final, cast

import msgspec
import orjson
import pyarrow.parquet as pq

from benchmarks.aggregates_data import QUARTERS, figures, pattern_of, queue_id
from benchmarks.alone import main_of
from benchmarks.findings import Findings, Verdict, spread
from benchmarks.own_jobs import FIRST_DAY, query_of
from benchmarks.own_page_floor import Page, columns_of
from benchmarks.scores import at_most, ratios
from gcbatch.endpoints import Aggregates, endpoint_named
from gcbatch.genesys.client import Answer, Client
from gcbatch.job import QuerySection
from gcbatch.query import make_query
from gcbatch.store import Part, Store
from gcbatch.windows import Window

__all__ = ["measure", "verdict"]

ROUNDS: Final = 15
QUEUES: Final = 200
QUICK_QUEUES: Final = 5
MAX_RATIO: Final = 2.0
START: Final = datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, tzinfo=UTC)
DAY: Final = Window(START, START + timedelta(days=1))
QUARTER: Final = timedelta(minutes=15)


def page_of(queues: int) -> bytes:
    """Return the answer of a day."""
    spans = [Window(START + n * QUARTER, START + (n + 1) * QUARTER) for n in range(96)]
    groups = [
        {
            "group": {"queueId": queue_id(number), "mediaType": "voice"},
            "data": [
                {
                    "interval": str(spans[quarter]),
                    "metrics": [
                        {"metric": metric, "stats": stats}
                        for metric, stats in figures(
                            pattern_of(number, FIRST_DAY), quarter
                        ).items()
                    ],
                }
                for quarter in range(QUARTERS)
            ],
        }
        for number in range(queues)
    ]
    return orjson.dumps({"results": groups})


@dataclass(frozen=True)
class Line:
    """A client that has the answer already."""

    page: bytes

    async def post(
        self, path: str, decode: Callable[[bytes], Any], body: bytes, **_: bool
    ) -> Answer[Any]:
        """Return the decoded page, whatever the query."""
        del path, body
        self.page.isascii()
        return Answer(decode(self.page), START, 1, len(self.page), "")


@dataclass
class PageWork:
    """A page, with the objects that process it.

    Args:
        page: JSON.
        queues: Number of its queues.
        folder: For the files.
    """

    page: bytes
    queues: int
    folder: Path

    def __post_init__(self) -> None:
        self.asked = QuerySection.model_validate(query_of(1, self.queues))
        self.endpoint = cast("Aggregates", endpoint_named(self.asked.endpoint))
        ids = [queue_id(number) for number in range(self.queues)]
        template = self.endpoint.template(self.asked, ids)
        self.query = make_query("bench", self.endpoint.name, DAY, template)
        self.store = Store(self.folder, "bench")
        self.store.prepare()
        self.decoder = msgspec.json.Decoder(Page)
        self.ready = self.decoded().table

    def decoded(self) -> Part:
        """Return the part that gcbatch makes."""
        client = cast("Client", Line(self.page))
        return asyncio.run(self.endpoint.fetch(client, self.query, self.asked))

    def ours(self) -> None:
        """Store the part."""
        self.store.write(self.query.digest, self.decoded())

    def minimum(self) -> None:
        """Decode the page, and write the prepared rows."""
        self.decoder.decode(self.page)
        pq.write_table(self.ready, self.folder / "minimum.parquet", compression="zstd")

    def by_hand(self) -> None:
        """Decode the page, make rows of it, and write them."""
        table = columns_of(self.decoder.decode(self.page), self.ready.schema)
        pq.write_table(table, self.folder / "hand.parquet", compression="zstd")

    def check(self) -> None:
        """Check that all write the same rows.

        Raises:
            RuntimeError: If one has other rows.
        """
        by = [(name, "ascending") for name in ("interval_start", "queue_id")]
        ours = self.store.read(self.query.digest)
        for name in ("minimum.parquet", "hand.parquet"):
            found = pq.read_table(self.folder / name).sort_by(by)
            if not found.equals(ours) or found.num_rows != self.queues * QUARTERS:
                msg = f"{name} has other rows than the part"
                raise RuntimeError(msg)


def measure(rounds: int, *, quick: bool) -> Findings:
    """Measure.

    Args:
        rounds: Number of rounds.
        quick: Whether a small page is enough.
    """
    queues = QUICK_QUEUES if quick else QUEUES
    page = page_of(queues)
    with tempfile.TemporaryDirectory(prefix="gcbatch-bench-") as folder:
        page_work = PageWork(page, queues, Path(folder))
        work = {
            "gcbatch": page_work.ours,
            "minimum": page_work.minimum,
            "by hand": page_work.by_hand,
        }
        spent = in_turns(work, rounds)
        page_work.check()
    lines = tuple(
        f"{name:10} {spread([1e3 * s for s in found], 1):>24} ms of CPU"
        for name, found in spent.items()
    )
    title = f"A page of {queues * QUARTERS:,} rows, {len(page) / 1e6:.1f} MB"
    return Findings(title, lines, (verdict(spent["gcbatch"], spent["minimum"]),))


def in_turns(
    work: Mapping[str, Callable[[], None]], rounds: int
) -> dict[str, list[float]]:
    """Return the seconds of CPU of each in each round; a first round is not counted."""
    spent: dict[str, list[float]] = {name: [] for name in work}
    for number in range(rounds + 1):
        for name in list(work)[:: -1 if number % 2 else 1]:
            begun = process_time()
            work[name]()
            if number:
                spent[name].append(process_time() - begun)
    return spent


def verdict(ours: Sequence[float], minimum: Sequence[float]) -> Verdict:
    """Return the target.

    Args:
        ours: Seconds of each round.
        minimum: Seconds of each round.
    """
    return at_most("page to part, x the minimum", ratios(ours, minimum), MAX_RATIO)


if __name__ == "__main__":
    sys.exit(main_of(measure, rounds=ROUNDS))
