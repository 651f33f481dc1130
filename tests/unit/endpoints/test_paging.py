"""Pages that lead on and on: read to their end, or refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from gcbatch import DataError
from gcbatch.endpoints import paging
from gcbatch.simulator import Fault
from tests.support.details_world import World
from tests.support.listed_org import ORG, SALES

FIGURES = {"metrics": ["nOffered"]}
QUEUE = {"queues": [SALES]}
CALLS = {
    "interval-report": ("/aggregates/query$", "entities", "nextPageId", QUEUE),
    "queue-summary": ("/queues/summary$", "data", "nextPageToken", QUEUE),
    "conversation-aggregates-jobs": (r"/results$", "results", "cursor", FIGURES),
}


def run(world: World, endpoint: str, query: dict[str, Any]) -> Any:
    asked = {"from": "2026-03-02", "to": "2026-03-03", "granularity": "PT1H", **query}
    return world.run(endpoint=endpoint, query=asked, tables=("intervals",))


def world_of(folder: Path, endpoint: str, pages: int) -> World:
    """Return a service whose answer has so many pages, all of them empty."""
    path, rows, token, _ = CALLS[endpoint]
    world = World(folder, ORG)
    for number in range(1, pages + 1):
        page: dict[str, Any] = {rows: []} | (
            {token: f"token {number}"} if number < pages else {}
        )
        body = json.dumps(page).encode()
        world.simulator.faults.add(Fault("garbage", path, (number,), body=body))
    return world


@pytest.mark.parametrize("endpoint", CALLS)
def test_tokens_without_end_are_refused(
    tmp_path: Path, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where each is new, nothing else would end the run, nor what it holds."""
    monkeypatch.setattr(paging, "MAX_PAGES", 5)
    world = world_of(tmp_path, endpoint, 7)

    with pytest.raises(DataError, match="pages do not end: 5 came") as failed:
        run(world, endpoint, CALLS[endpoint][-1])

    assert f"{endpoint} 2026-03-02" in failed.value.problem


@pytest.mark.parametrize("endpoint", CALLS)
def test_as_many_pages_as_there_may_be_are_read(
    tmp_path: Path, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last of them is the last."""
    monkeypatch.setattr(paging, "MAX_PAGES", 5)
    world = world_of(tmp_path, endpoint, 5)

    report = run(world, endpoint, CALLS[endpoint][-1])

    assert report.rows == 0
    assert len(world.simulator.faults.triggered) == 5
