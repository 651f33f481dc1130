"""Many orgs, each with a service of its own, in a separate process.

`python -m benchmarks.own_scale_orgs NUMBER` serves until it is stopped. Once all listen
it prints a line: the client's id and secret, which all have, and the URL of each.
"""

import asyncio
import sys
from contextlib import AsyncExitStack
from typing import Final

from gcbatch.simulator import Queue, Simulator, Tenant

__all__ = ["main"]

WIDE: Final = 1_000_000
"""A quota that no client reaches."""

QUEUES: Final = 3


async def serve(number: int) -> None:
    """Serve so many orgs until cancelled."""
    queues = tuple(
        Queue(id=f"{n:08x}-0000-4000-8000-00000000be7c", name=f"Queue {n}")
        for n in range(QUEUES)
    )
    async with AsyncExitStack() as stack:
        orgs = [
            await stack.enter_async_context(
                Simulator(
                    Tenant(name=f"org-{n}", version="1", queues=queues),
                    requests_allowed=WIDE,
                )
            )
            for n in range(number)
        ]
        urls = [org.url for org in orgs]
        print(orgs[0].client_id, orgs[0].client_secret, *urls, flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Serve until interrupted."""
    asyncio.run(serve(int(sys.argv[1])))


if __name__ == "__main__":
    main()
