"""Requests to the API: signed, within the quota, repeated if repeating may help."""

from collections.abc import Callable, Collection, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, Generic, TypeVar
from urllib.parse import urlencode

import msgspec

from gcbatch.errors import SHAPE_HINT, DataError, TooLargeError
from gcbatch.genesys import ServiceClock, Traffic, rule_for
from gcbatch.genesys.client.body_reader import read_body
from gcbatch.genesys.client.config import ClientConfig
from gcbatch.genesys.client.error_response import (
    DECODE_ERRORS,
    correlation_id,
    is_too_large,
    parse_error,
    to_exception,
)
from gcbatch.genesys.client.large_responses import DecodeGate, DecodeSlot
from gcbatch.genesys.client.rate_limiter import Limiter, QuotaExhaustedError
from gcbatch.genesys.client.redaction import Redactor
from gcbatch.genesys.client.retrying import Retrier, RetrySettings, wait_too_long_error
from gcbatch.genesys.client.server_quota import Permit, QuotaHeaders
from gcbatch.genesys.client.token_provider import Token, TokenSource
from gcbatch.genesys.client.transport import (
    ConnectError,
    ForeignAnswerError,
    ReadError,
    Response,
    Transport,
    unreadable,
)

__all__ = ["ACCEPTED", "REMOVED", "Answer", "Client"]

T = TypeVar("T")

ANSWERED: Final = (HTTPStatus.OK,)
"""Statuses that answer a request. Any other status of success, such as 206, belongs to
something else. Source: docs of the API's operations, read 2026-11-27."""

ACCEPTED: Final = (HTTPStatus.OK, HTTPStatus.ACCEPTED)
"""Statuses that answer a request to submit an async job or to look at it: 202 until the
job is done."""

