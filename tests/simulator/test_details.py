"""The simulator's conversation details: pages, intervals, order, refusals."""

import math
from dataclasses import replace
from typing import Any

import orjson
import pytest

from gcbatch.simulator import Call, Document
from gcbatch.simulator.details.query import find_conversations, read_async
from tests.support.details_client import (
    CONVERSATIONS,
    after,
    all_rows,
    details,
    every_hour,
    hours,
    starts,
    tenant_of,
)
from tests.support.job_client import connected, conversation

WEEK = "2026-01-01T00:00:00Z/2026-01-08T00:00:00Z"
MONTH = "2026-01-01T00:00:00Z/2026-02-01T00:00:00Z"
ON_QUEUE = {
    "segmentFilters": [
        {"type": "and", "predicates": [{"dimension": "queueId", "value": "q1"}]}
    ]
}


async def test_a_page_has_25_rows_by_default() -> None:
    """Without paging it is the first page of 25; the total counts all pages."""
    async with connected(tenant=every_hour(days=2)) as client:
        answer = await details(client, interval=WEEK)

    assert len(answer.json["conversations"]) == 25
    assert answer.json["totalHits"] == 48


async def test_pages_have_every_row_once() -> None:
    """Rows go on from page to page in time order, and the last page is short."""
    async with connected(tenant=every_hour()) as client:
        pages = [
            await details(client, paging={"pageSize": 10, "pageNumber": number})
            for number in (1, 2, 3)
        ]

    assert [len(starts(page)) for page in pages] == [10, 10, 4]
    assert [hour for page in pages for hour in hours(page)] == list(range(24))


async def test_past_the_last_page_there_is_no_key() -> None:
    """The rows' key is missing there, as in the service; the total is not."""
    async with connected(tenant=every_hour()) as client:
        answer = await details(client, paging={"pageSize": 24, "pageNumber": 2})

    assert answer.json == {"totalHits": 24}


@pytest.mark.parametrize(
    ("size", "number", "status"), [(5, 4, 200), (20, 1, 200), (7, 3, 400), (25, 1, 400)]
)
async def test_no_page_goes_beyond_the_cap(size: int, number: int, status: int) -> None:
    """A page that would end past the cap is refused; the total is still true."""
    paging = {"pageSize": size, "pageNumber": number}
    async with connected(tenant=every_hour(), max_detail_results=20) as client:
        answer = await details(client, paging=paging)

    assert answer.status == status
    if status == 200:
        assert answer.json["totalHits"] == 24
    else:
        assert answer.json["message"] == "Pagination may not exceed 20 results."


async def test_the_cap_is_100_000() -> None:
    """By default it is the service's."""
    async with connected(tenant=every_hour()) as client:
        at_it = await details(client, paging={"pageSize": 100, "pageNumber": 1000})
        beyond = await details(client, paging={"pageSize": 100, "pageNumber": 1001})

    assert at_it.status == 200
    assert beyond.json["message"] == "Pagination may not exceed 100000 results."


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        pytest.param("01T10:00", "01T11:00", (1,), id="one-hour"),
        pytest.param("01T00:00", "01T12:00", (1,), id="first-half"),
        pytest.param("01T12:00", "02T00:00", (1,), id="up-to-midnight"),
        pytest.param("01T23:59", "02T00:01", (1, 2), id="across-midnight"),
        pytest.param("02T23:59", "04T00:00", (2, 3), id="two-midnights"),
    ],
)
async def test_an_interval_means_whole_days(
    start: str, end: str, expected: tuple[int, ...]
) -> None:
    """By its documentation: every UTC day of start that it touches counts whole."""
    interval = f"2026-01-{start}:00Z/2026-01-{end}:00Z"
    async with connected(tenant=every_hour(days=4)) as client:
        rows = await all_rows(client, interval=interval)

    days = [int(row["conversationStart"][8:10]) for row in rows]
    assert days == [day for day in expected for _ in range(24)]


async def test_an_interval_may_mean_what_went_on() -> None:
    """By overlap: whatever lived at an instant of it, which excludes its end."""
    early = Call(queue_id="q", offered=after(-30), abandoned=after(0))
    through = Call(queue_id="q", offered=after(-20), abandoned=after(90))
    within = Call(queue_id="q", offered=after(0), abandoned=after(0))
    endless = Call(queue_id="q", offered=after(-10))
    late = Call(queue_id="q", offered=after(60), abandoned=after(70))
    tenant = tenant_of(early, through, within, endless, late)
    hour = "2026-01-01T12:00:00Z/2026-01-01T13:00:00Z"
    async with connected(tenant=tenant, detail_matching="overlap") as client:
        answer = await details(client, interval=hour)

    assert starts(answer) == ["01-01T11:40", "01-01T11:50", "01-01T12:00"]
    assert answer.json["totalHits"] == 3


