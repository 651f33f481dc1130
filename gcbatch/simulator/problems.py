"""The error bodies of the service.

Source: model ErrorBody of PureCloudPlatformClientV2 269.0.0; texts and codes from
the API's published swagger and from the mock in splunk/genesys_cloud_ta; read
2026-11-21. Texts without a public example are ours.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

__all__ = [
    "Problem",
    "bad_request",
    "invalid_date",
    "invalid_value",
    "missing_permission",
    "not_found",
    "throttled",
    "too_large",
    "unauthorized",
    "unsupported_media_type",
    "with_status",
]


class Problem(Exception):  # noqa: N818 - it is a response, not an error of ours
    """An error response.

    Args:
        status: HTTP status.
        code: For machines.
        message: For people.
        more: Further keys of the body.
        headers: Further headers of the response.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        more: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.more = more or {}
        self.headers = headers or {}

    def body(self, context_id: str) -> dict[str, Any]:
        """Return the JSON body; *context_id* equals the correlation header."""
        return {
            "message": self.message,
            "code": self.code,
            "status": self.status,
            "contextId": context_id,
            "details": [],
            "errors": [],
            **self.more,
        }


def bad_request(message: str) -> Problem:
    """Return a 400 for a request that is well-formed but invalid."""
    return Problem(400, "bad.request", message)


def invalid_date() -> Problem:
    """Return the 400 for a value that is not an interval."""
    return Problem(
        400,
        "invalid.date",
        "Dates must be specified as ISO-8601 strings. "
        "For example: yyyy-MM-ddTHH:mm:ss.SSSZ",
    )


def invalid_value(
    value: object, field_type: str, allowed: Iterable[str] | None = None
) -> Problem:
    """Return the 400 for a value outside its type.

    Args:
        value: As sent; of an object or list the message shows only `[]`.
        field_type: The expected type, such as the name of a model.
        allowed: The values of an enumeration; None for other types.
    """
    shown = "" if isinstance(value, dict | list) or value is None else str(value)
    message = f"Value [{shown}] is not valid for field type [{field_type}]."
    if allowed is not None:
        message += " Allowable values are: " + ", ".join(allowed)
    return Problem(400, "invalid.value", message)


def unauthorized(*, header: bool) -> Problem:
    """Return the 401 for a bad bearer token, or, without *header*, for none."""
    if header:
        return Problem(401, "bad.credentials", "Invalid login credentials.")
    return Problem(
        401,
        "authentication.required",
        "No authentication bearer token specified in authorization header.",
    )


def missing_permission(permissions: tuple[str, ...]) -> Problem:
    """Return the 403 that names the missing permissions.

    Args:
        permissions: One of these would be enough.
    """
    if len(permissions) == 1:
        return Problem(
            403,
            "missing.permissions",
            "Unable to perform the requested action. You are missing the "
            f"following permission(s): {permissions[0]}",
        )
    return Problem(
        403,
        "missing.any.permissions",
        "Unable to perform the requested action. You must have at least one of "
        f"the following permissions assigned: {', '.join(permissions)}",
    )


def not_found(message: str) -> Problem:
    """Return the 404 for an entity that does not exist."""
    return Problem(404, "not.found", message)


def throttled(wait_s: int, *, allowed: int, retry_after: bool = True) -> Problem:
    """Return the 429.

    Args:
        wait_s: Whole seconds until the next window.
        allowed: Requests per window.
        retry_after: Whether the header Retry-After has the wait too.
    """
    return Problem(
        429,
        "too.many.requests.retry.after",
        f"Rate limit exceeded the maximum. Retry the request in [{wait_s}] seconds",
        more={
            "limit": {
                "key": "client.credentials.token.rate.per.minute",
                "namespace": "platform.api",
                "value": allowed,
            }
        },
        headers={"Retry-After": str(wait_s)} if retry_after else {},
    )


def too_large(max_bytes: int) -> Problem:
    """Return the 413 for a body of more than *max_bytes*."""
    return Problem(
        413,
        "request.entity.too.large",
        f"The request is over the size limit. Maximum bytes: {max_bytes}",
    )


def unsupported_media_type() -> Problem:
    """Return the 415 for a body that is not declared as JSON."""
    return Problem(
        415,
        "unsupported.media.type",
        "Unsupported Media Type - the request must be application/json.",
    )


_BY_STATUS: Final[Mapping[int, tuple[str, str]]] = {
    400: ("bad.request", "HTTP 400 Bad Request"),
    408: (
        "client.timeout",
        "client did not produce a request within the server timeout limit",
    ),
    500: (
        "internal.server.error",
        (
            "The server encountered an unexpected condition which prevented it from "
            "fulfilling the request."
        ),
    ),
    502: ("bad.gateway", "Bad Gateway"),
    503: (
        "service.unavailable",
        (
            "Service Unavailable - The server is currently unavailable (because it "
            "is overloaded or down for maintenance)."
        ),
    ),
    504: ("request.timeout", "The request timed out."),
}


def with_status(status: int) -> Problem:
    """Return the problem that the service reports with a status."""
    code, message = _BY_STATUS.get(status, ("general.error", f"HTTP {status}"))
    return Problem(status, code, message)