REMOVED: Final = (*ACCEPTED, HTTPStatus.NO_CONTENT)
"""Statuses that answer a request to remove an async job."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """A decoded answer.

    Args:
        value: What it says.
        asked_at: When its request was sent, UTC, by the service's clock.
        attempts: Requests that it took.
        size: Bytes of the body.
        correlation_id: The service's id of the exchange; empty if it gave none.
    """

    value: T
    asked_at: datetime
    attempts: int
    size: int
    correlation_id: str


class Client:
    """Sends requests to one org, with one token and one quota for all tasks.

    Args:
        transport: Sends single requests.
        config: How to reach the org.
        limiter: Says when a request may be sent.
        tokens: Has the token to send with.
        retry_settings: How requests are repeated; counts the traffic.
        gate: Bounds the large answers in memory; None for a gate of its own.
    """

    def __init__(
        self,
        transport: Transport,
        config: ClientConfig,
        *,
        limiter: Limiter,
        tokens: TokenSource,
        retry_settings: RetrySettings,
        gate: DecodeGate | None = None,
    ) -> None:
        self._transport = transport
        self._config = config
        self._limiter = limiter
        self._tokens = tokens
        self._gate = gate or DecodeGate()
        self._redactor = Redactor(config.client_id, config.client_secret)
        self._hurried = False
        self.retry_settings = retry_settings

    def hurrying(self) -> "Client":
        """Return a client that gives up soon, for data that a run can do without.

        It shares everything else with this one.
        """
        client = copy(self)
        client._hurried = True  # noqa: SLF001 - of the same class
        return client

    @property
    def clock(self) -> ServiceClock:
        """The service's clock, by the answers so far."""
        return self._transport.clock

    @property
    def traffic(self) -> Traffic:
        """The counts of what was sent and received so far."""
        return self.retry_settings.traffic

    async def get(
        self,
        path: str,
        decode: Callable[[bytes], T],
        /,
        **parameters: str | int | Sequence[str],
    ) -> Answer[T]:
        """Send a GET; see call. A parameter of several values is sent for each."""
        query = f"?{urlencode(parameters, doseq=True)}" if parameters else ""
        return await self.call("GET", path, decode, query=query)

    async def post(
        self,
        path: str,
        decode: Callable[[bytes], T],
        body: bytes,
        *,
        can_split: bool = False,
    ) -> Answer[T]:
        """Send a POST that only reads, so that repeating it is safe; see call."""
        return await self.call("POST", path, decode, body=body, can_split=can_split)

    async def call(
        self,
        method: str,
        path: str,
        decode: Callable[[bytes], T],
        *,
        query: str = "",
        body: bytes | None = None,
        can_split: bool = False,
        statuses: Collection[int] = ANSWERED,
    ) -> Answer[T]:
        """Send a request until it is answered, and decode the answer.

        Args:
            method: GET, POST or DELETE.
            path: The path of the address, from /api/v2 on.
            decode: Reads the body. A msgspec.DecodeError means that the body is damaged
                or no answer, and the request is repeated; a DataError means that it is
                wrong.
            query: The URL's query, with its question mark.
            body: JSON; None for no body.
            can_split: Whether the caller can split the request. If so, a request that
                seems too large for the service is repeated less often.
            statuses: Statuses that may answer it. After any other status of success
                the request is repeated: the answer belongs to something else.

        Returns:
            What *decode* returned, and what is known of the exchange.

        Raises:
            TooLargeError: If *can_split*, and the answer is too large for the service.
            AccessError: If the service refuses the credentials or a permission.
            ServiceError: If the service cannot be reached, keeps failing, or refuses
                the request.
            DataError: If the answer has an unexpected shape; names the request.
        """
        name = f"{method} {path}"
        retrier = Retrier(
            self.retry_settings, name, can_split=can_split, hurried=self._hurried
        )
        rejected: Token | None = None
        while True:
            token = await self._tokens.get(rejected=rejected)
            rejected = None
            try:
                permit = await self._limiter.acquire()
            except QuotaExhaustedError as exc:
                why = f"{name}: the quota is used up"
                now = datetime.now(UTC)
                raise wait_too_long_error(exc.wait_s, why, now=now) from exc
            token = self._tokens.latest(token)
            try:
                async with self._gate.slot() as slot:
                    response = await self._send(
                        method, f"{path}{query}", token, permit, body, slot=slot
                    )
                    if response.status < HTTPStatus.MULTIPLE_CHOICES:
                        self._tokens.accepted(token)
                        return Answer(
                            await self._decode(
                                method, path, response, decode, statuses, slot=slot
                            ),
                            response.asked_at,
                            retrier.failed + 1,
                            len(response.body),
                            self._correlation_id(response),
                        )
            except (ConnectError, ReadError) as loss:
                await retrier.after_loss(loss)
                continue
            rejected = await self._after_refusal(method, path, response, token, retrier)

    async def _send(
        self,
        method: str,
        target: str,
        token: Token,
        permit: Permit,
        body: bytes | None,
        *,
        slot: DecodeSlot,
    ) -> Response:
        self._redactor.learn(token.value)
        headers = {"Authorization": f"Bearer {token.value}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        url = f"{self._config.hosts.api}{target}"
        self.traffic.sent += 1
        try:
            response = await self._transport.send(
                method, url, headers=headers, body=body, grow=slot.grow
            )
        except BaseException:
            self._limiter.lost(permit)
            raise
        self._limiter.answered(permit, QuotaHeaders.of(response.headers))
        self.traffic.answered[response.status] += 1
        self.traffic.received += len(response.body)
        return response

    async def _decode(
        self,
        method: str,
        path: str,
        response: Response,
        decode: Callable[[bytes], T],
        statuses: Collection[int],
        *,
        slot: DecodeSlot,
    ) -> T:
        """Decode an answer; see call.

        Raises:
            ReadError: If it is damaged, or an answer to something else.
            DataError: If it has an unexpected shape.
        """

        def checked(body: bytes) -> T:
            # msgspec does not check the UTF-8 of keys that it does not know: a damaged
            # byte in a key that it should know would lose a figure without an error.
            if not body.isascii():
                body.decode()
            # After this, no code has to deal with credentials that the service echoes.
            clean = self._redactor.body(body)
            self.traffic.echoed += clean is not body
            return read_body(clean, decode)

        try:
            if response.status in statuses:
                return await slot.decode(checked, response.body)
        except DECODE_ERRORS as exc:
            self._note_failure(method, path, response)
            if isinstance(exc, msgspec.ValidationError):
                msg = f"{method} {path}: unexpected answer: {exc}"
                raise DataError(msg, hint=SHAPE_HINT) from exc
            raise unreadable(exc) from exc
        self._note_failure(method, path, response)
        msg = f"its status is {response.status}"
        raise ForeignAnswerError(msg)

    async def _after_refusal(
        self,
        method: str,
        path: str,
        response: Response,
        token: Token,
        retrier: Retrier,
    ) -> Token | None:
        """Wait until the request may be repeated.

        Returns:
            The token, if the API refused it.

        Raises:
            GcbatchError: The answer as an error, if repeating does not help.
        """
        refusal = parse_error(method, path, response, redact=self._redactor.text)
        self._note_failure(method, path, response, refusal.correlation_id)
        if response.status == HTTPStatus.UNAUTHORIZED:
            retrier.after_stale_token(refusal)
            return token
        rule = rule_for(refusal)
        if rule is None:
            self._tokens.accepted(token)
            if retrier.can_split and is_too_large(refusal):
                raise TooLargeError(str(refusal), response=refusal)
            raise to_exception(refusal)
        await retrier.after_refusal(refusal, response, rule)
        return None

    def _note_failure(
        self, method: str, path: str, response: Response, known_id: str = ""
    ) -> None:
        identity = known_id or self._correlation_id(response)
        self.traffic.fail(method, path, response.status, identity)

    def _correlation_id(self, response: Response) -> str:
        return correlation_id(response.headers, redact=self._redactor.text)
