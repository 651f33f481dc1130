"""Passes connections on: `python cluster_forward.py HOST PORT TO_HOST TO_PORT`.

Requests in the clear go to this machine only. In a network namespace that is the
namespace's own loopback, where this stands in for the simulator.
"""

import asyncio
import sys
from contextlib import suppress


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy one direction until it ends."""
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def forward(host: str, port: str, to_host: str, to_port: str) -> None:
    """Copy both directions of every connection, for ever."""

    async def both(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far = await asyncio.open_connection(to_host, int(to_port))
        except OSError:
            writer.close()
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(pump(reader, far[1]))
            group.create_task(pump(far[0], writer))

    server = await asyncio.start_server(both, host, int(port))
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(forward(*sys.argv[1:]))
