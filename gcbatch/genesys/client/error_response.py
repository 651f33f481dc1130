"""Error responses of the service, and the errors to raise for them.

Sources: the SDK's model ErrorBody; codes and texts of the service's documentation;
the token endpoint has another shape (RFC 6749, section 5.2). Read 2026-11-21.
"""

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec

from gcbatch.errors import AccessError, ErrorResponse, GcbatchError, ServiceError
from gcbatch.genesys.client.body_reader import read_body
from gcbatch.genesys.client.transport import ANALYTICS, Response
from gcbatch.text import fits_id, one_line

__all__ = [
    "DECODE_ERRORS",
    "correlation_id",
    "is_too_large",
    "paging_limit",
    "parse_error",
    "to_exception",
]

MESSAGE_CHARS: Final = 600

DECODE_ERRORS: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises for a body that is no JSON, no UTF-8, or nested too deeply."""

_PERMISSIONS: Final = re.compile(
    r"permissions?(?:\(s\))?(?: assigned)?: *(.+)", re.IGNORECASE
)
_HINTS_400: Final = (
    (r"Metric", "look at query.metrics"),
    (r"Dimension|groupBy", "look at query.group_by and query.filter"),
    (r"Filter|Predicate|Clause", "look at query.filter"),
    (r"View", "look at query.views"),
    (r"[Gg]ranularity", "look at query.granularity"),
    (r"time ?[Zz]one", "look at query.timezone"),
    (r"ISO-8601|[Ii]nterval|[Dd]ate", "look at query.from, query.to and fetch.chunk"),
    (r"limit|larger than", "set a shorter fetch.chunk, or fewer queues"),
)


class _ErrorBody(msgspec.Struct):
    message: Any = ""
    code: Any = ""
    contextId: Any = ""  # noqa: N815 - the API's word
    error: Any = ""
    error_description: Any = ""


_ERROR_BODIES: Final = msgspec.json.Decoder(_ErrorBody)


def parse_error(
    method: str,
    path: str,
    response: Response,
    *,
    redact: Callable[[str], str] = str,
) -> ErrorResponse:
    """Read an error response; if it is no JSON, it has no code and no message.

    The answer may echo credentials, which *redact* hides.
    """
    try:
        error = read_body(response.body, _ERROR_BODIES.decode)
    except DECODE_ERRORS:
        error = _ErrorBody()
    return ErrorResponse(
        method=method,
        path=path,
        status=response.status,
        code=_clean(error.code or error.error, redact),
        message=_clean(error.message or error.error_description, redact),
        correlation_id=(
            correlation_id(response.headers, redact=redact)
            or _id(error.contextId, redact)
        ),
    )


def correlation_id(
    headers: Mapping[str, str], *, redact: Callable[[str], str] = str
) -> str:
    """Return the service's id of an exchange; empty if it gave no usable one."""
    old, new = (headers.get(f"{n}-Correlation-Id") for n in ("ININ", "Genesys"))
    return _id(old or new, redact)


def _id(value: object, redact: Callable[[str], str]) -> str:
    """Return an id as it is; empty if it is none, or holds credentials."""
    text = value.strip() if isinstance(value, str) else ""
    return text if fits_id(redact(text)) else ""


def _clean(value: object, redact: Callable[[str], str]) -> str:
    """Return a text of the service as one bounded line, without credentials."""
    return one_line(redact(value), MESSAGE_CHARS) if isinstance(value, str) else ""


def to_exception(refusal: ErrorResponse) -> GcbatchError:
    """Return the error to raise for an answer that repeating does not change."""
    hint = _hint(refusal)
    kind = AccessError if refusal.status in (401, 403) else ServiceError
    return kind(str(refusal), hint=hint, response=refusal)


def is_too_large(refusal: ErrorResponse) -> bool:
    """Say whether the service refused a request for its size alone.

    Source: `limit of 30000 results` and `Result set is larger than result limit` are
    texts that other extractors match; 413 is documented for the body's size.
    """
    if refusal.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return True
    too_much = re.search(r"limit|larger than|too large", refusal.message, re.IGNORECASE)
    return refusal.status == HTTPStatus.BAD_REQUEST and too_much is not None


def paging_limit(refusal: ErrorResponse | None) -> int | None:
    """Return how many rows paging reaches, if the error says so.

    Source: `Pagination may not exceed 100000 results.` is the text that other tools
    quote; its code is not known.
    """
    if refusal is None or refusal.status != HTTPStatus.BAD_REQUEST:
        return None
    match = re.search(r"[Pp]agination may not exceed (\d[\d,]{0,11})", refusal.message)
    return int(match[1].replace(",", "")) if match else None


def _hint(refusal: ErrorResponse) -> str | None:
    status = refusal.status
    later = "try again later; quote the correlation id to the service's support"
    if status == HTTPStatus.FORBIDDEN:
        if match := _PERMISSIONS.search(refusal.message):
            return f"give the OAuth client's role the permission {match[1].strip(' .')}"
        return "give the OAuth client a role with the permission for this call"
    hints = {
        401: "check client id and secret, and that the region is the org's",
        404: "check the region or domain",
        429: "lower fetch.requests_per_minute",
    }
    if not refusal.path.startswith(ANALYTICS):
        return hints.get(status, later)
    if status == HTTPStatus.BAD_REQUEST:
        for pattern, hint in _HINTS_400:
            if re.search(pattern, refusal.message):
                return hint
        return "look at the query section of the job"
    hints |= {
        404: "check the region or domain, and the endpoint",
        413: "set a shorter fetch.chunk, fewer queues or a smaller body_bytes",
    }
    return hints.get(status, later)
