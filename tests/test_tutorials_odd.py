"""Answers of the tutorials' endpoints about something else than was asked; media."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from gcbatch import DataError, JobError, RunReport, export_job, run
from gcbatch.fetching.sessions import store_identity
from gcbatch.planning.saved_plan import job_fingerprint
from gcbatch.simulator import (
    Call,
    Fault,
    Faults,
    Observation,
    Queue,
    Tenant,
    sample_tenant,
)

if TYPE_CHECKING:
    from tests.conftest import Bench, BenchOf

Row = dict[str, Any]

FIVE, SIX = "1999-08-01T05:00:00Z", "1999-08-01T06:00:00Z"
BOTH = ["queueId", "skill"]


def entity(date: str, *values: str | None, **more: Any) -> Row:
    return {"date": date, "groupByValues": list(values), **more}


def answering(bench_of: "BenchOf", **answer: Any) -> "Bench":
    """Return a bench whose service answers all questions alike."""
    body = json.dumps(answer).encode()
    return bench_of(faults=Faults(Fault("garbage", body=body, times=None)))


def ask(bench: "Bench", endpoint: str, fetch: Any = None, **query: Any) -> RunReport:
    asked = {"endpoint": endpoint, "metrics": [], "queues": ["Prospects"], **query}
    fetch = {"chunk": "P7D", "concurrency": 1, **(fetch or {})}
    return bench.run(query=asked, exports=[], fetch=fetch)


def report(bench: "Bench", **query: Any) -> list[Row]:
    found = ask(bench, "interval-report", **query)
    rows: list[Row] = found.tables["intervals"].read_all().to_pylist()
    return rows


# the first tutorial's groups


@pytest.mark.parametrize(
    ("group_by", "values"),
    [
        pytest.param(BOTH, ["Prospects"], id="one of two"),
        pytest.param(BOTH, ["Prospects", "Irish", "3"], id="three of two"),
        pytest.param(BOTH, [], id="none of two"),
        pytest.param(BOTH, None, id="absent of two"),
        pytest.param(["queueId"], ["Prospects", "Irish"], id="two of one"),
    ],
)
def test_values_that_are_not_one_for_each_group_are_refused(
    bench_of: "BenchOf", group_by: list[str], values: list[str] | None
) -> None:
    """Exit 5 that names the entity; nothing is stored."""
    good = entity(FIVE, *("Prospects", "Irish")[: len(group_by)])
    bad = {"date": SIX, "groupByValues": values}
    bench = answering(bench_of, entities=[good, bad])

    with pytest.raises(DataError, match=r"entity 2 of 1999-08-01T06:00:00Z") as caught:
        report(bench, group_by=group_by)

    assert f"not one for each of {', '.join(group_by)}" in caught.value.problem
    assert caught.value.exit_code == 5
    assert bench.parts == []


@pytest.mark.parametrize("values", [None, [], [None]])
def test_an_entity_of_the_queue_alone_may_have_no_name(
    bench_of: "BenchOf", values: list[None] | None
) -> None:
    """Its queue is the one that was asked for, and called by its id."""
    bench = answering(bench_of, entities=[{"date": FIVE, "groupByValues": values}])

    (row,) = report(bench)

    assert row["queue_name"] == row["queue_id"]


def test_one_bucket_has_entities_of_several_skills(bench_of: "BenchOf") -> None:
    """They are rows in the order of their skills; none comes last."""
    skills = [None, "Irish", "French"]
    reported = [entity(FIVE, "Prospects", skill) for skill in skills]
    bench = answering(bench_of, entities=reported)

    rows = report(bench, group_by=BOTH)

    assert [row["skill"] for row in rows] == ["French", "Irish", None]
    assert list(rows[0])[:5] == [
        "interval_start",
        "interval_end",
        "queue_id",
        "queue_name",
        "skill",
    ]


@pytest.mark.parametrize("skill", ["Irish", None])
def test_a_bucket_of_one_skill_comes_once(
    bench_of: "BenchOf", skill: str | None
) -> None:
    """Else it would count twice; bucket and skill are named."""
    reported = [entity(FIVE, "Prospects", one) for one in (skill, "French", skill)]
    bench = answering(bench_of, entities=reported)

    with pytest.raises(DataError, match="is answered twice") as caught:
        report(bench, group_by=BOTH)

    assert "bucket 1999-08-01T05:00:00.000Z of ['" in caught.value.problem
    assert f"', {skill!r}] is" in caught.value.problem


def test_a_bucket_of_two_queues_is_refused(bench_of: "BenchOf") -> None:
    """One was asked for, so an answer with another's name is of another queue."""
    reported = [entity(FIVE, "Prospects", "Irish"), entity(FIVE, "Sales", "French")]
    bench = answering(bench_of, entities=reported)

    with pytest.raises(DataError, match="of two queues, 'Prospects' and 'Sales'"):
        report(bench, group_by=BOTH)


