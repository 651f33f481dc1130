"""Names and groups that the service cut within a letter: kept, with U+FFFD for it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gcbatch.simulator import Fault
from tests.support.details_world import World
from tests.support.listed_org import ORG, SALES

HOUR = "2026-03-02T09:00:00.000Z"
BUCKET = {
    "interval": f"{HOUR}/2026-03-02T10:00:00.000Z",
    "metrics": [{"metric": "nOffered", "stats": {"count": 1}}],
}
FIGURES = {"results": [{"group": {"mediaType": "cut?"}, "data": [BUCKET]}]}
BY_MEDIA = {"group_by": ["mediaType"], "metrics": ["nOffered"]}


@dataclass(frozen=True)
class Cut:
    """A call whose answer has a text that was cut.

    Args:
        path: The path of the address, as a regular expression.
        body: The body of its answer; `cut?` stands for the text.
        column: That has the text in the table.
        query: The section `query` of the job.
        endpoint, table: Of the job.
    """

    path: str
    body: dict[str, Any]
    column: str
    query: dict[str, Any]
    endpoint: str = "conversation-aggregates"
    table: str = "intervals"


CUTS = {
    "aggregates": Cut("/aggregates/query$", FIGURES, "media_type", BY_MEDIA),
    "aggregates by job": Cut(
        "/results$", FIGURES, "media_type", BY_MEDIA, "conversation-aggregates-jobs"
    ),
    "interval-report": Cut(
        "/aggregates/query$",
        {"entities": [{"date": HOUR, "groupByValues": ["cut?"], "metrics": {}}]},
        "queue_name",
        {"queues": [SALES]},
        "interval-report",
    ),
    "queue-summary": Cut(
        "/queues/summary$",
        {"data": [{"queue": {"id": SALES, "name": "cut?"}, "interval": HOUR}]},
        "queue_name",
        {"queues": [SALES]},
        "queue-summary",
    ),
    "listing": Cut(
        "/routing/queues$",
        {"entities": [{"id": SALES, "name": "cut?"}], "pageCount": 1, "total": 1},
        "queue_name",
        BY_MEDIA,
        table="queues",
    ),
}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_a_cut_text_spoils_no_answer(tmp_path: Path, cut: Cut) -> None:
    """It is asked for once, and the rest of the text is there."""
    world = World(tmp_path, ORG)
    body = json.dumps(cut.body).replace("cut?", "cut\\ud83d").encode()
    world.simulator.faults.add(Fault("garbage", cut.path, body=body, times=None))

    report = world.run(
        endpoint=cut.endpoint,
        query={"granularity": "PT1H", **cut.query},
        tables=(cut.table,),
    )

    (row,) = world.rows(table=cut.table)
    assert row[cut.column] == "cut\N{REPLACEMENT CHARACTER}"
    assert not report.retries
