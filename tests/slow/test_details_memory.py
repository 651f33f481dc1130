"""A day of more conversations than paging reaches: all of them, in flat memory."""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pyarrow.parquet as pq
import pytest

from benchmarks.processes import environment, measured
from gcbatch.simulator import Document, Tenant, generate_conversations
from gcbatch.simulator.details.index import Matching
from tests.conftest import Workspace, WorkspaceOf

pytestmark = pytest.mark.slow

DAY = timedelta(days=1)
SMALL, LARGE = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC)
COUNTS = {SMALL: 10_000, LARGE: 100_300}
"""Days a week apart, so that hardly anything of one goes on in the other."""

MOST = 1.2
"""Peak memory of the large day, as a multiple of the small one's."""

SIZE_BYTES = 2_000


@pytest.fixture(scope="module")
def documents() -> tuple[Document, ...]:
    return tuple(
        document
        for day, count in COUNTS.items()
        for document in generate_conversations(
            day.day, count, day, day + DAY, size_bytes=SIZE_BYTES
        )
    )


def fetched(
    workspace: Workspace, day: datetime, folder: Path
) -> tuple[float, list[str]]:
    """Run the command line for a day; return its peak in MB, and the ids it wrote."""
    path = workspace.folder / f"{day:%d}.parquet"
    file = workspace.write(f"day-{day:%d}")
    job = json.loads(file.read_text("utf-8"))
    job["query"] = {
        "endpoint": "conversation-details",
        "from": f"{day:%Y-%m-%d}",
        "to": f"{day + DAY:%Y-%m-%d}",
        "timezone": "UTC",
    }
    job["exports"] = [
        {"exporter": "parquet", "table": "conversations", "path": str(path)}
    ]
    file.write_text(json.dumps(job), "utf-8")  # JSON is YAML
    command = [sys.executable, "-m", "gcbatch", "run", str(file)]
    environ = environment(folder / "bytecode") | workspace.environ
    spent = measured(command, environ, workspace.folder / "log")
    ids: list[str] = pq.read_table(path, columns=["conversation_id"])[0].to_pylist()
    return spent.peak_mb, ids


@pytest.mark.parametrize("matching", get_args(Matching))
def test_a_day_beyond_paging_is_whole_and_takes_no_more_memory(
    matching: Matching,
    documents: tuple[Document, ...],
    workspace_of: WorkspaceOf,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Every conversation once, at most 1.2 times the peak of a tenth of them."""
    tenant = Tenant(name="T", version="1", documents=documents)
    workspace = workspace_of(tenant, detail_matching=matching)
    folder = tmp_path_factory.getbasetemp()

    small_mb, _ = fetched(workspace, SMALL, folder)
    large_mb, ids = fetched(workspace, LARGE, folder)

    begun = [d.id for d in documents if d.start_ms >= LARGE.timestamp() * 1000]
    assert len(begun) == COUNTS[LARGE]
    assert sorted(ids) == sorted(begun)
    assert large_mb <= MOST * small_mb, f"{large_mb:.0f} MB after {small_mb:.0f} MB"
