"""A worker's side of the coordinator: permits and the token."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from gcbatch.cluster.protocol import FRESH_S, error_from_json
from gcbatch.errors import OutOfReachError
from gcbatch.genesys.client import Permit, QuotaExhaustedError, QuotaHeaders, Token

__all__ = [
    "Call",
    "CoordinatorClient",
    "CoordinatorLostError",
    "RemoteLimiter",
    "RemoteTokens",
    "RpcError",
]

GIVE_UP_S: Final = 120.0
"""How long a worker tries to reach a coordinator that it lost."""

NOTIFY_S: Final = 30.0
"""How long it tries to send what the coordinator also finds out by itself."""

PAUSE_S: Final = 0.5


class RpcError(Exception):
    """The coordinator did not answer."""


class CoordinatorLostError(OutOfReachError):
    """The coordinator cannot be reached; another worker may reach it."""


class Call(Protocol):
    """Calls the coordinator."""

    def __call__(self, method: str, **arguments: Any) -> Awaitable[Any]:
        """Return the reply of one of its methods.

        Raises:
            RpcError: If no reply comes.
        """
        ...


@dataclass
class CoordinatorClient:
    """Calls the coordinator from one worker, for one org."""

    call: Call
    org: str
    worker: str
    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _tasks: set[asyncio.Task[None]] = field(default_factory=set, repr=False)

    async def request(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Call until there is a reply, and return it.

        Raises:
            CoordinatorLostError: If the coordinator cannot be reached.
            GcbatchError: The error of the reply.
        """
        try:
            answer = await self._call(GIVE_UP_S, method, arguments)
        except RpcError as exc:
            msg = "the coordinator of this run cannot be reached"
            raise CoordinatorLostError(msg) from exc
        if error := answer.get("error"):
            raise error_from_json(error)
        return answer

    def notify(self, method: str, **arguments: Any) -> None:
        """Call without waiting; if it fails, the coordinator finds out by itself."""
        task = asyncio.get_running_loop().create_task(self._notify(method, arguments))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _notify(self, method: str, arguments: dict[str, Any]) -> None:
        with suppress(RpcError):
            await self._call(NOTIFY_S, method, arguments)

    async def _call(
        self, give_up_s: float, method: str, arguments: dict[str, Any]
    ) -> dict[str, Any]:
        """Call until there is a reply; the call may arrive twice."""
        until = self.clock() + give_up_s
        while True:
            try:
                reply: dict[str, Any] = await self.call(
                    method, org=self.org, **arguments
                )
            except RpcError:
                if self.clock() >= until:
                    raise
                await self.sleep(PAUSE_S)
            else:
                return reply

    async def flush(self) -> None:
        """Wait until all notifications are sent."""
        while self._tasks:
            await asyncio.wait(self._tasks)


class RemoteTokens:
    """The shared token, as the coordinator gives it."""

    def __init__(self, coordinator: CoordinatorClient) -> None:
        self._coordinator = coordinator
        self._token: Token | None = None
        self._serial = 0
        self._proven = 0

    async def get(self, *, rejected: Token | None = None) -> Token:
        """Return the token; see TokenProvider.get."""
        while self._token is None or rejected is self._token:
            refused = self._serial if rejected is not None else 0
            answer = await self._coordinator.request("token", rejected=refused)
            if "later" not in answer:
                return self.take(answer)
        return self._token

    def take(self, answer: dict[str, Any]) -> Token:
        """Store and return the token of a reply."""
        if self._token is None or answer["serial"] > self._serial:
            self._token = Token(answer["token"], lifetime_s=0.0)
            self._serial = answer["serial"]
        return self._token

    def latest(self, token: Token) -> Token:
        """Return the newest token, which may be *token* itself."""
        return self._token or token

    def accepted(self, token: Token) -> None:
        """Note that a request was accepted with *token*."""
        if token is self._token and self._proven != self._serial:
            self._proven = self._serial
            self._coordinator.notify("accepted", serial=self._serial)


@dataclass(eq=False, slots=True)
class _Lease(Permit):
    """A permit of the coordinator."""

    number: str


class RemoteLimiter:
    """Lets requests go when the coordinator grants a permit."""

    def __init__(self, coordinator: CoordinatorClient, tokens: RemoteTokens) -> None:
        self._coordinator = coordinator
        self._tokens = tokens

    async def acquire(self) -> Permit:
        """Wait until the next request may be sent; see RateLimiter.acquire."""
        while True:
            number, asked_at = secrets.token_hex(8), self._coordinator.clock()
            answer = await self._coordinator.request(
                "acquire", worker=self._coordinator.worker, number=number
            )
            if "spent" in answer:
                raise QuotaExhaustedError(answer["spent"])
            if "later" in answer:
                continue
            self._tokens.take(answer)
            if self._coordinator.clock() - asked_at < FRESH_S:
                return _Lease(0.0, opened=False, number=number)
            # The reply came late: the lease could end before the answer comes.
            self._coordinator.notify("unused", number=number)

    def answered(self, permit: Permit, headers: QuotaHeaders | None) -> None:
        """Return a permit, with the quota headers of the answer."""
        values = None
        if headers is not None:
            values = [headers.count, headers.allowed, headers.reset_s]
        self._coordinator.notify(
            "answered", number=_number(permit), quota_headers=values
        )

    def lost(self, permit: Permit) -> None:
        """Report that no answer will come."""
        self._coordinator.notify("lost", number=_number(permit))

    def pause_all(self, seconds: float) -> None:
        """Hold all requests of all workers for *seconds* from now."""
        self._coordinator.notify("pause_all", seconds=seconds)


def _number(permit: Permit) -> str:
    return permit.number if isinstance(permit, _Lease) else ""
