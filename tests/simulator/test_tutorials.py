"""The two tutorials' endpoints and their token request, seen from the wire."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gcbatch.simulator import (
    Call,
    Fault,
    Observation,
    Queue,
    Tenant,
    WrapUpCode,
    generate_calls,
    sample_tenant,
)
from gcbatch.simulator.faults.faults import Kind
from tests.support.simulator_client import Client as BaseClient
from tests.support.simulator_client import client_of

REPORT = "/api/v2/analytics/conversations/aggregates/query"
SUMMARY = "/api/v2/analytics/queues/summary"
TOKEN = "/v2/oauth/token"
COUNTS = ("offerCount", "handledCount", "abandonedCount")
FIGURES = ("totalHandled", "totalAbandoned", "serviceLevel", "avgHandleTime")

NINE = datetime(2026, 1, 1, 9, tzinfo=UTC)
START, END = NINE - timedelta(hours=1), NINE + timedelta(hours=3)
QUARTER = timedelta(minutes=15)


def at(minutes: float) -> datetime:
    """Return nine o'clock and so many minutes."""
    return NINE + timedelta(minutes=minutes)


ANSWERED = Call(queue_id="a", offered=at(0), answered=at(0.25), ended=at(70))
LATE = Call(queue_id="a", offered=at(1), answered=at(2), ended=at(4))
GIVEN_UP = Call(queue_id="b", offered=at(59), abandoned=at(61))
TALKING = Call(queue_id="b", offered=at(90), answered=at(90))
QUEUES = (
    Queue(id="a", name="Alpha"),
    Queue(id="b", name="Beta", deleted=True),
    Queue(id="c", name="Alpha", service_level_ms=40_000),
)
SMALL = Tenant(
    name="S", version="1", calls=(ANSWERED, LATE, GIVEN_UP, TALKING), queues=QUEUES
)
MANY = Tenant(
    name="M",
    version="1",
    calls=generate_calls(3, QUEUES, START, END, per_day=6_000),
    queues=QUEUES,
)
"""A thousand calls in four hours, some of them answered or over later."""


def text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat("T", "milliseconds")[:-6] + "Z"


def report(start: datetime = START, end: datetime = END, **more: Any) -> dict[str, Any]:
    """Return a good first question; a key given as None is left out."""
    query = {
        "dateRange": {"from": text(start), "to": text(end)},
        "interval": "PT1H",
        "groupBys": ["queue"],
        "metrics": [*COUNTS, "serviceLevelPercent", "handleTime"],
        **more,
    }
    return {name: value for name, value in query.items() if value is not None}


def summary(
    start: datetime = START, end: datetime = END, **more: Any
) -> dict[str, Any]:
    """Return a good second question; a key given as None is left out."""
    query = {
        "dateFrom": text(start),
        "dateTo": text(end),
        "interval": "PT1H",
        "metrics": list(FIGURES),
        "groupings": [{"name": "queue", "type": "queue"}],
        **more,
    }
    return {name: value for name, value in query.items() if value is not None}


def of_queue(*queue_ids: str, join: str = "AND") -> dict[str, Any]:
    return {
        "type": join,
        "predicates": [
            {"type": "EQUALS", "field": "queue.id", "value": queue_id}
            for queue_id in queue_ids
        ],
    }


def queues_named(*queue_ids: str) -> dict[str, Any]:
    return {"name": "queue", "type": "queue", "values": list(queue_ids)}


def of_media(*media: str, **change: Any) -> dict[str, Any]:
    condition: dict[str, Any] = {"type": "conversation", "path": "type"}
    condition |= {"operator": "in", "value": list(media), **change}
    return {"filter": {"type": "conversation", "or": [condition]}}


