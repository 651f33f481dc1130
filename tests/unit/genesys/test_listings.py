"""Listings against a server that does worse than the service: right, or loud."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web

from gcbatch.errors import AccessError, DataError, ServiceError
from gcbatch.genesys import EntityKind, EntityListing, Paging
from gcbatch.genesys.client import list_entities
from tests.support.listing_server import TOKEN, Answer, client_of, numbered, serving

PATH = "/api/v2/things"
NUMBERED = EntityKind("things", "thing", (PATH,), page_size=2)
CURSOR = EntityKind("things", "thing", (PATH,), paging=Paging.CURSOR, page_size=2)
WHOLE = EntityKind("things", "thing", (PATH,), paging=Paging.WHOLE)


def thing(number: int) -> dict[str, Any]:
    return {"id": f"thing-{number:04}", "name": f"Thing {number}"}


def ids(count: int) -> set[str]:
    return {thing(number)["id"] for number in range(count)}


def read(
    kind: EntityKind, answer: Answer, **more: Any
) -> tuple[EntityListing, list[str]]:
    """Read a listing; return it, and what was requested."""

    async def work() -> tuple[EntityListing, list[str]]:
        async with serving(answer) as server, client_of(server.url) as client:
            found = await list_entities(client, kind, **more)
            return found, server.targets

    return asyncio.run(work())


def cursor_pages(*addresses: str | None) -> Answer:
    """Return an answer that names these next pages in turn, each with a new thing."""
    turn = iter(enumerate(addresses))

    def answer(_: web.Request) -> Any:
        number, address = next(turn)
        return {"entities": [thing(number)], "nextUri": address}

    return answer


@pytest.mark.parametrize("name", ["self", "path", "decode", "client", "kind"])
def test_a_next_page_may_have_any_parameter(name: str) -> None:
    """No name of a parameter is taken for an argument of ours."""
    found, asked = read(CURSOR, cursor_pages(f"{PATH}?after=x&{name}=1", None))

    assert found.lacking is None
    assert found.entities.keys() == ids(2)
    assert asked[1] == f"{PATH}?pageSize=2&after=x&{name}=1"


def test_a_next_page_may_repeat_a_parameter() -> None:
    """All of its values are sent, in their order."""
    found, asked = read(CURSOR, cursor_pages(f"{PATH}?after=x&id=1&id=2", None))

    assert found.lacking is None
    assert asked[1] == f"{PATH}?pageSize=2&after=x&id=1&id=2"


def test_a_next_page_on_another_host_is_read_from_ours() -> None:
    """The token is sent to no other host, whatever an answer says."""
    elsewhere: list[Mapping[str, str]] = []

    async def work() -> tuple[EntityListing, list[str]]:
        def note(request: web.Request) -> Any:
            elsewhere.append(request.headers)
            return {"entities": []}

        async with serving(note) as other:
            pages = cursor_pages(f"{other.url}/api/v2/others?after=x", None)
            async with serving(pages) as server, client_of(server.url) as client:
                found = await list_entities(client, CURSOR)
                assert TOKEN in server.requests[1].headers["Authorization"]
                return found, server.targets

    found, asked = asyncio.run(work())
    assert not elsewhere
    assert asked[1] == f"{PATH}?pageSize=2&after=x"
    assert found.entities.keys() == ids(2)


@pytest.mark.parametrize("address", ["http://[", "//[::1?after=x"])
def test_a_next_page_without_an_address_is_loud(address: str) -> None:
    """It is an answer of another shape, not an error of ours."""
    found, _ = read(CURSOR, cursor_pages(address))

    assert isinstance(found.failure, DataError)
    assert "nextUri is no address" in found.failure.problem


@pytest.mark.parametrize(
    "addresses",
    [
        [f"{PATH}?after=x"] * 9,
        [f"{PATH}?after=x", f"{PATH}?after=y"] * 9,
        [PATH] * 9,
        [f"{PATH}?pageNumber=2"] * 9,
    ],
    ids=["itself", "two", "the first", "a number"],
)
def test_cursors_that_lead_back_are_loud(addresses: list[str]) -> None:
    """The first page that was read before ends it."""
    found, asked = read(CURSOR, cursor_pages(*addresses))

    assert isinstance(found.failure, DataError)
    assert "leads back to an earlier page" in found.failure.problem
    assert len(asked) <= 3


def test_empty_pages_without_end_are_loud() -> None:
    """A few may be empty, as where a page is filtered, but not a hundred."""
    some = iter(range(10_000))

    def answer(_: web.Request) -> Any:
        address = f"{PATH}?after={next(some)}"
        return {"entities": [], "nextUri": address}

    found, asked = read(CURSOR, answer)

    assert isinstance(found.failure, DataError)
    assert "brings nothing new" in found.failure.problem
    assert len(asked) == 101


def test_some_empty_pages_are_read() -> None:
    """What comes after them is listed."""
    some = iter(range(60))

    def answer(_: web.Request) -> Any:
        number = next(some)
        entities = [thing(number // 59)] if number in (0, 59) else []
        address = f"{PATH}?after={number}" if number < 59 else None
        return {"entities": entities, "nextUri": address}

    found, _ = read(CURSOR, answer)

    assert found.lacking is None
    assert found.entities.keys() == ids(2)


@pytest.mark.parametrize("confirm", [False, True])
def test_a_number_of_pages_that_grows_is_loud(*, confirm: bool) -> None:
    """Pages that bring nothing new end it, however many are announced."""

    def answer(request: web.Request) -> Any:
        number = int(request.query["pageNumber"])
        return {"entities": [thing(min(number, 5))], "pageCount": number + 1}

    found, asked = read(NUMBERED, answer, confirm=confirm)

    assert isinstance(found.failure, DataError)
    assert "brings nothing new" in found.failure.problem
    assert len(asked) == 6


@pytest.mark.parametrize("totals", [True, False])
def test_pages_that_are_cut_are_all_read(*, totals: bool) -> None:
    """The size of a page is what the page says, not what was requested."""
    things = [thing(number) for number in range(7)]

    found, asked = read(
        EntityKind("things", "thing", (PATH,), page_size=100),
        lambda request: numbered(request, things, largest=3, totals=totals),
    )

    assert found.lacking is None
    assert found.entities.keys() == ids(7)
    assert len(asked) == 3


def test_a_total_alone_leads_on() -> None:
    """A page without a number of pages is the last if all that it announced came."""
    things = [thing(number) for number in range(5)]

    def answer(request: web.Request) -> Any:
        page = numbered(request, things)
        return {"entities": page["entities"], "total": page["total"]}

    found, asked = read(NUMBERED, answer)

    assert found.lacking is None
    assert found.entities.keys() == ids(5)
    assert len(asked) == 3


def test_a_full_page_with_an_id_twice_leads_on() -> None:
    """Where nothing says how many there are, all that came counts, not all ids."""
    pages = [[thing(0), thing(0)], [thing(1), thing(2)], [thing(3)]]

    found, _ = read(
        NUMBERED,
        lambda request: {"entities": pages[int(request.query["pageNumber"]) - 1]},
    )

    assert found.entities.keys() == ids(4)


@pytest.mark.parametrize("kind", [WHOLE, CURSOR], ids=["whole", "cursor"])
def test_pages_that_nothing_leads_to_are_loud(kind: EntityKind) -> None:
    """A page that says it is one of three, and names no next one."""
    found, _ = read(kind, lambda _: {"entities": [thing(0)], "pageCount": 3})

    assert "1 of 3 pages came" in found.shortfall
    assert found.lacking


@pytest.mark.parametrize(
    "entity",
    [{}, {"id": None}, {"id": 7}, {"name": "Thing"}, None, [], "thing"],
    ids=str,
)
def test_an_entity_without_an_id_is_loud(entity: Any) -> None:
    """It would be a row without a key."""
    found, _ = read(NUMBERED, lambda _: {"entities": [thing(0), entity]})

    assert isinstance(found.failure, DataError)
    assert "entities[1]" in found.failure.problem


@pytest.mark.parametrize("identity", ["a/b", "../x", "ä ö", "x" * 10_000, '"', "\n"])
def test_odd_ids_are_kept_as_they_are(identity: str) -> None:
    """They are values, no parts of addresses."""
    entity = {"id": identity, "name": "Odd"}

    found, _ = read(NUMBERED, lambda _: {"entities": [entity]}, whole=True)

    assert found.lacking is None
    assert list(found.documents) == [identity]


@pytest.mark.parametrize(
    ("status", "kind_of_error"), [(500, ServiceError), (403, AccessError)]
)
def test_a_refusal_in_the_middle_is_loud(
    status: int, kind_of_error: type[Exception]
) -> None:
    """Two of three pages are not taken for the listing."""
    things = [thing(number) for number in range(6)]

    def answer(request: web.Request) -> Any:
        if request.query["pageNumber"] == "3":
            refusal = {"status": status, "code": "x"}
            headers = {"Retry-After": "999999"}  # too long to wait for
            return web.json_response(refusal, status=status, headers=headers)
        return numbered(request, things)

    found, _ = read(NUMBERED, answer)

    assert isinstance(found.lacking, kind_of_error)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_trouble_in_the_middle_is_overcome(status: int) -> None:
    """The page is asked for again, the others are not."""
    things = [thing(number) for number in range(6)]
    troubles = [status]

    def answer(request: web.Request) -> Any:
        if request.query["pageNumber"] == "2" and troubles:
            headers = {"Retry-After": "0"}
            return web.Response(status=troubles.pop(), headers=headers)
        return numbered(request, things)

    found, asked = read(NUMBERED, answer)

    assert found.lacking is None
    assert found.entities.keys() == ids(6)
    assert len(asked) == 4


def test_a_listing_elsewhere_is_refused_at_once() -> None:
    """A place to download from in the place of entities is no empty listing."""
    found, asked = read(
        WHOLE, lambda _: {"downloadUrl": "https://downloads.example.com/1?key=s3cret"}
    )

    assert isinstance(found.failure, DataError)
    assert "downloadUrl" in found.failure.problem
    assert "s3cret" not in str(found.failure)
    assert len(asked) == 1
