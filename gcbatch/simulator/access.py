"""Client credentials, bearer tokens and permissions.

Source: the client-credentials call of PureCloudPlatformClientV2 269.0.0; error
bodies from the tests of gildas/go-gcloudcx. They do not say which status a wrong secret
has: here it is 401 by default.
"""

import base64
import binascii
import hashlib
import hmac
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from gcbatch.simulator.problems import missing_permission, unauthorized

__all__ = ["Access", "TokenError", "token_id"]

_NOT_FOUND: Final = "client not found"


class TokenError(Exception):
    """The answer of `/oauth/token` when it grants no token.

    Args:
        status: HTTP status.
        error: The error code of RFC 6749.
        description: The text for people.
    """

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.body = {
            "error": error,
            "description": description,
            "error_description": description,
        }


def token_id(token: str) -> str:
    """Return a short name of a token, from which the token cannot be computed."""
    return hashlib.sha256(token.encode()).hexdigest()[:8]


class Access:
    """Grants tokens and checks them, for one OAuth client.

    Args:
        client_id: The only client.
        client_secret: Its secret.
        lifetime_s: Seconds that a token is valid.
        clock: Seconds, monotonic.
        permissions: The permissions of the client's role; None means all.
        wrong_secret_status: 400 or 401.
    """

    def __init__(
        self,
        *,
        client_id: str,
        client_secret: str,
        lifetime_s: float,
        clock: Callable[[], float],
        permissions: frozenset[str] | None,
        wrong_secret_status: int,
    ) -> None:
        self.client_id = client_id
        self.lifetime_s = lifetime_s
        self.permissions = permissions
        self.granted = 0
        self._secret = client_secret
        self._clock = clock
        self._wrong_secret_status = wrong_secret_status
        self._good_until: dict[str, float] = {}

    def grant(self, authorization: str, form: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer of `/oauth/token`.

        Args:
            authorization: The header; empty if there is none.
            form: The fields of the body.

        Raises:
            TokenError: If the grant type, the client or its secret is wrong.
        """
        client_id, secret = _basic(authorization)
        return self._grant(client_id, secret, form.get("grant_type"))

    def grant_json(self, body: bytes) -> dict[str, Any]:
        """Return the answer of `/v2/oauth/token`, which the tutorials use.

        Args:
            body: JSON with `grant_type`, `client_id` and `client_secret`.

        Raises:
            TokenError: As for `grant`, or if the body is not a JSON object.
        """
        try:
            given = orjson.loads(body)
        except orjson.JSONDecodeError:
            given = None
        if not isinstance(given, dict):
            raise TokenError(400, "invalid_request", "the body is no JSON object")
        client_id, secret = given.get("client_id"), given.get("client_secret")
        return self._grant(str(client_id), str(secret), given.get("grant_type"))

    def _grant(self, client_id: str, secret: str, grant_type: object) -> dict[str, Any]:
        if client_id != self.client_id:
            raise TokenError(400, "invalid_client", _NOT_FOUND)
        if not hmac.compare_digest(secret.encode(), self._secret.encode()):
            raise TokenError(
                self._wrong_secret_status, "invalid_client", "authentication failed"
            )
        if grant_type != "client_credentials":
            raise TokenError(
                400, "unsupported_grant_type", "grant type is not supported"
            )
        token = str(uuid.uuid4())
        self._good_until[token] = self._clock() + self.lifetime_s
        self.granted += 1
        return {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": int(self.lifetime_s),
        }

    def check_token(self, authorization: str) -> None:
        """Check the bearer token of a request.

        Raises:
            Problem: 401 if there is no token, or it is unknown, expired or revoked.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise unauthorized(header=False)
        if self._clock() >= self._good_until.get(token, float("-inf")):
            raise unauthorized(header=True)

    def check_permission(self, any_of: tuple[str, ...]) -> None:
        """Check that the client has one of the permissions.

        Raises:
            Problem: 403 that names them, if it has none of them.
        """
        if self.permissions is not None and self.permissions.isdisjoint(any_of):
            raise missing_permission(any_of)

    def revoke(self) -> None:
        """Refuse every token granted so far."""
        self._good_until.clear()


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise TokenError(400, "invalid_client", _NOT_FOUND)
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise TokenError(400, "invalid_client", _NOT_FOUND) from None
    client_id, _, secret = decoded.partition(":")
    return client_id, secret