class Client(BaseClient):
    """Asks, and turns pages."""

    async def post(
        self, path: str, body: Any, **params: str
    ) -> tuple[int, dict[str, Any]]:
        async with self.session.post(
            path, json=body, params=params, headers=self.headers
        ) as response:
            return response.status, await response.json()

    async def log_in(self) -> None:
        _, answer = await self.post(
            TOKEN,
            {
                "grant_type": "client_credentials",
                "client_id": "simulator",
                "client_secret": "simulator-secret",
            },
        )
        self.headers = {"Authorization": f"Bearer {answer['access_token']}"}

    async def good(self, path: str, body: Any, **params: str) -> dict[str, Any]:
        status, answer = await self.post(path, body, **params)
        assert status == 200, answer
        return answer

    async def report_pages(
        self, body: Any, at_most: int = 99, **params: str
    ) -> list[dict[str, Any]]:
        pages = [await self.good(REPORT, body, **params)]
        while len(pages) < at_most and (token := pages[-1].get("nextPageId")):
            pages.append(await self.good(REPORT, body, pageId=token, **params))
        return pages

    async def summary_pages(
        self, body: dict[str, Any], at_most: int = 99
    ) -> list[dict[str, Any]]:
        pages = [await self.good(SUMMARY, body)]
        while len(pages) < at_most and (token := pages[-1]["nextPageToken"]):
            pages.append(await self.good(SUMMARY, {**body, "nextPageToken": token}))
        return pages

    async def entities(self, body: Any, size: int = 250) -> list[dict[str, Any]]:
        pages = await self.report_pages(body, pageSize=str(size))
        return [entity for page in pages for entity in page["entities"]]

    async def rows(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        return [row for page in await self.summary_pages(body) for row in page["data"]]


def connected(
    tenant: Tenant = SMALL, *faults: Fault, **options: Any
) -> AbstractAsyncContextManager[Client]:
    return client_of(Client, tenant, *faults, **options)


def in_buckets(
    instants: Iterable[datetime | None], step: timedelta = timedelta(hours=1)
) -> Counter[str]:
    """Count those in [START, END) by the start of their bucket."""
    found = [instant for instant in instants if instant and START <= instant < END]
    return Counter(text(START + (one - START) // step * step) for one in found)


def in_time(call: Call, queues: tuple[Queue, ...] = QUEUES) -> bool:
    (limit_ms,) = (q.service_level_ms for q in queues if q.id == call.queue_id)
    assert call.answered
    return call.answered - call.offered <= timedelta(milliseconds=limit_ms)


# the first tutorial's question


async def test_an_entity_has_the_tutorials_shape() -> None:
    """Date, name of the queue, and for each metric intervals with data and total."""
    async with connected() as client:
        answer = await client.good(REPORT, report())

    assert answer == {
        "entities": [
            {
                "date": "2026-01-01T09:00:00.000Z",
                "groupByValues": ["Alpha"],
                "metrics": {
                    "offerCount": {"count": 1, "sum": 2},
                    "handledCount": {"count": 1, "sum": 2},
                    "abandonedCount": {"count": 0, "sum": 0},
                    "serviceLevelPercent": {"count": 1, "sum": 50.0},
                    "handleTime": {"count": 1, "sum": 120.0},
                },
            },
            {
                "date": "2026-01-01T09:00:00.000Z",
                "groupByValues": ["Beta"],
                "metrics": {
                    "offerCount": {"count": 1, "sum": 1},
                    "handledCount": {"count": 0, "sum": 0},
                    "abandonedCount": {"count": 0, "sum": 0},
                    "serviceLevelPercent": {"count": 0, "sum": None},
                },
            },
            {
                "date": "2026-01-01T10:00:00.000Z",
                "groupByValues": ["Alpha"],
                "metrics": {
                    "offerCount": {"count": 0, "sum": 0},
                    "handledCount": {"count": 0, "sum": 0},
                    "abandonedCount": {"count": 0, "sum": 0},
                    "serviceLevelPercent": {"count": 0, "sum": None},
                    "handleTime": {"count": 1, "sum": 4185.0},
                },
            },
            {
                "date": "2026-01-01T10:00:00.000Z",
                "groupByValues": ["Beta"],
                "metrics": {
                    "offerCount": {"count": 1, "sum": 1},
                    "handledCount": {"count": 1, "sum": 1},
                    "abandonedCount": {"count": 1, "sum": 1},
                    "serviceLevelPercent": {"count": 1, "sum": 100.0},
                },
            },
        ]
    }


async def test_counts_land_where_they_happen() -> None:
    """Offers, answers and abandons of every quarter equal a count of the calls."""
    body = report(interval="PT15M", filter=of_queue("a"))
    calls = [call for call in MANY.calls if call.queue_id == "a"]
    async with connected(MANY) as client:
        entities = await client.entities(body)

    counts = {
        name: Counter({e["date"]: e["metrics"][name]["sum"] for e in entities})
        for name in COUNTS
    }
    assert +counts["offerCount"] == in_buckets((c.offered for c in calls), QUARTER)
    assert +counts["handledCount"] == in_buckets((c.answered for c in calls), QUARTER)
    assert +counts["abandonedCount"] == in_buckets(
        (c.abandoned for c in calls), QUARTER
    )


async def test_handle_time_is_in_seconds_where_it_ends() -> None:
    """The sum of every hour equals that of the calls that end in it."""
    body = report(metrics=["handleTime"], filter=of_queue("b"))
    ended = [call for call in MANY.calls if call.queue_id == "b" and call.ended]
    sums: defaultdict[str, float] = defaultdict(float)
    for call in ended:
        if call.answered and call.ended and START <= call.ended < END:
            hour = text(call.ended.replace(minute=0, second=0, microsecond=0))
            sums[hour] += (call.ended - call.answered).total_seconds()
    async with connected(MANY) as client:
        entities = await client.entities(body)

    times = {e["date"]: e["metrics"]["handleTime"] for e in entities}
    assert {date: time["sum"] for date, time in times.items()} == pytest.approx(sums)
    assert {time["count"] for time in times.values()} == {1}


async def test_the_level_is_that_of_the_handled_calls() -> None:
    """Answered within the queue's own threshold, in percent of all answered."""
    body = report(metrics=["serviceLevelPercent"], filter=of_queue("c"))
    handled = [c for c in MANY.calls if c.queue_id == "c" and c.answered]
    good = in_buckets(c.answered for c in handled if in_time(c))
    async with connected(MANY) as client:
        entities = await client.entities(body)

    assert len(entities) == 4
    for entity in entities:
        level = entity["metrics"]["serviceLevelPercent"]
        of_hour = in_buckets(c.answered for c in handled)[entity["date"]]
        assert level["count"] == 1 < of_hour
        assert level["sum"] == pytest.approx(100 * good[entity["date"]] / of_hour)


async def test_wrap_up_time_is_there_where_something_posts_it() -> None:
    """Calls have none; an observation of `tAcw` does, in seconds."""
    acw = Observation(
        family="Conversation",
        metric="tAcw",
        instant=at(5),
        value=2500,
        dimensions={"queueId": "a"},
    )
    other = Observation(family="Conversation", metric="tAcw", instant=at(5))
    body = report(metrics=["wrapUpTime"])
    tenant = Tenant(name="T", version="1", observations=(acw, other), queues=QUEUES)
    async with connected() as client:
        without = await client.entities(body)
    async with connected(tenant) as client:
        (entity,) = await client.entities(body)

    assert without == []
    assert entity["metrics"] == {"wrapUpTime": {"count": 1, "sum": 2.5}}


@pytest.mark.parametrize("groups", [["queue", "skill"], ["skill", "queue"]])
async def test_values_stand_in_the_order_of_the_groups(groups: list[str]) -> None:
    """Each skill of a queue is an entity of its own; without one it is null."""
    offers = tuple(
        Observation(
            family="Conversation",
            metric="nOffered",
            instant=at(5),
            value=value,
            dimensions={"queueId": "a", **skill},
        )
        for value, skill in [
            (3, {"requestedRoutingSkillId": "Irish"}),
            (2, {"requestedRoutingSkillId": "French"}),
            (5, {}),
        ]
    )
    tenant = Tenant(name="T", version="1", observations=offers, queues=QUEUES)
    body = report(groupBys=groups, metrics=["offerCount"])
    async with connected(tenant) as client:
        entities = await client.entities(body)

    found = [
        (dict(zip(groups, e["groupByValues"], strict=True)), e["metrics"]["offerCount"])
        for e in entities
    ]
    assert found == [
        ({"queue": "Alpha", "skill": None}, {"count": 1, "sum": 5}),
        ({"queue": "Alpha", "skill": "French"}, {"count": 1, "sum": 2}),
        ({"queue": "Alpha", "skill": "Irish"}, {"count": 1, "sum": 3}),
    ]


async def test_a_wrap_up_code_has_its_name() -> None:
    """Handling is of a code; the offer before it is of none."""
    call = replace(LATE, wrap_up_code="c1")
    codes = (WrapUpCode(id="c1", name="Sold"),)
    tenant = replace(SMALL, calls=(call,), wrap_up_codes=codes)
    body = report(
        groupBys=["queue", "wrapUpCode"], metrics=["offerCount", "handleTime"]
    )
    async with connected(tenant) as client:
        entities = await client.entities(body)

    assert [
        (e["groupByValues"], e["metrics"]["offerCount"]["sum"]) for e in entities
    ] == [
        (["Alpha", None], 1),
        (["Alpha", "Sold"], 0),
    ]


async def test_queues_of_one_name_stay_apart() -> None:
    """Each is an entity of its own, and one without a name has null."""
    calls = [
        Call(queue_id=queue_id, offered=at(1), abandoned=at(2))
        for queue_id in ("a", "c", "unknown")
    ]
    tenant = Tenant(name="T", version="1", calls=tuple(calls), queues=QUEUES)
    async with connected(tenant) as client:
        entities = await client.entities(report())

    assert [e["groupByValues"] for e in entities] == [[None], ["Alpha"], ["Alpha"]]


@pytest.mark.parametrize(
    ("given", "dates"),
    [
        pytest.param("PT1H", ["08:30", "09:30"], id="hours from the start"),
        pytest.param("PT40M", ["08:30", "09:50"], id="no part of a day"),
        pytest.param("P1D", ["08:30"], id="24 hours"),
        pytest.param("P1W", ["08:30"], id="a week"),
        pytest.param(None, ["08:30"], id="one bucket"),
    ],
)
async def test_buckets_are_counted_from_the_start(
    given: str | None, dates: list[str]
) -> None:
    """In elapsed time, whatever the clock shows."""
    body = report(START + timedelta(minutes=30), interval=given, filter=of_queue("a"))
    async with connected() as client:
        entities = await client.entities(body)

    assert [entity["date"][11:16] for entity in entities] == dates


async def test_the_end_is_not_part_of_the_range() -> None:
    """What happens then is not counted, what happens at the start is."""
    async with connected() as client:
        before = await client.entities(report(START, at(0)))
        (after,) = await client.entities(report(at(0), at(0.25)))

    assert before == []
    assert after["metrics"]["offerCount"] == {"count": 1, "sum": 1}
    assert after["metrics"]["handledCount"] == {"count": 0, "sum": 0}


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (of_queue("a"), ["Alpha"]),
        (of_queue("a", "b"), []),
        (of_queue("a", "b", join="OR"), ["Alpha", "Beta"]),
        (of_queue(), ["Alpha", "Beta"]),
        (of_queue("unknown"), []),
        (
            {
                "type": "AND",
                "predicates": [
                    {"type": "EQUALS", "field": "mediaType", "value": "chat"}
                ],
            },
            [],
        ),
    ],
)
async def test_a_filter_keeps_what_equals(
    given: dict[str, Any], names: list[str]
) -> None:
    """Predicates are joined by AND or OR."""
    async with connected() as client:
        entities = await client.entities(report(filter=given))

    assert sorted({e["groupByValues"][0] for e in entities}) == names


# the second tutorial's question


async def test_a_row_has_the_tutorials_shape() -> None:
    """Queue, start of the bucket, and a number for each metric."""
    async with connected() as client:
        answer = await client.good(SUMMARY, summary())

    assert answer == {
        "data": [
            {
                "queue": {"id": "a", "name": "Alpha"},
                "interval": "2026-01-01T09:00:00.000Z",
                "totalHandled": 2,
                "totalAbandoned": 0,
                "serviceLevel": 50.0,
                "avgHandleTime": (4185 + 120) / 2,
            },
            {
                "queue": {"id": "b", "name": "Beta", "deleted": True},
                "interval": "2026-01-01T10:00:00.000Z",
                "totalHandled": 1,
                "totalAbandoned": 1,
                "serviceLevel": 100.0,
                "avgHandleTime": 0.0,
            },
        ],
        "nextPageToken": None,
    }


async def test_without_an_interval_a_row_is_the_whole_window() -> None:
    """It has no `interval`, and only what was asked for."""
    body = summary(interval=None, metrics=["totalHandled"])
    async with connected() as client:
        rows = await client.rows(body)

    assert rows == [
        {"queue": {"id": "a", "name": "Alpha"}, "totalHandled": 2},
        {"queue": {"id": "b", "name": "Beta", "deleted": True}, "totalHandled": 1},
    ]


async def test_a_bucket_without_an_answer_has_no_level() -> None:
    """Level and average are null, the counts are not."""
    body = summary(end=at(61.5), interval="PT30M", groupings=[queues_named("b")])
    async with connected() as client:
        (row,) = await client.rows(body)

    assert (row["totalHandled"], row["totalAbandoned"]) == (0, 1)
    assert (row["serviceLevel"], row["avgHandleTime"]) == (None, None)


async def test_a_queue_may_have_no_name() -> None:
    """One that the organisation does not know, or that has an empty one."""
    calls = tuple(
        Call(queue_id=queue_id, offered=at(1), answered=at(2), ended=at(3))
        for queue_id in ("empty", "unknown")
    )
    gone = Queue(id="empty", name="", deleted=True)
    tenant = Tenant(name="T", version="1", calls=calls, queues=(gone,))
    async with connected(tenant) as client:
        rows = await client.rows(summary())

    assert [row["queue"] for row in rows] == [
        {"id": "empty", "name": None, "deleted": True},
        {"id": "unknown", "name": None},
    ]


@pytest.mark.parametrize(
    ("media", "handled"),
    [(("voice",), [2, 1]), (("email", "voice"), [2, 1]), (("chat",), [])],
)
async def test_a_filter_names_media(media: tuple[str, ...], handled: list[int]) -> None:
    """A call counts if it is of one of them; without a filter all do."""
    async with connected() as client:
        rows = await client.rows(summary(**of_media(*media)))

    assert [row["totalHandled"] for row in rows] == handled


async def test_handle_time_counts_where_the_call_is_answered() -> None:
    """Σ(handled x average) is that of the calls answered in the range."""
    seconds = Counter[str]()
    for call in MANY.calls:
        if call.answered and call.ended and START <= call.answered < END:
            spent = (call.ended - call.answered).total_seconds()
            seconds[call.queue_id] += round(1000 * spent)
    async with connected(MANY) as client:
        rows = await client.rows(summary(interval="PT15M"))

    found: defaultdict[str, float] = defaultdict(float)
    for row in rows:
        if row["totalHandled"]:
            spent = row["totalHandled"] * row["avgHandleTime"]
            found[row["queue"]["id"]] += 1000 * spent
    assert found == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("groupings", "ids"),
    [
        ([queues_named("a")], {"a"}),
        ([queues_named("a", "b")], {"a", "b"}),
        ([{"name": "queue", "type": "queue", "values": None}], {"a", "b"}),
        ([queues_named("unknown")], set()),
        ([{"name": "queue", "type": "queue"}, queues_named("b")], {"b"}),
    ],
)
async def test_a_grouping_may_name_its_queues(
    groupings: list[dict[str, Any]], ids: set[str]
) -> None:
    """Without values it takes all; the tutorial's own two take those that one names."""
    async with connected() as client:
        rows = await client.rows(summary(groupings=groupings))

    assert {row["queue"]["id"] for row in rows} == ids