def with_skills() -> Tenant:
    """Return the sample with offers of two skills in every hour of a day."""
    sample = sample_tenant()
    (queue,) = (q for q in sample.queues if q.name == "Prospects")
    first = min(call.offered for call in sample.calls if call.queue_id == queue.id)
    day = first.replace(minute=0, second=0, microsecond=0)
    offers = tuple(
        Observation(
            family="Conversation",
            metric="nOffered",
            instant=day.replace(hour=hour),
            value=hour + number,
            dimensions={"queueId": queue.id, "requestedRoutingSkillId": skill},
        )
        for hour in range(24)
        for number, skill in enumerate(("Irish", "French"), 1)
    )
    return Tenant(name="Skills", version="1", queues=sample.queues, observations=offers)


def test_grouped_answers_in_pieces_are_the_whole(bench_of: "BenchOf") -> None:
    """What is split is joined by bucket and group."""
    tenant = with_skills()
    whole = report(bench_of(tenant), group_by=BOTH)
    bench = bench_of(tenant)
    bench.simulator.faults.add(Fault("status", status=413, times=3))

    pieces = report(bench, group_by=BOTH)

    assert len(whole) == 48
    assert pieces == whole


def test_a_grouped_report_lists_no_wrap_up_codes(bench: "Bench") -> None:
    """Its answers bring names, so that there is one more column and no look-up."""
    rows = report(bench, group_by=["queueId", "wrapUpCode"])

    assert bench.simulator.requests("/api/v2/routing/wrapupcodes") == []
    assert {row["queue_name"] for row in rows} == {"Prospects"}
    assert "wrap_up_code_name" not in rows[0]
    assert len({row["wrap_up_code"] for row in rows}) > 2


@pytest.mark.parametrize("endpoint", ["interval-report", "queue-summary"])
def test_a_run_of_an_earlier_release_is_not_exported(
    bench: "Bench", endpoint: str
) -> None:
    """Its parts hold other things than their columns say; a run fetches them again."""
    query = {"endpoint": endpoint, "metrics": [], "queues": ["Prospects"]}
    job = bench.job(query=query, exports=[])
    run(job)
    (note,) = bench.folder.glob("store/*/plan.json")
    kept = json.loads(note.read_text("utf-8"))
    earlier = job_fingerprint(job, store_identity(job.own_org), ["Prospects"])
    note.write_text(json.dumps({**kept, "asked": earlier}), "utf-8")

    with pytest.raises(JobError, match="requests other data") as caught:
        export_job(job)

    assert "gcbatch run" in str(caught.value.hint)
    assert kept["asked"] != earlier


# the second tutorial's queues and media


def test_a_row_of_another_queue_is_refused(bench_of: "BenchOf") -> None:
    """Exit 5 that names it: its calls would count in a table that leaves it out."""
    row = {"queue": {"id": "stranger", "name": "Prospects"}, "interval": FIVE}
    bench = answering(bench_of, data=[row])

    with pytest.raises(DataError, match="row 1 is of queue stranger, which") as caught:
        ask(bench, "queue-summary")

    assert caught.value.exit_code == 5
    assert bench.parts == []


def test_an_id_in_capitals_is_the_same_queue(bench_of: "BenchOf") -> None:
    """Ids are the same in either case."""
    queue_id = "AB111111-2222-4333-8444-555555555555"
    row = {"queue": {"id": queue_id.lower()}, "interval": FIVE, "totalHandled": 1}
    bench = answering(bench_of, data=[row])

    found = ask(bench, "queue-summary", queues=[queue_id])

    assert found.tables["intervals"].read_all().num_rows == 1


def test_without_queues_a_summary_is_of_all(bench_of: "BenchOf") -> None:
    """Then no queue is a stranger."""
    row = {"queue": {"id": "any"}, "interval": FIVE, "totalHandled": 1}
    bench = answering(bench_of, data=[row])

    found = ask(bench, "queue-summary", queues=None)

    assert found.tables["intervals"].read_all().num_rows == 1


@pytest.mark.parametrize("media", [["voice"], ["chat", "voice"]])
def test_media_are_the_tutorials_filter(bench: "Bench", media: list[str]) -> None:
    """Each is a value of its one condition."""
    ask(bench, "queue-summary", media_types=media)

    assert [entry.request["filter"] for entry in bench.data_requests] == [
        {
            "type": "conversation",
            "or": [
                {
                    "type": "conversation",
                    "path": "type",
                    "operator": "in",
                    "value": media,
                }
            ],
        }
    ] * len(bench.data_requests)


def test_without_media_types_none_is_left_out(bench: "Bench") -> None:
    """No filter is sent, and all media count."""
    ask(bench, "queue-summary")

    assert bench.data_requests
    assert all("filter" not in entry.request for entry in bench.data_requests)


def test_media_narrow_the_answer(bench_of: "BenchOf") -> None:
    """Only calls of the named media are in the table."""
    queue = Queue(id="11111111-2222-4333-8444-555555555555", name="Prospects")
    sample = sample_tenant()
    first = min(call.offered for call in sample.calls)
    calls = tuple(
        Call(queue_id=queue.id, offered=first, answered=first, media_type=medium)
        for medium in ("voice", "voice", "chat")
    )
    bench = bench_of(Tenant(name="M", version="1", queues=(queue,), calls=calls))

    found = ask(bench, "queue-summary", media_types=["voice"])

    handled = found.tables["intervals"].read_all()["total_handled"].to_pylist()
    assert handled == [2]
