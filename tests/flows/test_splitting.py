"""What is too large for the service is asked in pieces, and ends as one part."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from gcbatch.errors import ServiceError
from gcbatch.simulator import Fault

if TYPE_CHECKING:
    from tests.conftest import Workspace, WorkspaceOf

WEEK: dict[str, Any] = {"fetch": {"chunk": "P7D"}}
"""One query for the whole sample: 168 buckets of 6 queues, 485 rows."""


def asked(workspace: "Workspace") -> list[dict[str, Any]]:
    """Return the bodies of all data requests, however they were answered."""
    return [entry.request for entry in workspace.data_requests]


def whole(workspace_of: "WorkspaceOf", job: dict[str, Any] = WEEK) -> dict[str, bytes]:
    """Return the outputs of a service that answers everything at once."""
    workspace = workspace_of()
    workspace.run(**job)
    return workspace.outputs()


@pytest.mark.parametrize("most", [484, 200, 50, 7])
def test_the_pieces_are_the_whole(workspace_of: "WorkspaceOf", most: int) -> None:
    """Whatever the limit, the outputs are those of one answer, as one part."""
    workspace = workspace_of(max_results=most)

    report = workspace.run(**WEEK)

    assert workspace.outputs() == whole(workspace_of)
    assert report.queries == 1
    assert "fetched in" in " ".join(report.warnings)


def test_a_bucket_is_the_least(workspace_of: "WorkspaceOf") -> None:
    """Below it there is nothing to cut: the service's own words end the run."""
    workspace = workspace_of(max_results=1)

    with pytest.raises(ServiceError, match="result limit"):
        workspace.run(**WEEK)


def test_then_the_queues_are_halved(workspace_of: "WorkspaceOf") -> None:
    """Where the job names them, a bucket of six queues is asked queue by queue."""
    names = [queue.name for queue in workspace_of().simulator.tenant.queues]
    job: dict[str, Any] = {**WEEK, "query": {"queues": names, "to": "1999-08-03"}}
    workspace = workspace_of(max_results=1)

    workspace.run(**job)

    assert workspace.outputs() == whole(workspace_of, job)


def test_what_was_learned_shapes_the_rest(workspace_of: "WorkspaceOf") -> None:
    """A size that failed once is not tried again."""
    workspace = workspace_of(max_results=40)

    report = workspace.run(fetch={"chunk": "P1D", "concurrency": 1})

    refused = [e for e in workspace.data_requests if e.status == 400]
    ends = [
        map(datetime.fromisoformat, e.request["interval"].split("/")) for e in refused
    ]
    spans = [end - start for start, end in ends]
    assert len(refused) < report.queries
    assert len(set(spans)) == len(spans) > 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", status=413, times=1),
        Fault("status", status=504, times=4),
        Fault(
            "status",
            status=400,
            body=b'{"message": "limit of 30000 results", "status": 400}',
            times=1,
        ),
    ],
    ids=["413", "504 again and again", "400 of another text"],
)
def test_each_way_of_saying_so_is_understood(
    workspace_of: "WorkspaceOf", monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    """Too large by status, by timing out, by words."""
    monkeypatch.setattr("gcbatch.genesys.retry_rules.backoff_s", lambda _: 0.0)
    workspace = workspace_of()
    workspace.simulator.faults.add(fault)

    report = workspace.run(**WEEK)

    assert workspace.outputs() == whole(workspace_of)
    assert any("pieces" in warning for warning in report.warnings)


def test_what_is_advised_helps(workspace_of: "WorkspaceOf") -> None:
    """The report counts what was cut; a shorter chunk leaves nothing to cut."""
    workspace = workspace_of(max_results=200)

    long, short = workspace.run(**WEEK), workspace.run("short", fetch={"chunk": "P1D"})

    assert long.warnings == (
        "queries too large for the service, fetched in pieces: 1",
        "pieces of these; a shorter fetch.chunk avoids them: 4",
    )
    assert short.warnings == ()


def test_another_400_is_no_reason_to_split(workspace: "Workspace") -> None:
    """A query that is wrong stays wrong in halves."""
    workspace.simulator.faults.add(
        Fault("status", status=400, body=b'{"message": "no", "status": 400}')
    )

    with pytest.raises(ServiceError, match="400"):
        workspace.run(**WEEK)

    assert len(workspace.data_requests) == 1


@pytest.mark.parametrize("endpoint", ["interval-report", "queue-summary"])
def test_the_tutorials_shapes_are_split_too(
    workspace_of: "WorkspaceOf", endpoint: str
) -> None:
    """At edges of their buckets, which are counted from each piece's start."""
    job: dict[str, Any] = {
        **WEEK,
        "query": {"endpoint": endpoint, "metrics": [], "granularity": "PT30M"},
    }
    workspace = workspace_of()
    workspace.simulator.faults.add(Fault("status", status=413, times=3))

    workspace.run(**job)

    assert workspace.outputs() == whole(workspace_of, job)
