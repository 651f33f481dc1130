"""The coordinator's end of the lines from workers, over the cluster's own channel.

Lines use the encryption that the cluster uses: a token travels over them.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from distributed.comm import Comm, listen
from distributed.security import Security

from gcbatch.cluster.coordinator import Coordinator
from gcbatch.cluster.protocol import METHODS

__all__ = ["serve_rpc"]


ENVELOPE: Final = ("op", "reply", "close", "serializers")
"""Of a message, beside the arguments."""


@asynccontextmanager
async def serve_rpc(
    coordinator: Coordinator, host: str, security: Security
) -> AsyncIterator[str]:
    """Answer workers' calls.

    Args:
        coordinator: Whom they call.
        host: Where to listen, with the protocol: `tls://10.0.0.5`.
        security: The cluster's.

    Yields:
        The address to call.
    """
    lines: set[Comm] = set()

    async def answer(comm: Comm) -> None:
        lines.add(comm)
        try:
            with suppress(OSError):  # the worker hung up
                while True:
                    message = await comm.read()
                    reply = await _called(coordinator, message)
                    if message.get("reply", True):
                        await comm.write(reply)
                    if message.get("close", False):
                        return
        finally:
            # Also after a bug: whoever waits for the reply has to learn of it.
            lines.discard(comm)
            comm.abort()

    options = security.get_listen_args("scheduler")
    # Messages are plain data; nothing that a caller sends is to be unpickled here.
    listener = await listen(f"{host}:0", answer, deserialize=False, **options)
    watching = asyncio.create_task(coordinator.watch())
    try:
        yield listener.contact_address
    finally:
        listener.stop()
        for comm in list(lines):
            comm.abort()
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def _called(coordinator: Coordinator, message: dict[str, Any]) -> Any:
    method = message.get("op")
    if method not in METHODS:
        return {}
    arguments = {key: value for key, value in message.items() if key not in ENVELOPE}
    result = getattr(coordinator, method)(**arguments)
    if inspect.isawaitable(result):
        result = await result
    return {} if result is None else result
