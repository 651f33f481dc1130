"""Statistics and fields newer than this release: named once, never fatal or silent."""

from pathlib import Path
from typing import Any

import pytest

from gcbatch.simulator import Fault, Faults, sample_tenant
from tests.support.details_world import World
from tests.support.listed_org import ORG, SALES

QUERY = {
    "from": "1999-08-01",
    "to": "1999-08-03",
    "timezone": "Asia/Jerusalem",
    "granularity": "PT1H",
    "metrics": ["nOffered", "tHandle"],
}
NEWER = Fault(
    "extra_fields", path=r"/aggregates/(query|jobs/[^/]+/results)$", times=None
)
ENDPOINTS = ["conversation-aggregates", "conversation-aggregates-jobs"]


def run(world: World, endpoint: str, **job: Any) -> Any:
    return world.run(endpoint=endpoint, query=QUERY, tables=("intervals",), **job)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_they_are_named_in_one_warning(tmp_path: Path, endpoint: str) -> None:
    """Whatever the number of windows; statistics with their metric."""
    world = World(tmp_path, sample_tenant(), faults=Faults(NEWER))

    report = run(world, endpoint, fetch={"chunk": "P1D"})

    assert report.queries == 2
    (warning,) = report.warnings
    assert warning == (
        "answered, but unknown to this release or not requested; left out: "
        "nOffered.newStatistic, newTopLevelKey, results.data.metrics.newMetricKey, "
        "results.data.newDataKey, results.newResultKey, tHandle.newStatistic"
    )


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_they_change_no_figure(tmp_path: Path, endpoint: str) -> None:
    """The same bytes as without."""
    written = []
    for name, faults in (("newer", (NEWER,)), ("known", ())):
        (folder := tmp_path / name).mkdir()
        world = World(folder, sample_tenant(), faults=Faults(*faults))
        run(world, endpoint)
        written.append(world.output(table="intervals").read_bytes())

    assert written[0] == written[1]


def test_they_are_named_by_a_run_that_asks_nothing(tmp_path: Path) -> None:
    """The parts remember them."""
    world = World(tmp_path, sample_tenant(), faults=Faults(NEWER))
    first = run(world, "conversation-aggregates")

    second = run(world, "conversation-aggregates")

    assert second.requests == 0
    assert second.warnings == first.warnings != ()


REPORTED = "answered, but unknown to this release or not requested; left out: "
TUTORIALS = {
    "interval-report": (
        "abandonedCount.newInnerKey, entities.newRowKey, handleTime.newInnerKey, "
        "handledCount.newInnerKey, newMetric, newTopLevelKey, offerCount.newInnerKey, "
        "serviceLevelPercent.newInnerKey"
    ),
    "queue-summary": "data.newRowKey, data.queue.newInnerKey, newTopLevelKey",
}


@pytest.mark.parametrize(("endpoint", "names"), TUTORIALS.items(), ids=list(TUTORIALS))
def test_tutorials_name_theirs(tmp_path: Path, endpoint: str, names: str) -> None:
    """Once for all pages, as of any figures; the rows are the same as without."""
    query = {"from": "2026-03-02", "granularity": "PT1H", "queues": [SALES]}
    rows, warnings = [], []
    for name, faults in (
        ("newer", (Fault("extra_fields", times=None),)),
        ("known", ()),
    ):
        (folder := tmp_path / name).mkdir()
        world = World(folder, ORG, faults=Faults(*faults))
        report = world.run(endpoint=endpoint, query=query, tables=("intervals",))
        rows.append(world.rows(table="intervals"))
        warnings.append(report.warnings)

    assert rows[0] == rows[1] != []
    assert warnings == [(REPORTED + names,), ()]
