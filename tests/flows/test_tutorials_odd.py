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
    from tests.conftest import Workspace, WorkspaceOf

Row = dict[str, Any]

FIVE, SIX = "1999-08-01T05:00:00Z", "1999-08-01T06:00:00Z"
BOTH = ["queueId", "skill"]


def entity(date: str, *values: str | None, **more: Any) -> Row:
    return {"date": date, "groupByValues": list(values), **more}


def answering(workspace_of: "WorkspaceOf", **answer: Any) -> "Workspace":
    """Return a workspace whose service answers all questions alike."""
    body = json.dumps(answer).encode()
    return workspace_of(faults=Faults(Fault("garbage", body=body, times=None)))


def ask(
    workspace: "Workspace", endpoint: str, fetch: Any = None, **query: Any
) -> RunReport:
    asked = {"endpoint": endpoint, "metrics": [], "queues": ["Prospects"], **query}
    fetch = {"chunk": "P7D", "concurrency": 1, **(fetch or {})}
    return workspace.run(query=asked, exports=[], fetch=fetch)


def report(workspace: "Workspace", **query: Any) -> list[Row]:
    found = ask(workspace, "interval-report", **query)
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
    workspace_of: "WorkspaceOf", group_by: list[str], values: list[str] | None
) -> None:
    """Exit 5 that names the entity; nothing is stored."""
    good = entity(FIVE, *("Prospects", "Irish")[: len(group_by)])
    bad = {"date": SIX, "groupByValues": values}
    workspace = answering(workspace_of, entities=[good, bad])

    with pytest.raises(DataError, match=r"entity 2 of 1999-08-01T06:00:00Z") as caught:
        report(workspace, group_by=group_by)

    assert f"not one for each of {', '.join(group_by)}" in caught.value.problem
    assert caught.value.exit_code == 5
    assert workspace.parts == []


@pytest.mark.parametrize("values", [None, [], [None]])
def test_an_entity_of_the_queue_alone_may_have_no_name(
    workspace_of: "WorkspaceOf", values: list[None] | None
) -> None:
    """Its queue is the one that was asked for, and called by its id."""
    workspace = answering(
        workspace_of, entities=[{"date": FIVE, "groupByValues": values}]
    )

    (row,) = report(workspace)

    assert row["queue_name"] == row["queue_id"]


def test_one_bucket_has_entities_of_several_skills(workspace_of: "WorkspaceOf") -> None:
    """They are rows in the order of their skills; none comes last."""
    skills = [None, "Irish", "French"]
    reported = [entity(FIVE, "Prospects", skill) for skill in skills]
    workspace = answering(workspace_of, entities=reported)

    rows = report(workspace, group_by=BOTH)

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
    workspace_of: "WorkspaceOf", skill: str | None
) -> None:
    """Else it would count twice; bucket and skill are named."""
    reported = [entity(FIVE, "Prospects", one) for one in (skill, "French", skill)]
    workspace = answering(workspace_of, entities=reported)

    with pytest.raises(DataError, match="is answered twice") as caught:
        report(workspace, group_by=BOTH)

    assert "bucket 1999-08-01T05:00:00.000Z of ['" in caught.value.problem
    assert f"', {skill!r}] is" in caught.value.problem


def test_a_bucket_of_two_queues_is_refused(workspace_of: "WorkspaceOf") -> None:
    """One was asked for, so an answer with another's name is of another queue."""
    reported = [entity(FIVE, "Prospects", "Irish"), entity(FIVE, "Sales", "French")]
    workspace = answering(workspace_of, entities=reported)

    with pytest.raises(DataError, match="of two queues, 'Prospects' and 'Sales'"):
        report(workspace, group_by=BOTH)


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


def test_grouped_answers_in_pieces_are_the_whole(workspace_of: "WorkspaceOf") -> None:
    """What is split is joined by bucket and group."""
    tenant = with_skills()
    whole = report(workspace_of(tenant), group_by=BOTH)
    workspace = workspace_of(tenant)
    workspace.simulator.faults.add(Fault("status", status=413, times=3))

    pieces = report(workspace, group_by=BOTH)

    assert len(whole) == 48
    assert pieces == whole