# both, and the service's own question


async def test_three_endpoints_agree_on_the_sample_week() -> None:
    """Answered, abandoned and handle time of each queue are the same by each."""
    tenant = sample_tenant()
    start = datetime(1999, 7, 31, 21, tzinfo=UTC)
    end = start + timedelta(days=7)
    real: dict[str, tuple[Any, ...]] = {}
    first: dict[str, tuple[Any, ...]] = {}
    async with connected(tenant) as client:
        answer = await client.good(
            REPORT,
            {
                "interval": f"{text(start)}/{text(end)}",
                "groupBy": ["queueId"],
                "metrics": ["tAnswered", "tAbandon", "tHandle"],
            },
        )
        for result in answer["results"]:
            stats = {m["metric"]: m["stats"] for m in result["data"][0]["metrics"]}
            real[result["group"]["queueId"]] = (
                stats["tAnswered"]["count"],
                stats["tAbandon"]["count"],
                stats["tHandle"]["sum"] / 1000,
            )
        for queue in tenant.queues:
            body = report(start, end, filter=of_queue(queue.id))
            metrics = [entity["metrics"] for entity in await client.entities(body)]
            first[queue.id] = (
                sum(m["handledCount"]["sum"] for m in metrics),
                sum(m["abandonedCount"]["sum"] for m in metrics),
                sum(m.get("handleTime", {"sum": 0})["sum"] for m in metrics),
            )
        second = await client.rows(summary(start, end, interval=None))

    assert first == real
    assert {
        row["queue"]["id"]: (
            row["totalHandled"],
            row["totalAbandoned"],
            pytest.approx(row["totalHandled"] * row["avgHandleTime"], rel=1e-9),
        )
        for row in second
    } == real


