"""The age of names and targets: listed again when they are too old, and reported."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import gcbatch
from gcbatch import JobError, ServiceError
from gcbatch.simulator import Call, Fault, Queue, Tenant
from tests.support.listed_org import (
    DAY,
    NORTH,
    ORG,
    SALES,
    START,
    STATES,
    SUPPORT,
    exports,
    request_counts,
    rows,
    some_id,
)

if TYPE_CHECKING:
    from tests.conftest import Cli, Workspace

NEW = some_id(3)
CALLS = tuple(
    Call(queue_id=queue, offered=START, answered=START, ended=START)
    for queue in (SALES, SALES, SUPPORT, NEW, NEW, NEW)
)
BEFORE = replace(ORG, calls=CALLS)
SLA: dict[str, Any] = {
    "query": {
        "from": DAY["from"],
        "to": DAY["to"],
        "timezone": "UTC",
        "group_by": ["queueId"],
    },
    "sla": {"period": "total"},
}


def org_of(*queues: tuple[str, str, float]) -> Tenant:
    """Return an org of queues: id, name and target."""
    made = (
        Queue(id=identity, name=name, target=target, division_id=NORTH)
        for identity, name, target in queues
    )
    return replace(BEFORE, queues=tuple(made))


RENAMED = org_of((SALES, "Sales EU", 0.3), (SUPPORT, "Support", 0.85))


def run(workspace: "Workspace", *tables: str, **sections: Any) -> gcbatch.RunReport:
    """Run a job of `sla` that exports tables, `sla` alone if none are named."""
    spec = exports(workspace, *(tables or ("sla",)))
    return workspace.run(**{**SLA, "exports": spec, **sections})


def note_of(workspace: "Workspace") -> dict[str, Any]:
    note: dict[str, Any] = json.loads(plan_file(workspace).read_text("utf-8"))
    return note


def plan_file(workspace: "Workspace") -> Any:
    return workspace.folder / "store/job/plan.json"


def age(
    workspace: "Workspace", days: float, *, names: "dict[str, Any] | None" = None
) -> None:
    """Let what is kept of names have been listed so long ago."""
    note = note_of(workspace)
    for key in ("listed_at", "asked_at"):
        note["names"][key] = {
            what: (datetime.fromisoformat(at) - timedelta(days=days)).isoformat()
            for what, at in note["names"][key].items()
        }
    note["names"] |= names or {}
    plan_file(workspace).write_text(json.dumps(note), "utf-8")


@pytest.fixture
def workspace(workspace_of: Callable[..., "Workspace"]) -> "Workspace":
    return workspace_of(BEFORE)


def shown(workspace: "Workspace") -> dict[str, str]:
    """Return the target of each queue, by the name that the output shows."""
    found = {row["queue_name"]: row["target_pct"] for row in rows(workspace, "sla")}
    found.pop(NEW, None)  # which is not listed at first
    return found


OLD = {"Sales": "80.0", "Support": "85.0"}


@pytest.mark.parametrize("endpoint", ["interval-report", "queue-summary"])
def test_names_in_parts_are_older_than_the_listing(
    workspace: "Workspace", endpoint: str
) -> None:
    """A renamed queue has its new name in `sla`, and the target for it."""
    path = workspace.write(
        exports=exports(workspace, "sla"), sla={"targets": {"Sales": 1, "Sales EU": 2}}
    )
    job = json.loads(path.read_text("utf-8"))
    dates = {key: SLA["query"][key] for key in ("from", "to", "timezone")}
    job["query"] = {"endpoint": endpoint, **dates}
    path.write_text(json.dumps(job), "utf-8")
    gcbatch.run(gcbatch.load_job(path, environ=workspace.environ))
    workspace.become(RENAMED)
    age(workspace, 2)

    report = gcbatch.run(gcbatch.load_job(path, environ=workspace.environ))

    assert report.fetched == 0
    assert shown(workspace)["Sales EU"] == "2.0"


@pytest.mark.parametrize(
    ("days", "longest", "is_refetched"),
    [
        (0, None, False),
        (0.99, None, False),
        (1, None, True),
        (400, None, True),
        (-1, None, True),
        (0, "PT0S", True),
        (2, "P7D", False),
        (8, "P7D", True),
        (0.1, "PT1H", True),
    ],
)
def test_names_and_targets_have_an_age(
    workspace: "Workspace", days: float, longest: str | None, *, is_refetched: bool
) -> None:
    """Beyond it they are listed again, though nothing else is asked.

    A time that lies ahead was noted by a clock that was wrong.
    """
    fetch = {"names_max_age": longest} if longest else {}
    run(workspace, fetch=fetch)
    age(workspace, days)
    workspace.become(RENAMED)

    report = run(workspace, fetch=fetch)

    assert bool(report.requests) == is_refetched
    assert ("Sales EU" in shown(workspace)) == is_refetched
    assert (shown(workspace).get("Sales EU") == "30.0") == is_refetched
    assert report.fetched == 0
    assert not workspace.data_requests
    assert not report.warnings


def test_a_refetch_is_kept(workspace: "Workspace") -> None:
    """The run after it asks nothing, and has the new names."""
    run(workspace)
    age(workspace, 2)
    workspace.become(RENAMED)
    run(workspace)

    again = run(workspace)

    assert again.requests == 0
    assert "Sales EU" in shown(workspace)


def test_names_of_an_older_release_are_too_old(workspace: "Workspace") -> None:
    """They have no times; nothing is said of it."""
    run(workspace)
    note = note_of(workspace)
    del note["names"]["listed_at"], note["names"]["asked_at"]
    plan_file(workspace).write_text(json.dumps(note), "utf-8")
    workspace.become(RENAMED)

    report = run(workspace)

    assert "Sales EU" in shown(workspace)
    assert not report.warnings
    assert report.fetched == 0


def test_fresh_lists_again(workspace: "Workspace") -> None:
    """However young the names are."""
    run(workspace)
    workspace.become(RENAMED)

    run(workspace, fresh=True)

    assert "Sales EU" in shown(workspace)


def test_listings_that_are_exported_age_too(workspace: "Workspace") -> None:
    """Their rows are those of the day."""
    run(workspace, "queues", "users")
    age(workspace, 2)
    workspace.become(replace(RENAMED, users=ORG.users[1:]))

    report = run(workspace, "queues", "users")

    assert [row["queue_name"] for row in rows(workspace, "queues")] == [
        "Sales EU",
        "Support",
    ]
    assert [row["listed"] for row in rows(workspace, "users")] == ["true", "false"]
    assert report.requests == 1 + len(STATES)
    assert run(workspace, "queues", "users").requests == 0


def test_the_same_names_leave_outputs_as_they_are(workspace: "Workspace") -> None:
    """When they were listed is in no output."""
    run(workspace)
    age(workspace, 2)

    report = run(workspace)

    assert report.requests == 1
    assert [export.unchanged for export in report.exports] == [True]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param((SALES, "Sales EU", 0.8), id="name"),
        pytest.param((SALES, "Sales", 0.3), id="target"),
    ],
)
def test_other_names_or_targets_are_written(
    workspace: "Workspace", change: tuple[str, str, float]
) -> None:
    """Each alone."""
    run(workspace)
    age(workspace, 2)
    workspace.become(org_of(change, (SUPPORT, "Support", 0.85)))

    report = run(workspace)

    assert [export.unchanged for export in report.exports] == [False]
    assert shown(workspace)[change[1]] == f"{change[2] * 100}"


@pytest.mark.parametrize("by_file", [False, True])
def test_a_name_means_the_queue_that_bears_it_now(
    workspace: "Workspace", *, by_file: bool
) -> None:
    """Its successor's data is fetched, though all of the old plan was stored."""
    queues: Any = ["Sales"]
    if by_file:
        queues = {"file": str(workspace.folder / "queues.txt")}
        (workspace.folder / "queues.txt").write_text("Sales\n", "utf-8")
    query = {**SLA["query"], "queues": queues}
    run(workspace, query=query)
    age(workspace, 2)
    workspace.become(org_of((SALES, "Former", 0.8), (NEW, "Sales", 0.8)))

    report = run(workspace, query=query)

    (row,) = rows(workspace, "sla")
    assert (row["queue_id"], row["offered"]) == (NEW, "3")
    assert report.fetched == 1


