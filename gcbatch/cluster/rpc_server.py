"""Serves workers' calls to the coordinator over the cluster's own channel.

Connections are encrypted as the cluster's are: they carry a token.
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
"""Keys of a message that are not arguments."""


@asynccontextmanager
async def serve_rpc(
    coordinator: Coordinator, host: str, security: Security
) -> AsyncIterator[str]:
    """Answer workers' calls.

    Yields:
        The address to call.
    """
    connections: set[Comm] = set()

    async def answer(comm: Comm) -> None:
        connections.add(comm)
        try:
            with suppress(OSError):  # the worker closed it
                while True:
                    message = await comm.read()
                    reply = await _dispatch(coordinator, message)
                    if message.get("reply", True):
                        await comm.write(reply)
                    if message.get("close", False):
                        return
        finally:
            # Also after a bug: the worker must learn that no reply comes.
            connections.discard(comm)
            comm.abort()

    options = security.get_listen_args("scheduler")
    # Messages are plain data; nothing from a caller may be unpickled here.
    listener = await listen(f"{host}:0", answer, deserialize=False, **options)
    watching = asyncio.create_task(coordinator.watch())
    try:
        yield listener.contact_address
    finally:
        listener.stop()
        for comm in list(connections):
            comm.abort()
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def _dispatch(coordinator: Coordinator, message: dict[str, Any]) -> Any:
    method = message.get("op")
    if method not in METHODS:
        return {}
    arguments = {key: value for key, value in message.items() if key not in ENVELOPE}
    result = getattr(coordinator, method)(**arguments)
    if inspect.isawaitable(result):
        result = await result
    return {} if result is None else result