def test_a_grouped_report_lists_no_wrap_up_codes(workspace: "Workspace") -> None:
    """Its answers bring names, so that there is one more column and no look-up."""
    rows = report(workspace, group_by=["queueId", "wrapUpCode"])

    assert workspace.simulator.requests("/api/v2/routing/wrapupcodes") == []
    assert {row["queue_name"] for row in rows} == {"Prospects"}
    assert "wrap_up_code_name" not in rows[0]
    assert len({row["wrap_up_code"] for row in rows}) > 2


@pytest.mark.parametrize("endpoint", ["interval-report", "queue-summary"])
def test_a_run_of_an_earlier_release_is_not_exported(
    workspace: "Workspace", endpoint: str
) -> None:
    """Its parts hold other things than their columns say; a run fetches them again."""
    query = {"endpoint": endpoint, "metrics": [], "queues": ["Prospects"]}
    job = workspace.job(query=query, exports=[])
    run(job)
    (note,) = workspace.folder.glob("store/*/plan.json")
    kept = json.loads(note.read_text("utf-8"))
    earlier = job_fingerprint(job, store_identity(job.own_org), ["Prospects"])
    note.write_text(json.dumps({**kept, "asked": earlier}), "utf-8")

    with pytest.raises(JobError, match="requests other data") as caught:
        export_job(job)

    assert "gcbatch run" in str(caught.value.hint)
    assert kept["asked"] != earlier


# the second tutorial's queues and media


def test_a_row_of_another_queue_is_refused(workspace_of: "WorkspaceOf") -> None:
    """Exit 5 that names it: its calls would count in a table that leaves it out."""
    row = {"queue": {"id": "stranger", "name": "Prospects"}, "interval": FIVE}
    workspace = answering(workspace_of, data=[row])

    with pytest.raises(DataError, match="row 1 is of queue stranger, which") as caught:
        ask(workspace, "queue-summary")

    assert caught.value.exit_code == 5
    assert workspace.parts == []


def test_an_id_in_capitals_is_the_same_queue(workspace_of: "WorkspaceOf") -> None:
    """Ids are the same in either case."""
    queue_id = "AB111111-2222-4333-8444-555555555555"
    row = {"queue": {"id": queue_id.lower()}, "interval": FIVE, "totalHandled": 1}
    workspace = answering(workspace_of, data=[row])

    found = ask(workspace, "queue-summary", queues=[queue_id])

    assert found.tables["intervals"].read_all().num_rows == 1


def test_without_queues_a_summary_is_of_all(workspace_of: "WorkspaceOf") -> None:
    """Then no queue is a stranger."""
    row = {"queue": {"id": "any"}, "interval": FIVE, "totalHandled": 1}
    workspace = answering(workspace_of, data=[row])

    found = ask(workspace, "queue-summary", queues=None)

    assert found.tables["intervals"].read_all().num_rows == 1


@pytest.mark.parametrize("media", [["voice"], ["chat", "voice"]])
def test_media_are_the_tutorials_filter(
    workspace: "Workspace", media: list[str]
) -> None:
    """Each is a value of its one condition."""
    ask(workspace, "queue-summary", media_types=media)

    assert [entry.request["filter"] for entry in workspace.data_requests] == [
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
    ] * len(workspace.data_requests)


def test_without_media_types_none_is_left_out(workspace: "Workspace") -> None:
    """No filter is sent, and all media count."""
    ask(workspace, "queue-summary")

    assert workspace.data_requests
    assert all("filter" not in entry.request for entry in workspace.data_requests)


def test_media_narrow_the_answer(workspace_of: "WorkspaceOf") -> None:
    """Only calls of the named media are in the table."""
    queue = Queue(id="11111111-2222-4333-8444-555555555555", name="Prospects")
    sample = sample_tenant()
    first = min(call.offered for call in sample.calls)
    calls = tuple(
        Call(queue_id=queue.id, offered=first, answered=first, media_type=medium)
        for medium in ("voice", "voice", "chat")
    )
    workspace = workspace_of(
        Tenant(name="M", version="1", queues=(queue,), calls=calls)
    )

    found = ask(workspace, "queue-summary", media_types=["voice"])

    handled = found.tables["intervals"].read_all()["total_handled"].to_pylist()
    assert handled == [2]
