"""One token for all tasks, from client credentials."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from gcbatch.errors import AccessError

__all__ = [
    "EXPIRY_MARGIN_S",
    "MAX_FRESH_REFUSALS",
    "Token",
    "TokenProvider",
    "TokenSource",
]

EXPIRY_MARGIN_S: Final = 60.0
"""A token is renewed this long before it ends, so that none ends on its way."""

MAX_FRESH_REFUSALS: Final = 3
"""Fresh tokens that the API may refuse in a row before we stop requesting more."""


@dataclass(frozen=True, slots=True, eq=False)
class Token:
    """A bearer token as the server granted it."""

    value: str = field(repr=False)
    lifetime_s: float


class TokenSource(Protocol):
    """Has the token to send with."""

    async def get(self, *, rejected: Token | None = None) -> Token:
        """Return a token; not *rejected*, which the API refused."""

    def latest(self, token: Token) -> Token:
        """Return the token that replaced *token*, or *token* itself."""

    def accepted(self, token: Token) -> None:
        """Note that the API accepted a request with *token*."""


class TokenProvider:
    """Has one shared token; renews it when it ends or is refused.

    Args:
        grant: Requests a new token.
        clock: Monotonic seconds.
    """

    def __init__(
        self, grant: Callable[[], Awaitable[Token]], *, clock: Callable[[], float]
    ) -> None:
        self._grant = grant
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token: Token | None = None
        self._fresh_until = 0.0
        self._proven = False
        self._refused_fresh = 0
        self.granted = 0
        """Number of tokens granted so far."""

    async def get(self, *, rejected: Token | None = None) -> Token:
        """Return a token that is good for at least EXPIRY_MARGIN_S more seconds.

        Args:
            rejected: The token that the API just refused (HTTP 401). Ten tasks with one
                refused token cause one renewal, not ten: the nine that wait for the
                lock find a newer token behind it.

        Returns:
            The shared token. A token that lives for less than twice the margin is
            renewed after half its life.

        Raises:
            AccessError: If the API refused MAX_FRESH_REFUSALS tokens in a row, and
                accepted no request with any of them.
        """
        async with self._lock:
            if rejected is not None and rejected is self._token:
                self._count_refusal()
                self._token = None
            if self._token is None or self._clock() >= self._fresh_until:
                asked_at = self._clock()
                token = self._token = await self._grant()
                self.granted += 1
                self._proven = False
                margin = min(EXPIRY_MARGIN_S, token.lifetime_s / 2)
                self._fresh_until = asked_at + token.lifetime_s - margin
            return self._token

    def latest(self, token: Token) -> Token:
        """Return the token that replaced *token*, or *token* itself.

        The API may refuse a token while its task waits for the quota: with 200 tasks
        waiting, a revoked token would cost 200 requests.
        """
        return self._token or token

    def accepted(self, token: Token) -> None:
        """Note that the API accepted a request with *token*."""
        if token is self._token:
            self._proven = True
            self._refused_fresh = 0

    def _count_refusal(self) -> None:
        self._refused_fresh = 0 if self._proven else self._refused_fresh + 1
        if self._refused_fresh >= MAX_FRESH_REFUSALS:
            msg = (
                f"the API refuses every token it grants ({MAX_FRESH_REFUSALS} in a row)"
            )
            hint = (
                "check that api_url and login_url are of one org, and that the OAuth "
                "client is active and has a role"
            )
            raise AccessError(msg, hint=hint)
