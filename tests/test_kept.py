"""What is kept with a run is read again, or is nothing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gcbatch.genesys.names import Names
from gcbatch.job.job import Job
from gcbatch.planning.plan import Plan
from gcbatch.planning.saved_plan import SavedPlan, job_fingerprint
from gcbatch.query import PART_FORMAT, make_query
from gcbatch.store.store import Store
from gcbatch.windows import Window

START = datetime(2026, 10, 1, tzinfo=UTC)
DAY = Window(START, START + timedelta(days=1))


def job_of(**query: Any) -> Job:
    usual = {"from": "today-7d", "to": "today", "metrics": ["nOffered"]}
    return Job.model_validate(
        {
            "name": "j",
            "org": {"simulator": True},
            "query": {**usual, **query},
            "fetch": query.pop("fetch", {}),
        }
    )


def test_it_comes_back(tmp_path: Path) -> None:
    """The plan and the names are those of the run."""
    store = Store(tmp_path, "job")
    plan = Plan(DAY, (make_query("org", "conversation-aggregates", DAY, b"{}"),))
    kept = SavedPlan("asked", Names({"queueId": {"1": "A"}}, {"queueId": 1}), plan)
    kept.write(store)

    assert SavedPlan.read(store) == kept


@pytest.mark.parametrize(
    "note",
    [
        None,
        {},
        {"asked": "x", "names": {}, "plan": {}},
        {"asked": "x", "names": [], "plan": []},
        {
            "asked": "x",
            "names": {"by_dimension": {}, "listed": {}, "warnings": []},
            "plan": {"window": ["x", "y"], "templates": [], "queries": []},
        },
        {
            "asked": "x",
            "names": {"by_dimension": {}, "listed": {}, "warnings": []},
            "plan": {
                "window": [DAY.start.isoformat(), DAY.end.isoformat()],
                "templates": [],
                "queries": [["e", DAY.start.isoformat(), DAY.end.isoformat(), 3, "d"]],
            },
        },
    ],
)
def test_a_note_that_is_not_ours_is_nothing(
    tmp_path: Path, note: dict[str, Any] | None
) -> None:
    """An older release's note, or a broken one, is made again."""
    store = Store(tmp_path, "job")
    if note is not None:
        store.write_note("plan.json", note)

    assert SavedPlan.read(store) is None


def test_the_same_question_has_the_same_hash() -> None:
    """Relative dates stay as they are written: tomorrow it is the same job."""
    assert job_fingerprint(job_of(), "org", None) == job_fingerprint(
        job_of(), "org", None
    )
    spelt_out = job_of(group_by=["queueId"])
    assert job_fingerprint(job_of(), "org", None) == job_fingerprint(
        spelt_out, "org", None
    )


@pytest.mark.parametrize("fetch", [{}, {"mode": "jobs"}, {"road": "jobs"}])
def test_the_mode_changes_no_hash(fetch: dict[str, Any]) -> None:
    """A plan that was saved while the key was called `road` is still the job's."""
    job = Job.model_validate(
        {
            "name": "j",
            "org": {"simulator": True},
            "query": {
                "from": "2026-10-01",
                "to": "2026-10-02",
                "metrics": ["nOffered"],
            },
            "fetch": fetch,
        }
    )

    assert job_fingerprint(job, "org", None) == "51e54fc5039d34ba"


def test_a_plan_of_parts_in_another_format_is_not_exported() -> None:
    """Its parts hold other things; plans of endpoints that kept theirs are of use."""
    same = job_fingerprint(job_of(), "org", None, PART_FORMAT)

    assert job_fingerprint(job_of(), "org", None) == same
    assert job_fingerprint(job_of(), "org", None, PART_FORMAT + 1) != same


def test_a_file_of_queues_counts_by_its_lines() -> None:
    """Its path says nothing of what was asked."""
    assert job_fingerprint(job_of(), "org", ["A"]) != job_fingerprint(
        job_of(), "org", ["A", "B"]
    )


@pytest.mark.parametrize(
    "change",
    [
        {"metrics": ["tHandle"]},
        {"from": "today-8d"},
        {"queues": ["A"]},
        {"granularity": "PT1H"},
        {"fetch": {"chunk": "P1D"}},
        {"fetch": {"limits": {"body_bytes": 9999}}},
    ],
)
def test_another_question_has_another(change: dict[str, Any]) -> None:
    """What changes the plan is not exported from another's store."""
    fetch = change.pop("fetch", {}) if "fetch" in change else {}
    changed = job_of(**change).model_copy(
        update={"fetch": type(job_of().fetch).model_validate(fetch)}
    )

    assert job_fingerprint(changed, "org", None) != job_fingerprint(
        job_of(), "org", None
    )
    assert job_fingerprint(job_of(), "other", None) != job_fingerprint(
        job_of(), "org", None
    )