async def test_the_services_own_question_stays_what_it_is() -> None:
    """A body without `dateRange` is read as strictly as ever."""
    own = {"interval": f"{text(START)}/{text(END)}", "metrics": ["nOffered"]}
    async with connected() as client:
        good = await client.good(REPORT, own)
        status, refused = await client.post(REPORT, {**own, "groupBys": ["queue"]})
        _, no_object = await client.post(REPORT, [])

    assert good["results"][0]["data"][0]["metrics"][0]["stats"] == {"count": 4}
    assert (status, refused["code"]) == (400, "invalid.value")
    assert "[ConversationAggregationQuery]" in no_object["message"]


async def test_a_body_that_is_no_json_is_refused() -> None:
    """By both addresses."""
    async with connected() as client:
        answers = []
        for path in (REPORT, SUMMARY):
            async with client.session.post(
                path,
                data=b"{",
                headers={**client.headers, "Content-Type": "application/json"},
            ) as response:
                answers.append((response.status, (await response.json())["code"]))

    assert answers == [(400, "invalid.value")] * 2


PREDICATE = {"type": "EQUALS", "field": "queue.id", "value": "a"}


def filtered(**change: Any) -> dict[str, Any]:
    return {
        "filter": {"type": "AND", "predicates": [PREDICATE | change]},
    }


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        pytest.param({"interval": "hour"}, "invalid.value", "Value [hour]", id="word"),
        pytest.param({"interval": "PT0S"}, "invalid.value", "[Duration]", id="zero"),
        pytest.param({"interval": "P1M"}, "invalid.value", "[P1M]", id="months"),
        pytest.param({"interval": 60}, "invalid.value", "[60]", id="seconds"),
        pytest.param({"metrics": None}, "bad.request", "metric", id="no metrics"),
        pytest.param(
            {"metrics": ["nOffered"]},
            "invalid.value",
            "Value [nOffered] is not valid for field type",
            id="the service's metric",
        ),
        pytest.param({"timeZone": "UTC"}, "invalid.value", "Query]", id="unknown key"),
        pytest.param({"filter": []}, "invalid.value", "[Filter]", id="filter list"),
    ],
)
@pytest.mark.parametrize(("path", "question"), [(REPORT, report), (SUMMARY, summary)])
async def test_both_refuse(
    path: str, question: Any, change: dict[str, Any], code: str, words: str
) -> None:
    """The answer is a 400 whose text says what is wrong."""
    async with connected() as client:
        status, answer = await client.post(path, question(**change))

    assert (status, answer["code"]) == (400, code)
    assert words in answer["message"]


