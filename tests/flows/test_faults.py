"""What goes wrong with other clients, happening to whole runs: nothing is lost.

What a single call does is in test_client, how the quota is used in test_budget, and
everything at once, at random, in `pytest -m chaos`.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import orjson
import pytest

from gcbatch import RunReport, load_job
from gcbatch.running.pipeline import arun
from gcbatch.simulator import Fault, Faults, Simulator, sample_tenant
from tests.chaos.compressed import CompressedLoop, compressed

T = TypeVar("T")

DATA = "/api/v2/analytics/"
SECRET = "${SECRET}"
SMALL = {"requests_allowed": 30, "window_s": 6.0}
HOURS = 210
"""Queries of the long job: an hour each."""


def run_of(
    folder: Path,
    simulator: Simulator,
    *,
    hours: int | None = None,
    concurrency: int = 8,
) -> Coroutine[Any, Any, RunReport]:
    """Return a run of the sample's week, a query a day or some hours, an hour each."""
    last, hour = divmod(hours or 7 * 24, 24)
    content = {
        "name": "job",
        "org": {
            "name": "bank",
            "api_url": simulator.url,
            "login_url": simulator.url,
            "client_id": simulator.client_id,
            "client_secret": SECRET,
        },
        "query": {
            "from": "1999-07-30",
            "to": f"1999-07-{30 + last}" if last < 2 else f"1999-08-{last - 1:02}",
            "timezone": "Asia/Jerusalem",
            "granularity": "PT1H",
            "metrics": ["nOffered", "tHandle"],
        },
        "fetch": {
            "chunk": "PT1H" if hours else "P1D",
            "concurrency": concurrency,
            "requests_per_minute": 100_000,
            "store": str(folder / "store"),
        },
        "exports": [
            {"exporter": "csv", "table": "intervals", "path": str(folder / "out.csv")}
        ],
    }
    if hour:
        content["query"]["to"] += f"T{hour:02}:00"  # type: ignore[index]  # a dict
    folder.mkdir(exist_ok=True)
    path = folder / "job.yaml"
    path.write_bytes(orjson.dumps(content))
    return arun(load_job(path, environ={"SECRET": simulator.client_secret}))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., bytes]:
    """Return what a run without any trouble exports; each is run once."""

    @cache
    def exported(hours: int | None = None) -> bytes:
        folder = tmp_path_factory.mktemp("quiet")

        async def work(loop: CompressedLoop) -> None:
            simulator = Simulator(
                sample_tenant(), clock=loop.time, requests_allowed=1_000_000
            )
            async with simulator:
                await run_of(folder, simulator, hours=hours)

        compressed(work, real_s=60)
        return (folder / "out.csv").read_bytes()

    return exported


def troubled(
    folder: Path,
    *faults: Fault,
    trouble: Callable[[Simulator], Coroutine[Any, Any, None]] | None = None,
    options: dict[str, Any] | None = None,
    **job: Any,
) -> tuple[RunReport, Simulator]:
    """Run the job with faults, and with what *trouble* does meanwhile."""

    async def work(loop: CompressedLoop) -> tuple[RunReport, Simulator]:
        simulator = Simulator(
            sample_tenant(),
            clock=loop.time,
            faults=Faults(*faults),
            **{"requests_allowed": 1_000_000, **(options or {})},
        )
        async with simulator:
            run = asyncio.create_task(run_of(folder, simulator, **job))
            if trouble:
                await trouble(simulator)
            return await run, simulator

    return compressed(work, real_s=60)


def test_a_token_revoked_in_mid_run_costs_one_more(
    tmp_path: Path, undisturbed: Callable[..., bytes]
) -> None:
    """Every window is there, and one token was taken in place of the revoked one."""

    async def revoke(simulator: Simulator) -> None:
        while simulator.data_requests < 3:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0)
        simulator.revoke_tokens()

    report, simulator = troubled(tmp_path / "run", trouble=revoke, concurrency=2)

    assert simulator.tokens_granted == report.tokens == 2
    assert (tmp_path / "run/out.csv").read_bytes() == undisturbed()