@pytest.mark.parametrize(
    ("order", "order_by", "expected"),
    [
        ("asc", "conversationStart", [0, 10, 20]),
        ("desc", "conversationStart", [20, 10, 0]),
        ("asc", "conversationEnd", [10, 0, 20]),
        ("desc", "conversationEnd", [20, 0, 10]),
        ("asc", "segmentStart", [0, 10, 20]),
        ("desc", "segmentEnd", [0, 20, 10]),
        (None, None, [0, 10, 20]),
    ],
)
async def test_rows_are_ordered(
    order: str | None, order_by: str | None, expected: list[int]
) -> None:
    """By start, by default; what has not ended counts as ending last."""
    calls = (
        Call(queue_id="q", offered=after(10), abandoned=after(15)),
        Call(queue_id="q", offered=after(20)),
        Call(queue_id="q", offered=after(0), abandoned=after(30)),
    )
    async with connected(tenant=tenant_of(*calls)) as client:
        answer = await details(client, order=order, orderBy=order_by)

    assert [int(start[-2:]) for start in starts(answer)] == expected


async def test_rows_of_one_instant_are_ordered_by_id() -> None:
    """So that no row moves to another page between two requests."""
    rows = [conversation(number, ms_of_noon(), None) for number in (3, 1, 2)]
    async with connected(tenant=tenant_of(documents=tuple(rows))) as client:
        shown = (await details(client)).json["conversations"]

    assert [row["conversationId"] for row in shown] == ["c01", "c02", "c03"]


async def test_without_order_the_rows_are_the_same() -> None:
    """Only their order is another one."""
    async with connected(tenant=every_hour()) as client:
        ordered = hours(await details(client))
        unordered = hours(await details(client, order="unordered"))

    assert unordered != ordered
    assert sorted(unordered) == ordered


NONE_OF_IT = [{"type": "and", "predicates": []}]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"interval": None}, "interval of the query is required"),
        ({"interval": "2026-01-02"}, "ISO-8601"),
        ({"interval": "2026-01-02T00:00:00Z/2026-01-01T00:00:00Z"}, "must end after"),
        ({"granularity": "P1D"}, "[ConversationQuery]"),
        ({"limit": 5}, "[ConversationQuery]"),
        ({"startOfDayIntervalMatching": True}, "[ConversationQuery]"),
        ({"paging": {"pageSize": 101, "pageNumber": 1}}, "pageSize must be"),
        ({"paging": {"pageSize": 0, "pageNumber": 1}}, "pageSize must be"),
        ({"paging": {"pageSize": 100, "pageNumber": 0}}, "pageNumber must be"),
        ({"paging": {"pageSize": 100}}, "[Integer]"),
        ({"paging": {"pageSize": "100", "pageNumber": 1}}, "[Integer]"),
        ({"paging": {"pageSize": 1, "pageNumber": 1, "cursor": ""}}, "[PagingSpec]"),
        ({"order": "up"}, "asc, desc, unordered"),
        ({"orderBy": "queueId"}, "segmentEnd"),
        ({"segmentFilters": {}}, "[SegmentDetailQueryFilter]"),
        ({"segmentFilters": [{"predicates": []}]}, "and, or"),
        ({"segmentFilters": [{"type": "and", "clauses": NONE_OF_IT}]}, "at least one"),
        ({"aggregations": [{"type": "sum"}]}, "termFrequency, numericRange"),
        ({"aggregations": [{"type": "numericRange", "ranges": [{"lt": "5"}]}]}, "[5]"),
        ({"interval": WEEK.replace("08T00:00:00", "08T00:00:01")}, "limit of 7 days"),
        ({"interval": MONTH.replace("02-01", "02-02"), **ON_QUEUE}, "limit of 31 days"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    body: dict[str, Any], message: str
) -> None:
    """With a 400 whose message says what is wrong."""
    async with connected(tenant=every_hour()) as client:
        answer = await details(client, **body)

    assert answer.status == 400
    assert message in answer.json["message"]


