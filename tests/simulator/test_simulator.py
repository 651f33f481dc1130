"""The simulator's front: tokens, permissions, quota, listings and journal."""

import asyncio
import contextlib
import signal
import socket
import uuid
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from gcbatch.genesys.families import FAMILIES
from gcbatch.simulator import (
    Queue,
    Simulator,
    Tenant,
    User,
    WrapUpCode,
    sample_tenant,
    serve,
)
from tests.support.simulator_client import Client, Clock, client_of

QUEUES = "/api/v2/routing/queues"
AGGREGATES = "/api/v2/analytics/conversations/aggregates/query"
QUERY = {
    "interval": "2026-01-01T00:00:00Z/2026-01-02T00:00:00Z",
    "metrics": ["nOffered"],
}

TENANT = Tenant(
    name="Small",
    version="1",
    queues=(
        *(
            Queue(id=str(uuid.UUID(int=number)), name=f"Queue {number:03}")
            for number in range(1, 121)
        ),
        Queue(id="gone", name="Gone", deleted=True),
        Queue(
            id="sales",
            name="Sales North",
            division_id="north",
            target=0.9,
            service_level_ms=30_000,
        ),
    ),
    users=(
        User(id="u1", name="Ann"),
        User(id="u2", name="Bob", state="inactive"),
        User(id="u3", name="Cid", state="deleted"),
    ),
    wrap_up_codes=(WrapUpCode(id="w1", name="Done"),),
)


def connected(
    tenant: Tenant = TENANT, **options: Any
) -> AbstractAsyncContextManager[Client]:
    return client_of(Client, tenant, **options)


async def test_a_token_is_granted_for_the_right_secret() -> None:
    """The answer has the three fields of the service's."""
    async with connected() as client:
        answer = await client.request_token("simulator", "simulator-secret")

    assert answer.status == 200
    assert answer.json["token_type"] == "bearer"
    assert answer.json["expires_in"] == 86399
    assert str(uuid.UUID(answer.json["access_token"])) == answer.json["access_token"]


async def test_two_tokens_differ() -> None:
    """A token cannot be computed from the credentials."""
    async with connected() as client:
        answers = [
            await client.request_token("simulator", "simulator-secret")
            for _ in range(2)
        ]

    assert answers[0].json["access_token"] != answers[1].json["access_token"]
    assert client.simulator.tokens_granted == 3


@pytest.mark.parametrize(
    ("client_id", "secret", "grant", "status", "error", "text"),
    [
        pytest.param(
            "unknown",
            "simulator-secret",
            "client_credentials",
            400,
            "invalid_client",
            "client not found",
            id="unknown client",
        ),
        pytest.param(
            "simulator",
            "wrong",
            "client_credentials",
            401,
            "invalid_client",
            "authentication failed",
            id="wrong secret",
        ),
        pytest.param(
            "simulator",
            "simulator-secret",
            "password",
            400,
            "unsupported_grant_type",
            "grant type is not supported",
            id="other grant",
        ),
    ],
)
async def test_a_token_is_refused(  # noqa: PLR0917 - a table's columns
    client_id: str, secret: str, grant: str, status: int, error: str, text: str
) -> None:
    """The refusal is OAuth's body, not the API's."""
    async with connected() as client:
        answer = await client.request_token(client_id, secret, grant)

    assert answer.status == status
    assert answer.json == {
        "error": error,
        "description": text,
        "error_description": text,
    }


@pytest.mark.parametrize("header", ["", "Bearer x", "Basic !!!", "Basic /w=="])
async def test_a_token_needs_basic_authentication(header: str) -> None:
    """Anything but a Basic header names no client."""
    async with connected() as client:
        answer = await client.request(
            "POST",
            "/oauth/token",
            headers={"Authorization": header},
            data={"grant_type": "client_credentials"},
        )

    assert (answer.status, answer.json["description"]) == (400, "client not found")


