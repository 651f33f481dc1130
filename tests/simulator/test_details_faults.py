"""Details that are not as they should be, seen from the wire."""

from collections.abc import Iterator
from typing import Any

import pytest

from gcbatch.simulator import Fault, generate_conversations
from gcbatch.simulator.faults.faults import Kind
from tests.support.details_client import (
    USERS,
    after,
    details,
    every_hour,
    hours,
    tenant_of,
)
from tests.support.job_client import Client, connected, presence
from tests.support.simulator_client import Answer

AGGREGATES = "/api/v2/analytics/conversations/aggregates/query"
SIX = {"pageSize": 6, "pageNumber": 1}


async def pages_with(*faults: Fault) -> list[Answer]:
    """Return the four pages of a day of 24 conversations."""
    async with connected(*faults, tenant=every_hour()) as client:
        return [
            await details(client, paging={**SIX, "pageNumber": number})
            for number in (1, 2, 3, 4)
        ]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("empty_details", []),
        ("short_details", [6, 7, 8, 10, 11]),
        ("doubled_details", [6, 7, 8, 9, 10, 6]),
        ("added_details", [6, 7, 8, 9, 10, 11, 6]),
        ("no_results", []),
    ],
)
async def test_a_page_loses_or_repeats_rows(kind: Kind, expected: list[int]) -> None:
    """It alone; the total and all other pages are as they should be."""
    pages = await pages_with(Fault(kind, page=2))

    assert hours(pages[1]) == expected
    assert [hours(page) for page in pages[:1] + pages[2:]] == [
        list(range(first, first + 6)) for first in (0, 12, 18)
    ]
    assert {page.json["totalHits"] for page in pages} == {24}


async def test_a_page_without_rows_still_has_their_key() -> None:
    """An empty page says so; only one past the last leaves the key out."""
    pages = await pages_with(
        Fault("empty_details", page=1), Fault("no_results", page=2)
    )

    assert pages[0].json["conversations"] == []
    assert "conversations" not in pages[1].json


@pytest.mark.parametrize(("drift", "total"), [(1, 25), (5, 29), (-3, 21), (-99, 0)])
async def test_the_total_drifts(drift: int, total: int) -> None:
    """One answer is off by so many, never below nothing; its rows are all there."""
    pages = await pages_with(Fault("drifting_total", drift=drift, nth=(3,)))

    assert [page.json["totalHits"] for page in pages] == [24, 24, total, 24]
    assert hours(pages[2]) == [12, 13, 14, 15, 16, 17]


async def test_a_fault_chooses_by_page() -> None:
    """Only requests for that page count and are struck, however often it is asked."""
    fault = Fault("empty_details", page=2, nth=(2,))
    async with connected(fault, tenant=every_hour()) as client:
        numbers = (2, 1, 2, 2)
        answers = [
            await details(client, paging={**SIX, "pageNumber": number})
            for number in numbers
        ]
        unpaged = await details(client)

    assert [len(hours(answer)) for answer in answers] == [6, 6, 0, 6]
    assert len(hours(unpaged)) == 24


async def test_a_page_can_be_refused() -> None:
    """Faults of any kind choose by page."""
    pages = await pages_with(Fault("status", page=3, status=500))

    assert [page.status for page in pages] == [200, 200, 500, 200]


def levels_of(row: Any) -> Iterator[tuple[str, Any]]:
    """Yield every object of a conversation with the name of its level."""
    yield "conversation", row
    for participant in row["participants"]:
        yield "participant", participant
        for session in participant["sessions"]:
            yield "session", session
            yield from (("segment", segment) for segment in session["segments"])
            yield from (("metric", metric) for metric in session["metrics"])
            if "flow" in session:
                yield "flow", session["flow"]


NEWER = {
    "conversation": "newConversationField",
    "participant": "newParticipantField",
    "session": "newSessionField",
    "segment": "newSegmentField",
    "metric": "newMetricField",
    "flow": "newFlowField",
}


async def generated(*faults: Fault) -> list[Any]:
    documents = generate_conversations(1, 9, after(0), after(60))
    async with connected(*faults, tenant=tenant_of(documents=documents)) as client:
        rows: list[Any] = (await details(client)).json["conversations"]
        return rows


