"""Requests for a token by client credentials (RFC 6749, section 4.4)."""

import base64
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from gcbatch.errors import AccessError, DataError
from gcbatch.genesys import rule_for
from gcbatch.genesys.client.body_reader import BodyReader, read_body
from gcbatch.genesys.client.config import ClientConfig
from gcbatch.genesys.client.error_response import (
    DECODE_ERRORS,
    parse_error,
    to_exception,
)
from gcbatch.genesys.client.redaction import Redactor
from gcbatch.genesys.client.retrying import Retrier, RetrySettings
from gcbatch.genesys.client.token_provider import Token
from gcbatch.genesys.client.transport import (
    ConnectError,
    ForeignAnswerError,
    ReadError,
    Response,
    Transport,
    unreadable,
)

__all__ = ["request_token"]

USUAL_LIFETIME_S: Final = 3_600.0
"""Lifetime of a token whose answer names none."""

MAX_LIFETIME_S: Final = 172_800.0
"""Two days, the maximum of an OAuth client, by the service's documentation of the
clients' token duration."""

_REFUSED: Final = (
    HTTPStatus.BAD_REQUEST,  # invalid_client, by the service's own tests
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
)


async def request_token(
    config: ClientConfig, transport: Transport, settings: RetrySettings
) -> Token:
    """Request a token of the login host.

    Raises:
        AccessError: If it refuses the credentials.
        ServiceError: If it cannot be reached, or keeps failing.
        DataError: If it grants something that is no token.
    """
    headers, body = _request(config)
    path = config.token_path
    url = f"{config.hosts.login}{path}"
    retrier = Retrier(settings, f"POST {url}")
    redactor = Redactor(config.client_id, config.client_secret)
    while True:
        try:
            response = await transport.send("POST", url, headers=headers, body=body)
            if response.status < HTTPStatus.MULTIPLE_CHOICES:
                return _read_token(url, response)
        except (ConnectError, ReadError) as loss:
            await retrier.after_loss(loss)
            continue
        refusal = parse_error("POST", path, response, redact=redactor.text)
        rule = rule_for(refusal)
        if rule is not None:
            await retrier.after_refusal(refusal, response, rule)
            continue
        if response.status in _REFUSED:
            hint = "check client id and secret, and that the region is the org's"
            raise AccessError(str(refusal), hint=hint, response=refusal)
        raise to_exception(refusal)


def _request(config: ClientConfig) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body that request a token."""
    grant = {"grant_type": "client_credentials"}
    if config.token_style == "json":  # noqa: S105 - a style, no secret
        grant |= {
            "client_id": config.client_id,
            "client_secret": config.client_secret,
        }
        return {"Content-Type": "application/json"}, msgspec.json.encode(grant)
    pair = f"{config.client_id}:{config.client_secret}".encode()
    headers = {
        "Authorization": f"Basic {base64.b64encode(pair).decode('ascii')}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return headers, urlencode(grant).encode()


class _Grant(msgspec.Struct):
    access_token: str
    expires_in: Any = None


_GRANTS: Final = BodyReader(_Grant, "access_token", or_nothing=False)


def _read_token(url: str, response: Response) -> Token:
    if response.status != HTTPStatus.OK:
        msg = f"its status is {response.status}"
        raise ForeignAnswerError(msg)
    try:
        return read_body(response.body, _token)
    except msgspec.ValidationError as exc:
        msg = f"POST {url}: grants no usable token: {exc}"
        raise DataError(msg, hint="check login_url and org.token") from exc
    except DECODE_ERRORS as exc:
        raise unreadable(exc) from exc


def _token(body: bytes) -> Token:
    granted = _GRANTS.decode(body)
    if not granted.access_token.isprintable() or not granted.access_token:
        msg = "access_token is not printable"
        raise msgspec.ValidationError(msg)
    return Token(granted.access_token, lifetime_s=_lifetime_s(granted.expires_in))


def _lifetime_s(expires_in: object) -> float:
    """Return how long a token lives, in seconds.

    Args:
        expires_in: A number, also as text; anything else counts as not sent. That costs
            nothing: a token that ends earlier is refused, and then renewed.
    """
    try:
        lifetime_s = 0.0
        if isinstance(expires_in, (int, float, str)) and not isinstance(
            expires_in, bool
        ):
            lifetime_s = float(expires_in)
    except (ValueError, OverflowError):
        lifetime_s = 0.0
    return min(lifetime_s, MAX_LIFETIME_S) if lifetime_s > 0 else USUAL_LIFETIME_S