def test_a_name_that_is_gone_is_refused(workspace: "Workspace") -> None:
    """As by a first run; the outputs stay what they were."""
    query = {**SLA["query"], "queues": ["Sales"]}
    run(workspace, query=query)
    age(workspace, 2)
    workspace.become(RENAMED)

    with pytest.raises(JobError, match=r"no queue is called 'Sales'; .*Sales EU"):
        run(workspace, query=query)

    assert shown(workspace) == {"Sales": "80.0"}


@pytest.mark.parametrize("queues", [None, ["Sales"]])
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"kind": "status", "status": 503, "wait_s": 3600}, id="503"),
        pytest.param({"kind": "status", "status": 404}, id="404"),
        pytest.param({"kind": "garbage", "body": b'{"entities": 1}'}, id="nonsense"),
    ],
)
def test_kept_names_do_where_nothing_else_is_missing(
    workspace: "Workspace", fault: dict[str, Any], queues: list[str] | None
) -> None:
    """A warning says of when they are, and why."""
    query = {**SLA["query"], **({"queues": queues} if queues else {})}
    run(workspace, query=query)
    listed_at = datetime.now(UTC) - timedelta(days=2)
    age(workspace, 2)
    workspace.simulator.faults.add(Fault(path="/routing/queues", times=None, **fault))

    report = run(workspace, query=query)

    (warning,) = report.warnings
    assert warning.startswith(f"queues are shown as they were listed {listed_at:%Y-%m}")
    assert "GET /api/v2/routing/queues: " in warning
    assert shown(workspace) == (OLD if not queues else {"Sales": "80.0"})
    assert [export.unchanged for export in report.exports] == [True]
    assert datetime.now(UTC) - report.names_at["targets"] > timedelta(days=1)


