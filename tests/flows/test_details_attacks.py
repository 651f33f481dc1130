"""Answers that contradict themselves: no row is lost by them, and no run hangs."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest

from gcbatch import DataError, ServiceError, load_job
from gcbatch.endpoints.base import FetchContext
from gcbatch.endpoints.details.by_pages import PageFetcher
from gcbatch.endpoints.details.completeness import DetailCollector, PageCount
from gcbatch.endpoints.details.page_reader import CONVERSATIONS, Page, read_page
from gcbatch.endpoints.details.query_progress import MAX_REPEATED_PAGES, DetailQuery
from gcbatch.endpoints.details.record_types import SeenFields
from gcbatch.genesys.client.body_reader import read_body
from gcbatch.genesys.client.client import Answer
from gcbatch.genesys.limits import DETAIL_PAGE
from gcbatch.query import make_query
from gcbatch.running.pipeline import arun
from gcbatch.store.id_set import IdSet
from gcbatch.store.spool import Document, Spool
from gcbatch.windows import Window
from tests.support.details_world import (
    BY_JOB,
    DAY0,
    JOBS,
    World,
    after,
    all_ids,
    tenant_with_conversations,
)
from tests.unit.endpoints.test_async_jobs import SUBMITTED, InTime, fetch

DAY = Window(DAY0, after(1))
TOTAL = 650


def documents(first: int, end: int, at: datetime = DAY0) -> list[Document]:
    """Return documents by number, all of one instant."""
    ms = int(at.timestamp() * 1000)
    return [Document(f"c{number}", ms, b"{}") for number in range(first, end)]


def page(found: list[Document], total: int | None = None) -> Page:
    return Page(found, total, None, None, frozenset())


def full_page(number: int, total: int) -> Page:
    """Return a page as it is where nothing is wrong."""
    first = (number - 1) * DETAIL_PAGE
    return page(documents(first, min(total, first + DETAIL_PAGE)), total)


def answer(value: Page) -> Answer[Page]:
    return Answer(value, DAY0, 1, 1, "")


@pytest.fixture
def detail_query(tmp_path: Path) -> Iterator[DetailQuery]:
    """One day on its way to being answered."""
    query = make_query("org", "conversation-details", DAY, b"{}")
    context = SimpleNamespace(
        query_section=SimpleNamespace(zone=UTC), fetch=None, slots=asyncio.Semaphore(4)
    )
    with closing(Spool.within(tmp_path)) as spool:
        yield DetailQuery(
            query,
            DetailCollector(DAY, CONVERSATIONS, spool),
            cast("FetchContext", context),
        )


def sent(**fields: Any) -> bytes:
    """Return a page of one conversation, as the service sends it."""
    one = {"conversationId": "c1", "conversationStart": "2026-03-02T08:00:00.000Z"}
    return orjson.dumps({"conversations": [{**one, **fields}], "totalHits": 1})


def test_an_empty_page_cannot_count_itself_out() -> None:
    """Rows that it omitted stay due, although it came last with a lower total."""
    piece = PageCount()
    for number in (1, 2, 4, 5, 6, 7):
        piece.count(number, full_page(number, TOTAL))
    piece.count(3, page([], TOTAL - 100))
    piece.begin_round()

    assert not piece.is_complete
    assert piece.due == TOTAL
    assert 3 in piece.doubtful_pages


def test_a_conversation_that_is_gone_is_not_due() -> None:
    """Once pages asked again agree on the lower total, without a gap."""
    piece = PageCount()
    piece.count(1, full_page(1, 150))
    piece.count(2, full_page(2, 149))
    at_first = piece.is_complete
    piece.begin_round()
    again = piece.doubtful_pages
    for number in again:
        piece.count(number, full_page(number, 149))

    assert (at_first, again, piece.is_complete) == (False, [1, 2], True)


def test_a_row_that_moves_up_a_page_is_missed() -> None:
    """Another one went away meanwhile: as many came as there are, but not all."""
    piece = PageCount()
    piece.count(1, full_page(1, 150))
    piece.count(2, page(documents(101, 150), 149))
    piece.begin_round()
    piece.count(1, page([*documents(0, 50), *documents(51, 101)], 149))
    piece.count(2, page(documents(101, 150), 149))

    assert len(piece.ids) == 150
    assert not piece.is_complete
    assert piece.drifts


def test_rows_beyond_the_span_do_not_stand_in(detail_query: DetailQuery) -> None:
    """Results of a job from before or after the span are not counted."""
    ids = IdSet()

    detail_query.take_results(DAY, ids, answer(page(documents(0, 3))))
    detail_query.take_results(DAY, ids, answer(page(documents(3, 6, DAY.end))))
    detail_query.take_results(DAY, ids, answer(page(documents(6, 9, after(-0.1)))))

    assert len(ids) == 3
    assert ids.update(("c0", "c1", "c2")) == 0


def test_cursors_without_end_are_an_error(detail_query: DetailQuery) -> None:
    """However many new ones there are, once the pages bring nothing new."""
    ids = IdSet()
    same = answer(page(documents(0, 3)))
    for _ in range(MAX_REPEATED_PAGES + 1):
        detail_query.take_results(DAY, ids, same)

    with pytest.raises(DataError, match="do not end"):
        detail_query.take_results(DAY, ids, same)


class Lying:
    """A client whose pages are made up.

    Args:
        answers: Makes the page of a number, given how many were asked before.
    """

    def __init__(self, answers: Callable[[int, int], Page]) -> None:
        self.asked = 0
        self._answers = answers

    async def post(
        self, _path: str, _decode: Any, body: bytes, *, can_split: bool
    ) -> Answer[Page]:
        assert not can_split
        number = json.loads(body)["paging"]["pageNumber"]
        self.asked += 1
        assert self.asked < 1_000, "it goes on for ever"
        return answer(self._answers(number, self.asked))


def page_fetcher(client: Lying, *, cap: int = 100_000) -> PageFetcher:
    limits = SimpleNamespace(detail_results=cap)
    context = SimpleNamespace(
        client=client,
        fetch=SimpleNamespace(limits=limits, concurrency=2),
        paged=lambda _done, _due: None,
        slots=asyncio.Semaphore(2),
    )
    seen = SeenFields(CONVERSATIONS.model)
    return PageFetcher("/address", CONVERSATIONS, cast("FetchContext", context), seen)


async def test_a_total_that_outgrows_paging_ends_it(detail_query: DetailQuery) -> None:
    """The span is then cut, or goes by job; it is not asked page after page."""
    client = Lying(lambda number, asked: full_page(number, 900 + 200 * asked))
    first = answer(full_page(1, 900))

    assert not await page_fetcher(client, cap=1_000).gather(detail_query, DAY, first)


async def test_counting_ends_with_the_total(detail_query: DetailQuery) -> None:
    """Even if all pages have only what began before."""
    earlier = documents(0, 100, after(-1))
    client = Lying(lambda _number, _asked: page(earlier, 350))

    await page_fetcher(client).count_records(detail_query, DAY)

    assert client.asked == 4


@pytest.mark.parametrize(
    "reported", ["soon", "2026-13-45T00:00:00Z", "0001-01-01T00:00:00+05:00"]
)
def test_a_date_of_data_that_is_none_is_an_error(reported: str) -> None:
    """With the value, instead of a traceback."""
    body = orjson.dumps({"conversations": [], "dataAvailabilityDate": reported})

    with pytest.raises(DataError, match="dataAvailabilityDate is no instant"):
        read_page(body, CONVERSATIONS)


@pytest.mark.parametrize("number", [b"1e999", b"9" * 400, b"9" * 5_000])
def test_newer_numbers_may_have_any_size(number: bytes) -> None:
    """They are kept as they were sent, and their field is reported."""
    body = sent(fresh=0).replace(b'"fresh":0', b'"fresh":' + number)

    read = read_page(body, CONVERSATIONS)

    assert read.unknown_fields == {"fresh"}
    assert number in bytes(read.documents[0].content)


@pytest.mark.parametrize("field", ["externalTag", "fresh"])
def test_half_a_letter_spoils_no_page(field: str) -> None:
    """A text that was cut within a pair of surrogates ends with U+FFFD."""
    body = sent(**{field: "cut?"}).replace(b"cut?", b"cut\\ud83d")

    page = read_body(body, partial(read_page, records=CONVERSATIONS))

    (kept,) = page.documents
    assert json.loads(bytes(kept.content))[field] == "cut\N{REPLACEMENT CHARACTER}"


def test_the_state_of_a_job_is_reported_in_one_line(
    tmp_path: Path, in_turned_time: InTime
) -> None:
    """No terminal acts on what the service says."""
    state = {"state": "\x1b[31mODD\n" * 50}

    with pytest.raises(ServiceError) as failed:
        fetch(tmp_path, in_turned_time, SUBMITTED, *[state] * 99, wait_s=60.0)

    assert failed.value.problem.isprintable()
    assert len(failed.value.problem) < 150


def left_pending(folder: Path) -> World:
    """Return a world whose first run left its job under way."""
    world = World(folder, tenant_with_conversations(TOTAL), job_delay_s=300)
    with pytest.raises(ServiceError):
        world.run(**BY_JOB, fetch={"job_wait": "PT1M"})
    return world


def test_a_job_shows_figures_of_when_it_was_submitted(tmp_path: Path) -> None:
    """Results that were not settled then are provisional, however late they come."""
    world = left_pending(tmp_path)
    (note,) = tmp_path.rglob("*.pending")
    jobs = json.loads(note.read_bytes())
    jobs.pop("query")
    for job in jobs.values():
        job[-1] = "2026-03-03T01:00:00.000Z"
    note.write_text(json.dumps(jobs), "utf-8")

    report = world.run(**BY_JOB)

    assert len(world.asked(JOBS, "POST")) == 1
    assert report.provisional == 1
    assert world.ids() == all_ids(world)


def test_fresh_submits_jobs_again(tmp_path: Path) -> None:
    """One that an earlier run left under way has older figures."""
    world = left_pending(tmp_path)

    async def run() -> None:
        path = world.write(**BY_JOB)
        secret = {"SECRET": world.simulator.client_secret}
        await arun(load_job(path, environ=secret), fresh=True)

    world.in_time(run)

    assert len(world.asked(JOBS, "POST")) == 2
    assert world.ids() == all_ids(world)