async def test_newer_fields_are_on_every_level() -> None:
    """Each object of a row has one more, and is otherwise as it was."""
    plain = [level for row in await generated() for level in levels_of(row)]
    newer = [
        level
        for row in await generated(Fault("newer_fields"))
        for level in levels_of(row)
    ]

    assert {name for name, _ in newer} == set(NEWER)
    for (name, was), (_, now) in zip(plain, newer, strict=True):
        assert set(now) - set(was) == {NEWER[name]}
        assert {k for k, v in was.items() if not isinstance(v, list | dict)} <= {
            k for k, v in now.items() if was.get(k) == v
        }


async def test_metrics_are_written_as_floats() -> None:
    """The values are the same, but every one has a fraction of nothing."""
    plain, floats = (
        [
            level["value"]
            for row in rows
            for name, level in levels_of(row)
            if name == "metric"
        ]
        for rows in (await generated(), await generated(Fault("float_details")))
    )

    assert floats == plain
    assert {type(value) for value in floats} == {float}


async def test_metrics_are_no_numbers() -> None:
    """Of the kinds that aggregates know too, this one has texts for numbers."""
    rows = await generated(Fault("wrong_types"))

    values = {
        level["value"]
        for row in rows
        for name, level in levels_of(row)
        if name == "metric"
    }
    assert values == {"many"}


async def people(client: Client) -> Any:
    return (await details(client, USERS)).json


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("empty_details", []),
        ("short_details", ["u1", "u3"]),
        ("doubled_details", ["u1", "u2", "u1"]),
        ("added_details", ["u1", "u2", "u3", "u1"]),
    ],
)
async def test_users_are_struck_too(kind: Kind, expected: list[str]) -> None:
    """Pages of users lose and repeat rows in the same way."""
    presences = tuple(presence(user, after(0), 1) for user in ("u1", "u2", "u3"))
    tenant = tenant_of(presences=presences)
    async with connected(Fault(kind), tenant=tenant) as client:
        struck, whole = await people(client), await people(client)

    assert [row["userId"] for row in struck["userDetails"]] == expected
    assert [row["userId"] for row in whole["userDetails"]] == ["u1", "u2", "u3"]
    assert (struck["totalHits"], whole["totalHits"]) == (3, 3)


async def test_users_have_newer_fields_too() -> None:
    """On their rows, presences and routing statuses."""
    tenant = tenant_of(presences=(presence("u1", after(0), 1),))
    async with connected(Fault("newer_fields"), tenant=tenant) as client:
        (row,) = (await people(client))["userDetails"]

    assert "newUserField" in row
    assert all("newPresenceField" in record for record in row["primaryPresence"])


async def test_aggregates_are_not_about_details() -> None:
    """Faults of details leave aggregates alone, which do not even count."""
    fault = Fault("empty_details", nth=(1,))
    async with connected(fault, tenant=every_hour()) as client:
        body = {
            "interval": "2026-01-01T00:00:00Z/2026-01-02T00:00:00Z",
            "metrics": ["nOffered"],
        }
        counted = await client.request("POST", AGGREGATES, json=body)
        answer = await details(client)

    assert counted.json["results"]
    assert hours(answer) == []


async def test_details_are_queries() -> None:
    """What goes wrong with queries by default goes wrong with details too."""
    async with connected(Fault("status"), tenant=every_hour()) as client:
        statuses = [(await details(client)).status for _ in range(2)]

    assert statuses == [503, 200]


async def test_pages_past_the_last_are_left_alone() -> None:
    """There is nothing to lose or to repeat where there are no rows."""
    kinds: tuple[Kind, ...] = (
        *("empty_details", "short_details", "doubled_details", "added_details"),
        *("newer_fields", "float_details"),
    )
    faults = [Fault(kind) for kind in kinds]
    async with connected(*faults, tenant=every_hour()) as client:
        answer = await details(client, paging={"pageSize": 24, "pageNumber": 2})

    assert answer.json == {"totalHits": 24}