def test_no_org_has_to_be_there(workspace: "Workspace") -> None:
    """Where the service cannot be reached, names are as old as they are."""
    fetch = {"give_up": "PT1S"}
    run(workspace, fetch=fetch)
    age(workspace, 2)
    workspace.simulator_thread.do(workspace.simulator.stop())
    job = gcbatch.load_job(workspace.folder / "job.yaml", environ=workspace.environ)

    report = gcbatch.run(job)

    (warning,) = report.warnings
    assert "queues are shown as they were listed" in warning
    assert "cannot be reached" in warning
    assert shown(workspace) == OLD


def test_once_it_answers_again_names_are_new(workspace: "Workspace") -> None:
    """A failure does not count as a listing."""
    run(workspace)
    age(workspace, 2)
    fault = Fault("status", path="/routing/queues", status=503, wait_s=3600, times=1)
    workspace.simulator.faults.add(fault)
    run(workspace)
    workspace.become(RENAMED)

    report = run(workspace)

    assert "Sales EU" in shown(workspace)
    assert not report.warnings


def test_an_exported_listing_is_no_extra(workspace: "Workspace") -> None:
    """If it cannot be fetched again the run ends, and its output stays."""
    run(workspace, "queues")
    age(workspace, 2)
    workspace.become(RENAMED)
    workspace.simulator.faults.add(
        Fault("status", path="/routing/queues", status=404, times=None)
    )

    with pytest.raises(ServiceError, match="table queues"):
        run(workspace, "queues")

    assert [row["queue_name"] for row in rows(workspace, "queues")] == [
        "Sales",
        "Support",
    ]
    workspace.export(**SLA, exports=exports(workspace, "queues"))
    assert [row["queue_name"] for row in rows(workspace, "queues")] == [
        "Sales",
        "Support",
    ]


