"""Error answers: the service's words, bounded, with what to do next."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcbatch.errors import AccessError, ErrorResponse, ServiceError
from gcbatch.genesys.client.error_response import (
    MESSAGE_CHARS,
    correlation_id,
    parse_error,
    to_exception,
)
from gcbatch.genesys.client.redaction import Redactor
from gcbatch.genesys.client.transport import Response


def refused(
    status: int = 400, body: Any = b"", *, path: str = "/api/v2/x", **headers: str
) -> ErrorResponse:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return parse_error("POST", path, Response(status, named, raw))


def test_the_services_words_are_kept() -> None:
    """Code, message and correlation id are reported; nothing else of the body is."""
    body = {
        "message": "Value [x] is not valid",
        "code": "invalid.value",
        "contextId": "abc",
        "details": [{"secret": "s"}],
    }

    assert str(refused(400, body)) == (
        "POST /api/v2/x: 400 invalid.value: Value [x] is not valid (correlation id abc)"
    )


def test_a_token_errors_shape_is_known_too() -> None:
    """The token endpoint has its own words."""
    refusal = refused(400, {"error": "invalid_client", "error_description": "no such"})

    assert (refusal.code, refusal.message) == ("invalid_client", "no such")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>502</html>",
        b"[]",
        b"null",
        b'{"message": 5, "code": ["x"]}',
        b'{"message": "\xff"}',
        b'{"x":' + b"[" * 100_000,
    ],
)
def test_what_is_no_error_body_has_no_words(body: bytes) -> None:
    """A gateway's page, no UTF-8 and endless nesting are not an error of ours."""
    refusal = refused(502, body)

    assert str(refusal) == "POST /api/v2/x: 502"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"ININ-Correlation-Id": "old", "Genesys-Correlation-Id": "new"}, "old"),
        ({"Genesys-Correlation-Id": "new"}, "new"),
        ({}, ""),
    ],
)
def test_the_correlation_id_has_two_names(
    headers: dict[str, str], expected: str
) -> None:
    """Either header is enough."""
    assert correlation_id(headers) == expected


@given(text=st.text(max_size=2000))
def test_a_terminal_is_not_spoken_to(text: str) -> None:
    """Words are one line of printable text, of bounded length."""
    message = refused(500, {"message": text}).message

    assert message.isprintable()
    assert len(message) <= MESSAGE_CHARS


@pytest.mark.parametrize(
    ("status", "message", "kind", "hint"),
    [
        (401, "", AccessError, "check client id and secret"),
        (
            403,
            "You are missing the following permission(s): routing:queue:view",
            AccessError,
            "permission routing:queue:view",
        ),
        (
            403,
            "You must have at least one of the following permissions assigned: [a:b:c]",
            AccessError,
            "permission [a:b:c]",
        ),
        (403, "", AccessError, "the permission for this call"),
        (404, "", ServiceError, "check the region"),
        (413, "", ServiceError, "shorter fetch.chunk"),
        (429, "", ServiceError, "lower fetch.requests_per_minute"),
        (500, "", ServiceError, "quote the correlation id"),
        (
            400,
            "Value [x] is not valid for field type [ConversationAggregateMetric]",
            ServiceError,
            "query.metrics",
        ),
        (
            400,
            "Requested groupBy dimensions are not supported",
            ServiceError,
            "query.group_by",
        ),
        (400, "limit of 30000 results", ServiceError, "shorter fetch.chunk"),
        (400, "granularity too fine", ServiceError, "query.granularity"),
        (
            400,
            "Dates must be specified as ISO-8601 strings",
            ServiceError,
            "query.from, query.to",
        ),
        (400, "no idea", ServiceError, "the query section"),
    ],
)
def test_each_status_has_a_next_step(
    status: int, message: str, kind: type[Exception], hint: str
) -> None:
    """Credentials and permissions are one kind of error, the rest another."""
    path = "/api/v2/analytics/conversations/aggregates/query"
    error = to_exception(refused(status, {"message": message}, path=path))

    assert type(error) is kind
    assert hint in (error.hint or "")
    assert error.response is not None


@pytest.mark.parametrize("path", ["/api/v2/users", "/oauth/token"])
@pytest.mark.parametrize("status", [400, 404, 413, 500])
@pytest.mark.parametrize(
    "message", ["", "Invalid interval", "limit of 10000", "Filter", "no such Metric"]
)
def test_no_key_of_the_query_mends_another_request(
    path: str, status: int, message: str
) -> None:
    """What lists users, or signs in, is not sent to the query section for help."""
    hint = to_exception(refused(status, {"message": message}, path=path)).hint or ""

    assert hint
    assert "query" not in hint
    assert "fetch.chunk" not in hint


PAIR = "aWQ6czNjci90K3Q="  # id:s3cr/t+t in Base64


@pytest.mark.parametrize("form", ["s3cr/t+t", PAIR, "s3cr%2Ft%2Bt", "a-token"])
@pytest.mark.parametrize("place", ["message", "code", "contextId", "header"])
def test_credentials_are_hidden_in_every_form_and_field(form: str, place: str) -> None:
    """A service that echoes them is not repeated; an id that holds them is dropped."""
    body = {} if place == "header" else {place: f"got {form}, sorry"}
    headers = {"ININ-Correlation-Id": f"x{form}"} if place == "header" else {}
    redactor = Redactor("id", "s3cr/t+t")
    redactor.learn("a-token")

    reported = parse_error(
        "GET",
        "/x",
        Response(400, headers, json.dumps(body).encode()),
        redact=redactor.text,
    )

    assert form not in str(reported)
    assert ("[hidden]" in str(reported)) == (place in ("message", "code"))


def test_no_part_of_a_secret_is_left_where_a_message_is_cut() -> None:
    """It is hidden before the message is shortened."""
    body = {"message": "x" * (MESSAGE_CHARS - 4) + "s3cr/t+t"}

    redactor = Redactor("i", "s3cr/t+t")

    reported = parse_error(
        "GET",
        "/x",
        Response(400, {}, json.dumps(body).encode()),
        redact=redactor.text,
    )

    assert "s3c" not in str(reported)
