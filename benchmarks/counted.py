"""A simulator that reports its requests to other processes."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any, Final
from urllib.request import urlopen

from aiohttp import web

from gcbatch.simulator import Simulator

__all__ = ["Asked", "CountedSimulator", "asked_since", "run"]

PATH: Final = "/asked"
OK: Final = 200
TOO_MANY_REQUESTS: Final = 429


@dataclass(frozen=True, slots=True)
class Asked:
    """Counts of the requests to a server.

    Args:
        requests: Requests to the API, with any answer.
        queries: Analytics queries answered with 200.
        throttled: Requests answered with 429.
        tokens: Requests for a token.
    """

    requests: int
    queries: int
    throttled: int
    tokens: int


class CountedSimulator(Simulator):
    """A simulator with an address that returns its counts and resets them."""

    def _app(self) -> web.Application:
        app = super()._app()
        app.router.add_get(PATH, self._asked)
        return app

    async def _asked(self, _: web.Request) -> web.Response:
        entries = [entry for entry in self.request_log if entry.path != PATH]
        self.request_log.clear()
        api = [entry for entry in entries if entry.path.startswith("/api/")]
        return web.json_response(
            {
                "requests": len(api),
                "queries": sum(
                    entry.status == OK and "/analytics/" in entry.path for entry in api
                ),
                "throttled": sum(entry.status == TOO_MANY_REQUESTS for entry in api),
                "tokens": len(entries) - len(api),
            }
        )


def asked_since(url: str) -> Asked:
    """Return the counts of a server since the last call."""
    with urlopen(url + PATH) as response:  # noqa: S310 - a server of our own
        return Asked(**json.load(response))


def run(simulator: Simulator) -> None:
    """Serve until interrupted; prints URL, client id and secret once it listens."""

    async def until_cancelled() -> None:
        async with simulator:
            login: tuple[Any, ...] = (
                simulator.url,
                simulator.client_id,
                simulator.client_secret,
            )
            print(*login, flush=True)
            await asyncio.Event().wait()

    asyncio.run(until_cancelled())
