"""Measures what a conversation costs a process: to fetch, to store, to export.

    python benchmarks/cost_of_details.py [conversations]

A simulator in a second process serves generated conversations without a quota. This
script prints the processor time of this process, and the size of the store.
"""

import asyncio
import contextlib
import gzip
import json
import multiprocessing as mp
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import gcbatch
from gcbatch.simulator import Simulator, Tenant, generate_conversations

CONVERSATIONS = 50_000
DAYS = 4
START = datetime(2026, 3, 2, tzinfo=UTC)
UNBOUNDED = 10**9
PAGE = 100


def serve(count: int, ready: Connection) -> None:
    """Serve conversations until the other end closes."""
    end = START + timedelta(days=DAYS)
    documents = generate_conversations(1, count, START, end)
    bodies = [document.json for document in documents]
    pages = [b",".join(bodies[n : n + PAGE]) for n in range(0, count, PAGE * 50)]
    packed = sum(len(gzip.compress(page, 6)) for page in pages)
    share = packed / sum(map(len, pages))

    async def simulate() -> None:
        tenant = Tenant(name="Load", version="1", documents=documents)
        async with Simulator(tenant, requests_allowed=UNBOUNDED) as simulator:
            size = sum(map(len, bodies)) / count
            ready.send((simulator.url, simulator.client_secret, size, share))
            with contextlib.suppress(EOFError):
                await asyncio.to_thread(ready.recv)

    asyncio.run(simulate())


def measure(count: int, url: str, secret: str, folder: Path) -> None:
    """Run a job, then export it, and print what both cost."""
    export = {"exporter": "parquet", "table": "conversations"}
    job = {
        "name": "load",
        "org": {
            "api_url": url,
            "login_url": url,
            "client_id": "simulator",
            "client_secret": "${SECRET}",
        },
        "query": {
            "endpoint": "conversation-details",
            "from": str(START.date()),
            "to": str((START + timedelta(days=DAYS)).date()),
        },
        "fetch": {
            "chunk": "P1D",
            "requests_per_minute": UNBOUNDED,
            "store": str(folder / "store"),
        },
    }
    path = folder / "load.yaml"
    path.write_text(json.dumps(job), "utf-8")
    environ = {"SECRET": secret}
    began, wall = time.process_time(), time.perf_counter()
    gcbatch.run(gcbatch.load_job(path, environ=environ))
    fetched, took = time.process_time() - began, time.perf_counter() - wall
    exports = [{**export, "path": str(folder / "o.parquet")}]
    path.write_text(json.dumps(job | {"exports": exports}), "utf-8")
    began = time.process_time()
    gcbatch.export_job(gcbatch.load_job(path, environ=environ))
    exported = time.process_time() - began
    stored = sum(p.stat().st_size for p in folder.glob("store/*/parts/*.parquet"))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(f"{count:,} conversations fetched in {took:.1f} s")
    print(f"fetching: {1e6 * fetched / count:.1f} µs of processor time each")
    print(f"exporting `conversations`: {1e6 * exported / count:.1f} µs each")
    print(f"stored: {stored / count:.0f} bytes each")
    print(f"peak memory: {peak_mb:.0f} MB")


def main(count: int) -> None:
    """Start the simulator, measure, and stop it."""
    context = mp.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(count, theirs))
    server.start()
    url, secret, size, share = ours.recv()
    try:
        with tempfile.TemporaryDirectory() as folder:
            measure(count, url, secret, Path(folder))
        print(f"sent: {size:.0f} bytes each, {size * share:.0f} with gzip")
    finally:
        ours.send(None)
        server.join()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else CONVERSATIONS)
