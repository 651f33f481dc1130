"""What of the service's whole days belongs to a job: its range, and its filters."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from gcbatch.simulator import Call, Queue, Tenant
from gcbatch.simulator.details.index import Matching
from gcbatch.simulator.tenant.conversations import conversations_of
from tests.support.details_world import (
    World,
    after,
    conversations,
    days_of,
    ids_begun_between,
    span_of,
    tenant_of,
    tenant_with_conversations,
)

JERUSALEM = ZoneInfo("Asia/Jerusalem")
MODES = ("", "-jobs", "-auto")
MATCHINGS: tuple[Matching, ...] = ("start-day", "overlap")
SALES, SUPPORT, OLD = (str(UUID(int=(4 << 76) + (8 << 60) + n)) for n in range(3))
HOUR = timedelta(hours=1)


@pytest.mark.one_in(5)
@pytest.mark.parametrize("matching", MATCHINGS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-03-04", "2026-03-06"),
        ("2026-03-04T10:30", "2026-03-04T10:31"),
        # Clocks go on an hour at 2:00 on this day.
        ("2026-03-27", "2026-03-28"),
    ],
)
def test_what_begins_in_the_range_of_the_jobs_zone(
    tmp_path: Path, mode: str, start: str, end: str, matching: Matching
) -> None:
    """Local midnights are no midnights of the service: its days are cut here."""
    tenant = tenant_of(*conversations(2_800, 28))
    world = World(tmp_path, tenant, detail_matching=matching)

    report = world.run(
        endpoint=f"conversation-details{mode}",
        query={"timezone": JERUSALEM.key, "from": start, "to": end},
    )

    first, last = (
        datetime.fromisoformat(text).replace(tzinfo=JERUSALEM) for text in (start, end)
    )
    assert world.ids() == ids_begun_between(tenant, first, last)
    assert any("began outside the range, left out" in w for w in report.warnings)
    assert all(
        instant.time() == datetime.min.time()
        for entry in world.asked("/details/")
        if entry.request
        for instant in span_of(entry)
    )


def test_rows_outside_the_range_are_counted(tmp_path: Path) -> None:
    """The warning says how many of the service's rows are not the job's."""
    world = World(tmp_path, tenant_with_conversations(240, 1))

    report = world.run(query={"from": "2026-03-02T12:00", "to": "2026-03-03"})

    others = ids_begun_between(world.tenant, after(0), after(0.5))
    assert report.warnings == (
        f"conversations that began outside the range, left out: {len(others)}",
    )


def windows_of(world: World) -> list[float]:
    """Return how many days the windows were long, in order of time."""
    return [days_of(e) for e in sorted(world.asked(), key=span_of)]


INBOUND = {
    "conversationFilters": [
        {
            "type": "and",
            "predicates": [{"dimension": "originatingDirection", "value": "inbound"}],
        }
    ]
}


@pytest.mark.parametrize(
    ("query", "fetch", "expected"),
    [
        ({}, {}, [7, 7, 7, 7, 7, 5]),
        ({"filter": INBOUND}, {}, [31, 9]),
        ({"media_types": ["voice"]}, {}, [31, 9]),
        ({"queues": [SALES]}, {}, [31, 9]),
        ({}, {"chunk": "P3D"}, [3] * 13 + [1]),
        ({"filter": INBOUND}, {"chunk": "P20D"}, [20, 20]),
        ({}, {"limits": {"max_days_details": 4}}, [4] * 10),
        (
            {"filter": INBOUND},
            {"limits": {"max_days_details_filtered": 20}},
            [20, 20],
        ),
    ],
)
def test_windows_are_as_long_as_the_service_allows(
    tmp_path: Path, query: dict[str, Any], fetch: dict[str, Any], expected: list[float]
) -> None:
    """Seven days, 31 with any filter; or as the job says."""
    world = World(tmp_path, tenant_of())

    world.run(days=40, query=query, fetch=fetch)

    assert windows_of(world) == expected


def test_the_first_window_is_cut_at_a_midnight_of_utc(tmp_path: Path) -> None:
    """So that windows after it share no day, and no row is asked for twice."""
    world = World(tmp_path, tenant_with_conversations(1_000, 4))

    world.run(
        days=3,
        query={"timezone": JERUSALEM.key},
        fetch={"chunk": "P1D"},
    )

    spans = [span_of(entry) for entry in world.asked()]
    assert sorted({start for start, _ in spans}) == [after(n) for n in (-1, 0, 1, 2)]
    first, last = (after(n - 2 / 24) for n in (0, 3))
    assert world.ids() == ids_begun_between(world.tenant, first, last)


# filters


def of_kinds() -> Tenant:
    """Return calls by queue, medium and direction, one each hour of two days."""

    def calls() -> Iterator[Call]:
        for number in range(48):
            offered = after(0) + number * HOUR
            yield Call(
                call_id=str(number),
                queue_id=(SALES, SUPPORT, OLD)[number % 3],
                offered=offered,
                answered=offered + HOUR / 60 if number % 4 else None,
                ended=offered + HOUR / 30 if number % 4 else None,
                media_type=("voice", "chat", "email", "callback", "message")[
                    number % 5
                ],
                direction="inbound" if number % 7 else "outbound",
            )

    queues = (Queue(id=SALES, name="Sales"), Queue(id=SUPPORT, name="Support"))
    return Tenant(name="T", version="1", calls=tuple(calls()), queues=queues)


def ids_where(tenant: Tenant, condition: Any) -> list[str]:
    """Return the ids of the conversations of those calls that fulfil a condition."""
    reported = zip(tenant.calls, conversations_of(tenant), strict=True)
    return sorted(document.id for call, document in reported if condition(call))


def predicate(**parts: str) -> list[dict[str, Any]]:
    return [{"type": "and", "predicates": [parts]}]


@pytest.mark.one_in(5)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("query", "condition"),
    [
        ({"queues": ["Sales"]}, lambda c: c.queue_id == SALES),
        ({"queues": ["Sales", OLD]}, lambda c: c.queue_id in (SALES, OLD)),
        ({"media_types": ["chat"]}, lambda c: c.media_type == "chat"),
        (
            {"queues": ["Support"], "media_types": ["chat", "voice"]},
            lambda c: c.queue_id == SUPPORT and c.media_type in ("chat", "voice"),
        ),
        (
            {"filter": {"conversationFilters": predicate(
                dimension="originatingDirection", value="outbound")}},
            lambda c: c.direction == "outbound",
        ),
        (
            {"filter": {"segmentFilters": predicate(
                dimension="purpose", value="agent")}},
            lambda c: c.answered is not None,
        ),
        (
            {
                "queues": ["Sales"],
                "filter": {
                    "conversationFilters": predicate(
                        dimension="originatingDirection", value="inbound"),
                    "segmentFilters": predicate(dimension="purpose", value="agent"),
                },
            },
            lambda c: c.queue_id == SALES and c.direction == "inbound" and c.answered,
        ),
        (
            {"filter": {"evaluationFilters": predicate(
                dimension="deleted", value="false")}},
            lambda _: False,
        ),
    ],
    ids=["queue", "queues", "medium", "queue and medium", "conversation", "segment",
         "all", "evaluation"],
)  # fmt: skip
def test_filters_leave_what_they_describe(
    tmp_path: Path, mode: str, query: dict[str, Any], condition: Any
) -> None:
    """Queues by name or id, media, and the API's own filters, all at once."""
    tenant = of_kinds()
    world = World(tmp_path, tenant)

    world.run(endpoint=f"conversation-details{mode}", days=2, query=query)

    assert world.ids() == ids_where(tenant, condition)


def test_filters_of_the_job_file_are_sent_as_they_are(tmp_path: Path) -> None:
    """Beside those that queues and media types mean, which come first."""
    world = World(tmp_path, of_kinds())
    own = predicate(dimension="purpose", value="agent")

    world.run(query={"media_types": ["voice"], "filter": {"segmentFilters": own}})

    body = world.asked()[0].request
    meant = {"dimension": "mediaType", "value": "voice"}
    assert body["segmentFilters"] == [
        {"type": "and", "clauses": [{"type": "or", "predicates": [meant]}]},
        *own,
    ]