def between(start: Any, end: Any) -> dict[str, Any]:
    return {"dateRange": {"from": start, "to": end}}


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        pytest.param({"dateRange": {}}, "invalid.date", "ISO-8601", id="no dates"),
        pytest.param({"dateRange": []}, "invalid.value", "[DateRange]", id="list"),
        pytest.param(
            {"dateRange": {"start": text(START), "end": text(END)}},
            "invalid.value",
            "[DateRange]",
            id="other words",
        ),
        pytest.param(between("2026-01-01", text(END)), "invalid.date", "ISO", id="day"),
        pytest.param(between(7, text(END)), "invalid.date", "ISO", id="number"),
        pytest.param(
            between("2026-02-30T00:00:00Z", text(END)), "invalid.date", "ISO", id="30"
        ),
        pytest.param(between(text(END), text(START)), "bad.request", "end", id="back"),
        pytest.param(
            between(text(END), text(END)), "bad.request", "end after", id="none"
        ),
        pytest.param({"groupBys": []}, "bad.request", "queue, skill", id="no group"),
        pytest.param({"groupBys": ["skill"]}, "bad.request", "queue", id="no queue"),
        pytest.param(
            {"groupBys": ["queueId"]}, "invalid.value", "queue, skill", id="group"
        ),
        pytest.param({"filter": {}}, "invalid.value", "AND, OR", id="filter type"),
        pytest.param(
            {"filter": {"type": "AND", "clauses": []}},
            "invalid.value",
            "[Filter]",
            id="clauses",
        ),
        pytest.param(filtered(type="IN"), "invalid.value", "EQUALS", id="operator"),
        pytest.param(
            filtered(field="queue"), "invalid.value", "queue.id, mediaType", id="field"
        ),
        pytest.param(filtered(value=7), "invalid.value", "[String]", id="value"),
        pytest.param(filtered(more=1), "invalid.value", "[Predicate]", id="more"),
        pytest.param(
            {"groupBys": "queue"}, "invalid.value", "[IntervalReportGroup]", id="text"
        ),
    ],
)
async def test_the_report_refuses(
    change: dict[str, Any], code: str, words: str
) -> None:
    """What only the first question has."""
    async with connected() as client:
        status, answer = await client.post(REPORT, report(**change))

    assert (status, answer["code"]) == (400, code)
    assert words in answer["message"]


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        pytest.param({"dateFrom": None}, "invalid.date", "ISO-8601", id="no date"),
        pytest.param(
            {"dateTo": "2026-01-02T00:00:00+00:00"}, "invalid.date", "ISO", id="offset"
        ),
        pytest.param({"dateTo": "Z"}, "invalid.date", "ISO-8601", id="Z alone"),
        pytest.param({"dateTo": text(START)}, "bad.request", "end after", id="empty"),
        pytest.param({"groupings": None}, "bad.request", "grouping", id="no grouping"),
        pytest.param({"groupings": {}}, "invalid.value", "[Grouping]", id="object"),
        pytest.param(
            {"groupings": ["queue"]}, "invalid.value", "[Grouping]", id="word"
        ),
        pytest.param(
            {"groupings": [{"name": "queueId", "type": "queue"}]},
            "invalid.value",
            "[GroupingName]",
            id="name",
        ),
        pytest.param(
            {"groupings": [{"name": "queue"}]},
            "invalid.value",
            "[GroupingType]",
            id="no type",
        ),
        pytest.param(
            {"groupings": [{"name": "queue", "type": "QUEUE"}]},
            "invalid.value",
            "[GroupingType]",
            id="capitals",
        ),
        pytest.param({"filter": {}}, "invalid.value", "[FilterType]", id="filter type"),
        pytest.param(
            {"filter": of_queue("a")}, "invalid.value", "[Filter]", id="predicates"
        ),
        pytest.param(of_media(), "bad.request", "names no media", id="no media"),
        pytest.param(
            of_media("voice", type="AND"),
            "invalid.value",
            "[ConditionType]",
            id="condition type",
        ),
        pytest.param(
            of_media("voice", path="mediaType"),
            "invalid.value",
            "[ConditionPath]",
            id="path",
        ),
        pytest.param(
            of_media("voice", operator="is"),
            "invalid.value",
            "[ConditionOperator]",
            id="operator",
        ),
        pytest.param(
            of_media("voice", value="voice"), "invalid.value", "[String]", id="media"
        ),
        pytest.param(
            {"groupings": [{"name": "queue", "type": "queue", "values": []}]},
            "bad.request",
            "empty",
            id="no values",
        ),
        pytest.param(
            {"groupings": [{"name": "queue", "type": "queue", "values": [1]}]},
            "invalid.value",
            "Value [1] is not valid for field type [String]",
            id="number",
        ),
    ],
)
async def test_the_summary_refuses(
    change: dict[str, Any], code: str, words: str
) -> None:
    """What only the second question has."""
    async with connected() as client:
        status, answer = await client.post(SUMMARY, summary(**change))

    assert (status, answer["code"]) == (400, code)
    assert words in answer["message"]