async def test_the_status_of_a_wrong_secret_can_be_chosen() -> None:
    """Public sources leave it open, so clients must take both."""
    async with connected(wrong_secret_status=400) as client:
        answer = await client.request_token("simulator", "wrong")

    assert answer.status == 400


@pytest.mark.parametrize(
    ("header", "code"),
    [
        pytest.param({}, "authentication.required", id="none"),
        pytest.param({"Authorization": "Basic eA=="}, "authentication.required"),
        pytest.param({"Authorization": "Bearer made-up"}, "bad.credentials"),
    ],
)
async def test_the_api_needs_a_token(header: dict[str, str], code: str) -> None:
    """Without a good bearer token every path is 401, with the body of an error."""
    async with connected() as client:
        answer = await client.request("GET", QUEUES, headers=header)

    assert answer.status == 401
    assert answer.json["code"] == code
    assert answer.json["contextId"] == answer.headers["ININ-Correlation-Id"]


async def test_a_token_expires_by_the_clock() -> None:
    """One that lasts 100 s is good at 99 s and refused at 100 s."""
    clock = Clock()
    async with connected(clock=clock, token_lifetime_s=100) as client:
        clock.now += 99
        before = await client.get(QUEUES)
        clock.now += 1
        after = await client.get(QUEUES)

    assert (before.status, after.status) == (200, 401)


async def test_tokens_can_be_revoked() -> None:
    """A revoked token is refused and a new one is not."""
    async with connected() as client:
        client.simulator.revoke_tokens()
        revoked = await client.get(QUEUES)
        await client.log_in()
        renewed = await client.get(QUEUES)

    assert (revoked.status, renewed.status) == (401, 200)


@pytest.mark.parametrize(
    ("method", "path", "permission"),
    [
        ("GET", QUEUES, "routing:queue:view"),
        ("GET", f"{QUEUES}/sales", "routing:queue:view"),
        ("GET", f"{QUEUES}/divisionviews/all", "routing:queue:search"),
        ("GET", "/api/v2/routing/wrapupcodes", "routing:wrapupCode:view"),
        ("POST", AGGREGATES, "analytics:conversationAggregate:view"),
        (
            "POST",
            "/api/v2/analytics/actions/aggregates/query",
            "integrations:action:view, bridge:actions:view",
        ),
    ],
)
async def test_a_missing_permission_is_named(
    method: str, path: str, permission: str
) -> None:
    """A role without the permission gets a 403 that says which."""
    async with connected(permissions=frozenset({"other"})) as client:
        answer = await client.request(method, path)

    assert answer.status == 403
    assert answer.json["message"].endswith(": " + permission)


async def test_one_of_several_permissions_is_enough() -> None:
    """Actions can be asked for with either of two permissions."""
    async with connected(permissions=frozenset({"bridge:actions:view"})) as client:
        answer = await client.request(
            "POST",
            "/api/v2/analytics/actions/aggregates/query",
            json={**QUERY, "metrics": ["tTotalExecution"]},
        )

    assert (answer.status, answer.json) == (200, {"results": []})


async def test_every_answer_has_the_quota() -> None:
    """The three headers count within a window and start again with the next."""
    clock = Clock()
    async with connected(clock=clock, requests_allowed=5) as client:
        first = await client.get(QUEUES)
        clock.now += 20
        second = await client.get("/api/v2/nothing")
        clock.now += 40
        third = await client.get(QUEUES)

    seen = [
        tuple(
            answer.headers[f"inin-ratelimit-{name}"]
            for name in ("count", "allowed", "reset")
        )
        for answer in (first, second, third)
    ]
    assert seen == [("1", "5", "61"), ("2", "5", "41"), ("1", "5", "61")]


