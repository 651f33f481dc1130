"""What the answers to one query of details brought, and whether that is all of it.

Believe counts, not the absence of a next page: every page says how many records there
are, and the ids that came are counted against it.
"""

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from gcbatch.endpoints.details.page_reader import Page, RecordKind
from gcbatch.genesys import DETAIL_PAGE
from gcbatch.genesys.client import Answer
from gcbatch.store import Document, PartMetadata, Spool
from gcbatch.text import one_line
from gcbatch.windows import Window, milliseconds

__all__ = ["DetailCollector", "OddFields", "PageCount"]

MOST_IDS: Final = 100
"""Correlation ids that an account keeps; a day may have a thousand pages."""

NEVER: Final = datetime.max.replace(tzinfo=UTC)
"""Later than any instant that something was asked at."""


@dataclass
class PageCount:
    """The answer about one span, as far as it came.

    Args:
        span: What is asked.

    Attributes:
        ids: What came, each once, whether in the job's range or not.
        total: How many there are, by the answer that came last.
        totals: All that the answers of this round said.
    """

    span: Window
    ids: set[str] = field(default_factory=set)
    total: int = 0
    totals: set[int] = field(default_factory=set)
    _said: set[int] = field(default_factory=set)
    _rows: dict[int, int] = field(default_factory=dict)
    _doubtful: set[int] = field(default_factory=set)

    @property
    def is_complete(self) -> bool:
        """Whether as many came as there are.

        An answer that leaves rows out may count without them; and where a row went away
        between two pages, the one that took its place on the page before is on neither.
        Fewer than once told are believed only if pages asked again agree on them.
        """
        if len(self.ids) != self.total:
            return False
        return not self._shrank or (len(self.totals) == 1 and not self._short)

    @property
    def due(self) -> int:
        """How many should have come where it is not complete."""
        all_told = len(self.ids) == self.total
        return max(self._said, default=0) if all_told else self.total

    @property
    def _shrank(self) -> bool:
        return self.total < max(self._said, default=0)

    @property
    def _short(self) -> set[int]:
        return {n for n in self._rows if self._rows[n] < _due(n, self.total)}

    @property
    def drifts(self) -> bool:
        """Whether it is the count that is not to be relied on, and not a page.

        Answers disagreed about it, or the pages are as they would be if there were as
        many as came: all full but for the last.
        """
        came = len(self.ids)
        fit = all(rows == _due(n, came) for n, rows in self._rows.items())
        return fit or len(self.totals) > 1 or self._shrank

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return -(-self.total // DETAIL_PAGE)

    @property
    def missing_pages(self) -> list[int]:
        """Pages that were not answered yet; the first is 1."""
        return [n for n in range(1, self.pages + 1) if n not in self._rows]

    @property
    def doubtful_pages(self) -> list[int]:
        """Pages that came short or brought what another had; all, if none did."""
        return sorted(self._short | self._doubtful) or list(range(1, self.pages + 1))

    def begin_round(self) -> None:
        """Forget what all answers but the last said of the total."""
        self.totals = {self.total}

    def count(self, number: int, page: Page) -> int:
        """Note a page.

        Args:
            number: Its number; the first is 1.
            page: What came.

        Returns:
            How many of its records had come before, on this page or another.
        """
        before = len(self.ids)
        again = number in self._rows
        self.ids.update(document.id for document in page.documents)
        doubled = len(page.documents) - (len(self.ids) - before)
        self._rows[number] = len(page.documents)
        self._doubtful.discard(number)
        if doubled and not again:
            self._doubtful.add(number)
        self.total = page.total or 0
        self.totals.add(self.total)
        self._said.add(self.total)
        return 0 if again else doubled


def _due(number: int, total: int) -> int:
    """Return how many rows a page has where there are *total*; the first is 1."""
    return min(DETAIL_PAGE, max(0, total - (number - 1) * DETAIL_PAGE))


@dataclass
class OddFields:
    """Fields of records that hold something else than they should, each once.

    Pages may come twice, and a day may have such fields in every record: 8 bytes are
    held for each that comes.
    """

    _hashes: "array[int]" = field(default_factory=lambda: array("q"))
    _first: tuple[int, str, str] | None = None

    def note(self, document: Document, places: Sequence[str]) -> None:
        """Note where they are in a record; there is one at least."""
        of_record = (document.at_ms, document.id)
        self._hashes.extend(hash((*of_record, place)) for place in places)
        first = (*of_record, places[0])
        self._first = min(self._first or first, first)

    @property
    def count(self) -> int:
        """How many there are."""
        held = pa.py_buffer(self._hashes)
        every = pa.Array.from_buffers(pa.int64(), len(self._hashes), [None, held])
        return int(pc.count_distinct(every).as_py())

    @property
    def first(self) -> tuple[str, str] | None:
        """Record and place of the first of them, by its place in tables."""
        # Pages come in any order.
        return self._first and self._first[1:]


@dataclass
class DetailCollector:
    """What one query brought, over all its pieces.

    Args:
        window: The query's, which records have to begin in.
        records: What they are.
        spool: Where they are put.

    Attributes:
        odd: Fields that hold something else than they should.
        barren: How many of a job's pages brought nothing new, one after another.
    """

    window: Window
    records: RecordKind
    spool: Spool
    remarks: Counter[str] = field(default_factory=Counter)
    newer: set[str] = field(default_factory=set)
    odd: OddFields = field(default_factory=OddFields)
    available_until: datetime | None = None
    barren: int = 0
    _asked_at: datetime = NEVER
    _pages: int = 0
    _requests: int = 0
    _size: int = 0
    _correlation_ids: list[str] = field(default_factory=list)
    _outside: set[str] = field(default_factory=set)

    def note(self, answer: Answer[Page]) -> None:
        """Keep the account of an exchange."""
        self._asked_at = min(self._asked_at, answer.asked_at)
        self._pages += 1
        self._requests += answer.attempts
        self._size += answer.size
        if len(self._correlation_ids) < MOST_IDS:
            self._correlation_ids.append(answer.correlation_id)

    def take(self, page: Page) -> None:
        """Write down the records that begin in the window, each once."""
        self.newer |= page.newer
        start, end = milliseconds(self.window.start), milliseconds(self.window.end)
        documents = page.documents
        if self.records.at is None:
            documents = [document._replace(at_ms=start) for document in documents]
        inside = [d for d in documents if start <= d.at_ms < end]
        if len(inside) < len(documents):
            self._outside |= {d.id for d in documents if not start <= d.at_ms < end}
        if page.odd:  # it seldom is
            for document in inside:
                if places := page.odd.get(document.id):
                    self.odd.note(document, places)
        self.spool.add(inside)

    def available(self, until: datetime) -> None:
        """Learn that the service has data only up to *until*; the earliest counts."""
        self.available_until = min(self.available_until or until, until)

    def account(self) -> PartMetadata:
        """Return how the part came about, after something was noted."""
        noun = self.records.noun
        remarks = Counter(self.remarks)
        remarks[f"{noun} that began outside the range, left out"] = len(self._outside)
        return PartMetadata(
            asked_at=self._asked_at,
            window=self.window,
            pages=self._pages,
            rows=len(self.spool),
            requests=self._requests,
            size=self._size,
            correlation_ids=tuple(self._correlation_ids),
            remarks={what: n for what, n in remarks.items() if n},
            unknown_fields=tuple(sorted(self.newer)),
            odd=self.odd.count,
            first_odd=self._first_odd,
            available_until=self.available_until,
        )

    @property
    def _first_odd(self) -> str:
        """Where the first value is that is not what its field should hold."""
        if self.odd.first is None:
            return ""
        identity, place = self.odd.first
        return f"{self.records.noun[:-1]} {one_line(identity)}: {place}"
