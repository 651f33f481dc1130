"""What is too large for the service is asked in pieces, and ends as one part."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from gcbatch.errors import ServiceError
from gcbatch.simulator import Fault

if TYPE_CHECKING:
    from tests.conftest import Bench, BenchOf

WEEK: dict[str, Any] = {"fetch": {"chunk": "P7D"}}
"""One query for the whole sample: 168 buckets of 6 queues, 485 rows."""


def asked(bench: "Bench") -> list[dict[str, Any]]:
    """Return the bodies of all data requests, however they were answered."""
    return [entry.request for entry in bench.data_requests]


def whole(bench_of: "BenchOf", job: dict[str, Any] = WEEK) -> dict[str, bytes]:
    """Return the outputs of a service that answers everything at once."""
    bench = bench_of()
    bench.run(**job)
    return bench.outputs()


@pytest.mark.parametrize("most", [484, 200, 50, 7])
def test_the_pieces_are_the_whole(bench_of: "BenchOf", most: int) -> None:
    """Whatever the limit, the outputs are those of one answer, as one part."""
    bench = bench_of(max_results=most)

    report = bench.run(**WEEK)

    assert bench.outputs() == whole(bench_of)
    assert report.queries == 1
    assert "fetched in" in " ".join(report.warnings)


def test_a_bucket_is_the_least(bench_of: "BenchOf") -> None:
    """Below it there is nothing to cut: the service's own words end the run."""
    bench = bench_of(max_results=1)

    with pytest.raises(ServiceError, match="result limit"):
        bench.run(**WEEK)


def test_then_the_queues_are_halved(bench_of: "BenchOf") -> None:
    """Where the job names them, a bucket of six queues is asked queue by queue."""
    names = [queue.name for queue in bench_of().simulator.tenant.queues]
    job: dict[str, Any] = {**WEEK, "query": {"queues": names, "to": "1999-08-03"}}
    bench = bench_of(max_results=1)

    bench.run(**job)

    assert bench.outputs() == whole(bench_of, job)


def test_what_was_learned_shapes_the_rest(bench_of: "BenchOf") -> None:
    """A size that failed once is not tried again."""
    bench = bench_of(max_results=40)

    report = bench.run(fetch={"chunk": "P1D", "concurrency": 1})

    refused = [e for e in bench.data_requests if e.status == 400]
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
    bench_of: "BenchOf", monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    """Too large by status, by timing out, by words."""
    monkeypatch.setattr("gcbatch.genesys.retry_rules.backoff_s", lambda _: 0.0)
    bench = bench_of()
    bench.simulator.faults.add(fault)

    report = bench.run(**WEEK)

    assert bench.outputs() == whole(bench_of)
    assert any("pieces" in warning for warning in report.warnings)


def test_what_is_advised_helps(bench_of: "BenchOf") -> None:
    """The report counts what was cut; a shorter chunk leaves nothing to cut."""
    bench = bench_of(max_results=200)

    long, short = bench.run(**WEEK), bench.run("short", fetch={"chunk": "P1D"})

    assert long.warnings == (
        "queries too large for the service, fetched in pieces: 1",
        "pieces of these; a shorter fetch.chunk avoids them: 4",
    )
    assert short.warnings == ()


def test_another_400_is_no_reason_to_split(bench: "Bench") -> None:
    """A query that is wrong stays wrong in halves."""
    bench.simulator.faults.add(
        Fault("status", status=400, body=b'{"message": "no", "status": 400}')
    )

    with pytest.raises(ServiceError, match="400"):
        bench.run(**WEEK)

    assert len(bench.data_requests) == 1


@pytest.mark.parametrize("endpoint", ["interval-report", "queue-summary"])
def test_the_tutorials_shapes_are_split_too(bench_of: "BenchOf", endpoint: str) -> None:
    """At edges of their buckets, which are counted from each piece's start."""
    job: dict[str, Any] = {
        **WEEK,
        "query": {"endpoint": endpoint, "metrics": [], "granularity": "PT30M"},
    }
    bench = bench_of()
    bench.simulator.faults.add(Fault("status", status=413, times=3))

    bench.run(**job)

    assert bench.outputs() == whole(bench_of, job)
