"""Measures what a request of a worker costs the coordinator of a cluster.

    python benchmarks/coordinator.py [requests]

A second process acquires permits and returns them over TLS, as workers do, as fast as
it can; the script prints the processor time of this process per request. Needs the
extra `dask`.
"""

import asyncio
import pickle
import resource
import subprocess
import sys
import time

from distributed.core import ConnectionPool
from distributed.security import Security

from gcbatch.cluster.coordinator import Coordinator
from gcbatch.cluster.rpc_server import serve_rpc
from gcbatch.genesys.client import OrgClient, RateLimiter, Token, TokenProvider

ORG = "org"
REQUESTS = 5_000
AT_ONCE = 32
UNBOUNDED = 10**9
"""Requests a minute: no request waits, so only the cost of a grant is measured."""


async def grant(requests: int) -> None:
    """Grant permits to a second process, and print what that costs this one."""
    clock = asyncio.get_running_loop().time
    coordinator = Coordinator(clock=clock)
    limiter, tokens = (
        RateLimiter(UNBOUNDED, clock=clock),
        TokenProvider(_token, clock=clock),
    )
    # The client itself is not called: workers have their own.
    org_client = OrgClient(client=None, tokens=tokens, limiter=limiter)  # type: ignore[arg-type]
    coordinator.serve(ORG, org_client, timeout_s=60.0)
    security = Security.temporary()
    async with serve_rpc(coordinator, "tls://127.0.0.1", security) as address:
        before, began = time.process_time(), time.perf_counter()
        caller = await asyncio.create_subprocess_exec(
            sys.executable, __file__, str(requests), address, stdin=subprocess.PIPE
        )
        await caller.communicate(pickle.dumps(security))
        spent, took = time.process_time() - before, time.perf_counter() - began
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(f"{requests:,} requests granted in {took:.1f} s, {AT_ONCE} at once")
    print(
        f"processor time of the coordinator: {1e6 * spent / requests:.0f} µs a request"
    )
    print(f"peak memory: {peak_mb:.0f} MB")


async def ask(requests: int, address: str) -> None:
    """Acquire permits and return them, as a worker does for each of its requests."""
    security = pickle.loads(sys.stdin.buffer.read())  # noqa: S301 - from ourselves
    pool = await ConnectionPool(
        connection_args=security.get_connection_args("worker"), limit=2 * AT_ONCE
    )
    numbers = iter(range(requests))
    quota_headers = [1, UNBOUNDED, 60]

    async def one_after_the_other() -> None:
        for number in numbers:
            coordinator = pool(address)
            await coordinator.acquire(org=ORG, worker="w", number=str(number))
            await coordinator.answered(
                org=ORG, number=str(number), quota_headers=quota_headers
            )

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(one_after_the_other())
    await pool.close()


async def _token() -> Token:
    return Token("t" * 86, lifetime_s=86_399)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else REQUESTS
    asyncio.run(ask(count, sys.argv[2]) if len(sys.argv) > 2 else grant(count))
