"""Sends answers, or whatever a fault makes of them."""

import asyncio
import socket
import struct
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

import orjson
from aiohttp import web

from gcbatch.simulator.faults.details import detail_distorted, has_details
from gcbatch.simulator.faults.distortions import distorted
from gcbatch.simulator.faults.faults import DISTORTIONS, INSTEAD, Fault
from gcbatch.simulator.problems import throttled, unauthorized, with_status
from gcbatch.simulator.request_log import Entry

__all__ = ["instead_of_answer", "json_response", "send", "spoil", "stall"]

OK: Final = 200
FOUND: Final = 302
UNAVAILABLE: Final = 503
TOO_MANY_REQUESTS: Final = 429
DEFAULT_WAIT_S: Final = 1
GARBAGE: Final = b"<html><body>Please log in to the guest network</body></html>"
RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with no time to linger: closing sends RST, not FIN."""


def json_response(
    body: object, status: int = OK, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return a JSON answer."""
    return web.Response(
        body=orjson.dumps(body),
        status=status,
        headers=headers,
        content_type="application/json",
    )


async def stall(faults: Iterable[Fault]) -> None:
    """Wait as long as the faults say."""
    for fault in faults:
        if fault.kind == "stall":
            await asyncio.sleep(fault.delay_s)


def instead_of_answer(faults: Iterable[Fault], allowed: int) -> web.Response | None:
    """Return what a fault answers; None if none of them does.

    Args:
        faults: Those that befell the request.
        allowed: Requests a window, for a 429's body.

    Raises:
        Problem: If the fault is an error with a body of the service's own.
    """
    for fault in faults:
        if fault.kind in INSTEAD:
            return _answer_of(fault, allowed)
    return None


def _answer_of(fault: Fault, allowed: int) -> web.Response:
    wait_s = DEFAULT_WAIT_S if fault.wait_s is None else fault.wait_s
    if fault.kind == "unauthorized":
        raise unauthorized(header=True)
    if fault.kind == "throttled":
        if fault.hint in ("retry-after", "message"):
            raise throttled(
                wait_s, allowed=allowed, retry_after=fault.hint == "retry-after"
            )
        headers = {} if fault.hint == "none" else {"inin-ratelimit-reset": str(wait_s)}
        return web.Response(status=TOO_MANY_REQUESTS, headers=headers)
    if fault.kind == "garbage":
        body = GARBAGE if fault.body is None else fault.body
        return web.Response(body=body, content_type=fault.content_type)
    if fault.kind == "redirect":
        return web.Response(
            status=fault.status or FOUND, headers={"Location": fault.location}
        )
    if fault.kind == "status":
        return _status(fault)
    return web.Response()  # never sent: the connection is reset


def _status(fault: Fault) -> web.Response:
    headers = {} if fault.wait_s is None else {"Retry-After": str(fault.wait_s)}
    status = fault.status or UNAVAILABLE
    if fault.body is None:
        problem = with_status(status)
        problem.headers |= headers
        raise problem
    return web.Response(
        body=fault.body,
        status=status,
        headers=headers,
        content_type=fault.content_type,
    )


def spoil(response: web.Response, faults: Collection[Fault], request: Any) -> None:
    """Distort the JSON of a good answer, fault by fault.

    Args:
        response: Changed in place; anything but a real answer stays as it is.
        faults: Those that befell the request.
        request: The request's JSON body.
    """
    distortions = [fault for fault in faults if fault.kind in DISTORTIONS]
    if not distortions or response.status != OK or not isinstance(response.body, bytes):
        return
    if any(fault.kind in INSTEAD for fault in faults):
        return  # garbage already
    answer = orjson.loads(response.body)
    for fault in distortions:
        if has_details(answer):
            answer = detail_distorted(answer, fault)
        else:
            answer = distorted(answer, fault.kind, request or {})
    response.body = orjson.dumps(answer)


async def send(
    request: web.Request, response: web.Response, faults: Iterable[Fault], entry: Entry
) -> web.Response:
    """Send an answer whole, in part or not at all, and note which.

    Returns:
        The answer; of one that was cut off aiohttp sends nothing more.
    """
    kinds = {fault.kind for fault in faults}
    body = response.body
    size = len(body) if isinstance(body, bytes) else 0
    entry.response_bytes = size
    if "reset" in kinds:
        entry.response_bytes = 0
        _reset(request)
        return response
    entry.status = response.status
    if "truncated" in kinds and isinstance(body, bytes):
        entry.response_bytes = size // 2
        await _send_half(request, response, body)
    return response


def _reset(request: web.Request) -> None:
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        transport.abort()


async def _send_half(request: web.Request, response: web.Response, body: bytes) -> None:
    """Announce the whole body, send half of it and hang up."""
    half = web.StreamResponse(status=response.status, headers=response.headers)
    half.content_length = len(body)
    await half.prepare(request)
    await half.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
