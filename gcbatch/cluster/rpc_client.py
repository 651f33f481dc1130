"""A worker's pace and token, both of which the coordinator grants."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
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
"""So long a worker that lost the coordinator tries to find it again."""

TELL_S: Final = 30.0
"""So long it tries to tell what the coordinator finds out by itself in the end."""

PAUSE_S: Final = 0.5


class RpcError(Exception):
    """The coordinator did not answer."""


class CoordinatorLostError(OutOfReachError):
    """The coordinator stays away; another worker may reach it."""


class Call(Protocol):
    """Calls the coordinator."""

    def __call__(self, method: str, **arguments: Any) -> Awaitable[Any]:
        """Call a method of it.

        Raises:
            LostLineError: If no answer comes.
        """
        ...


@dataclass
class CoordinatorClient:
    """The line from a worker to the coordinator, for one org.

    Args:
        call: Calls the coordinator.
        org: What it calls the org.
        worker: What it calls this worker.
        clock: Monotonic seconds.
        sleep: Waits some seconds.
    """

    call: Call
    org: str
    worker: str
    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _tasks: set[asyncio.Task[None]] = field(default_factory=set, repr=False)

    async def ask(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Ask until there is an answer.

        Raises:
            CutOffError: If the coordinator stays away.
            GcbatchError: What it answers instead.
        """
        try:
            answer = await self._reached(GIVE_UP_S, method, arguments)
        except RpcError as exc:
            msg = "the coordinator of this run cannot be reached"
            raise CoordinatorLostError(msg) from exc
        if error := answer.get("error"):
            raise error_from_json(error)
        return answer

    def tell(self, method: str, **arguments: Any) -> None:
        """Tell, without waiting; what does not arrive, the coordinator finds out."""
        task = asyncio.get_running_loop().create_task(self._tell(method, arguments))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self, method: str, arguments: dict[str, Any]) -> None:
        try:
            await self._reached(TELL_S, method, arguments)
        except RpcError:
            return

    async def _reached(
        self, give_up_s: float, method: str, arguments: dict[str, Any]
    ) -> dict[str, Any]:
        """Call until there is an answer; what is called may be called twice."""
        until = self.clock() + give_up_s
        while True:
            try:
                answer: dict[str, Any] = await self.call(
                    method, org=self.org, **arguments
                )
            except RpcError:
                if self.clock() >= until:
                    raise
                await self.sleep(PAUSE_S)
            else:
                return answer

    async def flush(self) -> None:
        """Wait until all was told."""
        while self._tasks:
            await asyncio.wait(self._tasks)


class RemoteTokens:
    """The shared token, as the coordinator hands it out.

    Args:
        line: To the coordinator.
    """

    def __init__(self, line: CoordinatorClient) -> None:
        self._line = line
        self._token: Token | None = None
        self._serial = 0
        self._proven = 0

    async def get(self, *, rejected: Token | None = None) -> Token:
        """Return the token; see TokenProvider.get."""
        while self._token is None or rejected is self._token:
            refused = self._serial if rejected is not None else 0
            answer = await self._line.ask("token", rejected=refused)
            if "later" not in answer:
                return self.take(answer)
        return self._token

    def take(self, answer: dict[str, Any]) -> Token:
        """Take in the token of an answer."""
        if self._token is None or answer["serial"] > self._serial:
            self._token = Token(answer["token"], lifetime_s=0.0)
            self._serial = answer["serial"]
        return self._token

    def latest(self, token: Token) -> Token:
        """Return the token that *token* was renewed by, or itself."""
        return self._token or token

    def accepted(self, token: Token) -> None:
        """Note that a request was accepted with *token*."""
        if token is self._token and self._proven != self._serial:
            self._proven = self._serial
            self._line.tell("accepted", serial=self._serial)


@dataclass(eq=False, slots=True)
class _Lease(Permit):
    """A ticket of the coordinator's."""

    number: str


class RemoteLimiter:
    """Lets requests go when the coordinator says so.

    Args:
        line: To the coordinator.
        tokens: Learn of a renewed token with every turn.
    """

    def __init__(self, line: CoordinatorClient, tokens: RemoteTokens) -> None:
        self._line = line
        self._tokens = tokens

    async def acquire(self) -> Permit:
        """Return when the next request may be sent; see RateLimiter.acquire."""
        while True:
            number, asked_at = secrets.token_hex(8), self._line.clock()
            answer = await self._line.ask(
                "acquire", worker=self._line.worker, number=number
            )
            if "spent" in answer:
                raise QuotaExhaustedError(answer["spent"])
            if "later" in answer:
                continue
            self._tokens.take(answer)
            if self._line.clock() - asked_at < FRESH_S:
                return _Lease(0.0, opened=False, number=number)
            # The line was down meanwhile: the lease would end before the answer comes.
            self._line.tell("unused", number=number)

    def answered(self, ticket: Permit, standing: QuotaHeaders | None) -> None:
        """Hand a ticket back, with what the answer said of the quota."""
        said = None
        if standing is not None:
            said = [standing.count, standing.allowed, standing.reset_s]
        self._line.tell("answered", number=_number(ticket), standing=said)

    def lost(self, ticket: Permit) -> None:
        """Note that no answer will come."""
        self._line.tell("lost", number=_number(ticket))

    def pause_all(self, seconds: float) -> None:
        """Let nobody go for *seconds* from now, on no worker."""
        self._line.tell("pause_all", seconds=seconds)


def _number(ticket: Permit) -> str:
    return ticket.number if isinstance(ticket, _Lease) else ""
