"""Listings of entities: sizes of pages, filters, cursors, and faults."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from gcbatch.simulator import Fault, Queue, Tenant, sample_tenant
from tests.support.simulator_client import Client, client_of

CODES = "/api/v2/routing/wrapupcodes/divisionviews"
CONTACTS = "/api/v2/externalcontacts/scan/contacts"
SKILLS = "/api/v2/routing/skills"
TEAMS = "/api/v2/teams"
CROWD = Queue(id="9f1c0000-0000-4000-8000-0000000000aa", name="Crowd")


def numbered(name: str, count: int) -> list[dict[str, Any]]:
    return [{"id": f"{name}-{n}", "name": f"{name} {n}"} for n in range(count)]


SMALL = replace(
    sample_tenant(),
    queues=(CROWD,),
    entities={
        **sample_tenant().entities,
        "skills": numbered("skill", 5),
        "teams": numbered("team", 5),
        "sta_categories": numbered("category", 60),
    },
    children={"queue_members": {CROWD.id: numbered("member", 230)}},
)


@asynccontextmanager
async def connected(
    *faults: Fault, tenant: Tenant = SMALL, **options: Any
) -> AsyncIterator[Client]:
    async with client_of(Client, tenant, *faults, **options) as client:
        yield client


def ids(page: Any) -> list[str]:
    return [entity["id"] for entity in page["entities"]]


async def test_members_come_by_the_hundred() -> None:
    """Whatever size is requested; no page says how many there are."""
    path = f"/api/v2/routing/queues/{CROWD.id}/members"
    async with connected(max_page_size=500) as client:
        pages = [
            (await client.get(path, pageSize="500", pageNumber=str(number))).json
            for number in (1, 2, 3)
        ]

    assert [len(page["entities"]) for page in pages] == [100, 100, 30]
    assert ["nextUri" in page for page in pages] == [True, True, False]
    assert all({"total", "pageCount", "lastUri"}.isdisjoint(page) for page in pages)


async def test_members_of_no_queue_are_not_found() -> None:
    """404, as when a queue was deleted meanwhile."""
    async with connected() as client:
        answer = await client.get("/api/v2/routing/queues/none/members")

    assert answer.status == 404


async def test_some_listings_have_smaller_pages() -> None:
    """Categories come by 25."""
    async with connected() as client:
        page = await client.get(
            "/api/v2/speechandtextanalytics/categories", pageSize="100"
        )

    assert (len(page.json["entities"]), page.json["pageCount"]) == (25, 3)


@pytest.mark.parametrize(
    ("state", "names"),
    [
        ({}, ["Call again", "Complaint", "Done", "Passed on"]),
        ({"includeState": "Active"}, ["Call again", "Complaint", "Done", "Passed on"]),
        ({"includeState": "Deleted"}, ["Lost line", "Wrong number"]),
        (
            {"includeState": "ActiveAndDeleted"},
            [
                "Call again",
                "Complaint",
                "Done",
                "Lost line",
                "Passed on",
                "Wrong number",
            ],
        ),
    ],
)
async def test_codes_are_listed_by_state(
    state: dict[str, str], names: list[str]
) -> None:
    """Without one, those in use."""
    async with connected() as client:
        found = await client.names(CODES, **state)

    assert sorted(found) == names


async def test_codes_have_no_other_state() -> None:
    """400, as for each value that the API does not have."""
    async with connected() as client:
        answer = await client.get(CODES, includeState="Gone")

    assert answer.status == 400


async def test_deleted_flows_are_added_on_request() -> None:
    """To the others; a flow says itself that it is deleted."""
    async with connected() as client:
        usual = (await client.get("/api/v2/flows")).json["entities"]
        both = (await client.get("/api/v2/flows", deleted="true")).json["entities"]

    assert not any(flow["deleted"] for flow in usual)
    assert [flow for flow in both if not flow["deleted"]] == usual
    assert len(both) == len(usual) + 1


async def test_presences_are_active_or_not() -> None:
    """One answer has those in use, the other one those that are not."""
    path = "/api/v2/presence/definitions"
    async with connected() as client:
        usual = (await client.get(path)).json
        others = (await client.get(path, deactivated="TRUE")).json

    assert {p["deactivated"] for p in usual["entities"]} == {False}
    assert {p["deactivated"] for p in others["entities"]} == {True}
    assert all("name" not in p for p in usual["entities"])


async def test_contacts_are_scanned_by_a_cursor() -> None:
    """Each page has that of the next one twice: by itself, and in an address."""
    async with connected() as client:
        first = (await client.get(CONTACTS, limit="200")).json
        rest = await client.get(CONTACTS, limit="200", cursor=first["cursors"]["after"])
        by_address = await client.get(first["nextUri"])

    assert (len(first["entities"]), len(rest.json["entities"])) == (200, 30)
    assert rest.json["entities"] == by_address.json["entities"]
    assert "nextUri" not in rest.json
    assert rest.json["cursors"] == {}


@pytest.mark.parametrize("limit", ["9", "201", "many"])
async def test_scans_have_a_range_of_sizes(limit: str) -> None:
    """Other sizes are refused, and not cut."""
    async with connected() as client:
        answer = await client.get(CONTACTS, limit=limit)

    assert answer.status == 400


async def read(client: Client, path: str) -> list[list[str]]:
    """Return the ids of each page of two, as far as addresses lead."""
    page = (await client.get(path, pageSize="2")).json
    pages = [ids(page)]
    while "nextUri" in page:
        page = (await client.get(page["nextUri"])).json
        pages.append(ids(page))
    return pages


async def test_a_page_can_be_cut() -> None:
    """It lacks its last entity; the total is right."""
    async with connected(Fault("short_listing", nth=(2,))) as client:
        pages = await read(client, SKILLS)

    assert pages == [["skill-0", "skill-1"], ["skill-2"], ["skill-4"]]


async def test_a_page_can_repeat_an_entity() -> None:
    """It begins with the last entity of the page before, and lacks its own first."""
    async with connected(Fault("repeated_entity", nth=(2,))) as client:
        pages = await read(client, SKILLS)

    assert pages == [["skill-0", "skill-1"], ["skill-1", "skill-3"], ["skill-4"]]


async def test_a_listing_can_grow() -> None:
    """From the page of the fault on, also when it is read again: pages shift."""
    async with connected(Fault("grown_listing", nth=(2,))) as client:
        pages = await read(client, SKILLS)
        again = await read(client, SKILLS)

    assert pages[1:] == [["skill-1", "skill-2"], ["skill-3", "skill-4"]]
    assert again[0][1:] == ["skill-0"]
    assert again[1:] == pages[1:]


async def test_a_listing_can_shrink() -> None:
    """The first entity goes, so that one is skipped by who reads on."""
    async with connected(Fault("shrunk_listing", nth=(2,))) as client:
        pages = await read(client, SKILLS)
        again = await read(client, SKILLS)

    assert pages == [["skill-0", "skill-1"], ["skill-3", "skill-4"]]
    assert again == [["skill-1", "skill-2"], ["skill-3", "skill-4"]]


async def test_a_cursor_keeps_its_place() -> None:
    """Entities come and go at the end then, and no page shifts."""
    faults = (
        Fault("shrunk_listing", path=f"{TEAMS}$", nth=(2,)),
        Fault("grown_listing", path=f"{TEAMS}$", nth=(3,)),
    )
    async with connected(*faults) as client:
        pages = await read(client, TEAMS)

    assert pages[:2] == [["team-0", "team-1"], ["team-2", "team-3"]]


async def test_a_listing_can_grow_again_and_again() -> None:
    """A fault without a limit adds an entity before each page."""
    async with connected(Fault("grown_listing", times=None)) as client:
        totals = [(await client.get(SKILLS)).json["total"] for _ in range(3)]

    assert totals == [6, 7, 8]
