"""A client of the simulator that gets its token by itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp

from gcbatch.simulator import Fault, Faults, Simulator, Tenant


class Clock:
    """Time that passes only when a test advances it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    json: Any


class Client:
    """Asks a simulator, with the token that it got at first."""

    def __init__(self, simulator: Simulator, session: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self.session = session
        self.headers: dict[str, str] = {}

    async def request_token(
        self, client_id: str, secret: str, grant: str = "client_credentials"
    ) -> Answer:
        basic = aiohttp.encode_basic_auth(client_id, secret)
        return await self.request(
            "POST",
            "/oauth/token",
            headers={"Authorization": basic},
            data={"grant_type": grant},
        )

    async def log_in(self) -> None:
        answer = await self.request_token("simulator", "simulator-secret")
        self.headers = {"Authorization": f"Bearer {answer.json['access_token']}"}

    async def request(self, method: str, path: str, **more: Any) -> Answer:
        more.setdefault("headers", self.headers)
        async with self.session.request(method, path, **more) as response:
            content = await response.json() if await response.read() else None
            return Answer(response.status, dict(response.headers), content)

    async def get(self, path: str, **params: str) -> Answer:
        return await self.request("GET", path, params=params)

    async def names(self, path: str, **params: str) -> list[str]:
        answer = await self.get(path, **params)
        return [entity["name"] for entity in answer.json["entities"]]


C = TypeVar("C", bound=Client)


@asynccontextmanager
async def client_of(
    kind: type[C], tenant: Tenant, *faults: Fault, **options: Any
) -> AsyncIterator[C]:
    """Start a simulator, and log a client in to it.

    Args:
        kind: The kind of the client.
        tenant: What the simulator knows.
        faults: What goes wrong.
        options: The options of the simulator.
    """
    async with (
        Simulator(tenant, faults=Faults(*faults), **options) as simulator,
        aiohttp.ClientSession(simulator.url) as session,
    ):
        client = kind(simulator, session)
        await client.log_in()
        yield client
