"""What a unit costs as their number grows tenfold, to the limits that we promise.

`python -m benchmarks.own_scale` takes seven minutes and 1.5 GB of disk, of which
nothing stays:

- the plan of 5,000 queues and two years in PT15M
- a store of 100,000 parts: a complete job run again, `store ls`, `verify --offline`
- the tables `sla` and the report, made of ten million rows of intervals
- 200 orgs in one job: the first run, and a complete one run again

The cost of the smallest job, which is mostly the start, is subtracted from that of a
tenth and of the whole.
"""

import json
import math
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.aggregates_data import METRICS, QUARTERS, queue_id
from benchmarks.alone import main_of
from benchmarks.findings import Findings, Verdict
from benchmarks.processes import Spent, environment, measured, served

__all__ = ["Measured", "measure", "verdicts"]

ROUNDS: Final = 1
RUNS: Final = 7
ENOUGH_S: Final = 8.0
"""Seconds of CPU after which a command does not run again in a round. One that costs
little more than the start runs RUNS times: a single run would say little."""

MAX_RATIO: Final = 1.15
MAX_MB: Final = 300.0

FIRST: Final = datetime(2022, 1, 1)  # noqa: DTZ001 - local time of the job
NO_SERVICE: Final = "http://127.0.0.1:9"
"""The service of jobs that are complete, and of plans whose queues are known."""

SECRET: Final = "BENCH_SECRET"  # noqa: S105 - the name of the variable
WIDE: Final = 1_000_000
"""A quota that no client reaches."""

ORG_QUEUES: Final = 3
ORG_DAYS: Final = 2


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large the jobs are: the smallest, a tenth, the whole.

    Args:
        plan_queues: Queues of the plan.
        plan_days: Days of the plan.
        parts: Parts of the store.
        row_queues: Queues of the rows of intervals.
        row_days: Days of these rows.
        orgs: Orgs.
        enough_s: CPU time after which a round has measured a size enough.
    """

    plan_queues: int = 5_000
    plan_days: tuple[int, ...] = (1, 74, 731)
    parts: tuple[int, ...] = (1, 10_000, 100_000)
    row_queues: int = 200
    row_days: tuple[int, ...] = (1, 53, 522)
    orgs: tuple[int, ...] = (1, 21, 201)
    enough_s: float = ENOUGH_S


QUICK: Final = Sizes(50, (1, 2, 3), (1, 2, 3), 5, (1, 2, 3), (1, 2, 3), enough_s=0.01)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a command cost at the smallest size, a tenth and the whole.

    Args:
        what: The command.
        unit: What it costs something for.
        units: Their number at each size.
        spent: The cost of each run, by size.
    """

    what: str
    unit: str
    units: tuple[int, ...]
    spent: tuple[Sequence[Spent], ...]

    def unit_us(self, size: int) -> float:
        """Return the cost of a unit beyond the smallest size, in microseconds."""
        least, cpu = (median(s.cpu_s for s in self.spent[n]) for n in (0, size))
        return 1e6 * (cpu - least) / (self.units[size] - self.units[0])

    @property
    def ratio(self) -> float:
        """What a unit of the whole costs, by one of a tenth; infinite if that is 0."""
        tenth_us = self.unit_us(1)
        return self.unit_us(2) / tenth_us if tenth_us > 0 else math.inf

    @property
    def peak_mb(self) -> float:
        """Maximum memory of all runs."""
        return max(one.peak_mb for runs in self.spent for one in runs)

    def __str__(self) -> str:
        return (
            f"{self.what:28} {self.units[2]:>11,} {self.unit + 's':8} "
            f"{self.unit_us(1):9.1f} {self.unit_us(2):9.1f} us {self.peak_mb:5.0f} MB"
        )


