"""The coordinator shares one quota and one token with all workers of a run.

Workers ask it before every request, and before they write a part. A permit is a lease:
the worker returns it with the quota headers of the answer. It counts as used if its
worker is gone or does not return it in time. Only the coordinator renews the token. The
holder of a claim writes a part, once per run; later workers learn that it is stored.

Replies can get lost, so every call may be repeated and has its effect once: the same
number gives the same permit.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from gcbatch.cluster.protocol import CLAIM_S, error_to_json
from gcbatch.errors import GcbatchError, OutOfReachError
from gcbatch.genesys.client import (
    OrgClient,
    Permit,
    QuotaExhaustedError,
    QuotaHeaders,
    Token,
)
from gcbatch.objects import StorageSettings

__all__ = ["LEASE_MARGIN_S", "Coordinator"]

POLL_S: Final = 5.0
"""Longest wait of one call; then the worker calls again. So a worker that is gone gets
no permit."""

LEASE_MARGIN_S: Final = 15.0
"""Time of a lease beyond the longest request; more than FRESH_S."""

MAX_TOKENS: Final = 8
"""Numbers of tokens that are still known; no worker uses older ones."""

MAX_RETURNED: Final = 4096
"""Numbers of returned permits that are still known."""


@dataclass(frozen=True)
class _Lease:
    """A permit that a worker has."""

    permit: Permit
    worker: str
    until: float


@dataclass
class _OrgState:
    """What the coordinator knows of one org: its token, its permits, its claims.

    Attributes:
        is_open: Whether workers may send requests.
        tokens: By number, as workers know them.
        renewing: Requests for a token in progress, by the number that was rejected.
        leases: Permits that workers have, by number.
        returned: The last numbers that were returned.
        claims: The holder of each claim on a part, and when it ends.
        written: Rows of the parts that were written.
    """

    org_client: OrgClient
    lease_s: float
    is_open: bool = True
    serial: int = 0
    tokens: dict[int, Token] = field(default_factory=dict)
    renewing: dict[int, asyncio.Task[Token]] = field(default_factory=dict)
    leases: dict[str, _Lease] = field(default_factory=dict)
    returned: OrderedDict[str, None] = field(default_factory=OrderedDict)
    claims: dict[str, tuple[str, float]] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)

    async def token(self, rejected: int = 0) -> Token:
        """Return the token, or a new one if this number was rejected.

        A caller that stops waiting does not cancel the login: with many workers and a
        slow login, each would start it again.
        """
        if rejected not in self.renewing:
            refused = self.tokens.get(rejected)
            task = asyncio.create_task(self.org_client.tokens.get(rejected=refused))
            task.add_done_callback(_retrieve)  # its caller may be gone
            self.renewing[rejected] = task
        task = self.renewing[rejected]
        try:
            return await asyncio.shield(task)
        finally:
            if task.done() and self.renewing.get(rejected) is task:
                del self.renewing[rejected]

    def token_reply(self, token: Token) -> dict[str, Any]:
        """Return the reply with a token and its number."""
        if self.tokens.get(self.serial) is not token:
            self.serial += 1
            self.tokens[self.serial] = token
            self.tokens.pop(self.serial - MAX_TOKENS, None)
        return {"token": token.value, "serial": self.serial}

    def take_back(self, number: str) -> Permit | None:
        """Return a permit that its worker gave back; None if it had none."""
        self.returned[number] = None
        if len(self.returned) > MAX_RETURNED:
            self.returned.popitem(last=False)
        lease = self.leases.pop(number, None)
        return lease.permit if lease else None


class Coordinator:
    """Grants requests, hands out tokens, and says which worker may write a part.

    Methods that workers call return plain data: `error` with the problem, or `later`
    if the worker must call again.

    Args:
        clock: Gives monotonic seconds.
        settings: What the job says of its object stores.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        settings: StorageSettings | None = None,
    ) -> None:
        self._clock = clock
        self._settings = settings or StorageSettings()
        self._orgs: dict[str, _OrgState] = {}
        self._departures: Counter[str] = Counter()

    @property
    def lease_count(self) -> int:
        """How many permits workers have."""
        return sum(len(org.leases) for org in self._orgs.values())

    def serve(self, org: str, org_client: OrgClient, *, timeout_s: float) -> None:
        """Open an org for requests."""
        state = self._orgs.get(org)
        if state is None or state.org_client is not org_client:
            self.end(org)
            state = self._orgs[org] = _OrgState(org_client, timeout_s + LEASE_MARGIN_S)
        state.is_open = True
        state.claims.clear()
        state.written.clear()

    def end(self, org: str) -> None:
        """Close an org for requests; its permits count as used."""
        if state := self._orgs.get(org):
            state.is_open = False
            for number in list(state.leases):
                self.lost(org, number)

    async def storage(self, org: str) -> dict[str, Any]:  # noqa: ARG002 - the same for all
        """Return `storage`: what the job says of its object stores, with secrets."""
        return {"storage": self._settings.to_json()}

    async def token(self, org: str, rejected: int) -> dict[str, Any]:
        """Return `token` and its `serial`; another one if *rejected* is its serial."""
        state = self._open(org)
        if state is None:
            return _over()
        try:
            async with asyncio.timeout(POLL_S):
                return state.token_reply(await state.token(rejected))
        except TimeoutError:
            return {"later": True}
        except GcbatchError as exc:
            return {"error": error_to_json(exc)}

    async def acquire(self, org: str, worker: str, number: str) -> dict[str, Any]:
        """Wait for a permit; *number* identifies it in later calls.

        Returns:
            The `token` to send with and its `serial`; or `spent`, the seconds until
            the quota's window ends, if that is too long to wait.
        """
        state = self._open(org)
        if state is None:
            return _over()
        try:
            async with asyncio.timeout(POLL_S):
                return await self._grant(state, worker, number)
        except TimeoutError:
            return {"later": True}
        except QuotaExhaustedError as exc:
            return {"spent": exc.wait_s}
        except GcbatchError as exc:
            return {"error": error_to_json(exc)}

    async def _grant(
        self, state: _OrgState, worker: str, number: str
    ) -> dict[str, Any]:
        departed = self._departures[worker]
        org_client = state.org_client
        token = await state.token()
        if number not in state.leases:
            # With the permit nothing may be awaited: cancelling would lose it.
            permit = await org_client.limiter.acquire()
            token = org_client.tokens.latest(token)
            stale = number in state.returned or self._departures[worker] != departed
            if number in state.leases or stale or not state.is_open:
                # No worker waits for it; or a reply was lost and this is a second call.
                org_client.limiter.unused(permit)
            else:
                until = self._clock() + state.lease_s
                state.leases[number] = _Lease(permit, worker, until)
            if number not in state.leases:
                return {"later": True}
        return state.token_reply(token)

    def answered(self, org: str, number: str, quota_headers: list[int] | None) -> None:
        """Take a permit back, with the quota headers of the answer."""
        state = self._orgs[org]
        if permit := state.take_back(number):
            headers = QuotaHeaders(*quota_headers) if quota_headers else None
            state.org_client.limiter.answered(permit, headers)

    def lost(self, org: str, number: str) -> None:
        """Count a permit as used, without an answer."""
        state = self._orgs[org]
        if permit := state.take_back(number):
            state.org_client.limiter.lost(permit)

    def unused(self, org: str, number: str) -> None:
        """Take an unused permit back."""
        state = self._orgs[org]
        if permit := state.take_back(number):
            state.org_client.limiter.unused(permit)

    def pause_all(self, org: str, seconds: float) -> None:
        """Grant no permit for some seconds."""
        self._orgs[org].org_client.limiter.pause_all(seconds)

    def accepted(self, org: str, serial: int) -> None:
        """Note that a request was accepted with a token."""
        state = self._orgs[org]
        if token := state.tokens.get(serial):
            state.org_client.tokens.accepted(token)

    def claim(self, org: str, digest: str, attempt: str) -> dict[str, Any]:
        """Say whether a worker may write a part; *attempt* identifies the caller.

        Returns:
            `seconds` for which it may; or `rows` of the part, if it is stored already.
        """
        state = self._open(org)
        if state is None:
            return _over()
        if digest in state.written:
            return {"rows": state.written[digest]}
        holder, until = state.claims.get(digest, (attempt, 0.0))
        now = self._clock()
        if holder != attempt and now < until:
            return {"later": True}
        state.claims[digest] = (attempt, now + CLAIM_S)
        return {"seconds": CLAIM_S}

    def release(self, org: str, digest: str, attempt: str, rows: int | None) -> None:
        """Give a claim back; *rows* are those of the written part, None if none was."""
        state = self._orgs[org]
        if rows is not None:
            state.written[digest] = rows
        if state.claims.get(digest, ("", 0.0))[0] == attempt:
            del state.claims[digest]

    def worker_gone(self, worker: str) -> None:
        """Count all permits of a worker as used, and drop those that it waits for.

        Its claims stay until they end: a worker without a connection may be writing.
        """
        self._departures[worker] += 1
        for org, state in self._orgs.items():
            for number, lease in list(state.leases.items()):
                if lease.worker == worker:
                    self.lost(org, number)

    async def watch(self) -> None:
        """Count permits as used that are not returned, until cancelled."""
        while True:
            await asyncio.sleep(POLL_S)
            self.collect()

    def collect(self) -> None:
        """Count permits as used whose lease has ended."""
        now = self._clock()
        for org, state in self._orgs.items():
            for number, lease in list(state.leases.items()):
                if now >= lease.until:
                    self.lost(org, number)

    def _open(self, org: str) -> _OrgState | None:
        state = self._orgs.get(org)
        return state if state and state.is_open else None


def _retrieve(task: asyncio.Task[Token]) -> None:
    if not task.cancelled():
        task.exception()


def _over() -> dict[str, Any]:
    """Return the reply to workers of a run that is over."""
    return {"error": error_to_json(OutOfReachError("this run is over"))}
