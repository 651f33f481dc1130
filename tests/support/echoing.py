"""A service that repeats what it knows of its client, in front of a simulator.

It hands requests on to the simulator, and puts the credentials into its answers: in any
place where a service has text, in any form in which it may write them.
"""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

__all__ = ["PLACES", "EchoingService", "forms_of"]

MARK: Final = "@echo@"
"""Stands in JSON where the credentials are put in, escapes and all."""


def forms_of(client_id: str, secret: str, token: str) -> list[str]:
    """Return what a service may write, as it would stand in a JSON text."""
    pair = f"{client_id}:{secret}"
    coded = [
        code(text.encode()).decode()
        for text in (pair, secret, token, f"Bearer {token}")
        for code in (base64.b64encode, base64.urlsafe_b64encode)
    ]
    found: list[str] = []
    for text in (secret, token, *coded, *(one.rstrip("=") for one in coded)):
        escaped = json.dumps(text)[1:-1]
        found += [
            escaped,
            escaped.replace("/", r"\/"),
            json.dumps(escaped)[1:-1].replace("/", r"\\\/"),
            "".join(f"\\u{ord(c):04x}" for c in text),
            "".join(f"\\u{ord(c):04X}" for c in text),
            quote(text, safe=""),
            quote_plus(text),
            quote(quote(text, safe=""), safe=""),
            "".join(f"%{byte:02x}" for byte in text.encode()),
        ]
    return list(dict.fromkeys(found))


Change = Callable[["EchoingService", web.Request, int, CIMultiDict[str], bytes], Any]


def _headers(service: "EchoingService", *_: Any) -> Mapping[str, str]:
    token = service.tokens[-1]
    return {
        "ININ-Correlation-Id": token,
        "Genesys-Correlation-Id": f"x-{token}",
        "inin-ratelimit-count": token,
        "Date": token,
        "Retry-After": token,
        **{f"X-Echo-{n}": form for n, form in enumerate(service.forms[:40])},
    }


def _texts(*keys: str) -> Change:
    """Return what puts the credentials into all texts of some keys."""

    def echoed(value: Any) -> Any:
        if isinstance(value, str):
            return f"{value} {MARK}"
        if isinstance(value, list):
            return [echoed(one) for one in value]
        if isinstance(value, dict):
            return {key: echoed(one) for key, one in value.items()}
        return value

    def changed(value: Any) -> Any:
        if isinstance(value, list):
            return [changed(one) for one in value]
        if isinstance(value, dict):
            return {k: echoed(v) if k in keys else changed(v) for k, v in value.items()}
        return value

    def change(
        service: "EchoingService", _: Any, __: Any, ___: Any, body: bytes
    ) -> bytes:
        return service.written(changed(json.loads(body))) if body else body

    return change


def _fields(service: "EchoingService", _: Any, __: Any, ___: Any, body: bytes) -> bytes:
    """Put unknown fields into all objects."""

    def changed(value: Any) -> Any:
        if isinstance(value, list):
            return [changed(one) for one in value]
        if isinstance(value, dict):
            known = {key: changed(one) for key, one in value.items()}
            return {**known, MARK: {MARK: [MARK]}}
        return value

    return service.written(changed(json.loads(body))) if body else body


def _damaged(service: "EchoingService", *_: Any) -> bytes:
    return service.written({"results": [MARK], "entities": MARK})[:-1] + b"\xff"


def _shape(service: "EchoingService", *_: Any) -> bytes:
    names = ("results", "entities", "data", "conversations", "userDetails", "jobId")
    return service.written({**{name: {MARK: MARK} for name in names}, MARK: MARK})


def _error(status: int) -> Change:
    def change(
        service: "EchoingService", _: Any, __: Any, headers: CIMultiDict[str], ___: Any
    ) -> tuple[int, bytes]:
        headers.update(_headers(service))
        words = dict.fromkeys(("message", "code", "contextId", "error"), MARK)
        return status, service.written(words)

    return change


PLACES: Final[Mapping[str, Change]] = {
    "headers": _headers,
    "unknown fields": _fields,
    "damaged": _damaged,
    "another shape": _shape,
    "400": _error(400),
    "403": _error(403),
    "503": _error(503),
    "buckets": _texts("interval", "date", "metric"),
    "groups": _texts("group", "groupByValues", "qualifier"),
    "ids": _texts("jobId", "id", "conversationId", "userId", "queueId"),
    "states": _texts("state", "errorMessage", "dataAvailabilityDate"),
    "cursors": _texts("cursor", "nextPageToken", "nextUri"),
    "names": _texts("name", "attributes", "participantName", "ani", "dnis"),
}


class EchoingService:
    """The simulator, with its client's credentials in its answers.

    Args:
        url: The address of the simulator.
        client_id, secret: Of its client.
        place: Where credentials are put: a key of PLACES.
        at: Part of the paths whose answers have them; others are as they were.
    """

    def __init__(
        self, url: str, client_id: str, secret: str, *, place: str, at: str = "/"
    ) -> None:
        self._simulator = url
        self._client = (client_id, secret)
        self._change, self._at = PLACES[place], at
        self.tokens: list[str] = []
        self.echoed = 0

    @property
    def forms(self) -> list[str]:
        """What it writes, of the last token that was granted."""
        return forms_of(*self._client, self.tokens[-1] if self.tokens else "none-yet")

    def written(self, content: Any) -> bytes:
        """Return JSON with the credentials where marks stand, shared out among them."""
        first, *pieces = json.dumps(content).split(MARK)
        forms = self.forms
        each = -(-len(forms) // max(1, len(pieces)))
        text = first
        for number, piece in enumerate(pieces):
            text += " ".join(forms[number * each :][:each]) + piece
        return text.encode()

    async def start(self) -> str:
        """Serve, and return the address."""
        app = web.Application(client_max_size=1 << 24)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._session = aiohttp.ClientSession()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """End."""
        await self._session.close()
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        passed = ("Authorization", "Content-Type")
        async with self._session.request(
            request.method,
            f"{self._simulator}{request.path_qs}",
            data=await request.read(),
            headers={k: v for k, v in request.headers.items() if k in passed},
        ) as answer:
            status, body = answer.status, await answer.read()
            headers = CIMultiDict({"Content-Type": "application/json"})
        if request.path.startswith("/oauth"):
            self.tokens.append(json.loads(body)["access_token"])
        elif self._at in request.path:
            self.echoed += 1
            change = self._change(self, request, status, headers, body)
            match change:
                case bytes():
                    body = change
                case (int(), bytes()):
                    status, body = change
                case _:
                    headers.update(change)
        return web.Response(status=status, headers=headers, body=body)
