"""Calls to the API: signed, paced, repeated where repeating helps."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Final, Generic, Protocol, TypeVar
from urllib.parse import urlencode

import msgspec

from gcbatch.errors import SHAPE_HINT, DataError, TooLargeError
from gcbatch.genesys import rule_for
from gcbatch.genesys.client.body_reader import ForeignBodyError, read_body
from gcbatch.genesys.client.client_credentials import request_token
from gcbatch.genesys.client.config import ClientConfig
from gcbatch.genesys.client.error_response import (
    DECODE_ERRORS,
    correlation_id,
    is_too_large,
    parse_error,
    to_exception,
)
from gcbatch.genesys.client.large_responses import DecodeGate, DecodeSlot
from gcbatch.genesys.client.rate_limiter import QuotaExhaustedError, RateLimiter
from gcbatch.genesys.client.redaction import Redactor
from gcbatch.genesys.client.retrying import Retrier, RetryState, wait_too_long_error
from gcbatch.genesys.client.server_quota import Permit, QuotaHeaders
from gcbatch.genesys.client.service_clock import ServiceClock
from gcbatch.genesys.client.token_provider import Token, TokenProvider
from gcbatch.genesys.client.traffic import Traffic
from gcbatch.genesys.client.transport import (
    ConnectError,
    ForeignAnswerError,
    ReadError,
    Response,
    Transport,
    open_transport,
)

__all__ = [
    "ACCEPTED",
    "REMOVED",
    "Answer",
    "Client",
    "OrgClient",
    "build_client",
    "open_access",
]

T = TypeVar("T")

MOST_DIGITS: Final = 9
"""Of a number in a header; what is longer is no count of requests or seconds."""


ANSWERED: Final = (HTTPStatus.OK,)
ACCEPTED: Final = (HTTPStatus.OK, HTTPStatus.ACCEPTED)
"""Of what submits a job or looks at one: 202 until it is done."""

REMOVED: Final = (*ACCEPTED, HTTPStatus.NO_CONTENT)
"""Statuses of success by which a call is answered; any other one, such as 206, is an
answer to something else. Source: docs of the API's operations, read 2026-11-27."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """A decoded answer.

    Args:
        value: What it says.
        asked_at: When the request that was answered was sent, UTC, by the service's
            clock.
        attempts: Requests that it took.
        size: Bytes of the body.
        correlation_id: The service's id of the exchange; empty if it gave none.
    """

    value: T
    asked_at: datetime
    attempts: int
    size: int
    correlation_id: str


class Limiter(Protocol):
    """Says when a request may be sent; see Pacer."""

    async def turn(self) -> Permit:
        """Return when the next request may be sent."""
        ...

    def answered(self, ticket: Permit, standing: QuotaHeaders | None) -> None:
        """Take in what an answer says of the quota."""
        ...

    def lost(self, ticket: Permit) -> None:
        """Note that no answer will come."""
        ...

    def hold(self, seconds: float) -> None:
        """Let nobody go for *seconds* from now."""
        ...


class TokenSource(Protocol):
    """Has the token to send with; see TokenProvider."""

    async def get(self, *, rejected: Token | None = None) -> Token:
        """Return a token, another one than what was rejected."""
        ...

    def latest(self, token: Token) -> Token:
        """Return the token that *token* was renewed by, or itself."""
        ...

    def accepted(self, token: Token) -> None:
        """Note that a request was accepted with *token*."""
        ...


class Client:
    """Asks one org with one token and one pace, however many tasks share it.

    Args:
        transport: Sends single requests.
        connection: Where to.
        pace: Says when.
        tokens: Has the token to send with.
        patience: Waits where a request is repeated, and counts the traffic.
        room: Room for large answers; None is of its own.
    """

    def __init__(
        self,
        transport: Transport,
        connection: ClientConfig,
        *,
        pace: Limiter,
        tokens: TokenSource,
        patience: Retrier,
        room: DecodeGate | None = None,
    ) -> None:
        self._transport = transport
        self._connection = connection
        self._pace = pace
        self._tokens = tokens
        self._room = room or DecodeGate()
        self._redactor = Redactor(connection.client_id, connection.client_secret)
        self._hurried = False
        self.patience = patience

    def hurrying(self) -> "Client":
        """Return a client for what a run can do without, which gives up soon.

        It shares all that this one has.
        """
        client = copy(self)
        client._hurried = True  # noqa: SLF001 - of the same class
        return client

    @property
    def clock(self) -> ServiceClock:
        """The service's clock, by the answers that came."""
        return self._transport.clock

    @property
    def traffic(self) -> Traffic:
        """What went over the line so far."""
        return self.patience.traffic

    async def get(
        self, path: str, decode: Callable[[bytes], T], **parameters: str | int
    ) -> Answer[T]:
        """Send a GET; see call."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        return await self.call("GET", path, decode, query=query)

    async def post(
        self,
        path: str,
        decode: Callable[[bytes], T],
        body: bytes,
        *,
        divisible: bool = False,
    ) -> Answer[T]:
        """Send a POST that only reads, so that repeating it is safe; see call."""
        return await self.call("POST", path, decode, body=body, divisible=divisible)

    async def call(
        self,
        method: str,
        path: str,
        decode: Callable[[bytes], T],
        *,
        query: str = "",
        body: bytes | None = None,
        divisible: bool = False,
        statuses: Collection[int] = ANSWERED,
    ) -> Answer[T]:
        """Send a request until it is answered, and decode the answer.

        Args:
            method: GET, POST or DELETE.
            path: Of the API, from /api/v2 on.
            query: The URL's query, with its question mark.
            body: JSON; None is no body.
            divisible: Whether the caller could ask for less at once: then what looks
                too large for the service is not repeated to the end.
            statuses: By which it may be answered; another one of success means that
                the answer is to something else, and the request is repeated.
            decode: Reads the body. A msgspec.DecodeError means it came damaged, or is
                no answer, and the request is repeated; a DataError means that it is
                wrong.

        Returns:
            What *decode* returned, with the account of the exchange.

        Raises:
            TooLargeError: If *divisible*, and the service will not answer so much.
            AccessError: If the credentials or a permission are refused.
            ServiceError: If the service cannot be reached, keeps failing, or refuses
                the request.
            DataError: If the answer has an unexpected shape; names the request.
        """
        tries = self.patience.tries(
            f"{method} {path}", divisible=divisible, hurried=self._hurried
        )
        rejected: Token | None = None
        while True:
            token = await self._tokens.get(rejected=rejected)
            rejected = None
            try:
                ticket = await self._pace.turn()
            except QuotaExhaustedError as exc:
                why = f"{method} {path}: the quota is used up"
                raise wait_too_long_error(
                    exc.wait_s, why, now=datetime.now(UTC)
                ) from exc
            token = self._tokens.latest(token)
            try:
                async with self._room.place() as place:
                    target = f"{path}{query}"
                    response = await self._send(
                        method, target, token, ticket, body, place=place
                    )
                    if response.status < HTTPStatus.MULTIPLE_CHOICES:
                        self._tokens.accepted(token)
                        return Answer(
                            await self._decoded(
                                method, path, response, decode, statuses, place=place
                            ),
                            response.asked_at,
                            tries.made + 1,
                            len(response.body),
                            self._trace(response),
                        )
            except (ConnectError, ReadError) as lost:
                await tries.after_loss(lost)
                continue
            rejected = await self._refused(method, path, response, token, tries)

    async def _decoded(
        self,
        method: str,
        path: str,
        response: Response,
        decode: Callable[[bytes], T],
        statuses: Collection[int],
        *,
        place: DecodeSlot,
    ) -> T:
        """Decode an answer; see call.

        Raises:
            Interrupted: If it came damaged, or is none to what was asked.
            DataError: If it has an unexpected shape.
        """

        def checked(body: bytes) -> T:
            # msgspec does not look at the UTF-8 of keys that it does not know: a
            # damaged byte in one it should know would lose a figure without a word.
            if not body.isascii():
                body.decode()
            # Nothing behind the client has to think of secrets that are echoed.
            clean = self._redactor.body(body)
            self.traffic.echoed += clean is not body
            return read_body(clean, decode)

        if response.status not in statuses:
            self._note_failure(method, path, response)
            msg = f"its status is {response.status}"
            raise ForeignAnswerError(msg)
        try:
            return await place.decoded(checked, response.body)
        except msgspec.ValidationError as exc:
            self._note_failure(method, path, response)
            msg = f"{method} {path}: unexpected answer: {exc}"
            raise DataError(msg, hint=SHAPE_HINT) from exc
        except ForeignBodyError as exc:
            self._note_failure(method, path, response)
            raise ForeignAnswerError(str(exc)) from exc
        except DECODE_ERRORS as exc:
            self._note_failure(method, path, response)
            raise ReadError("damaged answer") from exc  # noqa: EM101, TRY003 - one word of state

    async def _refused(
        self,
        method: str,
        path: str,
        response: Response,
        token: Token,
        tries: RetryState,
    ) -> Token | None:
        """Wait until the request may be repeated.

        Returns:
            The token, if it was what was refused.

        Raises:
            GcbatchError: The refusal as an error, if repeating does not mend it.
        """
        refusal = parse_error(
            method,
            path,
            response.status,
            response.headers,
            response.body,
            redact=self._redactor.text,
        )
        self._note_failure(method, path, response, refusal.correlation_id)
        if response.status == HTTPStatus.UNAUTHORIZED:
            tries.after_stale_token(refusal)
            return token
        rule = rule_for(refusal)
        if rule is None:
            self._tokens.accepted(token)
            if tries.divisible and is_too_large(refusal):
                raise TooLargeError(str(refusal), response=refusal)
            raise to_exception(refusal)
        await tries.after_refusal(refusal, response, rule)
        return None

    def _note_failure(
        self, method: str, path: str, response: Response, known_as: str = ""
    ) -> None:
        trace = known_as or self._trace(response)
        self.traffic.fail(method, path, response.status, trace)

    def _trace(self, response: Response) -> str:
        return correlation_id(response.headers, redact=self._redactor.text)

    async def _send(
        self,
        method: str,
        target: str,
        token: Token,
        ticket: Permit,
        body: bytes | None,
        *,
        place: DecodeSlot,
    ) -> Response:
        self._redactor.learn(token.value)
        headers = {"Authorization": f"Bearer {token.value}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        url = f"{self._connection.hosts.api}{target}"
        self.traffic.sent += 1
        try:
            response = await self._transport.send(
                method, url, headers=headers, body=body, grow=place.grow
            )
        except BaseException:
            self._pace.lost(ticket)
            raise
        self._pace.answered(ticket, _standing(response.headers))
        self.traffic.answered[response.status] += 1
        self.traffic.received += len(response.body)
        return response


def _standing(headers: Mapping[str, str]) -> QuotaHeaders | None:
    """Return what an answer's headers say of the quota, if they say it whole."""
    said = [
        headers.get(f"inin-ratelimit-{name}", "")
        for name in ("count", "allowed", "reset")
    ]
    if not all(text.isdecimal() and len(text) <= MOST_DIGITS for text in said):
        return None
    count, allowed, reset_s = map(int, said)
    return QuotaHeaders(count, allowed, reset_s)


