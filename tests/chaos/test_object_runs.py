"""Seeded faults between runs and an object store.

GCBATCH_CHAOS_OBJECTS says how many seeds (25); a failure says what its seed did.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import pytest

from gcbatch.simulator import Simulator, sample_tenant
from tests.chaos.object_faults import drawn_faults, explained
from tests.chaos.object_runs import EARLIER, NOW, Files, ObjectRuns, files_of
from tests.conftest import WIDE, SimulatorThread, Workspace
from tests.support.s3_proxy import FaultyS3
from tests.support.s3_server import S3Bucket

pytestmark = pytest.mark.chaos

SEEDS: Final = int(os.environ.get("GCBATCH_CHAOS_OBJECTS", "25"))

Tell = Callable[[str, Mapping[str, int]], None]


@dataclass(frozen=True)
class Quiet:
    """What runs on a disk write.

    Args:
        workspace: The service of all seeds.
        earlier: The outputs of the earlier version of the job.
        now: Those of the job.
        later: Those of the job, run where the earlier version had run: a partition of
            a day that only that one has stays.
    """

    workspace: Workspace
    earlier: Files
    now: Files
    later: Files


@pytest.fixture(scope="module")
def quiet(
    simulator_thread: SimulatorThread, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Quiet]:
    """Run both versions of the job on a disk."""
    simulator = Simulator(sample_tenant(), requests_allowed=WIDE)
    simulator_thread.do(simulator.start())
    folder = tmp_path_factory.mktemp("quiet")
    workspace = Workspace(simulator, folder, simulator_thread)
    written = []
    for place, days in (("a", EARLIER), ("b", NOW), ("a", NOW)):
        runs = ObjectRuns(
            workspace, str(folder / place), str(folder / f"store-{place}")
        )
        assert runs.run(days) == "complete"
        written.append(files_of(folder / place))
    yield Quiet(workspace, *written)
    simulator_thread.do(simulator.stop())


def check(found: Files, before: Files, now: Files, ended: str) -> None:
    """Check what is there after a run with faults."""
    for name, content in found.items():
        assert content in (before.get(name), now.get(name)), f"{name} is neither"
    lost = (before.keys() & now.keys()) - found.keys()
    assert not lost, "lost"
    is_whole = all(found.get(name) == content for name, content in now.items())
    assert before.keys() <= found.keys() or is_whole, "removed before all was written"
    assert ended != "complete" or is_whole, "complete, but not what it should be"


@dataclass(frozen=True)
class Scene:
    """Where a seed happens.

    Args:
        runs: Runs of the job, through the faults.
        bucket: Where they write to.
        proxy: Has the faults.
    """

    runs: ObjectRuns
    bucket: S3Bucket
    proxy: FaultyS3


@pytest.fixture
def scene(quiet: Quiet, s3: S3Bucket, faulty_s3: FaultyS3) -> Scene:
    """Prepare runs whose store and outputs are in a bucket of their own."""
    runs = ObjectRuns.in_bucket(quiet.workspace, s3, endpoint=faulty_s3.url)
    return Scene(runs, s3, faulty_s3)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_runs_end_well(seed: int, quiet: Quiet, scene: Scene, tell: Tell) -> None:
    """Complete, or a documented exit; and the next run writes what one on disk does."""
    runs, bucket, proxy = scene.runs, scene.bucket, scene.proxy
    before: Files = {}
    now = quiet.later if seed % 2 else quiet.now
    if seed % 2:
        assert runs.run(EARLIER) == "complete"
        before = files_of(bucket)
        assert before == quiet.earlier
    proxy.arm(*drawn_faults(seed), seed=seed)
    with explained(seed, proxy):
        ended = runs.run(NOW)
        check(files_of(bucket), before, now, ended)
        assert runs.direct(bucket).run(NOW) == "complete"
        assert files_of(bucket) == now
    tell("object runs", {ended: 1})
    tell("struck objects", proxy.faults.struck)
