"""Conversations and aggregates are of the same calls: both give the same figures."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import orjson
import pytest

from gcbatch.genesys.detail_models import CONVERSATION
from gcbatch.simulator import Call, Queue, Tenant, User, generate_calls, sample_tenant
from gcbatch.simulator.tenant.conversations import conversations_of
from tests.support.details_client import after, all_rows, details, tenant_of, unknown
from tests.support.job_client import connected

AGGREGATES = "/api/v2/analytics/conversations/aggregates/query"
METRICS = (
    *("nOffered", "nConnected", "nOverSla", "tAcd", "tAbandon", "tShortAbandon"),
    *("tAnswered", "tHandle", "tTalk", "tTalkComplete"),
)
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
MADE_UP = Tenant(
    name="Made up",
    version="1",
    queues=(
        Queue(id="a", name="A"),
        Queue(id="b", name="B", service_level_ms=5_000),
    ),
    calls=(
        *generate_calls(
            7,
            (Queue(id="a", name="A"), Queue(id="b", name="B"), Queue(id="c", name="")),
            MONDAY,
            MONDAY + timedelta(days=3),
            user_ids=("ann", "bob"),
            wrap_up_codes=("done",),
            media_types=("voice", "chat"),
        ),
        Call(queue_id="a", offered=MONDAY + timedelta(hours=9), answered=MONDAY),
        Call(
            queue_id="a",
            offered=MONDAY + timedelta(hours=9),
            answered=MONDAY,
            ended=MONDAY + timedelta(hours=1),
            user_id="ann",
        ),
        Call(queue_id="b", offered=MONDAY + timedelta(hours=9), abandoned=MONDAY),
    ),
)
"""Waits at every threshold, calls over midnights, and times in the wrong order."""

Figures = dict[tuple[str, ...], tuple[float, float]]
"""Number and sum by metric, hour and owner."""


def sessions_of(rows: list[Any]) -> Iterator[tuple[Any, Any]]:
    """Yield each session with its participant."""
    for row in rows:
        for participant in row["participants"]:
            for session in participant["sessions"]:
                yield participant, session


def from_conversations(rows: list[Any]) -> Figures:
    """Count the metrics of sessions by hour, queue, medium and agent."""
    counts: Counter[tuple[str, ...]] = Counter()
    sums: Counter[tuple[str, ...]] = Counter()
    for participant, session in sessions_of(rows):
        queues = {s.get("queueId", "") for s in session["segments"]} - {""}
        for metric in session.get("metrics", ()):
            (queue,) = queues
            key = (
                metric["name"],
                metric["emitDate"][:13],
                queue,
                session["mediaType"],
                participant.get("userId", ""),
            )
            counts[key] += 1
            sums[key] += metric["value"]
    return {key: (counts[key], sums[key]) for key in counts}


def from_aggregates(results: list[Any]) -> Figures:
    figures: Figures = {}
    for result in results:
        group = result["group"]
        for bucket in result["data"]:
            for metric in bucket["metrics"]:
                key = (
                    metric["metric"],
                    bucket["interval"][:13],
                    group["queueId"],
                    group["mediaType"],
                    group.get("userId", ""),
                )
                stats = metric["stats"]
                figures[key] = (stats["count"], stats.get("sum", stats["count"]))
    return figures


async def both_modes(tenant: Tenant, *edges: str) -> tuple[Figures, Figures]:
    """Return the figures of conversations and of aggregates between midnights.

    Conversations are asked for in weeks at most.
    """
    midnights = [f"{edge}T00:00:00Z" for edge in edges]
    interval = f"{midnights[0]}/{midnights[-1]}"
    of_queue = ("nOffered", "nOverSla", "tAcd", "tAbandon", "tShortAbandon")
    of_agent = tuple(set(METRICS) - set(of_queue))
    async with connected(tenant=tenant, requests_allowed=1_000) as client:
        rows = []
        for span in pairwise(midnights):
            rows += await all_rows(client, interval="/".join(span))
        results = []
        for metrics, groups in (
            (of_queue, ["queueId", "mediaType"]),
            (of_agent, ["queueId", "mediaType", "userId"]),
        ):
            answer = await client.request(
                "POST",
                AGGREGATES,
                json={
                    "interval": interval,
                    "granularity": "PT1H",
                    "metrics": metrics,
                    "groupBy": groups,
                },
            )
            results += answer.json["results"]
    return from_conversations(rows), from_aggregates(results)


@pytest.mark.parametrize(
    ("tenant", "edges"),
    [
        pytest.param(MADE_UP, ("2026-01-05", "2026-01-12"), id="made-up"),
        pytest.param(
            sample_tenant(), ("1999-07-31", "1999-08-07", "1999-08-08"), id="bank"
        ),
    ],
)
async def test_both_modes_give_the_same_figures(
    tenant: Tenant, edges: tuple[str, ...]
) -> None:
    """Every metric, hour and group of the aggregates, and nothing beside them."""
    reported, counted = await both_modes(tenant, *edges)

    assert reported == counted
    assert {key[0] for key in reported} == set(METRICS)


async def test_segments_give_the_same() -> None:
    """Waits and handling follow from the spans of segments too."""
    async with connected(tenant=MADE_UP) as client:
        rows = await all_rows(client, interval="2026-01-05T00:00:00Z/2026-01-08T00:00Z")
    spans: defaultdict[str, list[timedelta]] = defaultdict(list)
    for participant, session in sessions_of(rows):
        for segment in session["segments"]:
            if segment["segmentType"] == "interact" and "segmentEnd" in segment:
                start, end = (
                    datetime.fromisoformat(segment[f"segment{edge}"])
                    for edge in ("Start", "End")
                )
                spans[participant["purpose"]].append(end - start)

    waited = [
        max((c.answered or c.abandoned or c.offered) - c.offered, timedelta())
        for c in MADE_UP.calls
        if c.answered or c.abandoned
    ]
    handled = [c.ended - c.answered for c in MADE_UP.calls if c.ended and c.answered]
    assert sorted(spans["acd"]) == sorted(waited)
    assert sorted(spans["agent"]) == sorted(handled)


def test_a_conversation_spans_its_call() -> None:
    """From the offer, or an earlier answer; without an end while it goes on."""
    rows = list(conversations_of(MADE_UP))

    for row, call in zip(rows, MADE_UP.calls, strict=True):
        start = min(call.offered, call.answered or call.offered)
        ends = (call.abandoned, call.ended)
        assert row.start_ms == start.timestamp() * 1000
        assert (row.end_ms is None) == (ends == (None, None))
        assert row.end_ms is None or row.end_ms >= row.start_ms


def test_what_a_conversation_says_of_its_call() -> None:
    """Queue, agent, code, medium, direction and division are where they belong."""
    call = Call(
        queue_id="q1",
        offered=after(0),
        answered=after(1),
        ended=after(3),
        user_id="ann",
        wrap_up_code="done",
        media_type="callback",
        direction="outbound",
        division_id="north",
    )
    queues = (Queue(id="q1", name="Sales"),)
    users = (User(id="ann", name="Ann"),)
    (row,) = conversations_of(tenant_of(call, queues=queues, users=users))
    reported = loaded(row)

    assert reported["divisionIds"] == ["north"]
    assert reported["originatingDirection"] == "outbound"
    assert [p["purpose"] for p in reported["participants"]] == [
        "customer",
        "acd",
        "agent",
    ]
    _, acd, agent = reported["participants"]
    assert acd["participantName"] == "Sales"
    assert (agent["userId"], agent["participantName"]) == ("ann", "Ann")
    for participant, session in sessions_of([reported]):
        assert (session["mediaType"], session["direction"]) == ("callback", "outbound")
        queue_ids = {s.get("queueId") for s in session["segments"]}
        assert queue_ids == ({None} if participant["purpose"] == "customer" else {"q1"})
    codes = [s.get("wrapUpCode") for s in agent["sessions"][0]["segments"]]
    assert codes == [None, None, "done"]


def test_a_queue_gives_its_division() -> None:
    """A call that names no division is of its queue's."""
    queue = Queue(id="q1", name="Sales", division_id="south")
    call = Call(queue_id="q1", offered=after(0))
    (row,) = conversations_of(tenant_of(call, queues=(queue,)))

    assert loaded(row)["divisionIds"] == ["south"]


