"""Runs a simulator until it is interrupted."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from gcbatch.simulator.server import Simulator
from gcbatch.simulator.tenant.tenant import Tenant

__all__ = ["serve"]

JOURNAL_ENTRIES: Final = 1_000
"""A simulator that serves for days must not grow with each request."""


def serve(
    tenant: Tenant,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    on_ready: Callable[[str, str, str], None],
    **options: Any,
) -> None:
    """Run a simulator until Ctrl-C; prints nothing.

    Args:
        tenant: What it knows.
        host: Address to listen on.
        port: 0 takes a free one.
        on_ready: Called once with URL, client id and client secret.
        options: Further arguments of Simulator.

    Raises:
        KeyboardInterrupt: When interrupted, after everything was shut down.
        OSError: If the address cannot be had.
    """

    async def until_cancelled() -> None:
        given = {"max_journal_entries": JOURNAL_ENTRIES, **options}
        async with Simulator(tenant, host=host, port=port, **given) as simulator:
            on_ready(simulator.url, simulator.client_id, simulator.client_secret)
            await asyncio.Event().wait()

    asyncio.run(until_cancelled())