# pages


async def test_pages_of_the_report_join_up() -> None:
    """Any size gives the same entities; the last page has no `nextPageId`."""
    body = report(interval="PT5M")
    async with connected(MANY) as client:
        whole = await client.entities(body)
        pages = await client.report_pages(body, pageSize="7")
        unsaid = await client.good(REPORT, body)

    assert [e for page in pages for e in page["entities"]] == whole
    assert {len(page["entities"]) for page in pages[:-1]} == {7}
    assert "nextPageId" not in pages[-1]
    assert len(unsaid["entities"]) == 25


@pytest.mark.parametrize(
    ("size", "status"),
    [("250", 200), ("1", 200), ("251", 400), ("0", 400), ("many", 400), ("-1", 400)],
)
async def test_a_page_has_at_most_250(size: str, status: int) -> None:
    """A larger or senseless size is refused, not cut down."""
    async with connected() as client:
        seen, answer = await client.post(REPORT, report(), pageSize=size)

    assert seen == status
    assert status == 200 or "from 1 to 250" in answer["message"]


async def test_pages_of_the_summary_join_up() -> None:
    """The token in the body turns them; it is null on the last page."""
    body = summary(interval="PT5M")
    async with connected(MANY) as client:
        (whole,) = await client.summary_pages(body | {"interval": "PT30M"})
        hundreds = await client.summary_pages(body)
    async with connected(MANY, summary_page_size=7) as client:
        sevens = await client.summary_pages(body | {"interval": "PT30M"})

    assert [row for page in sevens for row in page["data"]] == whole["data"]
    assert {len(page["data"]) for page in sevens[:-1]} == {7}
    assert [len(page["data"]) for page in hundreds[:-1]] == [100]
    assert sevens[-1]["nextPageToken"] is None


async def test_a_full_last_page_has_no_next() -> None:
    """Two rows on pages of one are two pages."""
    async with connected(summary_page_size=1) as client:
        pages = await client.summary_pages(summary())

    assert [len(page["data"]) for page in pages] == [1, 1]


@pytest.mark.parametrize(
    "token",
    ["", "made-up", "2", "ü", "eyJhIjoxfQ==", "MDEyMzQ1Njc4OWFiY2RlZi4wMS4w", 7],
)
async def test_an_unknown_token_is_refused(token: Any) -> None:
    """Whether it is in the address or in the body."""
    async with connected() as client:
        first = await client.post(REPORT, report(), pageId=str(token))
        second = await client.post(SUMMARY, summary(nextPageToken=token))

    assert first[0] == second[0] == 400
    assert first[1]["message"].startswith("pageId is not a token")
    assert second[1]["message"].startswith("nextPageToken is not a token")


