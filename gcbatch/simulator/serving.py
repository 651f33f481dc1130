"""Runs a simulator until it is interrupted."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from gcbatch.simulator.server import Simulator
from gcbatch.simulator.tenant.tenant import Tenant

__all__ = ["serve"]

LOGGED_REQUESTS: Final = 1_000
"""The memory of a simulator that runs for days must not grow with each request."""


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
        tenant: The organisation's data.
        host: Address to listen on.
        port: 0 chooses a free one.
        on_ready: Called once with URL, client id and client secret.
        options: Further arguments of Simulator.

    Raises:
        KeyboardInterrupt: When interrupted, after the shutdown.
        OSError: If it cannot listen on the address.
    """

    async def until_cancelled() -> None:
        given = {"max_logged_requests": LOGGED_REQUESTS, **options}
        async with Simulator(tenant, host=host, port=port, **given) as simulator:
            on_ready(simulator.url, simulator.client_id, simulator.client_secret)
            await asyncio.Event().wait()

    asyncio.run(until_cancelled())
