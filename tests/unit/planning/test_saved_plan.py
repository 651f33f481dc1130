"""A saved plan is read as it was written, or not at all."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gcbatch.genesys.names import Names
from gcbatch.job.job import Job
from gcbatch.planning.plan import Plan
from gcbatch.planning.saved_plan import SavedPlan, job_fingerprint
from gcbatch.query import PART_FORMAT, Query, canonical, make_query
from gcbatch.store.store import Store
from gcbatch.windows import EPOCH, Window

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
    kept = SavedPlan(
        "fingerprint", Names({"queueId": {"1": "A"}}, {"queueId": 1}), plan
    )
    kept.write(store)

    assert SavedPlan.read(store) == kept


def instants() -> st.SearchStrategy[datetime]:
    """Instants as the service's clocks have them: whole milliseconds, UTC."""
    return st.integers(0, 7_000_000_000_000).map(
        lambda ms: EPOCH + timedelta(milliseconds=ms)
    )


def windows() -> st.SearchStrategy[Window]:
    ends = st.lists(instants(), min_size=2, max_size=2, unique=True).map(sorted)
    return ends.map(lambda pair: Window(*pair))


QUERIES = st.builds(
    make_query,
    st.just("org"),
    st.sampled_from(["conversation-aggregates", "user-details"]),
    windows(),
    st.dictionaries(st.text(), st.text(), max_size=2).map(canonical),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(whole=windows(), queries=st.lists(QUERIES, max_size=5))
def test_any_plan_comes_back(
    tmp_path: Path, whole: Window, queries: list[Query]
) -> None:
    """Whatever its windows and bodies are."""
    store = Store(tmp_path, "job")
    saved = SavedPlan("fingerprint", Names(), Plan(whole, tuple(queries)))
    saved.write(store)

    assert SavedPlan.read(store) == saved


def test_a_note_from_before_is_read(tmp_path: Path) -> None:
    """Its keys and values are those that are written now."""
    query = {"groupBy": ["queueId"], "metrics": ["nOffered"], "timeZone": "UTC"}
    start, end = "2026-10-01T00:00:00+00:00", "2026-10-02T00:00:00+00:00"
    digest = "ae82a00a4603574d652d2069ddeb7721413ff56f"
    note = {
        "asked": "51e54fc5039d34ba",
        "run_id": sha256(digest.encode()).hexdigest()[:16],
        "names": {"by_dimension": {}, "listed": {}, "warnings": []},
        "plan": {
            "window": [start, end],
            "templates": [canonical(query).decode()],
            "queries": [["conversation-aggregates", start, end, 0, digest]],
        },
    }
    store = Store(tmp_path, "job")
    store.write_note("plan.json", note)

    saved = SavedPlan.read(store)

    assert saved is not None
    assert saved.fingerprint == "51e54fc5039d34ba"
    window = Window(START, START + timedelta(days=1))
    whole = make_query("org", "conversation-aggregates", window, canonical(query))
    assert saved.plan == Plan(window, (whole,))
    saved.write(store)
    rewritten = store.read_note("plan.json")
    assert rewritten is not None
    assert {key: rewritten[key] for key in ("asked", "run_id", "plan")} == {
        key: note[key] for key in ("asked", "run_id", "plan")
    }


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


def test_the_same_job_has_the_same_hash() -> None:
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
def test_another_job_has_another(change: dict[str, Any]) -> None:
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