async def test_a_token_belongs_to_its_query() -> None:
    """A changed query beside it is refused; one written differently is the same."""
    async with connected(summary_page_size=1) as client:
        body = summary()
        token = (await client.good(SUMMARY, body))["nextPageToken"]
        turned = {"nextPageToken": token, **dict(reversed(body.items()))}
        same, _ = await client.post(SUMMARY, turned)
        changed, answer = await client.post(
            SUMMARY, summary(interval="PT2H", nextPageToken=token)
        )
        other, _ = await client.post(REPORT, report(), pageId=token)

    assert (same, changed, other) == (200, 400, 400)
    assert "another query" in answer["message"]


async def test_a_page_may_be_empty() -> None:
    """The rows come behind it, and its token is a new one."""
    empty = Fault("empty_page", nth=(2,))
    async with connected(SMALL, empty, summary_page_size=1) as client:
        rows = await client.summary_pages(summary())
        client.simulator.faults.add(Fault("empty_page", nth=(2,)))
        entities = await client.report_pages(report(), pageSize="3")

    assert [len(page["data"]) for page in rows] == [1, 0, 1]
    assert [len(page["entities"]) for page in entities] == [3, 0, 1]
    tokens = [page["nextPageToken"] for page in rows]
    assert len(set(tokens)) == 3


async def test_a_token_may_repeat() -> None:
    """Each page leads to itself."""
    fault = Fault("repeated_token", times=None, nth=tuple(range(2, 99)))
    async with connected(SMALL, fault) as client:
        pages = await client.report_pages(report(), at_most=4, pageSize="1")

    assert len({page["nextPageId"] for page in pages}) == 1
    assert pages[1:] == [pages[1]] * 3


async def test_tokens_may_go_round() -> None:
    """The last page leads back to the second."""
    fault = Fault("looping_tokens", times=None)
    async with connected(SMALL, fault) as client:
        pages = await client.report_pages(report(), at_most=8, pageSize="1")

    tokens = [page["nextPageId"] for page in pages]
    assert tokens[3:6] == tokens[:3]
    assert len(set(tokens)) == 3


# what goes wrong


async def spoilt(kind: Kind) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the answers of both endpoints."""
    async with connected(SMALL, Fault(kind, times=None)) as client:
        return (
            await client.good(REPORT, report()),
            await client.good(SUMMARY, summary()),
        )


async def test_levels_may_be_null() -> None:
    """Of every second bucket, although calls were handled."""
    first, second = await spoilt("null_levels")

    levels = [e["metrics"]["serviceLevelPercent"] for e in first["entities"]]
    assert levels[0] == {"count": 1, "sum": None}
    assert levels[3] == {"count": 1, "sum": 100.0}
    rows = [(row["totalHandled"], row["serviceLevel"]) for row in second["data"]]
    assert rows == [(2, None), (1, 100.0)]


async def test_levels_that_were_not_asked_for_stay_away() -> None:
    """Nulling them adds none."""
    async with connected(SMALL, Fault("null_levels", times=None)) as client:
        (entity, *_) = await client.entities(report(metrics=["offerCount"]))
        (row, *_) = await client.rows(summary(metrics=["totalHandled"]))

    assert list(entity["metrics"]) == ["offerCount"]
    assert "serviceLevel" not in row


async def test_names_may_be_null() -> None:
    """The ids stay."""
    first, second = await spoilt("nameless_queues")

    assert [e["groupByValues"] for e in first["entities"]] == [[None]] * 4
    assert [row["queue"]["name"] for row in second["data"]] == [None, None]
    assert [row["queue"]["id"] for row in second["data"]] == ["a", "b"]


async def test_offers_may_be_missing() -> None:
    """The other metrics stay, and the summary has none to lose."""
    first, second = await spoilt("no_offers")

    assert all("offerCount" not in e["metrics"] for e in first["entities"])
    assert all("handledCount" in e["metrics"] for e in first["entities"])
    assert second["data"][0]["totalHandled"] == 2


async def test_rows_may_be_missing() -> None:
    """The key is not there at all; the page's token is."""
    first, second = await spoilt("no_results")

    assert first == {}
    assert second == {"nextPageToken": None}


async def test_unknown_fields_appear() -> None:
    """On every level."""
    first, second = await spoilt("extra_fields")

    entity, row = first["entities"][0], second["data"][0]
    assert "newTopLevelKey" in first
    assert "newTopLevelKey" in second
    assert "newRowKey" in entity
    found = entity["metrics"]["offerCount"]
    assert found == {"count": 1, "sum": 2, "newInnerKey": 0.5}
    assert "newMetric" in entity["metrics"]
    assert "newRowKey" in row
    assert "newInnerKey" in row["queue"]


async def test_numbers_are_texts() -> None:
    """That are none; what is no number stays."""
    first, second = await spoilt("wrong_types")

    assert first["entities"][0]["metrics"]["handleTime"] == {
        "count": "many",
        "sum": "many",
    }
    assert second["data"][1]["totalHandled"] == "many"
    assert second["data"][1]["queue"]["deleted"] is True


async def test_numbers_have_decimal_points() -> None:
    """Whole ones too."""
    first, second = await spoilt("float_numbers")

    count = first["entities"][0]["metrics"]["offerCount"]["count"]
    handled = second["data"][1]["totalHandled"]
    assert isinstance(count, float)
    assert isinstance(handled, float)
    assert second["data"][1]["queue"]["deleted"] is True


async def test_a_bucket_comes_twice() -> None:
    """The first one, unchanged."""
    first, second = await spoilt("doubled_bucket")

    assert first["entities"][0] == first["entities"][1]
    assert second["data"][0] == second["data"][1]
    assert (len(first["entities"]), len(second["data"])) == (5, 3)


