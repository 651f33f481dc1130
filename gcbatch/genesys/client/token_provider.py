"""One token for all tasks, from client credentials."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from gcbatch.errors import AccessError

__all__ = ["EXPIRY_MARGIN_S", "FRESH_REFUSALS", "Token", "TokenProvider"]

EXPIRY_MARGIN_S: Final = 60.0
"""A token is renewed this long before it ends, so that none ends on its way."""

FRESH_REFUSALS: Final = 3
"""Fresh tokens that may be refused in a row before we stop asking for more."""


@dataclass(frozen=True, slots=True, eq=False)
class Token:
    """A bearer token as the server granted it."""

    value: str = field(repr=False)
    lifetime_s: float


class TokenProvider:
    """Hands out one shared token; renews it when it ends or is refused.

    Args:
        grant: Asks the server for a new token.
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
        """How many tokens were granted so far."""

    async def get(self, *, rejected: Token | None = None) -> Token:
        """Return a token that is good for at least EXPIRY_MARGIN_S more seconds.

        Args:
            rejected: The token a request was just refused with (HTTP 401). Ten tasks
                refused with one token cause one renewal, not ten: the nine that wait
                for the lock find a newer token behind it.

        Returns:
            The shared token. One that lives for less than twice the margin is
            renewed at half its life.

        Raises:
            AccessError: If FRESH_REFUSALS tokens in a row were refused before any
                request was accepted with one of them.
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
        """Return the token that *token* was renewed by, or itself.

        Whoever waited for a turn may hold one that was refused meanwhile: with 200
        waiting, a revoked token would cost 200 requests of the quota.
        """
        return self._token or token

    def accepted(self, token: Token) -> None:
        """Note that a request was accepted with *token*."""
        if token is self._token:
            self._proven = True
            self._refused_fresh = 0

    def _count_refusal(self) -> None:
        self._refused_fresh = 0 if self._proven else self._refused_fresh + 1
        if self._refused_fresh >= FRESH_REFUSALS:
            msg = f"the API refuses every token it grants ({FRESH_REFUSALS} in a row)"
            raise AccessError(
                msg,
                hint="check that api_url and login_url are of one org, and that the "
                "OAuth client is active and has a role",
            )
