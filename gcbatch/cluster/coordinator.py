"""One quota and one token for all workers: who may send, with what, and who may write.

Workers ask for every request they send. A ticket is a lease: it is handed back with the
answer's count of the quota, and taken as used when its worker is gone or it is not
heard of in time. The token is renewed here alone. A part is put in its place by whoever
holds its claim, and once a run: whoever comes later is told that it is there.

Replies get lost. Every question may be asked again, and has the same effect once: a
turn that is asked for again under its number is the same turn.
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

__all__ = ["LEASE_MARGIN_S", "Coordinator"]

POLL_S: Final = 5.0
"""So long a worker waits for a turn before it has to ask again: one that is gone must
not be handed a turn."""


LEASE_MARGIN_S: Final = 15.0
"""A lease lasts so much longer than its request may take; more than FRESH_S."""


TOKENS_KEPT: Final = 8
"""Numbers of tokens that are still known; older ones nobody sends with any more."""

RETURNED_KEPT: Final = 4096
"""Tickets that came back and are still known."""


@dataclass(frozen=True)
class _Out:
    """A ticket that is out."""

    ticket: Permit
    worker: str
    until: float


@dataclass
class _Org:
    """The way to one org, and what is out of it.

    Attributes:
        is_open: Whether anything is to be fetched.
        tokens: By the numbers that workers know them by.
        renewing: Askings for a token that are under way, by what was refused.
        out: Tickets that are out.
        returned: Those that came back, the last ones.
        claims: Who may write which part, and until when.
        written: Rows of the parts that were written.
    """

    access: OrgClient
    lease_s: float
    is_open: bool = True
    serial: int = 0
    tokens: dict[int, Token] = field(default_factory=dict)
    renewing: dict[int, asyncio.Task[Token]] = field(default_factory=dict)
    out: dict[str, _Out] = field(default_factory=dict)
    returned: OrderedDict[str, None] = field(default_factory=OrderedDict)
    claims: dict[str, tuple[str, float]] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)

    async def token(self, rejected: int = 0) -> Token:
        """Return the token, another one than what was rejected under its number.

        Whoever stops waiting does not stop the asking: with many workers and a slow
        login, each would begin it anew.
        """
        if rejected not in self.renewing:
            refused = self.tokens.get(rejected)
            task = asyncio.create_task(self.access.tokens.get(rejected=refused))
            task.add_done_callback(_seen)  # whoever asked for it may be gone
            self.renewing[rejected] = task
        task = self.renewing[rejected]
        try:
            return await asyncio.shield(task)
        finally:
            if task.done() and self.renewing.get(rejected) is task:
                del self.renewing[rejected]

    def told(self, token: Token) -> dict[str, Any]:
        """Return a token as workers are told it, with the number they know it by."""
        if self.tokens.get(self.serial) is not token:
            self.serial += 1
            self.tokens[self.serial] = token
            self.tokens.pop(self.serial - TOKENS_KEPT, None)
        return {"token": token.value, "serial": self.serial}

    def take_back(self, number: str) -> Permit | None:
        """Return a ticket that is out no more; None where it was not."""
        self.returned[number] = None
        if len(self.returned) > RETURNED_KEPT:
            self.returned.popitem(last=False)
        out = self.out.pop(number, None)
        return out.ticket if out else None


class Coordinator:
    """Grants sends, hands out tokens, and says who may write a part.

    What workers call returns plain data: `error` where nothing of it is to be had,
    `later` where it is to be asked for again.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._orgs: dict[str, _Org] = {}
        self._departures: Counter[str] = Counter()

    @property
    def out(self) -> int:
        """How many tickets are out."""
        return sum(len(org.out) for org in self._orgs.values())

    def serve(self, org: str, access: OrgClient, *, timeout_s: float) -> None:
        """Take in an org, of which something is to be fetched.

        Args:
            org: What workers call it.
            access: Its quota and its token.
            timeout_s: Longest time that a request may take.
        """
        known = self._orgs.get(org)
        if known is None or known.access is not access:
            self.end(org)
            known = self._orgs[org] = _Org(access, timeout_s + LEASE_MARGIN_S)
        known.is_open = True
        known.claims.clear()
        known.written.clear()

    def end(self, org: str) -> None:
        """Let no worker send any more for an org; its tickets are taken as used."""
        if known := self._orgs.get(org):
            known.is_open = False
            for number in list(known.out):
                self.lost(org, number)

    async def token(self, org: str, rejected: int) -> dict[str, Any]:
        """Return the token.

        Args:
            org: Whose.
            rejected: Number of a token that was refused; 0 is none.

        Returns:
            `token` and its `serial`.
        """
        known = self._open(org)
        if known is None:
            return _over()
        try:
            async with asyncio.timeout(POLL_S):
                return known.told(await known.token(rejected))
        except TimeoutError:
            return {"later": True}
        except GcbatchError as exc:
            return {"error": error_to_json(exc)}

    async def acquire(self, org: str, worker: str, number: str) -> dict[str, Any]:
        """Wait for a turn.

        Args:
            org: Whose.
            worker: Who asks.
            number: By which it may be asked for again, and is handed back.

        Returns:
            The `token` to send with, and its `serial`; or `spent`, the seconds until
            the quota's window ends, if that is too far off.
        """
        known = self._open(org)
        if known is None:
            return _over()
        try:
            async with asyncio.timeout(POLL_S):
                return await self._granted(known, worker, number)
        except TimeoutError:
            return {"later": True}
        except QuotaExhaustedError as exc:
            return {"spent": exc.wait_s}
        except GcbatchError as exc:
            return {"error": error_to_json(exc)}

    async def _granted(self, known: _Org, worker: str, number: str) -> dict[str, Any]:
        departed = self._departures[worker]
        access = known.access
        token = await known.token()
        if number not in known.out:
            # Nothing is awaited once there is a ticket: it would be lost with us.
            ticket = await access.limiter.acquire()
            token = access.tokens.latest(token)
            stale = number in known.returned or self._departures[worker] != departed
            if number in known.out or stale or not known.is_open:
                # Nobody waits for it; or it was asked for twice, a reply being lost.
                access.limiter.unused(ticket)
            else:
                until = self._clock() + known.lease_s
                known.out[number] = _Out(ticket, worker, until)
            if number not in known.out:
                return {"later": True}
        return known.told(token)

    def answered(self, org: str, number: str, standing: list[int] | None) -> None:
        """Take a ticket back, with what the answer said of the quota."""
        known = self._orgs[org]
        if ticket := known.take_back(number):
            said = QuotaHeaders(*standing) if standing else None
            known.access.limiter.answered(ticket, said)

    def lost(self, org: str, number: str) -> None:
        """Take a ticket as used, without an answer."""
        known = self._orgs[org]
        if ticket := known.take_back(number):
            known.access.limiter.lost(ticket)

    def unused(self, org: str, number: str) -> None:
        """Take a ticket back that nothing was sent with."""
        known = self._orgs[org]
        if ticket := known.take_back(number):
            known.access.limiter.unused(ticket)

    def pause_all(self, org: str, seconds: float) -> None:
        """Let nobody go for a while."""
        self._orgs[org].access.limiter.pause_all(seconds)

    def accepted(self, org: str, serial: int) -> None:
        """Note that a request was accepted with a token."""
        known = self._orgs[org]
        if token := known.tokens.get(serial):
            known.access.tokens.accepted(token)

    def claim(self, org: str, digest: str, attempt: str) -> dict[str, Any]:
        """Say whether a part may be put in its place.

        Args:
            org: Whose it is.
            digest: Of the part.
            attempt: Who asks; a worker that starts over is another.

        Returns:
            `seconds` for which it may; or `rows` of the part that is there already.
        """
        known = self._open(org)
        if known is None:
            return _over()
        if digest in known.written:
            return {"rows": known.written[digest]}
        holder, until = known.claims.get(digest, (attempt, 0.0))
        now = self._clock()
        if holder != attempt and now < until:
            return {"later": True}
        known.claims[digest] = (attempt, now + CLAIM_S)
        return {"seconds": CLAIM_S}

    def release(self, org: str, digest: str, attempt: str, rows: int | None) -> None:
        """Give a claim back.

        Args:
            org: Whose the part is.
            digest: Of the part.
            attempt: Who claimed it.
            rows: Of the part that was written; None where none was.
        """
        known = self._orgs[org]
        if rows is not None:
            known.written[digest] = rows
        if known.claims.get(digest, ("", 0.0))[0] == attempt:
            del known.claims[digest]

    def gone(self, worker: str) -> None:
        """Take all that a worker has as used, and what it waits for as not asked for.

        A claim of it stays until it ends: one that is only cut off may be writing.
        """
        self._departures[worker] += 1
        for org, known in self._orgs.items():
            for number, out in list(known.out.items()):
                if out.worker == worker:
                    self.lost(org, number)

    async def watch(self) -> None:
        """Take tickets as used that nobody hands back, for as long as it runs."""
        while True:
            await asyncio.sleep(POLL_S)
            self.collect()

    def collect(self) -> None:
        """Take tickets as used whose lease has ended."""
        now = self._clock()
        for org, known in self._orgs.items():
            for number, out in list(known.out.items()):
                if now >= out.until:
                    self.lost(org, number)

    def _open(self, org: str) -> _Org | None:
        known = self._orgs.get(org)
        return known if known and known.is_open else None


def _seen(task: asyncio.Task[Token]) -> None:
    if not task.cancelled():
        task.exception()


def _over() -> dict[str, Any]:
    """Return the answer to workers that go on with what nobody waits for."""
    return {"error": error_to_json(OutOfReachError("this run is over"))}