@dataclass(frozen=True, slots=True)
class _Bench:
    """A folder for jobs, stores and outputs, and the environment of commands.

    Args:
        folder: The folder.
        environ: The environment.
    """

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def store(self) -> Path:
        """The store of all jobs."""
        return self.folder / "store"

    def run(self, *command: object) -> Spent:
        """Run a command of this interpreter to its end; see `measured`."""
        words = [sys.executable, *map(str, command)]
        return measured(words, self.environ, self.folder / "command.log")

    def gcbatch(self, *command: object) -> Spent:
        """Run `gcbatch`."""
        return self.run("-m", "gcbatch", *command)

    def job(self, name: str, query: Mapping[str, Any], **sections: Any) -> Path:
        """Write a job file, and return its path.

        Args:
            name: The name of the job.
            query: Its section `query`, in addition to what all have.
            sections: Other sections.
        """
        chunk = sections.pop("chunk", "P1D")
        org = {} if "orgs" in sections else {"org": _org(NO_SERVICE)}
        content = {
            "name": name,
            **org,
            "query": {
                "from": FIRST.isoformat(),
                "timezone": "UTC",
                "granularity": "PT15M",
                "group_by": ["queueId", "mediaType"],
                "media_types": ["voice"],
                "metrics": list(METRICS),
                **query,
            },
            "fetch": {
                "chunk": chunk,
                "requests_per_minute": WIDE,
                "store": str(self.store),
            },
            "exports": [],
            **sections,
        }
        path = self.folder / f"{name}.yaml"
        path.write_text(json.dumps(content, indent=1), "utf-8")  # JSON is YAML
        return path

    def check(self, job: Path, rows: int) -> None:
        """Check the run report of a job.

        Raises:
            RuntimeError: If it has other rows, or requests were sent.
        """
        text = (self.store / job.stem / "run.json").read_text("utf-8")
        report = json.loads(text)
        if (report["rows"], report["requests"]) != (rows, 0):
            msg = f"{job.stem}: {report['rows']:,} rows, {report['requests']} requests"
            raise RuntimeError(msg)

    def export(self, exporter: str, *tables: str, name: str) -> dict[str, Any]:
        """Return an export of a job file."""
        path = self.folder / f"{name}.{exporter}"
        return {"exporter": exporter, "tables": list(tables), "path": str(path)}


def _org(url: str, client_id: str = "bench") -> dict[str, str]:
    secret = f"${{{SECRET}}}"
    return {
        "api_url": url,
        "login_url": url,
        "client_id": client_id,
        "client_secret": secret,
    }


def _until(span: timedelta) -> str:
    return (FIRST + span).isoformat()


def _ids(queues: int) -> list[str]:
    return list(map(queue_id, range(queues)))


def _series(
    what: str,
    unit: str,
    units: Sequence[int],
    run: Callable[[int], Spent],
    *,
    rounds: int,
    enough_s: float,
) -> Measured:
    """Measure a command at each size.

    Args:
        what: The command.
        unit: What it costs something for.
        units: Their number at each size.
        run: Runs it at a size: 0, 1 or 2.
        rounds: Number of rounds.
        enough_s: CPU time of each size after which a round has enough of it.
    """
    spent: list[list[Spent]] = [[] for _ in units]
    for _ in range(rounds):
        cpu_s = [0.0 for _ in units]
        for _ in range(RUNS):
            for size, runs in enumerate(spent):
                if cpu_s[size] < enough_s:
                    runs.append(run(size))
                    cpu_s[size] += runs[-1].cpu_s
    return Measured(what, unit, tuple(units), tuple(spent))


def measure(rounds: int, *, quick: bool) -> Findings:
    """Measure; a round takes seven minutes.

    Args:
        rounds: Number of rounds.
        quick: Whether little is enough.
    """
    sizes = QUICK if quick else Sizes()
    found: list[Measured] = []
    for series in (_plans, _stores, _rows, _orgs):
        with tempfile.TemporaryDirectory(prefix="gcbatch-bench-") as folder:
            environ = environment(Path(folder) / "bytecode") | {SECRET: "none"}
            bench = _Bench(Path(folder), environ)
            found += series(bench, sizes, rounds)
    heads = f"{'':28} {'':20} {'a tenth':>9} {'whole':>9}"
    lines = (heads, *map(str, found))
    return Findings(
        "Large plans, stores, tables and jobs", lines, tuple(verdicts(found))
    )


def _plans(bench: _Bench, sizes: Sizes, rounds: int) -> Iterator[Measured]:
    """Measure the plan, of all queues and of queues that the job names."""
    queues = sizes.plan_queues
    for named in (False, True):
        some = {"queues": _ids(queues)} if named else {}
        jobs = [
            bench.job(
                f"plan-{days}-{'named' if named else 'all'}",
                {"to": _until(timedelta(days)), **some},
                chunk="auto",
            )
            for days in sizes.plan_days
        ]
        bench.run("-m", "benchmarks.own_scale_data", "--names", queues, *jobs)
        units = [queues * days for days in sizes.plan_days]
        for option in ((),) if named else ((), ("--json",)):
            words = " ".join(("plan", *option, *["(named)"] * named))

            def run(
                size: int, jobs: list[Path] = jobs, option: Sequence[str] = option
            ) -> Spent:
                return bench.gcbatch("plan", jobs[size], *option)

            run(0)  # compiles the byte code
            yield _series(
                words, "queue-day", units, run, rounds=rounds, enough_s=sizes.enough_s
            )