@pytest.mark.parametrize(
    "body",
    [
        {"interval": WEEK},
        {"interval": MONTH, **ON_QUEUE},
        {"aggregations": [{"type": "termFrequency", "dimension": "x", "size": 10}]},
        {"aggregations": [{"type": "numericRange", "ranges": [{"gte": 0, "lt": 5}]}]},
        {"conversationFilters": [], "evaluationFilters": [], "surveyFilters": None},
        {"conversationFilters": [{"type": "and"}]},
    ],
)
async def test_what_makes_sense_is_answered(body: dict[str, Any]) -> None:
    """The longest intervals, aggregations, and filters that take everything."""
    async with connected(tenant=every_hour()) as client:
        answer = await details(client, **body)

    assert answer.json["totalHits"] == 24


async def test_a_body_must_be_json() -> None:
    """A text that is none is refused as a value of the model."""
    async with connected(tenant=every_hour()) as client:
        kind = {**client.headers, "Content-Type": "application/json"}
        answer = await client.request("POST", CONVERSATIONS, data=b"{", headers=kind)

    assert answer.status == 400
    assert "[ConversationQuery]" in answer.json["message"]


async def test_it_takes_its_permission() -> None:
    """Without it the answer is a 403 that names it."""
    role = frozenset({"analytics:userDetail:view"})
    async with connected(tenant=every_hour(), permissions=role) as client:
        answer = await details(client)

    assert answer.status == 403
    assert "analytics:conversationDetail:view" in answer.json["message"]


async def test_late_rows_come_after_so_many_queries() -> None:
    """Until then neither rows nor total know them; refused queries do not count."""
    first = conversation(1, ms_of_noon(), None)
    late = replace(conversation(2, ms_of_noon(), None), shown_after=2)
    async with connected(tenant=tenant_of(documents=(first, late))) as client:
        refused = await details(client, order="up")
        totals = [(await details(client)).json["totalHits"] for _ in range(4)]

    assert refused.status == 400
    assert totals == [1, 1, 2, 2]


async def test_late_rows_come_when_released() -> None:
    """Rows held back without end wait for the word."""
    held = replace(conversation(1, ms_of_noon(), None), shown_after=math.inf)
    async with connected(tenant=tenant_of(documents=(held,))) as client:
        before = [(await details(client)).json for _ in range(3)]
        client.simulator.release_late()
        then = (await details(client)).json

    assert before == [{"totalHits": 0}] * 3
    assert then["totalHits"] == 1


async def test_documents_stand_among_the_calls() -> None:
    """A tenant's documents are found beside the conversations of its calls."""
    between = conversation(1, ms_of_noon() + 90_000, None)
    tenant = tenant_of(
        Call(queue_id="q", offered=after(1)),
        Call(queue_id="q", offered=after(2)),
        documents=(between,),
    )
    async with connected(tenant=tenant) as client:
        rows = (await details(client)).json["conversations"]

    assert [row["conversationId"] == "c01" for row in rows] == [False, True, False]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, [11, 12]),
        ({"startOfDayIntervalMatching": False}, [11, 12]),
        ({"startOfDayIntervalMatching": True}, list(range(24))),
        ({"startOfDayIntervalMatching": True, "limit": 3}, [0, 1, 2]),
        ({"order": "desc", "limit": 1}, [12]),
    ],
)
def test_a_job_means_what_went_on(more: dict[str, Any], expected: list[int]) -> None:
    """By overlap, unless it asks for days of start; and no more than its limit."""
    interval = "2026-01-01T11:30:00Z/2026-01-01T12:30:00Z"
    query = read_async(json_of(interval=interval, **more))

    rows = find_conversations(every_hour(), query)

    assert [(row.start_ms // 3_600_000) % 24 for row in rows] == expected


def test_attributes_show_on_demand() -> None:
    """Each participant shows its own, before what else it has; texts are left alone."""
    row = Document(
        id="c",
        start_ms=0,
        end_ms=None,
        json=(
            b'{"participants":[{"participantId":"a"},{"participantId":"b",'
            b'"participantName":"\\"participantId\\":"},{"participantId":"c"}]}'
        ),
        attributes=(b'{"n":"1"}', b"{}"),
    )

    assert row.body(attributes=False) == row.json
    assert row.body(attributes=True) == (
        b'{"participants":[{"attributes":{"n":"1"},"participantId":"a"},'
        b'{"attributes":{},"participantId":"b",'
        b'"participantName":"\\"participantId\\":"},{"participantId":"c"}]}'
    )


def ms_of_noon() -> int:
    return int(after(0).timestamp() * 1000)


def json_of(**body: Any) -> bytes:
    return orjson.dumps(body)
