"""Sends responses, changed by the faults that apply to them."""

import asyncio
import socket
import struct
from collections.abc import Collection, Iterable
from typing import Any, Final

import orjson
from aiohttp import web

from gcbatch.simulator.faults.aggregates import corrupt_aggregates
from gcbatch.simulator.faults.details import corrupt_details, has_details
from gcbatch.simulator.faults.faults import CORRUPTIONS, REPLACEMENTS, Fault
from gcbatch.simulator.problems import throttled, unauthorized, with_status
from gcbatch.simulator.request_log import Entry

__all__ = ["corrupt_response", "replacement_response", "send", "stall"]

OK: Final = 200
FOUND: Final = 302
UNAVAILABLE: Final = 503
TOO_MANY_REQUESTS: Final = 429
DEFAULT_WAIT_S: Final = 1
GARBAGE: Final = b"<html><body>Please log in to the guest network</body></html>"
RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with a time of zero: closing sends RST, not FIN."""


async def stall(faults: Iterable[Fault]) -> None:
    """Wait for the delay of each `stall`."""
    for fault in faults:
        if fault.kind == "stall":
            await asyncio.sleep(fault.delay_s)


def replacement_response(faults: Iterable[Fault], allowed: int) -> web.Response | None:
    """Return the response of the first fault that replaces the real one, or None.

    Args:
        faults: Those that apply to the request.
        allowed: Requests per window, for the body of a 429.

    Raises:
        Problem: If the fault is an error that has the service's own body.
    """
    for fault in faults:
        if fault.kind in REPLACEMENTS:
            return _replacement(fault, allowed)
    return None


def _replacement(fault: Fault, allowed: int) -> web.Response:
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


def corrupt_response(
    response: web.Response, faults: Collection[Fault], request: Any
) -> None:
    """Corrupt the JSON of a good response, fault by fault.

    Args:
        response: Changed in place; only a real 200 is changed.
        faults: Those that apply to the request.
        request: The request's JSON body.
    """
    corruptions = [fault for fault in faults if fault.kind in CORRUPTIONS]
    if not corruptions or response.status != OK or not isinstance(response.body, bytes):
        return
    if any(fault.kind in REPLACEMENTS for fault in faults):
        return  # not the real answer
    answer = orjson.loads(response.body)
    for fault in corruptions:
        if has_details(answer):
            answer = corrupt_details(answer, fault)
        else:
            answer = corrupt_aggregates(answer, fault.kind, request or {})
    response.body = orjson.dumps(answer)


async def send(
    request: web.Request, response: web.Response, faults: Iterable[Fault], entry: Entry
) -> web.Response:
    """Send a response completely, in part or not at all, and log which.

    Returns:
        The response; if half of it was sent here, aiohttp sends nothing more.
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
    """Announce the whole body, send half of it, and close the connection."""
    half = web.StreamResponse(status=response.status, headers=response.headers)
    half.content_length = len(body)
    await half.prepare(request)
    await half.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
