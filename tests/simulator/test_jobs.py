"""How the simulator's jobs live: handed in, asked after, read, dropped."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gcbatch.genesys.families import FAMILIES
from gcbatch.simulator import Fault
from tests.support.job_client import (
    AGGREGATES,
    ANALYTICS,
    CONVERSATIONS,
    QUERY,
    USERS,
    connected,
)
from tests.support.simulator_client import Clock

WITH_METRIC = {**QUERY, "metrics": ["nOffered"]}
ACTIONS = f"{ANALYTICS}/actions/aggregates/jobs"
ACTION_QUERY = {**QUERY, "metrics": ["tTotalExecution"]}


async def test_a_job_is_taken_in() -> None:
    """Handing in is answered with 202 and an id, another one each time."""
    async with connected() as client:
        answers = [
            await client.request("POST", CONVERSATIONS, json=QUERY) for _ in "12"
        ]

    assert [answer.status for answer in answers] == [202, 202]
    assert [set(answer.json) for answer in answers] == [{"jobId"}, {"jobId"}]
    assert answers[0].json != answers[1].json


@pytest.mark.parametrize(
    ("polls", "expected"),
    [
        pytest.param(0, [(200, "FULFILLED")] * 3, id="at-once"),
        pytest.param(1, [(202, "QUEUED"), *[(200, "FULFILLED")] * 2], id="second"),
        pytest.param(
            2, [(202, "QUEUED"), (202, "PENDING"), (200, "FULFILLED")], id="third"
        ),
    ],
)
async def test_a_job_is_done_after_so_many_polls(
    polls: int, expected: list[tuple[int, str]]
) -> None:
    """A job that runs is answered with 202, one that is done with 200."""
    async with connected(job_polls=polls) as client:
        states = await client.states(await client.submit(), 3)

    assert states == expected


async def test_a_job_is_done_after_so_many_seconds() -> None:
    """However often it is asked after, it is not done before its time."""
    clock = Clock()
    async with connected(job_delay_s=30, clock=clock) as client:
        job = await client.submit()
        clock.now += 29
        early = await client.states(job, 3)
        clock.now += 1
        late = await client.states(job, 1)

    assert early == [(202, "QUEUED"), (202, "PENDING"), (202, "PENDING")]
    assert late == [(200, "FULFILLED")]


async def test_a_status_has_its_dates() -> None:
    """They go by the clock: handed in, done, expired after its lifetime."""
    clock = Clock()
    async with connected(clock=clock, job_lifetime_s=3600) as client:
        job = await client.submit()
        running = await client.request("GET", job)
        clock.now += 5
        status = (await client.request("GET", job)).json
        again = (await client.request("GET", job)).json
    dates = {
        name: datetime.fromisoformat(status[f"{name}Date"])
        for name in ("submission", "completion", "expiration")
    }

    assert set(running.json) == {"state", "submissionDate"}
    assert again == status
    assert dates["completion"] == dates["submission"]  # when its last poll was
    assert dates["expiration"] - dates["completion"] == timedelta(hours=1)
    assert abs(datetime.now(UTC) - dates["submission"]) < timedelta(hours=1)


async def test_a_running_job_has_no_end() -> None:
    """Not even where it is certain when it will be done."""
    async with connected(clock=Clock(), job_polls=0, job_delay_s=60) as client:
        status = await client.request("GET", await client.submit())

    assert set(status.json) == {"state", "submissionDate"}


async def test_a_job_that_waits_is_done_later() -> None:
    """The date of completion is when it was due, not when that was noticed."""
    clock = Clock()
    async with connected(clock=clock, job_polls=0, job_delay_s=60) as client:
        job = await client.submit()
        clock.now += 500
        status = (await client.request("GET", job)).json
    ran = datetime.fromisoformat(status["completionDate"]) - datetime.fromisoformat(
        status["submissionDate"]
    )

    assert ran == timedelta(seconds=60)


async def test_results_wait_for_the_end() -> None:
    """Results of a job that is running are a conflict."""
    async with connected() as client:
        job = await client.submit()
        answer = await client.request("GET", f"{job}/results")

    assert answer.status == 409
    assert answer.json["code"] == "conflict"
    assert "QUEUED" in answer.json["message"]


async def test_results_expire() -> None:
    """After its lifetime a job says so, and its results are no longer found."""
    clock = Clock()
    async with connected(clock=clock, job_lifetime_s=3600) as client:
        job = await client.done()
        clock.now += 3599
        before = await client.request("GET", f"{job}/results")
        clock.now += 1
        after = await client.request("GET", f"{job}/results")
        states = await client.states(job, 2)

    assert before.status == 200
    assert after.status == 404
    assert states == [(200, "EXPIRED")] * 2


@pytest.mark.parametrize("path", [CONVERSATIONS, USERS, AGGREGATES])
async def test_a_deleted_job_is_gone(path: str) -> None:
    """Deleting is answered with 204 and no body; from then on there is no such job."""
    async with connected() as client:
        job = await client.done(path, **(WITH_METRIC if path == AGGREGATES else QUERY))
        deleted = await client.request("DELETE", job)
        after = [
            (await client.request(method, address)).status
            for method, address in (
                ("GET", job),
                ("GET", f"{job}/results"),
                ("DELETE", job),
            )
        ]

    assert (deleted.status, deleted.json) == (204, None)
    assert after == [404, 404, 404]


async def test_a_job_is_known_where_it_was_handed_in() -> None:
    """A job for conversations is none for users."""
    async with connected() as client:
        job = await client.done()
        elsewhere = await client.request("GET", job.replace(CONVERSATIONS, USERS))

    assert elsewhere.status == 404
    assert elsewhere.json["code"] == "not.found"


async def test_only_so_many_jobs_run_at_once() -> None:
    """One more is refused until another one is done or deleted."""
    async with connected(max_jobs_in_flight=2) as client:
        first, second = await client.submit(), await client.submit()
        refused = await client.request("POST", CONVERSATIONS, json=QUERY)
        await client.states(first, 2)
        after_one_was_done = await client.request("POST", CONVERSATIONS, json=QUERY)
        again = await client.request("POST", CONVERSATIONS, json=QUERY)
        await client.request("DELETE", second)
        after_one_was_deleted = await client.request("POST", CONVERSATIONS, json=QUERY)

    assert refused.status == again.status == 429
    assert "the maximum is 2" in refused.json["message"]
    assert refused.headers["Retry-After"] == "1"
    assert after_one_was_done.status == 202
    assert after_one_was_deleted.status == 202


@pytest.mark.parametrize(
    ("kind", "state"),
    [("job_failed", "FAILED"), ("job_cancelled", "CANCELLED")],
)
async def test_a_job_can_end_badly(kind: Any, state: str) -> None:
    """It runs like any other, then says how it ended; it never has results."""
    async with connected(Fault(kind, nth=(2,))) as client:
        good, bad = await client.submit(), await client.submit()
        states = await client.states(bad, 2)
        status = await client.request("GET", bad)
        results = await client.request("GET", f"{bad}/results")
        others = await client.states(good, 2)

    assert states == [(202, "QUEUED"), (200, state)]
    assert ("errorMessage" in status.json) == (state == "FAILED")
    assert "completionDate" in status.json
    assert "expirationDate" not in status.json
    assert results.status == 409
    assert others == [(202, "QUEUED"), (200, "FULFILLED")]


async def test_a_job_can_end_badly_at_once() -> None:
    """Also where the first poll finds it done."""
    async with connected(Fault("job_failed"), job_polls=0) as client:
        states = await client.states(await client.submit(), 1)

    assert states == [(200, "FAILED")]


async def test_what_is_done_stays_done() -> None:
    """A job that has ended well does not fail any more."""
    async with connected(Fault("job_failed", path="/jobs/[^/]+$", nth=(3,))) as client:
        job = await client.submit()
        states = await client.states(job, 4)
        results = await client.request("GET", f"{job}/results")

    assert [state for _, state in states] == ["QUEUED", *["FULFILLED"] * 3]
    assert results.status == 200


async def test_a_job_can_expire_as_soon_as_it_is_done() -> None:
    """Then it says so, at that moment, and has no results."""
    clock = Clock()
    async with connected(Fault("job_expired"), clock=clock) as client:
        job = await client.submit()
        clock.now += 5
        states = await client.states(job, 2)
        status = (await client.request("GET", job)).json
        results = await client.request("GET", f"{job}/results")

    assert states == [(202, "QUEUED"), (200, "EXPIRED")]
    assert status["expirationDate"] == status["completionDate"]
    assert results.status == 404


async def test_a_job_can_expire_while_it_is_read() -> None:
    """A fault of the third page takes that page and all that follow."""
    async with connected(
        Fault("job_expired", path="/results$", nth=(3,)), job_polls=0
    ) as client:
        job = await client.submit()
        answers = [
            await client.request("GET", f"{job}/results", params={"pageSize": "5"})
            for _ in range(4)
        ]
        states = await client.states(job, 1)

    assert [answer.status for answer in answers] == [200, 200, 404, 404]
    assert states == [(200, "EXPIRED")]


async def test_the_third_job_can_be_struck_by_status() -> None:
    """A fault may also strike a job that runs when it is asked after."""
    async with connected(
        Fault("job_failed", path="/jobs/[^/]+$", nth=(2,)), job_polls=2
    ) as client:
        states = await client.states(await client.submit(), 3)

    assert states == [(202, "QUEUED"), (202, "PENDING"), (200, "FAILED")]


@pytest.mark.parametrize(
    ("path", "permission"),
    [
        (CONVERSATIONS, "analytics:conversationDetail:view"),
        (CONVERSATIONS, "analytics:agentConversationDetail:view"),
        (USERS, "analytics:userDetail:view"),
        (AGGREGATES, "analytics:conversationAggregate:view"),
        (ACTIONS, "integrations:action:view"),
        (ACTIONS, "bridge:actions:view"),
    ],
)
async def test_each_call_takes_its_permission(path: str, permission: str) -> None:
    """Handing in, asking, reading and deleting are refused without it."""
    body = {AGGREGATES: WITH_METRIC, ACTIONS: ACTION_QUERY}.get(path, QUERY)
    async with connected(permissions=frozenset({permission})) as client:
        allowed = await client.done(path, **body)
        read = await client.request("GET", f"{allowed}/results")
    async with connected(permissions=frozenset({"routing:queue:view"})) as client:
        refused = [
            await client.request("POST", path, json=body),
            await client.request("GET", f"{path}/x"),
            await client.request("GET", f"{path}/x/results"),
            await client.request("DELETE", f"{path}/x"),
            await client.request("GET", f"{path}/availability"),
        ]

    assert read.status == 200
    assert [answer.status for answer in refused] == [403] * 5
    assert all(permission in answer.json["message"] for answer in refused)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.model)
async def test_every_family_but_one_has_jobs(family: Any) -> None:
    """Limits of rates are asked for at once or not at all."""
    async with connected() as client:
        answer = await client.request(
            "POST",
            f"{ANALYTICS}/{family.path}/aggregates/jobs",
            json={**QUERY, "metrics": [family.metrics[0]]},
        )

    assert answer.status == (404 if family.model == "RateLimit" else 202)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CONVERSATIONS, {}),
        (CONVERSATIONS, {"interval": "yesterday"}),
        (CONVERSATIONS, {**QUERY, "paging": {"pageSize": 100, "pageNumber": 1}}),
        (USERS, {"interval": "yesterday"}),
        (AGGREGATES, QUERY),
        (AGGREGATES, {**WITH_METRIC, "pageSize": 0}),
        (AGGREGATES, {**WITH_METRIC, "pageSize": "100"}),
        (AGGREGATES, {**WITH_METRIC, "pageSize": True}),
        (AGGREGATES, ["interval"]),
    ],
)
async def test_what_makes_no_sense_is_refused_at_once(path: str, body: Any) -> None:
    """Nothing is taken in that could not be answered."""
    async with connected(max_jobs_in_flight=0) as client:
        answer = await client.request("POST", path, json=body)

    assert answer.status == 400


async def test_a_body_must_be_declared_as_json() -> None:
    """Anything else is a 415, as for queries that are answered at once."""
    async with connected() as client:
        answer = await client.request("POST", CONVERSATIONS, data=b"{}")

    assert answer.status == 415