async def test_over_the_quota_is_429_with_the_wait() -> None:
    """Header, text and limit say how long and how much; then it goes on."""
    clock = Clock()
    async with connected(clock=clock, requests_allowed=2) as client:
        for _ in range(2):
            await client.get(QUEUES)
        clock.now += 56.5
        refused = await client.get(QUEUES)
        clock.now += float(refused.headers["Retry-After"])
        allowed = await client.get(QUEUES)

    assert refused.status == 429
    assert refused.headers["Retry-After"] == "4"
    assert refused.json["code"] == "too.many.requests.retry.after"
    assert refused.json["message"].endswith("in [4] seconds")
    assert refused.json["limit"]["value"] == 2
    assert allowed.status == 200
    assert client.simulator.throttled == 1


async def test_the_quota_can_change_while_running() -> None:
    """What the header allows is what is allowed."""
    async with connected(requests_allowed=1) as client:
        client.simulator.quota.allowed = 2
        answers = [await client.get(QUEUES) for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 429]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v2/analytics/conversations/summary", 404, "not found"),
        ("GET", AGGREGATES, 405, "method not allowed"),
        ("GET", f"{QUEUES}/unknown", 404, "not.found"),
        ("GET", f"{QUEUES}/gone", 404, "not.found"),
        ("GET", "/api/v2/users/unknown", 404, "not.found"),
        ("GET", f"{QUEUES}?pageSize=many", 400, "bad.request"),
        ("GET", f"{QUEUES}?pageNumber=0", 400, "bad.request"),
        ("GET", f"{QUEUES}?sortOrder=random", 400, "invalid.value"),
        ("GET", "/api/v2/users?state=asleep", 400, "invalid.value"),
    ],
)
async def test_what_is_not_there_has_an_error_body(
    method: str, path: str, status: int, code: str
) -> None:
    """Unknown paths, methods, ids and parameters give the service's errors."""
    async with connected() as client:
        answer = await client.request(method, path)

    assert (answer.status, answer.json["code"]) == (status, code)


async def test_pages_follow_next_uri_to_the_end() -> None:
    """Following the relative links yields every listed queue once, by name."""
    async with connected() as client:
        names: list[str] = []
        uri: str | None = f"{QUEUES}?pageSize=50"
        pages = []
        while uri:
            page = (await client.get(uri)).json
            pages.append(page)
            names += [entity["name"] for entity in page["entities"]]
            uri = page.get("nextUri")

    assert names == [*(f"Queue {number:03}" for number in range(1, 121)), "Sales North"]
    assert [len(page["entities"]) for page in pages] == [50, 50, 21]
    assert {(page["total"], page["pageCount"]) for page in pages} == {(121, 3)}
    assert pages[1]["previousUri"] == f"{QUEUES}?pageSize=50&pageNumber=1"
    assert pages[0]["lastUri"] == f"{QUEUES}?pageSize=50&pageNumber=3"


@pytest.mark.parametrize(
    ("path", "asked", "given"),
    [
        pytest.param(QUEUES, None, 25, id="default"),
        pytest.param(QUEUES, "500", 100, id="cut down"),
        pytest.param(f"{QUEUES}/divisionviews/all", "500", 500, id="digest"),
    ],
)
async def test_page_sizes_are_cut_down(
    path: str, asked: str | None, given: int
) -> None:
    """A page says what size it really has."""
    params = {} if asked is None else {"pageSize": asked}
    async with connected() as client:
        answer = await client.get(path, **params)

    assert answer.json["pageSize"] == given
    assert len(answer.json["entities"]) == min(given, 121)


async def test_a_page_behind_the_last_is_empty() -> None:
    """It has no entities and no next page."""
    async with connected() as client:
        answer = await client.get(QUEUES, pageNumber="99")

    assert answer.json["entities"] == []
    assert "nextUri" not in answer.json