@pytest.mark.parametrize("options", [pytest.param({}, marks=pytest.mark.slow), SMALL])
def test_many_queries_with_one_expired_token_take_one_more(
    tmp_path: Path, undisturbed: Callable[..., bytes], options: dict[str, Any]
) -> None:
    """Two hundred tasks, one new token; whoever waits for a turn goes with that."""

    async def expire(simulator: Simulator) -> None:
        while simulator.data_requests < 3:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0)
        simulator.revoke_tokens()

    job: dict[str, Any] = {"hours": HOURS, "concurrency": 200}
    report, simulator = troubled(
        tmp_path / "run", trouble=expire, options=options, **job
    )

    refused = sum(entry.status == 401 for entry in simulator.requests(DATA))
    assert simulator.tokens_granted == report.tokens == 2
    assert 1 <= refused <= 100
    assert (tmp_path / "run/out.csv").read_bytes() == undisturbed(hours=HOURS)


@pytest.mark.parametrize("hint", ["retry-after", "message", "reset"])
def test_a_429_holds_the_whole_run_as_long_as_specified(
    tmp_path: Path, undisturbed: Callable[..., bytes], hint: Any
) -> None:
    """No query is asked before the wait is over, whoever was refused."""
    fault = Fault("throttled", hint=hint, wait_s=40, nth=(20,))

    report, simulator = troubled(tmp_path / "run", fault, hours=60)

    entries = simulator.requests(DATA)
    refused = next(entry for entry in entries if entry.status == 429)
    late = [e.at - refused.at for e in entries if e.at - refused.at > 0.5]
    assert report.throttled == 1
    assert min(late) >= 40
    assert (tmp_path / "run/out.csv").read_bytes() == undisturbed(hours=60)


def test_a_429_without_a_hint_is_repeated(
    tmp_path: Path, undisturbed: Callable[..., bytes]
) -> None:
    """A bare 429 costs time, and nothing else."""
    fault = Fault("throttled", hint="none", nth=(3, 8, 12), times=3)

    report, _ = troubled(tmp_path / "run", fault, hours=60)

    assert report.retries["429"] == 3
    assert (tmp_path / "run/out.csv").read_bytes() == undisturbed(hours=60)


def test_a_tenth_of_the_calls_failing_loses_nothing(
    tmp_path: Path, undisturbed: Callable[..., bytes]
) -> None:
    """With 503 on 10 % of the calls every row is there."""
    fault = Fault("status", status=503, probability=0.1, times=None)

    report, simulator = troubled(tmp_path / "run", fault, hours=HOURS)

    failed = sum(entry.status == 503 for entry in simulator.requests(DATA))
    assert 10 <= failed == report.retries["503"]
    assert (tmp_path / "run/out.csv").read_bytes() == undisturbed(hours=HOURS)


@pytest.mark.parametrize(
    "concurrency", [8, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 32))]
)
def test_a_small_quota_is_used_to_the_full(tmp_path: Path, concurrency: int) -> None:
    """210 queries at 30 per 6 s: at most 2 refused, 95 % of the quota used.

    Counted in the server's windows, from the first data request to the last, the last
    window left out, which need not be full.
    """
    job: dict[str, Any] = {"hours": HOURS, "concurrency": concurrency}

    report, simulator = troubled(tmp_path / "run", options=SMALL, **job)

    asked = [entry for entry in simulator.request_log if "/api/" in entry.path]
    windows: list[int] = []
    opened = -100.0
    for entry in asked:
        if entry.at >= opened + 6.0:
            windows.append(0)
            opened = entry.at
        windows[-1] += entry.status == 200
    whole = windows[:-1]
    assert simulator.data_requests == report.queries == HOURS
    assert simulator.throttled <= 2
    assert sum(whole) / (30 * len(whole)) >= 0.95
