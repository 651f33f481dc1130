"""Collects the answers to one query of details, and checks that none is missing.

Every page says how many records there are. The ids that came are compared with that
count; a missing next page proves nothing.
"""

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa

from gcbatch.endpoints.details.page_reader import Page, RecordKind
from gcbatch.genesys import DETAIL_PAGE
from gcbatch.genesys.client import Answer
from gcbatch.lazy import lazy_import
from gcbatch.store import Document, IdSet, PartMetadata, Spool
from gcbatch.text import one_line
from gcbatch.windows import Window, milliseconds

__all__ = ["DetailCollector", "OddFields", "PageCount"]

pc = lazy_import("pyarrow.compute")

MAX_IDS: Final = 100
"""Correlation ids in the metadata of a part; a day may have a thousand pages."""

NEVER: Final = datetime.max.replace(tzinfo=UTC)
"""Later than the instant of any request."""


@dataclass
class PageCount:
    """The pages of one span that have come, and what they say of the total.

    Attributes:
        ids: The records that came, whether in the job's range or not.
        total: How many there are, by the last answer.
        totals: All totals in the answers of this round.
    """

    ids: IdSet = field(default_factory=IdSet)
    total: int = 0
    totals: set[int] = field(default_factory=set)
    _all_totals: set[int] = field(default_factory=set)
    _rows: dict[int, int] = field(default_factory=dict)
    _doubtful: set[int] = field(default_factory=set)

    @property
    def is_complete(self) -> bool:
        """Whether as many records came as there are.

        An answer that leaves rows out may count without them. If a row disappears
        between two pages, the row that takes its place on the page before is on
        neither. So a total below a previous one counts only if pages that were fetched
        again agree on it.
        """
        if len(self.ids) != self.total:
            return False
        return not self._shrank or (len(self.totals) == 1 and not self._short)

    @property
    def due(self) -> int:
        """How many records should have come, if not all came."""
        if len(self.ids) == self.total:
            return max(self._all_totals, default=0)
        return self.total

    @property
    def _shrank(self) -> bool:
        return self.total < max(self._all_totals, default=0)

    @property
    def _short(self) -> set[int]:
        return {n for n in self._rows if self._rows[n] < _due(n, self.total)}

    @property
    def drifts(self) -> bool:
        """Whether the total is wrong, and no page is incomplete.

        Either answers have different totals, or all pages but the last are full.
        """
        came = len(self.ids)
        pages_fit = all(rows == _due(n, came) for n, rows in self._rows.items())
        return pages_fit or len(self.totals) > 1 or self._shrank

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return -(-self.total // DETAIL_PAGE)

    @property
    def missing_pages(self) -> list[int]:
        """Pages that have not come yet; the first is 1."""
        return [n for n in range(1, self.pages + 1) if n not in self._rows]

    @property
    def doubtful_pages(self) -> list[int]:
        """Pages that were short or repeated records of another; all, if none did."""
        return sorted(self._short | self._doubtful) or list(range(1, self.pages + 1))

    def begin_round(self) -> None:
        """Forget all totals but the last."""
        self.totals = {self.total}

    def count(self, number: int, page: Page) -> int:
        """Count page *number*, of which the first is 1.

        Returns:
            How many of its records had come before; 0 for a page that came before.
        """
        again = number in self._rows
        new = self.ids.update(document.id for document in page.documents)
        doubled = len(page.documents) - new
        self._rows[number] = len(page.documents)
        self._doubtful.discard(number)
        if doubled and not again:
            self._doubtful.add(number)
        self.total = page.total or 0
        self.totals.add(self.total)
        self._all_totals.add(self.total)
        return 0 if again else doubled


def _due(number: int, total: int) -> int:
    """Return how many rows page *number* has of *total* rows; the first is 1."""
    return min(DETAIL_PAGE, max(0, total - (number - 1) * DETAIL_PAGE))


@dataclass
class OddFields:
    """Counts fields of records with a value of a wrong type, each field once.

    Pages may come twice, and a day may have such fields in every record: each takes 8
    bytes here.
    """

    _hashes: "array[int]" = field(default_factory=lambda: array("q"))
    _first: tuple[int, str, str] | None = None

    def note(self, document: Document, places: Sequence[str]) -> None:
        """Note the paths of such fields in a record; there is at least one."""
        record = (document.at_ms, document.id)
        self._hashes.extend(hash((*record, place)) for place in places)
        first = (*record, places[0])
        self._first = min(self._first or first, first)

    @property
    def count(self) -> int:
        """How many there are."""
        held = pa.py_buffer(self._hashes)
        every = pa.Array.from_buffers(pa.int64(), len(self._hashes), [None, held])
        return int(pc.count_distinct(every).as_py())

    @property
    def first(self) -> str:
        """Record and path of the first of them in the order of tables; may be empty."""
        if self._first is None:
            return ""
        _, identity, place = self._first
        return f"{one_line(identity)}: {place}"


@dataclass
class DetailCollector:
    """Collects the records of one query, over all its pieces.

    Args:
        window: The window of the query; only records that begin in it are stored.
        records: The kind of records.
        spool: Where they are stored.

    Attributes:
        fields: Known fields that occur in the records, and maybe others.
        odd: Fields with a value of a wrong type.
        repeated_pages: How many pages of a job in succession brought nothing new.
    """

    window: Window
    records: RecordKind
    spool: Spool
    remarks: Counter[str] = field(default_factory=Counter)
    unknown_fields: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)
    odd: OddFields = field(default_factory=OddFields)
    available_until: datetime | None = None
    repeated_pages: int = 0
    _asked_at: datetime = NEVER
    _pages: int = 0
    _requests: int = 0
    _size: int = 0
    _correlation_ids: list[str] = field(default_factory=list)
    _outside: IdSet = field(default_factory=IdSet)

    def note(self, answer: Answer[Page]) -> None:
        """Note an answer for the part's metadata."""
        self._asked_at = min(self._asked_at, answer.asked_at)
        self._pages += 1
        self._requests += answer.attempts
        self._size += answer.size
        if len(self._correlation_ids) < MAX_IDS:
            self._correlation_ids.append(answer.correlation_id)

    def take(self, page: Page) -> None:
        """Store the records that begin in the window, each once."""
        self.unknown_fields |= page.unknown_fields
        self.fields |= page.fields
        start, end = milliseconds(self.window.start), milliseconds(self.window.end)
        documents = page.documents
        if self.records.at is None:
            documents = [document._replace(at_ms=start) for document in documents]
        inside = [d for d in documents if start <= d.at_ms < end]
        if len(inside) < len(documents):
            self._outside.update(d.id for d in documents if not start <= d.at_ms < end)
        if page.odd:  # rare
            for document in inside:
                if places := page.odd.get(document.id):
                    self.odd.note(document, places)
        self.spool.add(inside)

    def available(self, until: datetime) -> None:
        """Note that the service has data only up to *until*; the earliest counts."""
        self.available_until = min(self.available_until or until, until)

    def metadata(self) -> PartMetadata:
        """Return the metadata of the part, once at least one answer was noted."""
        noun, first_odd = self.records.noun, self.odd.first
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
            unknown_fields=tuple(sorted(self.unknown_fields)),
            odd=self.odd.count,
            first_odd=first_odd and f"{noun[:-1]} {first_odd}",
            available_until=self.available_until,
            fields=tuple(sorted(self.fields)),
        )
