"""What one query brought: whose it is, how far the service has data, which pages."""

import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gcbatch.endpoints.details.completeness import (
    MAX_IDS,
    DetailCollector,
    OddFields,
    PageCount,
)
from gcbatch.endpoints.details.page_reader import CONVERSATIONS, Page
from gcbatch.genesys.client.client import Answer
from gcbatch.genesys.limits import DETAIL_PAGE
from gcbatch.store.spool import Document, Spool
from gcbatch.windows import Window, milliseconds

START = datetime(2026, 3, 2, tzinfo=UTC)
DAY = Window(START, START + timedelta(days=1))
MILLISECOND = timedelta(milliseconds=1)


def page(numbers: range, total: int | None = None, at: datetime = START) -> Page:
    """Return a page of conversations by number, all of one instant."""
    documents = [Document(f"c{n}", milliseconds(at), b"{}") for n in numbers]
    return Page(documents, total, None, None, frozenset())


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[DetailCollector]:
    with closing(Spool.within(tmp_path)) as spool:
        yield DetailCollector(DAY, CONVERSATIONS, spool)


@pytest.mark.parametrize(
    ("at", "kept"),
    [
        (DAY.start - MILLISECOND, 0),
        (DAY.start, 1),
        (DAY.end - MILLISECOND, 1),
        (DAY.end, 0),
    ],
)
def test_a_record_at_an_edge_is_of_one_day(
    collector: DetailCollector, at: datetime, kept: int
) -> None:
    """Of the day that begins there; else two parts would have it."""
    collector.take(page(range(1), at=at))

    assert len(collector.spool) == kept


def test_the_earliest_end_of_data_counts(collector: DetailCollector) -> None:
    """One piece that is behind makes all of it provisional."""
    for hours in (9, 7, 8):
        collector.available(START + timedelta(hours=hours))

    assert collector.available_until == START + timedelta(hours=7)


def test_metadata_keeps_some_correlation_ids(collector: DetailCollector) -> None:
    """A day may have a thousand pages; all of them count, the first are named."""
    for number in range(MAX_IDS + 5):
        collector.note(Answer(page(range(0)), START, 1, 10, str(number)))

    metadata = collector.metadata()
    assert metadata.correlation_ids == tuple(map(str, range(MAX_IDS)))
    assert (metadata.pages, metadata.size) == (MAX_IDS + 5, 10 * (MAX_IDS + 5))


def odd_page(numbers: range) -> Page:
    """Return a page whose conversations have two fields each that do not fit."""
    places = {f"c{n}": (f"z[{n}].mos", "a") for n in numbers}
    return replace(page(numbers), odd=places)


def test_odd_fields_count_once(collector: DetailCollector) -> None:
    """However often a page comes, and in whatever order: the first is named."""
    none = OddFields().count
    for numbers in (range(2, 4), range(4), range(2)):
        collector.take(odd_page(numbers))
        collector.note(Answer(page(numbers), START, 1, 10, "x"))

    metadata = collector.metadata()

    assert (none, metadata.odd) == (0, 8)
    assert metadata.first_odd == "conversation c0: z[0].mos"


def test_odd_fields_take_no_more_memory_than_ids() -> None:
    """A day may have some in each of its records."""
    odd = OddFields()
    document = Document("c", 0, b"{}")
    tracemalloc.start()
    for number in range(20_000):
        odd.note(document._replace(id=f"c{number}"), (f"z[{number}].mos", "a"))
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()

    assert odd.count == 40_000
    assert held < 20_000 * 40


def test_a_page_asked_again_is_no_longer_in_doubt() -> None:
    """The other pages of the next round are those that are."""
    piece = PageCount()
    piece.count(1, page(range(DETAIL_PAGE), 2 * DETAIL_PAGE))
    doubled = piece.count(2, page(range(DETAIL_PAGE), 2 * DETAIL_PAGE))
    before = piece.doubtful_pages

    piece.count(2, page(range(DETAIL_PAGE, 2 * DETAIL_PAGE), 2 * DETAIL_PAGE))

    assert (doubled, before) == (DETAIL_PAGE, [2])
    assert piece.is_complete
    assert piece.doubtful_pages == [1, 2]
