"""One address of the API, with the function that answers it."""

from collections.abc import Callable, Mapping
from typing import Final, Literal, NamedTuple

import orjson
from aiohttp import web
from multidict import MultiMapping

__all__ = ["ANALYTICS", "ApiRequest", "Route", "json_bytes_response", "json_response"]

OK: Final = 200

ANALYTICS: Final = "/api/v2/analytics"


class ApiRequest(NamedTuple):
    """A request that has a valid token and the permission.

    Args:
        path: The path of the address.
        params: The parameters of the query string.
        path_values: The values of the braces in the route's path, such as `id`.
        body: Empty unless it is a POST.
        faults: Kinds of the faults that apply to it.
    """

    path: str
    params: MultiMapping[str]
    path_values: Mapping[str, str]
    body: bytes
    faults: tuple[str, ...]


class Route(NamedTuple):
    """An address and what answers it.

    Args:
        method: The method of the request.
        path: As aiohttp's router takes it.
        permissions: The client needs one of these; empty if it needs none.
        answer: Returns the response; raises Problem if it is an error.
    """

    method: Literal["DELETE", "GET", "POST"]
    path: str
    permissions: tuple[str, ...]
    answer: Callable[[ApiRequest], web.Response]


def json_response(
    body: object, status: int = OK, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return a response whose body is an object written as JSON."""
    return web.Response(
        body=orjson.dumps(body),
        status=status,
        headers=headers,
        content_type="application/json",
    )


def json_bytes_response(body: bytes) -> web.Response:
    """Return a response whose body is JSON already."""
    return web.Response(body=body, content_type="application/json")
