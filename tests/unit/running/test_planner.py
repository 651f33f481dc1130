"""From a job to its plan: which names it needs, and how old they may be."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gcbatch.genesys.names import Names
from gcbatch.job.job import Job
from gcbatch.running.planner import Planner

NOW = datetime(2026, 10, 16, tzinfo=UTC)


@pytest.mark.parametrize("endpoint", ["conversation-details", "queue-summary"])
def test_exported_entities_that_name_no_ids_are_listed_again(
    endpoint: str, tmp_path: Path
) -> None:
    """The age of names counts for them too, whatever else the job fetches."""
    job = Job.model_validate(
        {
            "name": "j",
            "org": {"simulator": True},
            "query": {"endpoint": endpoint, "from": "2026-10-01", "to": "2026-10-02"},
            "fetch": {"store": tmp_path},
            "exports": [{"exporter": "csv", "table": "roles", "path": "roles.csv"}],
        }
    )
    recent = {"queueId": NOW, "wrapUpCode": NOW, "userId": NOW}
    planner = Planner(job, NOW)

    assert planner.is_outdated(Names(asked_at=recent))
    assert not planner.is_outdated(Names(asked_at={**recent, "roles": NOW}))
