"""Jobs of details: what does not fit is refused before a request, with a way out."""

import re
from pathlib import Path
from typing import Any

import pytest

from gcbatch import JobError
from tests.support.details_world import World, tenant_of


def refused(folder: Path, **job: Any) -> JobError:
    """Return what a run says to a job file, having asked for nothing."""
    world = World(folder, tenant_of())

    with pytest.raises(JobError) as failed:
        world.run(**job)

    assert failed.value.exit_code == 2
    assert not world.asked("/analytics/")
    return failed.value


@pytest.mark.parametrize("chunk", ["PT1H", "P1M", "P40D", "P1DT1H"])
def test_chunks_that_are_no_days_are_refused(tmp_path: Path, chunk: str) -> None:
    """The service is asked in whole days, and for so many at most."""
    problem = refused(tmp_path, fetch={"chunk": chunk})

    assert f"fetch.chunk {chunk}" in problem.problem
    assert "1 to 7 days" in problem.problem
    assert problem.hint == "use P1D, P7D or auto"


def test_a_filter_allows_longer_chunks(tmp_path: Path) -> None:
    """But not longer ones than the service does."""
    query = {"media_types": ["voice"]}
    problem = refused(tmp_path, query=query, fetch={"chunk": "P32D"})

    assert "1 to 31 days" in problem.problem


AGGREGATES = {"type": "and", "predicates": [{"dimension": "queueId", "value": "x"}]}


def segments(**predicate: str) -> dict[str, Any]:
    return {"segmentFilters": [{"type": "and", "predicates": [predicate]}]}


@pytest.mark.parametrize(
    ("sections", "place", "words"),
    [
        (
            {"query": {"filter": segments(dimension="queueID", value="x")}},
            "query.filter",
            "did you mean queueId",
        ),
        (
            {"query": {"filter": segments(dimension="conversationId", value="x")}},
            "query.filter",
            "segmentFilters[0].predicates[0].dimension",
        ),
        (
            {"query": {"filter": AGGREGATES}},
            "query.filter",
            "takes lists of filters: conversationFilters, segmentFilters",
        ),
        (
            {"query": {"filter": {"userFilters": [AGGREGATES]}}},
            "query.filter",
            "userFilters",
        ),
        ({"query": {"metrics": ["nOffered"]}}, "query.metrics", "remove the key"),
        ({"query": {"group_by": ["queueId"]}}, "query.group_by", "remove the key"),
        ({"query": {"granularity": "PT1H"}}, "query.granularity", "remove the key"),
        (
            {"query": {"views": [{"target": "tTalk", "name": "v",
                                  "range": {"lt": 5}}]}},
            "query.views",
            "remove the key",
        ),
        ({"sla": {}}, "query.endpoint", "no buckets"),
        ({"tables": ("intervals",)}, "exports[0].table", "conversations"),
        ({"tables": ("user_presence",)}, "exports[0].table", "conversations"),
        (
            {"query": {"endpoint": "conversation-detail"}},
            "query.endpoint",
            "did you mean conversation-details",
        ),
        (
            {"query": {"endpoint": "user-details", "queues": ["Sales"]},
             "tables": ("user_presence",)},
            "query.queues",
            "remove the key",
        ),
        (
            {"query": {"endpoint": "user-details", "media_types": ["voice"]},
             "tables": ("user_presence",)},
            "query.media_types",
            "remove the key",
        ),
        (
            {"fetch": {"limits": {"detail_results": 10}}},
            "fetch.limits.detail_results",
            "100",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_reported_with_its_line(
    tmp_path: Path, sections: dict[str, Any], place: str, words: str
) -> None:
    """Each names the file, the line, the key and what would be right."""
    problem = refused(tmp_path, **sections).problem

    reported = re.search(rf"job\.yaml:(\d+): {re.escape(place)}", problem)
    assert reported, problem
    line = (tmp_path / "job.yaml").read_text("utf-8").splitlines()[int(reported[1]) - 1]
    assert f'"{place.rpartition(".")[2]}"' in line
    assert words in problem


def test_aggregates_take_no_lists_of_filters(tmp_path: Path) -> None:
    """The shape of details is refused there, with the one that is right."""
    problem = refused(
        tmp_path,
        endpoint="conversation-aggregates",
        query={
            "metrics": ["nOffered"],
            "filter": segments(dimension="queueId", value="x"),
        },
        tables=("intervals",),
    ).problem

    assert "query.filter: only details take lists of filters" in problem


@pytest.mark.parametrize(
    "endpoint", ["ratelimits-aggregates-jobs", "rate-limits-aggregates-jobs"]
)
def test_families_without_jobs_have_no_such_endpoint(
    tmp_path: Path, endpoint: str
) -> None:
    """The nearest valid names are suggested."""
    problem = refused(tmp_path, endpoint=endpoint, tables=("intervals",)).problem

    assert "query.endpoint" in problem
    assert endpoint in problem


@pytest.mark.parametrize("endpoint", ["users-details", "conversations-details"])
def test_the_services_own_word_is_taken(tmp_path: Path, endpoint: str) -> None:
    """Its address says users and conversations; both mean the same data."""
    table = "user_presence" if "user" in endpoint else "conversations"
    world = World(tmp_path, tenant_of())

    report = world.run(endpoint=endpoint, tables=(table,))

    assert report.queries == 1
