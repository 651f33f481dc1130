"""Listings that cannot be had: ids and a warning, or the end of whoever needs them."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

import gcbatch
from gcbatch import AccessError, DataError, GcbatchError, ServiceError
from gcbatch.running import blocking
from gcbatch.simulator import Call, Fault, Tenant, User
from tests.support.listed_org import (
    ANN,
    DAY,
    DONE,
    NORTH,
    ORG,
    SALES,
    START,
    STATES,
    request_counts,
    run,
    some_id,
)

if TYPE_CHECKING:
    from tests.conftest import Workspace, WorkspaceOf

PATHS = {
    "queues": "/routing/queues",
    "users": "/api/v2/users$",
    "wrap-up codes": "/routing/wrapupcodes$",
}
GROUPS = {"queues": "queueId", "users": "userId", "wrap-up codes": "wrapUpCode"}
IDS = {"queues": SALES, "users": ANN, "wrap-up codes": DONE}
NAMES = {"queues": "Sales", "users": "Ann", "wrap-up codes": 'Done, "all"'}
RANGE = {"from": "2026-03-02", "to": "2026-03-03", "timezone": "UTC"}
ANSWERED = replace(
    ORG.calls[0],
    ended=START + timedelta(minutes=1),
    user_id=ANN,
    wrap_up_code=DONE,
)
BUSY = replace(ORG, calls=(ANSWERED,))
MOST_REQUESTS = 12
"""Of a failing listing: a few attempts at two addresses, or once more after one that
came short, for each of three states."""


def instead(body: Any) -> dict[str, Any]:
    return {"kind": "garbage", "body": json.dumps(body).encode()}


FAILURES = {
    "400": ({"kind": "status", "status": 400}, ServiceError, "400 "),
    "404": ({"kind": "status", "status": 404}, ServiceError, "404 "),
    "501": ({"kind": "status", "status": 501}, ServiceError, "501 "),
    "503 for an hour": (
        {"kind": "status", "status": 503, "wait_s": 3600},
        ServiceError,
        "503 ",
    ),
    "429 for an hour": (
        {"kind": "throttled", "wait_s": 3600},
        ServiceError,
        "429 ",
    ),
    "another shape": (instead({"entities": 5}), DataError, "unexpected answer"),
    "an id that is none": (
        instead({"entities": [{"id": 5}], "pageCount": 1, "total": 1}),
        DataError,
        "unexpected answer",
    ),
    "pages without end": (
        instead({"entities": [{"id": "x"}], "nextUri": "/more"}),
        DataError,
        "brings nothing new",
    ),
    "short": (
        instead({"entities": [{"id": "x"}], "pageCount": 1, "total": 2}),
        DataError,
        "came",
    ),
}
"""What is answered to a listing, the error that it means, and its words."""


def failing(workspace: "Workspace", kind: str, failure: str) -> None:
    """Let a listing fail from now on."""
    options, _, _ = FAILURES[failure]
    workspace.simulator.faults.add(Fault(path=PATHS[kind], times=None, **options))


def named(report: gcbatch.RunReport, kind: str) -> set[Any]:
    """Return what the ids of the table `intervals` are called."""
    column = {"queues": "queue_name", "users": "user_name"}
    rows = report.tables["intervals"].read_all()
    return set(rows[column.get(kind, "wrap_up_code_name")].to_pylist())


def by(kind: str) -> dict[str, Any]:
    """Return a query of rows for each of a kind."""
    return {**DAY, "group_by": [GROUPS[kind]], "metrics": ["tHandle"]}


@pytest.mark.parametrize("kind", PATHS)
def test_without_a_failure_all_have_their_names(
    workspace_of: "WorkspaceOf", kind: str
) -> None:
    """What the tests below take away is there."""
    report = run(workspace_of(BUSY), "intervals", query=by(kind))

    assert named(report, kind) == {NAMES[kind]}
    assert not report.warnings


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("kind", PATHS)
def test_names_are_not_worth_a_run(
    workspace_of: "WorkspaceOf", kind: str, failure: str
) -> None:
    """Without them there are ids, all data, and one warning that names the cause."""
    workspace = workspace_of(BUSY)
    failing(workspace, kind, failure)

    report = run(workspace, "intervals", query=by(kind))

    _, _, words = FAILURES[failure]
    (warning,) = report.warnings
    assert warning.startswith(f"{kind} are ")
    assert words in warning
    assert named(report, kind) == {IDS[kind]}
    assert len(workspace.simulator.requests(PATHS[kind].rstrip("$"))) <= MOST_REQUESTS


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("kind", PATHS)
def test_a_table_of_it_ends_the_run(
    workspace_of: "WorkspaceOf", kind: str, failure: str
) -> None:
    """Whoever exports the listing gets the cause and its exit code, and no data."""
    workspace = workspace_of(BUSY)
    failing(workspace, kind, failure)
    table = kind.replace("-", "").replace(" ", "_")

    with pytest.raises(GcbatchError, match=f"table {table}: ") as ended:
        run(workspace, table)

    _, expected, words = FAILURES[failure]
    assert isinstance(ended.value, expected)
    assert words in ended.value.problem
    assert "query" not in (ended.value.hint or "")
    assert not workspace.data_requests


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize(
    "sections",
    [
        pytest.param({"query": {**DAY, "queues": ["Sales"]}}, id="names queues"),
        pytest.param(
            {
                "query": {
                    **DAY,
                    "group_by": ["queueId"],
                    "granularity": "PT1H",
                    "metrics": [
                        *("nOffered", "tAnswered", "tAbandon", "tHandle"),
                        "oServiceLevel",
                    ],
                },
                "sla": {"include_deleted": False},
            },
            id="leaves deleted ones out",
        ),
        pytest.param(
            {"query": {**RANGE, "endpoint": "interval-report", "metrics": []}},
            id="requests data by queue",
        ),
    ],
)
def test_a_plan_by_queues_ends_with_their_listing(
    workspace_of: "WorkspaceOf", sections: dict[str, Any], failure: str
) -> None:
    """What is asked for must not depend on what came by chance."""
    workspace = workspace_of(BUSY)
    failing(workspace, "queues", failure)

    with pytest.raises(GcbatchError) as ended:
        run(workspace, "intervals", **sections)

    _, expected, words = FAILURES[failure]
    assert isinstance(ended.value, expected)
    assert words in ended.value.problem
    assert not workspace.data_requests


def test_queues_by_id_need_no_listing(workspace_of: "WorkspaceOf") -> None:
    """They are data, whatever they are called."""
    workspace = workspace_of(BUSY)
    failing(workspace, "queues", "404")
    query = {**DAY, "group_by": ["queueId"], "queues": [SALES]}

    report = run(workspace, "intervals", query=query)

    assert named(report, "queues") == {SALES}


def test_targets_by_name_end_with_the_listing(workspace_of: "WorkspaceOf") -> None:
    """Else the queue is held against another target, and nothing is missed."""
    workspace = workspace_of(BUSY)
    failing(workspace, "queues", "404")

    with pytest.raises(ServiceError, match=r"^sla\.targets: queues cannot be found"):
        workspace.run(query=RANGE, sla={"target": 1, "targets": {"Sales": 99}})

    assert not workspace.parts


def test_targets_by_id_need_no_listing(workspace_of: "WorkspaceOf") -> None:
    """They are for a queue whatever it is called."""
    workspace = workspace_of(BUSY)
    failing(workspace, "queues", "404")

    report = workspace.run(
        query={**RANGE, "group_by": ["queueId"]},
        sla={"target": 1, "targets": {SALES: 99}},
    )

    assert report.tables["sla"].read_all()["target_pct"].to_pylist() == [99]


LEVELS: list[Any] = [
    [],
    "none",
    {"call": 5},
    {"call": {"serviceLevel": []}},
    {"call": {"serviceLevel": {"percentage": "0.8"}}},
    {"call": {"serviceLevel": {"percentage": True}}},
    {"call": {"serviceLevel": {"percentage": 10**400}}},
]
"""Settings of a queue from which no target can be read."""


def of_settings(workspace: "Workspace", settings: Any) -> None:
    """Let the listing of queues have one of such settings."""
    queue = {"id": SALES, "name": "Sales", "mediaSettings": settings}
    body = instead({"entities": [queue], "pageCount": 1, "total": 1})
    workspace.simulator.faults.add(Fault(path=PATHS["queues"], times=None, **body))


@pytest.mark.parametrize("settings", LEVELS)
def test_an_odd_target_costs_one_target(
    workspace_of: "WorkspaceOf", settings: Any
) -> None:
    """Queues are found by name all the same, and a warning counts what is not known."""
    workspace = workspace_of(BUSY)
    of_settings(workspace, settings)
    query = {**RANGE, "group_by": ["queueId"], "queues": ["Sales"]}

    report = workspace.run(query=query, sla={})

    (row,) = report.tables["sla"].read_all().to_pylist()
    assert (row["queue_name"], row["target_pct"]) == ("Sales", None)
    (warning,) = report.warnings
    assert warning.endswith(f"are not numbers: 1, the first {SALES}")


def test_who_needs_no_targets_hears_of_none(workspace_of: "WorkspaceOf") -> None:
    """A job with a target of its own, or without `sla`."""
    workspace = workspace_of(BUSY)
    of_settings(workspace, LEVELS[0])
    query = {**RANGE, "queues": ["Sales"]}

    reports = [
        workspace.run(query=query),
        workspace.run(query=query, sla={"target": 1}),
    ]

    assert [report.warnings for report in reports] == [(), ()]


def test_a_check_warns_too(workspace_of: "WorkspaceOf") -> None:
    """What is no permission is a warning where a run would go on."""
    workspace = workspace_of(BUSY)
    failing(workspace, "users", "404")

    (warning,) = gcbatch.check(workspace.job(query=by("users")))

    assert warning.startswith("users are shown by id: GET /api/v2/users: 404")


def test_unknown_targets_are_reported(workspace_of: "WorkspaceOf") -> None:
    """A target that is not known is never missed: that is no good news."""
    workspace = workspace_of(BUSY)
    failing(workspace, "queues", "404")

    report = workspace.run(query=RANGE, sla={})

    assert "sla: the queues' own targets are not known" in report.warnings


@pytest.mark.parametrize("failure", FAILURES)
def test_targets_by_name_are_worth_a_run(
    workspace_of: "WorkspaceOf", failure: str
) -> None:
    """Another target would count in their place, and give a wrong compliance."""
    workspace = workspace_of(BUSY)
    failing(workspace, "queues", failure)
    sla = {"target": 1, "targets": {"Sales": 99}}
    give_up: dict[str, Any] = {"fetch": {"give_up": "PT1S"}}

    with pytest.raises(
        FAILURES[failure][1], match=r"sla\.targets: queues cannot"
    ) as why:
        workspace.run(query=RANGE, sla=sla, **give_up)

    assert FAILURES[failure][2] in why.value.problem
    with pytest.raises(DataError, match="holds no run"):
        workspace.export(query=RANGE, sla=sla, **give_up)


def test_targets_by_kept_names_and_ids_are_not_in_need(
    workspace_of: "WorkspaceOf",
) -> None:
    """A name that is known is found; targets that came later are refused."""
    workspace = workspace_of(BUSY)
    old: dict[str, Any] = {"fetch": {"names_max_age": "PT0S"}}
    failing(workspace, "queues", "404")
    workspace.run(query=RANGE, sla={"targets": {SALES: 99}})
    with pytest.raises(DataError, match="cannot be found by name: they are not listed"):
        workspace.export(query=RANGE, sla={"targets": {"Sales": 99}})
    workspace.simulator.faults.clear()
    workspace.run(query=RANGE, sla={"targets": {"Sales": 99}})
    failing(workspace, "queues", "404")

    report = workspace.run(query=RANGE, sla={"targets": {"Sales": 98}}, **old)

    (row,) = report.tables["sla"].read_all().to_pylist()
    assert row["target_pct"] == 98


@pytest.mark.parametrize("path", ["/api/v2/users$", "/analytics/"])
def test_refused_credentials_end_the_run(
    workspace_of: "WorkspaceOf", path: str
) -> None:
    """With them everything would fail, so that nothing is tried without names."""
    workspace = workspace_of(BUSY)
    workspace.simulator.faults.add(Fault("unauthorized", path=path, times=None))

    with pytest.raises(AccessError):
        run(workspace, "intervals", query=by("users"))

    assert not workspace.parts


def test_a_wrong_secret_ends_the_run(workspace_of: "WorkspaceOf") -> None:
    """Before any listing."""
    workspace = workspace_of(BUSY)
    workspace.environ["GENESYS_CLIENT_SECRET"] = "another"

    with pytest.raises(AccessError):
        run(workspace, "intervals", query=by("users"))

    assert not workspace.simulator.requests("/api/v2")


def crowd(**numbers: int) -> Tenant:
    """Return an org of so many users in each state, each with a call."""
    people = [
        User(id=some_id(100 * place + n), name=f"{state} {n}", state=state)  # type: ignore[arg-type]
        for place, state in enumerate(STATES, start=1)
        for n in range(numbers[state])
    ]
    calls = tuple(
        Call(queue_id=SALES, offered=START, answered=START, user_id=user.id,
             ended=START + timedelta(minutes=1))
        for user in people
    )  # fmt: skip
    return replace(ORG, users=tuple(people), calls=calls, divisions={NORTH: "North"})


def test_users_are_listed_state_by_state(workspace_of: "WorkspaceOf") -> None:
    """Paging ends at a number of users, which each state stays below longer."""
    tenant = crowd(active=3, inactive=2, deleted=3)
    workspace = workspace_of(tenant, max_listed_users=3, max_page_size=1)

    report = run(workspace, "intervals", query=by("users"))

    assert named(report, "users") == {user.name for user in tenant.users}
    assert not report.warnings


def test_users_beyond_the_end_of_paging_are_ids(workspace_of: "WorkspaceOf") -> None:
    """Of the others, also in other states, the names are there."""
    tenant = crowd(active=5, inactive=2, deleted=1)
    workspace = workspace_of(tenant, max_listed_users=3, max_page_size=1)

    report = run(workspace, "intervals", query=by("users"))

    (warning,) = report.warnings
    assert warning.startswith("users are listed incompletely (6 came): GET /api/v2/us")
    assert "400 bad.request: Paging may not go beyond 3 users" in warning
    shown = {user.id if user.name in ("active 3", "active 4") else user.name
             for user in tenant.users}  # fmt: skip
    assert named(report, "users") == shown


def test_a_user_who_leaves_meanwhile_is_listed(workspace_of: "WorkspaceOf") -> None:
    """A user in two states is one user; that does not count as a short listing."""
    page = {"entities": [{"id": ANN, "name": "Ann"}], "pageCount": 1, "total": 1}
    workspace = workspace_of(BUSY)
    workspace.simulator.faults.add(
        Fault(
            "garbage", path=PATHS["users"], times=None, body=json.dumps(page).encode()
        )
    )

    report = run(workspace, "intervals", query=by("users"))

    assert not report.warnings
    assert request_counts(workspace)["users"] == len(STATES)


@pytest.mark.parametrize(
    ("failure", "asks_again"),
    [("404", False), ("400", False), ("503 for an hour", True), ("short", True)],
)
def test_a_firm_refusal_is_not_asked_for_again(
    workspace_of: "WorkspaceOf", failure: str, *, asks_again: bool
) -> None:
    """A run that has all it needs asks only for what the next try may bring."""
    workspace = workspace_of(BUSY)
    failing(workspace, "users", failure)
    run(workspace, "intervals", query=by("users"))
    workspace.simulator.faults.clear()

    again = run(workspace, "intervals", query=by("users"))

    assert bool(again.requests) == asks_again
    assert named(again, "users") == ({"Ann"} if asks_again else {ANN})
    assert again.fetched == 0


def test_who_needs_it_waits_for_the_listing(workspace_of: "WorkspaceOf") -> None:
    """What failed for a job that can do without it is tried for one that cannot."""
    workspace = workspace_of(BUSY)
    fault = Fault("status", status=503, wait_s=3600, path=PATHS["queues"], times=1)
    workspace.simulator.faults.add(fault)
    named_only = workspace.job("one", query=by("queues"))
    by_name = workspace.job("two", query={**DAY, "queues": ["Sales"]})

    one, two = blocking(gcbatch.arun_all([named_only, by_name]))

    assert isinstance(one, gcbatch.RunReport)
    assert "queues are shown by id" in one.warnings[0]
    assert isinstance(two, gcbatch.RunReport)
    assert not two.warnings
