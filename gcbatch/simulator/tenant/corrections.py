"""What the service shows of an organisation day by day: its figures settle late.

The tenant is what is true in the end. At an instant, later calls are not there yet, and
some of the calls of the last days are not shown as they will be.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from zlib import crc32

from gcbatch.simulator.tenant.tenant import Call, Tenant

__all__ = ["SETTLED", "tenant_at"]

SETTLED: Final = timedelta(days=3)
"""How long after a call was offered it may still be corrected."""

ONE_IN: Final = 20
"""Of so many calls, one is late, one is removed later, and one ends later than said."""

LATE, REMOVED, LONGER = range(3)

ARRIVES: Final = timedelta(days=2)
LEAVES: Final = timedelta(days=1)


def tenant_at(tenant: Tenant, now: datetime) -> Tenant:
    """Return an organisation as its service shows it at an instant.

    Of every 20 calls one arrives two days late, one is shown for a day and then
    removed, and the end of one moves for three days. Which they are follows from their
    ids, so the same instant gives the same calls.

    Args:
        tenant: The organisation in the end.
        now: The instant, aware.
    """
    shown = (_at(call, now) for call in tenant.calls)
    calls = tuple(call for call in shown if call is not None)
    return replace(tenant, calls=calls, version=f"{tenant.version} at {now:%Y-%m-%d}")


def _at(call: Call, now: datetime) -> Call | None:
    """Return a call as it is shown; None if it is not."""
    age = now - call.offered
    kind = crc32(call.call_id.encode()) % ONE_IN
    if age <= timedelta(0) or (kind == LATE and age < ARRIVES):
        return None
    if kind == REMOVED and age >= LEAVES:
        return None
    if kind == LONGER and call.answered is not None and call.ended is not None:
        days = min(age, SETTLED) // timedelta(days=1)
        said = (call.ended - call.answered) * (days + 1) // (SETTLED.days + 1)
        call = replace(call, ended=call.answered + said)
    return _until(call, now)


def _until(call: Call, now: datetime) -> Call:
    """Return a call without what has not happened yet."""
    if call.abandoned is not None and call.abandoned > now:
        call = replace(call, abandoned=None)
    if call.ended is not None and call.ended > now:
        call = replace(call, ended=None)
    if call.answered is not None and call.answered > now:
        call = replace(call, answered=None, user_id=None, wrap_up_code=None)
    return call