def test_ids_are_the_same_everywhere_and_no_two_are_equal() -> None:
    """They follow from the calls, also where calls do not differ."""
    twins = tenant_of(*[Call(queue_id="q", offered=after(0))] * 2)
    ids = [row.id for row in (*conversations_of(MADE_UP), *conversations_of(twins))]
    again = [row.id for row in conversations_of(replace(MADE_UP, name="Again"))]

    assert len(set(ids)) == len(ids)
    assert again == ids[:-2]
    assert all(str(uuid.UUID(name)) == name for name in ids)


async def test_attributes_are_for_jobs_only() -> None:
    """Each participant has attributes, which pages of queries do not show."""
    tenant = tenant_of(Call(call_id="41", queue_id="q", offered=after(0)))
    async with connected(tenant=tenant) as client:
        (shown,) = (await details(client)).json["conversations"]
    (row,) = conversations_of(tenant)
    of_job = loaded(row, attributes=True)

    assert not any("attributes" in p for p in shown["participants"])
    assert of_job["participants"][0]["attributes"]["callNumber"] == "41"
    assert all("attributes" in p for p in of_job["participants"])


def test_every_field_is_the_services() -> None:
    """No conversation of a call has a field that the API does not know."""
    rows = [loaded(row, attributes=True) for row in conversations_of(MADE_UP)]

    assert {name for row in rows for name in unknown(row, CONVERSATION)} == set()


def loaded(row: Any, *, attributes: bool = False) -> Any:
    return orjson.loads(row.body(attributes))