def test_a_plan_lists_again_too(workspace: "Workspace") -> None:
    """It shows what a run would ask, which asks for the queue of that name."""
    query = {**SLA["query"], "queues": ["Sales"]}
    run(workspace, query=query)
    job = workspace.job(**{**SLA, "query": query, "exports": []})
    young = gcbatch.plan(job)
    age(workspace, 2)
    workspace.become(org_of((SALES, "Former", 0.8), (NEW, "Sales", 0.8)))

    old = gcbatch.plan(job)

    assert (young.stored, old.stored) == (1, 0)
    assert request_counts(workspace)["queues"] == 1


def test_a_failed_listing_moves_no_window(workspace: "Workspace") -> None:
    """How many queues there are decides on windows; the last count will do."""
    sections = {**SLA, "fetch": {"limits": {"expected_buckets": 30}, "chunk": "auto"}}
    first = run(workspace, **sections)
    workspace.simulator.faults.add(
        Fault("status", path="/routing/queues", status=404, times=None)
    )

    second = run(workspace, fresh=True, **sections)

    assert second.queries == first.queries > 1
    assert second.run_id == first.run_id


class TestReported:
    """Of when names and targets are."""

    def test_a_report_has_it(self, workspace: "Workspace") -> None:
        """For all that the job needs, to the second, in run.json too."""
        started = datetime.now(UTC)

        report = run(workspace, "sla", "users")

        assert set(report.names_at) == {"queues", "targets", "users"}
        assert all(
            started <= at <= datetime.now(UTC) for at in report.names_at.values()
        )
        note = json.loads((workspace.folder / "store/job/run.json").read_text("utf-8"))
        assert set(note["names_at"]) == set(report.names_at)

    def test_who_needs_no_names_has_none(self, workspace: "Workspace") -> None:
        """Nothing is said of names that no table shows."""
        report = workspace.run(query=DAY)

        assert report.names_at == {}

    def test_an_export_has_it(self, workspace: "Workspace") -> None:
        """As they were when they were listed."""
        first = run(workspace)

        again = workspace.export(**SLA, exports=exports(workspace, "sla"))

        assert again.names_at == first.names_at

    def test_the_digest_has_no_targets(
        self, workspace_of: Callable[..., "Workspace"]
    ) -> None:
        """What it did not report is not current."""
        workspace = workspace_of(
            BEFORE,
            permissions=frozenset(
                {"analytics:conversationAggregate:view", "routing:queue:search"}
            ),
        )

        report = run(workspace)

        assert set(report.names_at) == {"queues"}
        assert "sla: the queues' own targets are not known" in report.warnings

    @pytest.mark.parametrize("command", ["run", "export", "report"])
    def test_screens_say_it(
        self, workspace: "Workspace", cli: "Cli", command: str
    ) -> None:
        """In the job's time zone, to the minute."""
        path = workspace.write(**{**SLA, "exports": exports(workspace, "sla")})
        cli("run", path)
        at = datetime(2026, 10, 1, 12, 30, tzinfo=UTC).isoformat()
        age(workspace, 0, names={"listed_at": {"queueId": at, "targets": at}})

        result = cli(command, path)

        assert result.exit_code == 0
        reported = [
            line for line in result.stdout.splitlines() if "names listed" in line
        ]
        assert reported == ["names listed: queues, targets at 2026-10-01 12:30"]

    def test_json_has_its_rows_alone(self, workspace: "Workspace", cli: "Cli") -> None:
        """So `report --json` says it where warnings are."""
        path = workspace.write(**{**SLA, "exports": []})
        cli("run", path)

        result = cli("report", path, "--json")

        assert {row["queue_name"] for row in json.loads(result.stdout)} > set(OLD)
        assert "names listed: queues, targets at" in result.stderr
