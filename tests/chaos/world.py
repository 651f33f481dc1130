"""The life of one seed: runs that are cut off, and one that is left to end.

What must hold after every run, however it ended:

- it is complete and its outputs are those of the quiet run, byte for byte; or it is a
  documented exit (2 to 6), or was cut off, and each output is as it was before, or
  whole; without all parts there, as it was before;
- the parts are whole, of this plan, and one a query; only a killed process leaves
  unfinished files;
- no query was asked whose part was there, and no more remain unanswered than were in
  flight;
- it took no longer than its faults explain; no file and no message has the secret or a
  token.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from gcbatch import Job, load_job
from gcbatch.errors import GcbatchError
from gcbatch.planning.saved_plan import SavedPlan
from gcbatch.query import Query, canonical
from gcbatch.running.pipeline import arun
from gcbatch.simulator import Entry, Faults, Simulator, sample_tenant
from gcbatch.store.store import Store
from tests.chaos.compressed import CompressedLoop, compressed
from tests.chaos.files import at_file, full_disk, read_only
from tests.chaos.schedule import Cut, Schedule
from tests.support.stored_files import folder_of

__all__ = ["Tally", "live", "run_and_die"]

ROOT: Final = Path(__file__).parents[2]
SECRET: Final = "simulator-secret"
KINDS: Final = ("csv", "json", "parquet")
DOCUMENTED: Final = range(2, 7)
OUTPUT_EXIT: Final = 6
EARLIER: Final = b"what an earlier run wrote"

REAL_S: Final = 60.0
"""How long one seed may take in real time; it takes a tenth of a second."""

FOR_EVER_S: Final = 24 * 3600.0
STRIKE_S: Final = 190.0
"""What one fault may cost: the longest wait that is sat out is 180 s."""

Outputs = dict[str, bytes | None]
Asked = list[tuple[str, Any]]
"""Interval and the rest of each query that was asked."""


@dataclass
class Tally:
    """What happened to a seed.

    Args:
        outcome: How the run ended that was left to: `complete` or `exit 4`.
        runs: How all its runs ended.
        struck: Faults by kind.
    """

    outcome: str = ""
    runs: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)


@dataclass
class Quiet:
    """The undisturbed run: what it wrote, and how many turns of the loop it took."""

    outputs: Outputs
    turns: int
    queries: tuple[Query, ...]


@dataclass
class World:
    """A service, and a folder in which a job is run against it.

    Args:
        schedule: What goes wrong.
        folder: For job file, store and outputs.
        simulator: The service.
        loop: The loop of both.
    """

    schedule: Schedule
    folder: Path
    simulator: Simulator
    loop: CompressedLoop

    def job(self) -> Job:
        """Write the job file and load it."""
        path = self.folder / "job.yaml"
        fetch = {**self.schedule.job["fetch"], "store": str(self.folder / "store")}
        content = {
            **self.schedule.job,
            "name": "chaos",
            "org": {
                "name": "chaos",  # the same parts, wherever the simulator listens
                "api_url": self.simulator.url,
                "login_url": self.simulator.url,
                "client_id": self.simulator.client_id,
                "client_secret": "${SECRET}",
            },
            "fetch": fetch,
            "exports": [
                {"exporter": kind, "table": "intervals", "path": str(path)}
                for kind, path in output_paths(self.folder)
            ]
            # A listing that fails gives ids, if no export needs it: outputs, and how
            # long windows are, would hang on which request a fault happens to befall.
            + [
                {
                    "exporter": "csv",
                    "table": "queues",
                    "path": str(self.folder / "queues.csv"),
                }
            ],
        }
        path.write_bytes(orjson.dumps(content))
        return load_job(path, environ={"SECRET": SECRET})

    async def run(
        self, moments: Sequence[tuple[float, Callable[[], None]]] = ()
    ) -> str:
        """Run the job once; return how it ended.

        Args:
            moments: Turns of the loop, from now, at which something is done.
        """
        due = sorted(moments, key=lambda moment: moment[0])
        start = self.loop.selector.turns
        task = asyncio.create_task(arun(self.job()))
        self.task = task

        def on_turn(turn: int) -> None:
            while due and turn >= start + due[0][0]:
                due.pop(0)[1]()

        self.loop.selector.on_turn = on_turn
        try:
            async with asyncio.timeout(FOR_EVER_S):
                await task
        except asyncio.CancelledError:
            return "cancelled"
        except GcbatchError as exc:
            return self._exit_of(exc)
        finally:
            self.loop.selector.on_turn = lambda _: None
            await self.loop.idle()
        return "complete"

    def cancel(self) -> None:
        """Cut the run off, wherever it waits."""
        self.task.cancel()

    def _exit_of(self, error: GcbatchError) -> str:
        """Return the exit that an error is, after a look at its words."""
        said = f"{error.problem} {error.hint} {error.response!r}"
        assert error.exit_code in DOCUMENTED, said
        assert not any(s in said for s in self.secrets), said
        return f"exit {error.exit_code}"

    @property
    def secrets(self) -> list[str]:
        """What no file and no output may contain."""
        return [SECRET, *self.simulator._access._good_until]

    def asked(self, since: int = 0) -> Asked:
        """Return the queries that were asked, in order."""
        entries = list(self.simulator.request_log)[since:]
        return [_question(entry) for entry in entries if "analytics" in entry.path]


def _question(entry: Entry) -> tuple[str, Any]:
    body = dict(entry.request)
    return body.pop("interval"), body


def output_paths(folder: Path) -> list[tuple[str, Path]]:
    return [(kind, folder / f"out.{kind}") for kind in KINDS]


def outputs(folder: Path) -> Outputs:
    return {
        kind: path.read_bytes() if path.exists() else None
        for kind, path in output_paths(folder)
    }


def unfinished(folder: Path) -> set[Path]:
    return set(folder.rglob("*.part"))


@contextmanager
def befallen(cut: Cut, folder: Path, die: Callable[[], None]) -> Iterator[None]:
    """Let happen to files what a cut says."""
    with ExitStack() as stack:
        match cut.how:
            case "full":
                stack.enter_context(at_file(folder, "os.rename", cut.nth, full_disk))
            case "read-only":
                stack.enter_context(at_file(folder, "open", cut.nth, read_only))
            case "kill between":
                stack.enter_context(at_file(folder, "os.rename", cut.nth, die))
            case _:
                pass
        yield


def live(schedule: Schedule, folder: Path) -> Tally:
    """Let a seed happen, and check what must hold.

    Raises:
        AssertionError: If something does not.
        HangError: If it does not end.
    """
    quiet = _quiet_run(schedule, folder / "quiet")
    tally = Tally()
    run = folder / "run"
    run.mkdir()

    async def lived(loop: CompressedLoop) -> None:
        faults = schedule.armed()
        async with _service(schedule, loop, faults) as simulator:
            world = World(schedule, run, simulator, loop)
            await _Life(world, quiet, tally).pass_by()
        tally.struck.update(fault.kind for fault in faults.triggered)

    compressed(lived, real_s=REAL_S)
    return tally


def _quiet_run(schedule: Schedule, folder: Path) -> Quiet:
    folder.mkdir()

    async def undisturbed(loop: CompressedLoop) -> Quiet:
        async with _service(schedule, loop, Faults()) as simulator:
            world = World(schedule, folder, simulator, loop)
            before = loop.selector.turns
            assert await world.run() == "complete"
            turns = loop.selector.turns - before
        return Quiet(outputs(folder), turns, _plan(folder))

    return compressed(undisturbed, real_s=REAL_S)


def _service(schedule: Schedule, loop: CompressedLoop, faults: Faults) -> Simulator:
    return Simulator(
        sample_tenant(),
        client_secret=SECRET,
        faults=faults,
        clock=loop.time,
        **schedule.options,
    )


def _plan(folder: Path) -> tuple[Query, ...]:
    kept = SavedPlan.read(Store(folder / "store", "chaos"))
    return kept.plan.queries if kept else ()


@dataclass
class _Life:
    """The runs of one seed, one after another."""

    world: World
    quiet: Quiet
    tally: Tally

    @property
    def _folder(self) -> Path:
        return self.world.folder

    async def pass_by(self) -> None:
        """Run, cut off; run, left to end; run, without faults."""
        schedule, turns = self.world.schedule, self.quiet.turns
        revoke = self.world.simulator.revoke_tokens
        if schedule.published:
            for _, path in output_paths(self._folder):
                path.write_bytes(EARLIER)
        revocations = [(at * turns, revoke) for at in schedule.revoked]
        for number, cut in enumerate(schedule.cuts):
            if cut.kills:
                self._run_to_be_killed(number)
            else:
                await self._run(cut, revocations)
            revocations = []
        self.tally.outcome = await self._run(None, revocations)
        self.world.simulator.faults.clear()
        if self.tally.outcome != "complete":
            ended = await self._run(None, [])
            assert ended == "complete", f"without faults: {ended}"

    async def _run(
        self, cut: Cut | None, moments: list[tuple[float, Callable[[], None]]]
    ) -> str:
        world = self.world
        if cut is not None and cut.how in ("damage", "gone"):
            self._spoil_store(cut)
        if cut is not None and cut.how == "cancel":
            at = cut.at * self.quiet.turns
            moments = [*moments, (at, world.cancel)]
        before = self._before()
        asked, struck = (
            len(world.simulator.request_log),
            len(world.simulator.faults.triggered),
        )
        began = world.loop.time()
        with befallen(cut or Cut("cancel"), self._folder, _no_death):
            ended = await world.run(moments)
        took_s = world.loop.time() - began
        requests = len(world.simulator.request_log) - asked
        strikes = len(world.simulator.faults.triggered) - struck
        explained_s = 120 + requests + STRIKE_S * strikes
        assert took_s <= explained_s, f"{took_s:.0f} s for {strikes} faults"
        before.check(ended, world.asked(asked), self)
        self.tally.runs[ended] += 1
        return ended

    def _run_to_be_killed(self, number: int) -> None:
        """Run in a process of its own, which kills itself; the check is the same."""
        before = self._before()
        schedule = self.world.schedule
        arguments = (schedule.seed, self._folder, number, self.quiet.turns)
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "tests.chaos.doomed", *map(str, arguments)],
            cwd=ROOT,
            capture_output=True,
            timeout=REAL_S,
            check=False,
        )
        assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
        said = json.loads(done.stdout)
        before.check(said["ended"], [tuple(a) for a in said["asked"]], self)
        self.tally.runs[said["ended"]] += 1

    def _before(self) -> "_Before":
        whole, damaged = self.parts()
        return _Before(whole, damaged, outputs(self._folder), unfinished(self._folder))

    def parts(self) -> tuple[set[str], set[str]]:
        """Return the digests of the whole parts, and of the damaged ones."""
        store = Store(self._folder / "store", "chaos")
        whole: set[str] = set()
        damaged: set[str] = set()
        for path in folder_of(store).glob("parts/*.parquet"):
            content = path.read_bytes()
            if store.check_again(path.stem):
                whole.add(path.stem)
            else:
                damaged.add(path.stem)
                path.write_bytes(content)  # for the next run to find
        return whole, damaged

    def _spoil_store(self, cut: Cut) -> None:
        folder = self._folder / "store" / "chaos"
        parts = sorted(folder.glob("parts/*.parquet"))
        if cut.how == "gone":
            shutil.rmtree(folder, ignore_errors=True)
        elif parts:
            path = parts[int(cut.at * len(parts))]
            content = bytearray(path.read_bytes())
            content[int(cut.at * 9973) % len(content)] ^= 0x41
            path.write_bytes(content)


def _no_death() -> None:
    raise AssertionError


@dataclass
class _Before:
    """What was there before a run.

    Args:
        parts: Digests of the whole ones.
        damaged: Digests of the others.
        outputs: Their content.
        litter: Unfinished files.
    """

    parts: set[str]
    damaged: set[str]
    outputs: Outputs
    litter: set[Path]

    def check(self, ended: str, asked: Asked, life: _Life) -> None:
        """Check what must hold after it."""
        quiet, folder = life.quiet, life.world.folder
        now = outputs(folder)
        killed = ended == "killed"
        parts, damaged = life.parts()
        planned = {query.digest for query in quiet.queries}
        assert parts | damaged <= planned, "parts of no query"
        assert damaged <= self.damaged, "damaged parts"
        concurrency = life.world.schedule.concurrency
        litter = unfinished(folder) - self.litter
        most = concurrency + len(KINDS) + 1 if killed else 0
        assert len(litter) <= most, f"left behind: {sorted(litter)}"
        if ended == "complete":
            assert now == quiet.outputs, "not what the quiet run wrote"
            assert parts == planned, "complete, but for its parts"
        for kind, content in now.items():
            assert content in (self.outputs[kind], quiet.outputs[kind]), kind
        # A run may also be cancelled while it closes its connections, all written.
        exporting = ended in ("complete", "cancelled", "killed", f"exit {OUTPUT_EXIT}")
        if not exporting or parts != planned:
            assert now == self.outputs, f"{ended}, but something was exported"
        touched = {_query_of(question, quiet.queries) for question in asked}
        assert not touched & self.parts, "asked what was there"
        unanswered = touched - parts
        assert len(unanswered) <= concurrency, "lost parts"
        for path in folder.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                assert not any(s.encode() in content for s in life.world.secrets), path


def _query_of(question: tuple[str, Any], queries: tuple[Query, ...]) -> str:
    """Return the digest of the planned query that a request is, or is a piece of."""
    interval, body = question
    start, end = interval.split("/")
    for query in queries:
        first, last = str(query.window).split("/")
        planned = orjson.loads(query.template)
        if first <= start and end <= last and _is_piece(body, planned):
            return query.digest
    msg = f"asked {interval}, which is no part of the plan"
    raise AssertionError(msg)


def _is_piece(body: Any, planned: Any) -> bool:
    if canonical(body) == canonical(planned):
        return True
    ours, whole = _queues_of(body), _queues_of(planned)
    return bool(ours) and ours <= whole


def _queues_of(body: Any) -> set[str]:
    clauses = body.get("filter", {}).get("clauses", [{}])
    return {p["value"] for p in clauses[0].get("predicates", ())}


def run_and_die(schedule: Schedule, folder: Path, number: int, turns: int) -> None:
    """Run the job in this process, which kills itself at the moment of a cut.

    Writes what it requested to standard output, as its last act.

    Args:
        schedule: The schedule of the seed.
        folder: Where.
        number: The number of the cut, the first is 0.
        turns: The turns of the quiet run.
    """
    cut = schedule.cuts[number]

    async def doomed(loop: CompressedLoop) -> None:
        async with _service(schedule, loop, schedule.armed()) as simulator:
            world = World(schedule, folder, simulator, loop)

            def tell(ended: str) -> None:
                os.write(1, orjson.dumps({"ended": ended, "asked": world.asked()}))

            def die() -> None:
                tell("killed")
                os.kill(os.getpid(), signal.SIGKILL)

            moments = [(cut.at * turns, die)] if cut.how == "kill" else []
            with befallen(cut, folder, die):
                ended = await world.run(moments)
            tell(ended)

    compressed(doomed, real_s=REAL_S)
