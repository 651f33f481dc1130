"""Calls to the API: signed, paced, repeated where repeating helps."""

import asyncio
import base64
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Generic, TypeVar
from urllib.parse import urlencode

import msgspec

from gcbatch.errors import AccessError, DataError, Refusal, ServiceError
from gcbatch.genesys.answers import correlation_id, error_of, refusal_of
from gcbatch.genesys.auth import Token, TokenProvider
from gcbatch.genesys.quota import Pacer
from gcbatch.genesys.regions import Hosts
from gcbatch.genesys.retry import RETRYABLE, Attempts, told_wait_s
from gcbatch.genesys.transport import (
    Interrupted,
    Response,
    Transport,
    Unreachable,
    open_transport,
)

__all__ = ["Answer", "Client", "Connection", "Traffic", "open_client"]

T = TypeVar("T")
LARGE_BODY: Final = 256 * 1024
"""Bodies above this are decoded in a thread, so that the loop keeps its pace."""


@dataclass
class Traffic:
    """What went over the line.

    Args:
        sent: Requests sent to the API, retries included, tokens not.
        answered: Answers by HTTP status.
        retries: Repeated requests by cause, such as `429`, `timeout`, `garbage`.
        waited_s: Seconds that tasks waited because they were told to or by backoff.
        received: Bytes of answers, after decompression.
    """

    sent: int = 0
    answered: Counter[int] = field(default_factory=Counter)
    retries: Counter[str] = field(default_factory=Counter)
    waited_s: float = 0.0
    received: int = 0

    @property
    def throttled(self) -> int:
        """Answers 429."""
        return self.answered[429]


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """A decoded answer.

    Args:
        value: What it says.
        asked_at: When the request that was answered was sent, UTC.
        attempts: Requests that it took.
        size: Bytes of the body.
        correlation_id: The service's id of the exchange; empty if it gave none.
    """

    value: T
    asked_at: datetime
    attempts: int
    size: int
    correlation_id: str


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach an org, and how hard to ask it.

    Args:
        hosts: Its two addresses.
        client_id, client_secret: Of the OAuth client.
        requests_per_minute, reserve: As in the job file.
        concurrency: Requests in flight.
        timeout_s, give_up_s, max_response_bytes: As in the job file.
    """

    hosts: Hosts
    client_id: str
    client_secret: str = field(repr=False)
    requests_per_minute: int
    reserve: float
    concurrency: int
    timeout_s: float
    give_up_s: float
    max_response_bytes: int


class Client:
    """Asks one org with one token and one pace, however many tasks share it.

    Args:
        transport: Sends single requests.
        connection: Where to, as whom and how fast.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        transport: Transport,
        connection: Connection,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._connection = connection
        self._clock = clock
        self.tokens = TokenProvider(self._sign_in, clock=clock)
        self.pacer = Pacer(
            connection.requests_per_minute, reserve=connection.reserve, clock=clock
        )
        self.traffic = Traffic()
        self.on_wait: Callable[[float, str], None] = lambda _seconds, _cause: None
        """Is told of every wait before a request is repeated, and of its cause."""

    async def get(
        self, path: str, decode: Callable[[bytes], T], **parameters: str | int
    ) -> Answer[T]:
        """Send a GET; see call."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        return await self.call("GET", path, decode, query=query)

    async def post(
        self, path: str, decode: Callable[[bytes], T], body: bytes
    ) -> Answer[T]:
        """Send a POST that only reads, so that repeating it is safe; see call."""
        return await self.call("POST", path, decode, body=body)

    async def call(
        self,
        method: str,
        path: str,
        decode: Callable[[bytes], T],
        *,
        query: str = "",
        body: bytes | None = None,
    ) -> Answer[T]:
        """Send a request until it is answered, and decode the answer.

        Args:
            method: GET or POST.
            path: Of the API, from /api/v2 on.
            query: The URL's query, with its question mark.
            body: JSON; None is no body.
            decode: Reads the body. A msgspec.DecodeError means it came damaged, and
                the request is repeated; a DataError means that it is wrong.

        Returns:
            What *decode* returned, with the account of the exchange.

        Raises:
            AccessError: If the credentials or a permission are refused.
            ServiceError: If the service cannot be reached, keeps failing, or refuses
                the request.
            DataError: If the answer has an unexpected shape; names the request.
        """
        attempts = self._attempts()
        rejected: Token | None = None
        url = f"{self._connection.hosts.api}{path}{query}"
        while True:
            token = await self.tokens.get(rejected=rejected)
            rejected = None
            await self.pacer.turn()
            asked_at = datetime.now(UTC)
            response, lost = await self._send(method, url, token, body)
            if response is None:
                await self._pause(attempts, lost or Interrupted(), f"{method} {path}")
                continue
            self._take_in(response)
            if response.status not in (401, 429) and response.status < 500:  # noqa: PLR2004 - HTTP's own numbers
                self.tokens.accepted(token)
            if response.status < 300:  # noqa: PLR2004 - HTTP's own number
                try:
                    value = await _decoded(decode, response.body)
                except msgspec.ValidationError as exc:
                    msg = f"{method} {path}: unexpected answer: {exc}"
                    raise DataError(msg, hint=_SHAPE_HINT) from exc
                except msgspec.DecodeError:
                    damaged = Interrupted("damaged answer")
                    await self._pause(attempts, damaged, f"{method} {path}")
                    continue
                return Answer(
                    value,
                    asked_at,
                    attempts.made + 1,
                    len(response.body),
                    correlation_id(response.headers),
                )
            refusal = refusal_of(
                method, path, response.status, response.headers, response.body
            )
            if response.status == 401:  # noqa: PLR2004 - HTTP's own number
                rejected = token
                if attempts.wait_s(told_s=0.0) is None:
                    raise error_of(refusal)
                self.traffic.retries["401"] += 1
                continue
            if response.status not in RETRYABLE:
                raise error_of(refusal)
            await self._obey(attempts, refusal, response)

    def _attempts(self) -> Attempts:
        # Jitter only has to spread tasks apart; nothing secret hangs on it.
        return Attempts(
            give_up_s=self._connection.give_up_s,
            clock=self._clock,
            jitter=lambda: random.uniform(0.5, 1.0),  # noqa: S311
        )

    async def _send(
        self, method: str, url: str, token: Token, body: bytes | None
    ) -> tuple[Response | None, Unreachable | Interrupted | None]:
        headers = {"Authorization": f"Bearer {token.value}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        self.traffic.sent += 1
        try:
            response = await self._transport.send(
                method, url, headers=headers, body=body
            )
        except (Unreachable, Interrupted) as lost:
            return None, lost
        return response, None

    def _take_in(self, response: Response) -> None:
        """Count an answer and hand what it says of the quota to the pacer."""
        self.traffic.answered[response.status] += 1
        self.traffic.received += len(response.body)
        said = [
            response.headers.get(f"inin-ratelimit-{n}", "")
            for n in ("count", "allowed", "reset")
        ]
        if all(text.isdecimal() for text in said):
            count, allowed, reset = map(int, said)
            self.pacer.observe(count=count, allowed=allowed, reset_s=reset)

    async def _obey(
        self, attempts: Attempts, refusal: Refusal, response: Response
    ) -> None:
        """Wait before repeating a request that the service could not serve now."""
        throttled = refusal.status == 429  # noqa: PLR2004 - HTTP's own number
        told_s = None
        if throttled or "Retry-After" in response.headers:
            told_s = told_wait_s(
                response.headers, refusal.message, now=datetime.now(UTC)
            )
        wait_s = attempts.wait_s(told_s=told_s)
        if wait_s is None:
            raise error_of(refusal)
        if throttled:
            # The quota is everyone's, so that everyone waits.
            self.pacer.hold(wait_s)
        await self._wait(wait_s, str(refusal.status))

    async def _pause(
        self, attempts: Attempts, lost: Unreachable | Interrupted, where: str
    ) -> None:
        """Wait before repeating a request that got no usable answer."""
        unreachable = isinstance(lost, Unreachable)
        wait_s = attempts.wait_s(unreachable=unreachable)
        if wait_s is None:
            if unreachable:
                msg = f"{where}: cannot be reached: {lost}"
                hint = "check region, domain or api_url, the network and proxies"
            else:
                msg = f"{where}: no usable answer in {attempts.made} attempts: {lost}"
                hint = "try again later, or set a shorter fetch.chunk"
            raise ServiceError(msg, hint=hint) from lost
        await self._wait(wait_s, "unreachable" if unreachable else str(lost))

    async def _wait(self, seconds: float, cause: str) -> None:
        self.traffic.retries[cause] += 1
        self.traffic.waited_s += seconds
        self.on_wait(seconds, cause)
        await asyncio.sleep(seconds)

    async def _sign_in(self) -> Token:
        """Ask the login host for a token (RFC 6749, section 4.4)."""
        connection = self._connection
        pair = f"{connection.client_id}:{connection.client_secret}".encode()
        headers = {
            "Authorization": f"Basic {base64.b64encode(pair).decode('ascii')}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        path = "/oauth/token"
        url = f"{connection.hosts.login}{path}"
        attempts = self._attempts()
        while True:
            try:
                response = await self._transport.send(
                    "POST", url, headers=headers, body=b"grant_type=client_credentials"
                )
            except (Unreachable, Interrupted) as lost:
                await self._pause(attempts, lost, f"POST {url}")
                continue
            if response.status < 300:  # noqa: PLR2004 - HTTP's own number
                try:
                    return _token(response.body)
                except msgspec.DecodeError:
                    damaged = Interrupted("damaged answer")
                    await self._pause(attempts, damaged, f"POST {url}")
                    continue
            refusal = refusal_of(
                "POST", path, response.status, response.headers, response.body
            )
            if response.status in RETRYABLE:
                await self._obey(attempts, refusal, response)
                continue
            if response.status in (400, 401, 403):
                hint = "check client id and secret, and that the region is the org's"
                raise AccessError(str(refusal), hint=hint, refusal=refusal)
            raise error_of(refusal)


_SHAPE_HINT: Final = "the service may have changed; see if a newer gcbatch knows it"


async def _decoded(decode: Callable[[bytes], T], body: bytes) -> T:
    if len(body) > LARGE_BODY:
        return await asyncio.to_thread(decode, body)
    return decode(body)


class _Grant(msgspec.Struct):
    access_token: str
    expires_in: float = 3600.0


def _token(body: bytes) -> Token:
    granted = msgspec.json.decode(body, type=_Grant)
    if not granted.access_token.isprintable() or granted.expires_in <= 0:
        raise msgspec.DecodeError
    return Token(granted.access_token, lifetime_s=granted.expires_in)


@asynccontextmanager
async def open_client(connection: Connection) -> AsyncIterator[Client]:
    """Open a client; its connections are closed on leaving."""
    async with open_transport(
        timeout_s=connection.timeout_s,
        connections=connection.concurrency + 1,
        max_response_bytes=connection.max_response_bytes,
    ) as transport:
        yield Client(transport, connection)
