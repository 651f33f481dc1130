"""Listings of parents, one for each or within them: right, or loud."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from gcbatch.errors import AccessError, DataError, GcbatchError, OutOfReachError
from gcbatch.genesys import EntityKind, EntityListing, entity_kind
from gcbatch.genesys.client import entities_within, list_children
from tests.support.listing_server import Answer, client_of, numbered, serving

MEMBERS = entity_kind("queue_members")
TEAMS, SKILLS = entity_kind("user_teams"), entity_kind("user_skills")
USERS = entity_kind("users")


def read(answer: Answer, *parents: str) -> tuple[EntityListing, list[str]]:
    async def work() -> tuple[EntityListing, list[str]]:
        async with serving(answer) as server, client_of(server.url) as client:
            found = await list_children(client, MEMBERS, parents, at_once=2)
            return found, server.targets

    return asyncio.run(work())


def refusal(status: int) -> web.Response:
    return web.json_response({"status": status, "code": "x"}, status=status)


def queue_of(request: web.Request) -> str:
    return request.path.split("/")[5]


def test_an_entity_of_two_parents_is_there_twice() -> None:
    """A user who is a member of two queues."""
    found, _ = read(lambda _: {"entities": [{"id": "ann"}]}, "q1", "q2")

    assert list(found.documents) == ["q1/ann", "q2/ann"]


def test_an_id_with_a_slash_stays_with_its_parent() -> None:
    """The first slash ends the id of the parent, which has none."""
    found, _ = read(lambda _: {"entities": [{"id": "a/b"}, {"id": "/"}]}, "q1")

    assert set(found.documents) == {"q1/a/b", "q1//"}


@pytest.mark.parametrize(
    "parent", ["a/b", "..", "", "a?b=c", "a#b", "{parent}", "é", "x" * 201, "a%2fb"]
)
def test_a_parent_that_no_address_can_hold_is_loud(parent: str) -> None:
    """Its id would lead to another address; nothing is requested."""
    found, asked = read(lambda _: {"entities": []}, "q1", parent)

    assert isinstance(found.failure, DataError)
    assert "an id of queues is odd" in found.failure.problem
    assert not asked


def test_a_parent_that_is_gone_is_told() -> None:
    """Its entities are gone with it, those of the others are there."""

    def answer(request: web.Request) -> Any:
        if queue_of(request) == "q2":
            return refusal(404)
        return {"entities": [{"id": "ann"}]}

    found, _ = read(answer, "q1", "q2", "q3")

    assert found.lacking is None
    assert set(found.documents) == {"q1/ann", "q3/ann"}
    assert found.remarks == ("members of queues: 1 of 3 queues were deleted meanwhile",)


def test_an_address_that_is_not_there_is_loud() -> None:
    """If all parents seem to be gone, it is the address that does not exist."""
    found, _ = read(lambda _: refusal(404), "q1", "q2")

    assert isinstance(found.lacking, OutOfReachError | GcbatchError)
    assert not found.documents


def test_a_refused_parent_is_loud() -> None:
    """Its members are not granted; they are not taken for none."""

    def answer(request: web.Request) -> Any:
        if queue_of(request) == "q2":
            return refusal(403)
        return {"entities": [{"id": "ann"}]}

    found, _ = read(answer, "q1", "q2", "q3")

    assert isinstance(found.lacking, AccessError)
    assert not found.documents


def test_members_of_a_large_queue_are_read_twice() -> None:
    """Nothing says how many there are, so that only this shows that none is missed."""
    members = [{"id": f"user-{number:03}"} for number in range(250)]
    sent: list[int] = []

    def answer(request: web.Request) -> Any:
        sent.append(1)
        if len(sent) == 2:
            del members[0]  # user-100 moves to the first page, which was read
        return numbered(request, list(members), totals=False)

    found, asked = read(answer, "q1")

    assert found.lacking is None
    assert {key.partition("/")[2] for key in found.documents} == {
        member["id"] for member in members
    }
    assert len(asked) == 9


def users(*documents: bytes) -> EntityListing:
    by_id = {f"u{number}": text for number, text in enumerate(documents)}
    return EntityListing(USERS, "/api/v2/users", documents=by_id)


@pytest.mark.parametrize(
    ("kind", "document", "expected"),
    [
        (SKILLS, b'{"skills":[{"id":"s1"},{"id":"s2"}]}', {"u0/s1", "u0/s2"}),
        (SKILLS, b'{"skills":[]}', set()),
        (TEAMS, b'{"team":{"id":"t1"}}', {"u0/t1"}),
        (
            entity_kind("user_roles"),
            b'{"authorization":{"roles":[{"id":"r1"}]}}',
            {"u0/r1"},
        ),
    ],
    ids=["two", "none", "one", "within"],
)
def test_parts_are_entities(
    kind: EntityKind, document: bytes, expected: set[str]
) -> None:
    """A list of them, or one; an empty list is none of them."""
    found = entities_within(kind, users(document))

    assert found.lacking is None
    assert set(found.documents) == expected
    assert not found.remarks


@pytest.mark.parametrize("document", [b"{}", b'{"skills":null}'])
def test_parts_that_were_left_out_are_told(document: bytes) -> None:
    """Left out of some, it is a remark; left out of all, there is no table."""
    some = entities_within(SKILLS, users(b'{"skills":[{"id":"s1"}]}', document))
    none = entities_within(SKILLS, users(document, document))

    assert some.lacking is None
    assert some.remarks == (
        "skills of users: the service left out skills of 1 of 2 users",
    )
    assert none.lacking
    assert "left out skills" in none.lacking.problem


def test_one_that_nobody_has_is_told() -> None:
    """A user without a team has no such field; if none has it, it may be left out."""
    some = entities_within(TEAMS, users(b"{}", b'{"team":{"id":"t1"}}'))
    none = entities_within(TEAMS, users(b"{}", b'{"team":null}'))

    assert not some.remarks
    assert none.lacking is None
    assert none.remarks == (
        "teams of users: the service sent no team of any of 2 users",
    )


@pytest.mark.parametrize(
    "skills", [b'"s1"', b"7", b'["s1"]', b"[{}]", b'{"s1":{}}', b"[[]]", b"[null]"]
)
def test_parts_of_another_shape_are_loud(skills: bytes) -> None:
    """They are no empty table."""
    found = entities_within(SKILLS, users(b'{"skills":%b}' % skills))

    assert isinstance(found.lacking, DataError)
    assert "skills has another shape" in found.lacking.problem
