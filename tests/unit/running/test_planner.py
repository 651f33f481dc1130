"""From a job to its plan: which names it needs, and how old they may be."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gcbatch.genesys.entities import ENTITY_KINDS, named_dimensions
from gcbatch.genesys.names import Names
from gcbatch.job.job import Job
from gcbatch.running import planner as module
from gcbatch.running.planner import Planner

NOW = datetime(2026, 10, 16, tzinfo=UTC)


@pytest.mark.parametrize("endpoint", ["conversation-details", "queue-summary"])
def test_exported_entities_that_name_no_ids_are_listed_again(
    endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The age of names counts for them too, whatever else the job fetches."""
    kinds = tuple(
        replace(kind, names_ids=kind.table != "users") for kind in ENTITY_KINDS
    )
    monkeypatch.setattr(module, "ENTITY_KINDS", kinds)
    monkeypatch.setattr(module, "named_dimensions", lambda: named_dimensions(kinds))
    job = Job.model_validate(
        {
            "name": "j",
            "org": {"simulator": True},
            "query": {"endpoint": endpoint, "from": "2026-10-01", "to": "2026-10-02"},
            "fetch": {"store": tmp_path},
            "exports": [{"exporter": "csv", "table": "users", "path": "users.csv"}],
        }
    )
    recent = {"queueId": NOW, "wrapUpCode": NOW}
    planner = Planner(job, NOW)

    assert planner.is_outdated(Names(asked_at=recent))
    assert not planner.is_outdated(Names(asked_at={**recent, "userId": NOW}))