@pytest.mark.parametrize(
    ("kind", "start"),
    [
        ("outside_bucket", "2025-01-01T09:00:00.000Z"),
        ("overlapping_buckets", "2026-01-01T09:00:01.000Z"),
    ],
)
async def test_a_bucket_is_where_none_should_be(kind: Kind, start: str) -> None:
    """A year before the first, or a second after it."""
    first, second = await spoilt(kind)

    assert first["entities"][-1]["date"] == second["data"][-1]["interval"] == start


async def test_a_row_for_the_whole_window_moves_too() -> None:
    """Its date is the start of the window then."""
    async with connected(SMALL, Fault("outside_bucket")) as client:
        rows = await client.rows(summary(interval=None))

    assert "interval" not in rows[0]
    assert rows[-1]["interval"] == "2025-01-01T08:00:00.000Z"


async def test_instants_carry_an_offset() -> None:
    """The same instants, written two hours east."""
    first, second = await spoilt("offset_intervals")

    east = "2026-01-01T11:00:00.000+02:00"
    assert first["entities"][0]["date"] == second["data"][0]["interval"] == east


async def test_faults_of_rows_leave_other_answers_alone() -> None:
    """The service's own question is answered as ever."""
    own = {"interval": f"{text(START)}/{text(END)}", "metrics": ["nOffered"]}
    kinds: tuple[Kind, ...] = (
        *("null_levels", "nameless_queues", "no_offers"),
        *("empty_page", "repeated_token", "looping_tokens"),
    )
    faults = [Fault(kind, times=None) for kind in kinds]
    async with connected() as client:
        good = await client.good(REPORT, own)
        client.simulator.faults.add(*faults)
        same = await client.good(REPORT, own)

    assert same == good


async def test_a_fault_befalls_the_summary_too() -> None:
    """By default, and with the service's own body."""
    async with connected(SMALL, Fault("status", times=2)) as client:
        statuses = [
            (await client.post(path, body))[0]
            for path, body in ((SUMMARY, summary()), (REPORT, report())) * 2
        ]

    assert statuses == [503, 503, 200, 200]


# tokens, permissions, journal


async def test_data_requests_and_the_request_log_count_both() -> None:
    """With the body as it was sent; a refused question is no data request."""
    async with connected(requests_allowed=9) as client:
        await client.good(REPORT, report(), pageSize="3")
        await client.good(SUMMARY, summary())
        await client.post(SUMMARY, {})
        simulator = client.simulator
        async with client.session.post(
            SUMMARY, json=summary(), headers=client.headers
        ) as response:
            count = response.headers["inin-ratelimit-count"]

    token, first, second, *_ = simulator.request_log
    assert simulator.data_requests == 3
    assert (token.path, token.request) == (TOKEN, None)
    assert (first.request, first.query) == (report(), "pageSize=3")
    assert second.request == summary()
    assert count == "4"


@pytest.mark.parametrize(("path", "question"), [(REPORT, report), (SUMMARY, summary)])
async def test_both_need_the_permission_of_aggregates(path: str, question: Any) -> None:
    """Without it they are 403 and name it, with it they answer."""
    name = "analytics:conversationAggregate:view"
    async with connected(permissions=frozenset()) as client:
        status, refused = await client.post(path, question())
    async with connected(permissions=frozenset({name})) as client:
        await client.good(path, question())

    assert (status, refused["code"]) == (403, "missing.permissions")
    assert name in refused["message"]


async def test_the_summary_must_be_declared_as_json() -> None:
    """Any other type is 415."""
    async with (
        connected() as client,
        client.session.post(SUMMARY, data=b"{}", headers=client.headers) as response,
    ):
        assert response.status == 415


async def test_a_token_is_granted_for_a_json_body() -> None:
    """It is as good as any, and as short-lived."""
    async with connected(token_lifetime_s=0) as client:
        status, answer = await client.post(REPORT, report())
        granted = client.simulator.tokens_granted

    assert (status, answer["code"], granted) == (401, "bad.credentials", 1)


GRANT = {
    "grant_type": "client_credentials",
    "client_id": "simulator",
    "client_secret": "simulator-secret",
}


@pytest.mark.parametrize(
    ("body", "status", "error", "description"),
    [
        (GRANT | {"client_id": "x"}, 400, "invalid_client", "client not found"),
        ({}, 400, "invalid_client", "client not found"),
        (
            GRANT | {"client_secret": "x"},
            401,
            "invalid_client",
            "authentication failed",
        ),
        (
            GRANT | {"grant_type": "password"},
            400,
            "unsupported_grant_type",
            "grant type is not supported",
        ),
        ([], 400, "invalid_request", "the body is no JSON object"),
    ],
)
async def test_a_json_grant_is_refused_like_any(
    body: Any, status: int, error: str, description: str
) -> None:
    """With OAuth's body and the same words."""
    async with connected() as client:
        seen, answer = await client.post(TOKEN, body)

    assert seen == status
    assert answer == {
        "error": error,
        "description": description,
        "error_description": description,
    }


async def test_a_form_is_no_json_grant() -> None:
    """What `/oauth/token` takes is refused here."""
    async with (
        connected() as client,
        client.session.post(TOKEN, data=GRANT) as response,
    ):
        answer = await response.json()

    assert (response.status, answer["error"]) == (400, "invalid_request")