@dataclass(frozen=True)
class OrgClient:
    """The way to one org: a client, and the pace and the token that it goes by.

    Args:
        client: Asks.
        pacer: The org's quota.
        tokens: The org's token.
    """

    client: Client
    pacer: RateLimiter
    tokens: TokenProvider


def build_client(
    transport: Transport,
    connection: ClientConfig,
    clock: Callable[[], float],
    room: DecodeGate | None = None,
) -> OrgClient:
    """Return the way to an org.

    Args:
        transport: Sends single requests.
        connection: Where to, as whom and how fast.
        clock: Monotonic seconds.
        room: As for Client.
    """
    pacer = RateLimiter(
        connection.requests_per_minute, reserve=connection.reserve, clock=clock
    )
    patience = Retrier(give_up_s=connection.give_up_s, hold=pacer.hold, clock=clock)
    grant = partial(request_token, connection, transport, patience)
    tokens = TokenProvider(grant, clock=clock)
    client = Client(
        transport, connection, pace=pacer, tokens=tokens, patience=patience, room=room
    )
    return OrgClient(client, pacer, tokens)


@asynccontextmanager
async def open_access(
    connection: ClientConfig, room: DecodeGate
) -> AsyncIterator[OrgClient]:
    """Open the way to an org, on the clock of the loop.

    Its connections close on leaving.

    Args:
        connection: Where to, as whom and how fast.
        room: For large answers, which orgs share.
    """
    async with open_transport(
        timeout_s=connection.timeout_s,
        connections=connection.concurrency + 1,
        max_response_bytes=connection.max_response_bytes,
    ) as transport:
        clock = asyncio.get_running_loop().time
        yield build_client(transport, connection, clock, room)
