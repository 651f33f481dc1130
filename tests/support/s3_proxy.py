"""Stands between gcbatch and an S3 server, and lets things go wrong between them.

It hands requests on as they are, with the host that they were signed for.
"""

import asyncio
import html
import io
import re
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final
from urllib.parse import unquote

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from tests.support.ports import HOST
from tests.support.s3_faults import ObjectFault, ObjectFaults, Operation, Seen
from tests.support.s3_listings import Listings

__all__ = ["FaultyS3"]

LATE_S: Final = 0.02

_ERRORS: Final = {"500": (500, "InternalError"), "slow down": (503, "SlowDown")}

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
_OWN_HEADERS: Final = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""What the client would add to a request that lacks it."""

_KEY: Final = re.compile(r"<Key>(.*?)</Key>", re.DOTALL)


class FaultyS3:
    """An address that leads to an S3 server, through faults.

    Args:
        endpoint: The address of the server.

    Attributes:
        url: Its own address.
        faults: What befalls requests, and what befell them.
    """

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self.url = ""
        self.arm()

    def arm(self, *faults: ObjectFault, seed: object = 0) -> None:
        """Let faults befall what is requested from now on; none without any."""
        self.faults = ObjectFaults(*faults, seed=seed)
        self._listings = Listings()
        self._completed: set[str] = set()

    async def start(self) -> None:
        """Serve."""
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, 0)
        await site.start()
        self._session = aiohttp.ClientSession(auto_decompress=False)
        self.url = f"http://{HOST}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """End."""
        await self._session.close()
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        try:
            body = await request.read()
        except ConnectionResetError:
            return web.Response()  # the client gave up
        seen = self.faults.draw(*_what(request, body))
        instead = await self._instead(request, body, seen)
        if instead is not None:
            return instead
        response = await self._hand_on(request, io.BytesIO(body))
        self._note(request, response, seen)
        match seen.fault:
            case "lost":
                return _reset(request)
            case "half read":
                return await _send_piece(request, response, seen.chance)
            case _:
                return response

    async def _instead(
        self, request: web.Request, body: bytes, seen: Seen
    ) -> web.Response | None:
        """Return the answer to a request that the server never has; None if it has."""
        match seen.fault:
            case "500" | "slow down":
                return _error(*_ERRORS[seen.fault])
            case "failed 200":
                return _failed_200(seen)
            case "half sent" | "reset":
                if seen.fault == "half sent":
                    await self._hand_on_piece(request, body, seen.chance)
                return _reset(request)
            case "late":
                await asyncio.sleep(LATE_S * seen.chance)
            case _:
                pass
        if request.query.get("uploadId") in self._completed:
            return _error(404, "NoSuchUpload")  # our server knows it, others do not
        return None

    async def _hand_on(
        self, request: web.Request, body: io.BytesIO | AsyncIterator[bytes]
    ) -> web.Response:
        async with self._session.request(
            request.method,
            URL(f"{self._endpoint}{request.raw_path}", encoded=True),
            headers=request.headers,
            skip_auto_headers=_OWN_HEADERS,
            data=body,
        ) as answer:
            headers = CIMultiDict(answer.headers)
            headers.popall("Transfer-Encoding", None)
            content = await answer.read()
            return web.Response(status=answer.status, headers=headers, body=content)

    async def _hand_on_piece(
        self, request: web.Request, body: bytes, share: float
    ) -> None:
        """Send the first bytes of a body, and break the connection.

        Of nothing behind the headers, SeaweedFS makes an empty object. S3 does not.
        """
        size = 1 + int((len(body) - 1) * share)
        if size >= len(body):
            return

        async def broken() -> AsyncIterator[bytes]:
            yield body[:size]
            raise ConnectionResetError

        with suppress(aiohttp.ClientError, ConnectionResetError):
            await self._hand_on(request, broken())

    def _note(self, request: web.Request, response: web.Response, seen: Seen) -> None:
        """Remember what was written and listed; let a listing lag."""
        if seen.operation == "complete" and response.status == web.HTTPOk.status_code:
            self._completed.add(request.query["uploadId"])
        if seen.operation in ("put", "swap", "complete", "delete"):
            self._listings.note_writes(seen.key.split("\n"))
        elif seen.operation == "list" and isinstance(response.body, bytes):
            now = response.body.decode()
            if seen.fault == "lag":
                lagging = self._listings.lagging(now, seen.chance).encode()
                response.body = lagging
                response.content_length = len(lagging)
            self._listings.note(now)


def _what(request: web.Request, body: bytes) -> tuple[Operation, str]:
    """Return the operation of a request, and its key or prefix; lines of several."""
    key = unquote(request.raw_path.partition("?")[0]).lstrip("/").partition("/")[2]
    query, headers = request.query, request.headers
    operation: Operation
    match request.method:
        case "GET" if not key:
            return "list", query.get("prefix", "")
        case "POST" if "delete" in query:
            keys = (html.unescape(found) for found in _KEY.findall(body.decode()))
            return "delete", "\n".join(keys)
        case "GET":
            operation = "get"
        case "HEAD":
            operation = "head"
        case "POST":
            operation = "begin" if "uploads" in query else "complete"
        case "DELETE":
            operation = "abort" if "uploadId" in query else "delete"
        case _ if "partNumber" in query:
            return "part", f"{key} ({query['partNumber']})"
        case _:
            has_condition = "If-Match" in headers or "If-None-Match" in headers
            operation = "swap" if has_condition else "put"
    return operation, key


def _error(status: int, code: str) -> web.Response:
    """Return an error as S3 writes it."""
    return _xml(
        status,
        f"<Error><Code>{code}</Code><Message>Please try again</Message></Error>",
    )


def _failed_200(seen: Seen) -> web.Response:
    """Return an answer 200 with an error; if objects are removed, one for each."""
    if seen.operation != "delete":
        return _error(200, "InternalError")
    errors = (
        f"<Error><Key>{html.escape(key)}</Key><Code>InternalError</Code>"
        "<Message>Please try again</Message></Error>"
        for key in seen.key.split("\n")
    )
    return _xml(200, f"<DeleteResult>{''.join(errors)}</DeleteResult>")


def _xml(status: int, text: str) -> web.Response:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'
    return web.Response(status=status, text=text, content_type="application/xml")


def _reset(request: web.Request) -> web.Response:
    """Break the connection to the client."""
    if request.transport is not None:
        connection = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        request.transport.abort()
    return web.Response()  # goes nowhere


async def _send_piece(
    request: web.Request, whole: web.Response, share: float
) -> web.StreamResponse:
    """Announce the whole answer, send some of it, and end."""
    content = whole.body if isinstance(whole.body, bytes) else b""
    piece = web.StreamResponse(status=whole.status, headers=whole.headers)
    await piece.prepare(request)
    await piece.write(content[: int(len(content) * share)])
    if request.transport is not None:
        request.transport.close()
    return piece