async def test_a_queue_has_its_service_level() -> None:
    """The share is 0 to 1 and the wait in milliseconds; voice is called `call`."""
    async with connected() as client:
        answer = await client.get(f"{QUEUES}/sales")

    level = {"percentage": 0.9, "durationMs": 30_000}
    media = answer.json["mediaSettings"]
    assert set(media) == {"call", "callback", "chat", "email", "message"}
    assert all(settings["serviceLevel"] == level for settings in media.values())
    assert answer.json["division"]["id"] == "north"


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({"name": "sales north"}, ["Sales North"]),
        ({"name": "Sales"}, []),
        ({"name": "sales*"}, ["Sales North"]),
        ({"name": "*north"}, ["Sales North"]),
        ({"name": "*les no*"}, ["Sales North"]),
        ({"id": "sales"}, ["Sales North"]),
        ({"divisionId": "north"}, ["Sales North"]),
        ({"sortOrder": "desc", "pageSize": "1"}, ["Sales North"]),
    ],
)
async def test_queues_can_be_searched(params: dict[str, str], names: list[str]) -> None:
    """By name with a star at either end, by id, by division."""
    async with connected() as client:
        found = await client.names(QUEUES, **params)

    assert found == names


async def test_the_digest_is_light() -> None:
    """Its entities have no media settings."""
    async with connected() as client:
        answer = await client.get(f"{QUEUES}/divisionviews/all", id="sales")

    assert set(answer.json["entities"][0]) == {"id", "name", "division", "selfUri"}


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({}, ["Ann"]),
        ({"state": "inactive"}, ["Bob"]),
        ({"state": "deleted"}, ["Cid"]),
        ({"state": "any"}, ["Ann", "Bob", "Cid"]),
        ({"state": "any", "id": "u2"}, ["Bob"]),
    ],
)
async def test_users_are_listed_by_state(
    params: dict[str, str], names: list[str]
) -> None:
    """Active ones unless asked otherwise; who left can be listed."""
    async with connected() as client:
        found = await client.names("/api/v2/users", **params)

    assert found == names


@pytest.mark.parametrize(
    ("state", "statuses"), [("any", [200, 200, 400]), ("active", [200, 400])]
)
async def test_paging_of_users_may_end(state: str, statuses: list[int]) -> None:
    """Beyond a row that tests choose there is no page, whatever is listed."""
    async with connected(max_listed_users=2) as client:
        pages = [{"pageNumber": str(n), "state": state} for n in (1, 2, 3)]
        if state == "active":
            pages = [{"pageSize": size, "state": state} for size in ("2", "3")]
        found = [
            await client.get("/api/v2/users", **{"pageSize": "1", **page})
            for page in pages
        ]

    assert [answer.status for answer in found] == statuses


async def test_a_user_has_a_state() -> None:
    """By id it is found whatever the state."""
    async with connected() as client:
        answer = await client.get("/api/v2/users/u3")

    assert (answer.json["name"], answer.json["state"]) == ("Cid", "deleted")


async def test_wrap_up_codes_are_listed() -> None:
    """With id and name."""
    async with connected() as client:
        answer = await client.get("/api/v2/routing/wrapupcodes")

    (code,) = answer.json["entities"]
    assert (code["id"], code["name"]) == ("w1", "Done")


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.model)
async def test_every_family_answers(family: Any) -> None:
    """Without data the answer is an empty list."""
    async with connected() as client:
        answer = await client.request(
            "POST",
            f"/api/v2/analytics/{family.path}/aggregates/query",
            json={**QUERY, "metrics": list(family.metrics)},
        )

    assert answer.status == 200
    assert answer.json["results"] == []
    assert ("systemToOrganizationMappings" in answer.json) == family.qualified


async def test_a_body_must_be_declared_as_json() -> None:
    """Any other type is 415."""
    async with connected() as client:
        answer = await client.request("POST", AGGREGATES, data=b"interval=")

    assert (answer.status, answer.json["code"]) == (415, "unsupported.media.type")