def _stores(bench: _Bench, sizes: Sizes, rounds: int) -> Iterator[Measured]:
    """Measure what looks at every part of a store of many small ones."""
    jobs = [
        bench.job(
            f"parts-{parts}",
            {
                "to": _until(parts * timedelta(minutes=15)),
                "queues": _ids(1),
                "metrics": ["nOffered"],
            },
            chunk="PT15M",
            exports=[bench.export("parquet", "intervals", name=f"parts-{parts}")],
        )
        for parts in sizes.parts
    ]
    bench.run("-m", "benchmarks.own_scale_data", *reversed(jobs))
    for job, parts in zip(jobs, sizes.parts, strict=True):
        bench.gcbatch("run", job)
        bench.check(job, parts)
    commands: dict[str, Callable[[int], Sequence[object]]] = {
        "run again": lambda size: ("run", jobs[size]),
        "store ls": lambda size: (
            "store",
            "ls",
            jobs[size].stem,
            "--store",
            bench.store,
        ),
        "verify --offline": lambda size: ("verify", "--offline", jobs[size]),
    }
    for what, command in commands.items():

        def run(
            size: int, command: Callable[[int], Sequence[object]] = command
        ) -> Spent:
            return bench.gcbatch(*command(size))

        yield _series(
            what, "part", sizes.parts, run, rounds=rounds, enough_s=sizes.enough_s
        )


def _rows(bench: _Bench, sizes: Sizes, rounds: int) -> Iterator[Measured]:
    """Measure the tables and the report that add up rows of intervals."""
    queues = sizes.row_queues
    units = [days * queues * QUARTERS for days in sizes.row_days]
    exports = {
        "sla to parquet": bench.export("parquet", "sla", name="sla"),
        "sla, report in html": bench.export("html", "sla", "intervals", name="report"),
    }

    def job(days: int, *exports: Mapping[str, Any]) -> Path:
        query = {"to": _until(timedelta(days)), "queues": _ids(queues)}
        sla = {"period": "day", "target": 80}
        return bench.job(f"rows-{days}", query, sla=sla, exports=exports)

    jobs = [job(days) for days in reversed(sizes.row_days)]
    bench.run("-m", "benchmarks.own_scale_data", *jobs)
    for what, export in exports.items():

        def run(size: int, export: Mapping[str, Any] = export) -> Spent:
            path = job(sizes.row_days[size], export)
            spent = bench.gcbatch("export", path)
            bench.check(path, units[size])
            return spent

        run(0)  # compiles the byte code
        yield _series(what, "row", units, run, rounds=rounds, enough_s=sizes.enough_s)


def _orgs(bench: _Bench, sizes: Sizes, rounds: int) -> Iterator[Measured]:
    """Measure a job of many orgs, each with a service of its own."""
    most = max(sizes.orgs)
    command = [sys.executable, "-m", "benchmarks.own_scale_orgs", str(most)]
    query = {"to": _until(timedelta(ORG_DAYS)), "queues": _ids(ORG_QUEUES)}
    with served(command, bench.environ) as (client_id, secret, *urls):
        bench.environ[SECRET] = secret
        orgs = {f"org-{n}": _org(url, client_id) for n, url in enumerate(urls)}
        jobs = [
            bench.job(
                f"orgs-{number}",
                query,
                orgs=dict(list(orgs.items())[:number]),
                exports=[bench.export("parquet", "intervals", name=f"orgs-{number}")],
            )
            for number in sizes.orgs
        ]

        def again(size: int) -> Spent:
            return bench.gcbatch("run", jobs[size])

        def first(size: int) -> Spent:
            shutil.rmtree(bench.store, ignore_errors=True)
            return again(size)

        first(0)  # compiles the byte code
        yield _series(
            "run of orgs",
            "org",
            sizes.orgs,
            first,
            rounds=rounds,
            enough_s=sizes.enough_s,
        )
        for size in range(len(jobs)):
            again(size)
        yield _series(
            "run of orgs, again",
            "org",
            sizes.orgs,
            again,
            rounds=rounds,
            enough_s=sizes.enough_s,
        )


def verdicts(found: Sequence[Measured]) -> Iterator[Verdict]:
    """Yield the targets: of each command its cost by size, and its memory."""
    for one in found:
        yield Verdict(
            f"{one.what}: a {one.unit} of {one.units[2]:,} costs {one.ratio:.2f} x one "
            f"of {one.units[1]:,}, at most {MAX_RATIO}",
            one.ratio <= MAX_RATIO,
        )
        yield Verdict(
            f"{one.what}: peak memory {one.peak_mb:.0f} MB, at most {MAX_MB:.0f}",
            one.peak_mb <= MAX_MB,
        )


if __name__ == "__main__":
    sys.exit(main_of(measure, rounds=ROUNDS))
