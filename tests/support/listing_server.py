"""A small server of listings, and a client of gcbatch that reads them."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from gcbatch.genesys import Hosts
from gcbatch.genesys.client import Client, ClientConfig, DecodeGate, open_client

__all__ = ["TOKEN", "ListingServer", "client_of", "numbered", "serving"]

TOKEN: Final = "token-4711"

Answer = Callable[[web.Request], Any]
"""Returns the JSON of an answer, or a whole response."""


@dataclass
class ListingServer:
    """A server whose answers a test makes.

    Args:
        answer: Makes the answer of each request.
        requests: All requests so far, but those for tokens.
    """

    answer: Answer
    url: str = ""
    requests: list[web.Request] = field(default_factory=list)

    @property
    def targets(self) -> list[str]:
        """The path and query of each request."""
        return [request.path_qs for request in self.requests]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        answer = self.answer(request)
        if isinstance(answer, web.StreamResponse):
            return answer
        return web.json_response(answer)


async def _grant(_: web.Request) -> web.StreamResponse:
    return web.json_response({"access_token": TOKEN, "expires_in": 86_400})


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[ListingServer]:
    """Serve answers under any path."""
    server = ListingServer(answer)
    app = web.Application()
    app.router.add_post("/oauth/token", _grant)
    app.router.add_get("/{path:.*}", server._handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}"
    try:
        yield server
    finally:
        await runner.cleanup()


@asynccontextmanager
async def client_of(url: str, **more: Any) -> AsyncIterator[Client]:
    """Open a client of a server; its quota is wide."""
    options: dict[str, Any] = {
        "requests_per_minute": 1_000_000,
        "reserve": 0,
        "concurrency": 8,
        "timeout_s": 20,
        "give_up_s": 2,
        "max_response_bytes": 100_000_000,
    }
    config = ClientConfig(
        hosts=Hosts(url, url),
        client_id="client-1",
        client_secret="s3cret",
        token_path="/oauth/token",
        token_style="basic",
        **{**options, **more},
    )
    async with open_client(config, DecodeGate()) as opened:
        yield opened.client


def numbered(
    request: web.Request,
    entities: Sequence[Mapping[str, Any]],
    *,
    largest: int = 100,
    totals: bool = True,
) -> dict[str, Any]:
    """Return the page of some entities that a request names.

    Args:
        request: The request.
        entities: All that are listed now, in their order.
        largest: Entities of a page; more are cut to it.
        totals: Whether the page says how many there are.
    """
    size = min(int(request.query["pageSize"]), largest)
    number = int(request.query["pageNumber"])
    end = number * size
    page: dict[str, Any] = {
        "entities": entities[end - size : end],
        "pageSize": size,
        "pageNumber": number,
    }
    if totals:
        page |= {"total": len(entities), "pageCount": -(-len(entities) // size)}
    elif end < len(entities):
        page["nextUri"] = f"{request.path}?pageSize={size}&pageNumber={number + 1}"
    return page