@pytest.mark.parametrize(("size", "status"), [(512_000, 200), (512_001, 413)])
async def test_a_body_has_a_largest_size(size: int, status: int) -> None:
    """512000 bytes pass, one more does not."""
    async with connected() as client:
        body = orjson.dumps(QUERY)
        answer = await client.request(
            "POST",
            AGGREGATES,
            data=body.ljust(size),
            headers={**client.headers, "Content-Type": "application/json"},
        )

    assert answer.status == status
    assert (status == 200) or answer.json["message"].endswith("512000")


async def test_the_request_log_has_every_request() -> None:
    """Method, path, body, time, token and answer, in order."""
    clock = Clock()
    async with connected(clock=clock) as client:
        clock.now += 5
        answer = await client.request("POST", AGGREGATES, json=QUERY)
        await client.get(QUEUES, pageSize="3")
        simulator = client.simulator

    token, data, listing = simulator.request_log
    assert [entry.status for entry in simulator.request_log] == [200, 200, 200]
    assert (token.path, token.token_id, token.request) == ("/oauth/token", None, None)
    assert (data.at, data.request) == (1005.0, QUERY)
    assert data.correlation_id == answer.headers["ININ-Correlation-Id"]
    assert data.token_id
    assert data.token_id == listing.token_id
    assert data.token_id not in client.headers["Authorization"]
    assert data.response_bytes == len(b'{"results":[]}')
    assert listing.query == "pageSize=3"
    assert simulator.data_requests == 1
    assert simulator.requests("routing") == [listing]


async def test_the_request_log_can_be_cleared() -> None:
    """It starts again with the next request."""
    async with connected() as client:
        client.simulator.request_log.clear()
        await client.get(QUEUES)

    assert len(client.simulator.request_log) == 1
    assert client.simulator.request_log[0].path == QUEUES


async def test_the_request_log_may_be_bounded() -> None:
    """The last requests are kept; one that serves for days does not grow with each."""
    async with connected(max_logged_requests=2) as client:
        for size in ("1", "2", "3"):
            await client.get(QUEUES, pageSize=size)

    journal = client.simulator.request_log
    assert [entry.query for entry in journal] == ["pageSize=2", "pageSize=3"]


async def test_the_url_is_known_only_while_running() -> None:
    """Before and after there is none, and stopping twice does no harm."""
    simulator = Simulator(TENANT)
    await simulator.start()
    assert simulator.url.startswith("http://127.0.0.1:")
    await simulator.stop()
    await simulator.stop()

    with pytest.raises(RuntimeError, match="not running"):
        _ = simulator.url


@pytest.mark.parametrize("turns", range(4))
async def test_connections_are_closed_also_when_just_accepted(turns: int) -> None:
    """However far the loop is with them when the simulator stops."""
    simulator = Simulator(TENANT)
    await simulator.start()
    address = urlsplit(simulator.url)
    client = socket.create_connection((address.hostname, address.port), timeout=2)
    for _ in range(turns):
        await asyncio.sleep(0)

    await simulator.stop()

    with client, contextlib.suppress(ConnectionResetError):
        assert client.recv(1) == b""


async def test_a_taken_port_is_an_error() -> None:
    """The second simulator on a port does not start."""
    async with Simulator(TENANT) as first:
        second = Simulator(TENANT, port=int(first.url.rpartition(":")[2]))

        with pytest.raises(OSError, match="address"):
            await second.start()


def test_serving_ends_with_an_interrupt() -> None:
    """The callback learns where it listens; Ctrl-C ends it after the clean-up."""
    reported: list[tuple[str, str, str]] = []

    def on_ready(url: str, client_id: str, client_secret: str) -> None:
        reported.append((url, client_id, client_secret))
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        serve(sample_tenant(), on_ready=on_ready, requests_allowed=7)

    ((url, client_id, client_secret),) = reported
    assert url.startswith("http://127.0.0.1:")
    assert (client_id, client_secret) == ("simulator", "simulator-secret")
