"""The simulator's user details."""

from dataclasses import replace
from typing import Any

import pytest

from gcbatch.simulator import Presence
from gcbatch.simulator.details.user_query import find_users, read_async
from tests.support.details_client import USERS, after, details, tenant_of
from tests.support.job_client import connected

HOUR = "2026-01-01T12:00:00Z/2026-01-01T13:00:00Z"
AWAY = "3b6a1c52-8c0e-4f76-9c5d-0d0c6f3d7a01"
QUEUE = "3b6a1c52-8c0e-4f76-9c5d-0d0c6f3d7a02"


def span(user: str, start: float, end: float, routing: str | None = None) -> Presence:
    """Return a presence in minutes after noon; with a routing status on a queue."""
    return Presence(
        user_id=user,
        system_presence="AWAY" if routing is None else "ON_QUEUE",
        organization_presence_id=AWAY if routing is None else QUEUE,
        start=after(start),
        end=after(end),
        routing_status=routing,
    )


TENANT = tenant_of(
    presences=(
        span("bob", 50, 500),
        span("ann", 30, 40, "INTERACTING"),
        span("ann", -90, 30, "IDLE"),
        span("ann", 60, 70),
        span("cid", 10, 20, "IDLE"),
        span("dan", -60, 0),
        span("eve", 60, 90, "IDLE"),
    )
)


async def found(**body: Any) -> Any:
    async with connected(tenant=TENANT) as client:
        answer = await details(client, USERS, **{"interval": HOUR, **body})
    assert answer.status == 200, answer.json
    return answer.json


def names(answer: Any) -> list[str]:
    return [row["userId"] for row in answer["userDetails"]]


async def test_a_user_has_the_records_that_overlap() -> None:
    """In time order and whole, however far they reach beyond the interval."""
    answer = await found()

    assert answer["userDetails"][0] == {
        "userId": "ann",
        "primaryPresence": [
            {
                "startTime": "2026-01-01T10:30:00.000Z",
                "endTime": "2026-01-01T12:30:00.000Z",
                "systemPresence": "ON_QUEUE",
                "organizationPresenceId": QUEUE,
            },
            {
                "startTime": "2026-01-01T12:30:00.000Z",
                "endTime": "2026-01-01T12:40:00.000Z",
                "systemPresence": "ON_QUEUE",
                "organizationPresenceId": QUEUE,
            },
        ],
        "routingStatus": [
            {
                "startTime": "2026-01-01T10:30:00.000Z",
                "endTime": "2026-01-01T12:30:00.000Z",
                "routingStatus": "IDLE",
            },
            {
                "startTime": "2026-01-01T12:30:00.000Z",
                "endTime": "2026-01-01T12:40:00.000Z",
                "routingStatus": "INTERACTING",
            },
        ],
    }


async def test_users_without_a_record_are_no_rows() -> None:
    """What ends as the interval begins, or begins as it ends, is outside."""
    answer = await found()

    assert names(answer) == ["ann", "bob", "cid"]
    assert answer["totalHits"] == 3


async def test_users_come_in_pages() -> None:
    """By id, up or down; past the last page the key is missing."""
    paging = {"pageSize": 2, "pageNumber": 2}
    second = await found(paging=paging)
    down = await found(paging=paging, order="desc")
    third = await found(paging={**paging, "pageNumber": 3})

    assert (names(second), second["totalHits"]) == (["cid"], 3)
    assert names(down) == ["ann"]
    assert third == {"totalHits": 3}


def matches(dimension: str, value: str) -> list[Any]:
    predicate = {"dimension": dimension, "value": value}
    return [{"type": "or", "predicates": [predicate]}]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"userFilters": matches("userId", "cid")}, ["cid"]),
        ({"presenceFilters": matches("systemPresence", "AWAY")}, ["bob"]),
        (
            {"presenceFilters": matches("organizationPresenceId", QUEUE)},
            ["ann", "cid"],
        ),
        ({"routingStatusFilters": matches("routingStatus", "INTERACTING")}, ["ann"]),
        (
            {
                "routingStatusFilters": matches("routingStatus", "IDLE"),
                "userFilters": matches("userId", "ann"),
            },
            ["ann"],
        ),
        (
            {
                "routingStatusFilters": matches("routingStatus", "IDLE"),
                "presenceFilters": matches("systemPresence", "AWAY"),
            },
            [],
        ),
    ],
)
async def test_filters_choose_users(
    filters: dict[str, Any], expected: list[str]
) -> None:
    """Each of them must accept; records outside the interval do not count."""
    answer = await found(**filters)

    assert answer["totalHits"] == len(expected)
    assert [row["userId"] for row in answer.get("userDetails", [])] == expected


async def test_filters_leave_records_whole() -> None:
    """A chosen user has all records, also those that a filter does not accept."""
    chosen = await found(routingStatusFilters=matches("routingStatus", "INTERACTING"))
    (row,) = chosen["userDetails"]

    assert [r["routingStatus"] for r in row["routingStatus"]] == ["IDLE", "INTERACTING"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"interval": None}, "interval of the query is required"),
        ({"orderBy": "userId"}, "[UserDetailsQuery]"),
        ({"limit": 5}, "[UserDetailsQuery]"),
        ({"order": "up"}, "asc, desc, unordered"),
        ({"paging": {"pageSize": 101, "pageNumber": 1}}, "pageSize must be"),
        ({"paging": {"pageSize": 100, "pageNumber": 2}}, "may not exceed 150 results"),
        ({"userFilters": matches("queueId", "q")}, "userId"),
        ({"presenceFilters": matches("userId", "ann")}, "systemPresence"),
        ({"presenceAggregations": [{"type": "sum"}]}, "termFrequency"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    body: dict[str, Any], message: str
) -> None:
    """With a 400 whose message says what is wrong."""
    async with connected(tenant=TENANT, max_detail_results=150) as client:
        answer = await details(client, USERS, **{"interval": HOUR, **body})

    assert answer.status == 400
    assert message in answer.json["message"]


async def test_it_takes_its_permission() -> None:
    """Without it the answer is a 403 that names it."""
    role = frozenset({"analytics:conversationDetail:view"})
    async with connected(tenant=TENANT, permissions=role) as client:
        answer = await details(client, USERS)

    assert answer.status == 403
    assert "analytics:userDetail:view" in answer.json["message"]


def test_a_job_has_the_same_rows_up_to_its_limit() -> None:
    """Jobs take no paging, but a limit."""
    whole = read_async(b'{"interval":"%b"}' % HOUR.encode())
    two = replace(whole, limit=2)

    assert [row.id for row in find_users(TENANT, whole)] == ["ann", "bob", "cid"]
    assert [row.id for row in find_users(TENANT, two)] == ["ann", "bob"]
