"""A service that answers something else: it is never stored, and never believed.

Each shape comes as a success, on every call that a run makes. What was fetched before
stays, and can be exported; what the service says when it has nothing is still nothing.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gcbatch import DataError, GcbatchError, export_job, load_job
from gcbatch.simulator import Fault, Presence
from tests.support.details_world import UNSETTLED, World
from tests.support.listed_org import ANN, ORG, SALES, START, some_id

HERE = Presence(
    user_id=ANN,
    system_presence="ON_QUEUE",
    organization_presence_id=some_id(41),
    start=START,
    end=START + timedelta(hours=1),
)
TENANT = replace(ORG, presences=(HERE,))

AGGREGATES = {
    "from": "2026-03-02",
    "to": "2026-03-03",
    "granularity": "PT1H",
    "metrics": ["nOffered", "tAnswered"],
}
TUTORIAL = {
    "from": "2026-03-02",
    "to": "2026-03-03",
    "granularity": "PT1H",
    "queues": [SALES],
}
UNAVAILABLE = {"message": "Service Unavailable", "status": 503, "code": "x"}


@dataclass(frozen=True)
class Call:
    """A call that runs make.

    Args:
        path: The path of the address, as a regular expression.
        holds: The key that its answers hold what was asked for in; none may be empty.
        job: The job that makes it.
        status: By which it is answered.
        is_list: Whether what is held is a list.
    """

    path: str
    holds: str
    job: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    is_list: bool = True

    @property
    def nothing(self) -> dict[str, Any]:
        return {self.holds: [] if self.is_list else "2026-03-02T00:00:00Z"}


def details(kind: str, mode: str = "") -> dict[str, Any]:
    table = {"conversation": "conversations", "user": "user_presence"}[kind]
    return {"endpoint": f"{kind}-details{mode}", "tables": (table,)}


def figures(endpoint: str, query: dict[str, Any]) -> dict[str, Any]:
    return {"endpoint": endpoint, "query": query, "tables": ("intervals",)}


def by_job(name: str, rows: str, path: str, job: dict[str, Any]) -> dict[str, Call]:
    """Return the calls that a job of the service takes."""
    return {
        f"{name} submitted": Call(f"{path}/jobs$", "jobId", job, 202, is_list=False),
        f"{name} looked at": Call(
            rf"{path}/jobs/(?!availability)[^/]+$", "state", job, is_list=False
        ),
        f"{name} results": Call(rf"{path}/jobs/[^/]+/results$", rows, job),
    }


CALLS = {
    "aggregates": Call(
        "/aggregates/query$", "results", figures("conversation-aggregates", AGGREGATES)
    ),
    "interval-report": Call(
        "/aggregates/query$", "entities", figures("interval-report", TUTORIAL)
    ),
    "queue-summary": Call(
        "/queues/summary$", "data", figures("queue-summary", TUTORIAL)
    ),
    "conversations": Call("/details/query$", "conversations", details("conversation")),
    "users": Call("/details/query$", "userDetails", details("user")),
    "availability": Call(
        "/availability$",
        "dataAvailabilityDate",
        details("conversation", "-auto"),
        is_list=False,
    ),
    **by_job(
        "aggregates by job",
        "results",
        "/aggregates",
        figures("conversation-aggregates-jobs", AGGREGATES),
    ),
    **by_job(
        "conversations by job",
        "conversations",
        "/conversations/details",
        details("conversation", "-jobs"),
    ),
    **by_job("users by job", "userDetails", "/users/details", details("user", "-jobs")),
    **{
        f"list of {table}": Call(
            f"/{path}$",
            "entities",
            {**figures("conversation-aggregates", AGGREGATES), "tables": (table,)},
        )
        for table, path in {
            "queues": "routing/queues",
            "users": "users",
            "wrapup_codes": "routing/wrapupcodes",
        }.items()
    },
}


def shapes(call: Call) -> Iterator[tuple[str, int, Any]]:
    """Yield what is no answer to a call: a name, a status and a body."""
    yield "error", call.status, UNAVAILABLE
    yield "fault", call.status, {"fault": {"faultstring": "Rate limit quota"}}
    yield "wrapped", call.status, {"statusCode": 200, "body": call.nothing}
    yield "foreign", call.status, {"ok": True, "version": "1.0"}
    yield "null in a foreign one", call.status, {"data1": None, call.holds: None}
    yield "null", call.status, None
    yield "list", call.status, [call.nothing]
    yield "number", call.status, 7
    yield "text", call.status, json.dumps(call.nothing)
    yield "error beside", call.status, call.nothing | UNAVAILABLE
    yield "206", 206, call.nothing
    yield "203", 203, call.nothing
    if call.holds != "jobId":
        yield "job", call.status, {"jobId": "1"}
    if call.holds not in ("jobId", "state"):
        yield "state", call.status, {"state": "QUEUED"}
        yield "202", 202, {"state": "QUEUED"}
        yield "202 with nothing", 202, call.nothing


ATTEMPTS = 12
"""So often a call is repeated before the run ends."""


def kept(world: World) -> dict[str, bytes]:
    """Return the parts, the listings, and the plan with its names."""
    return {
        path.name: path.read_bytes()
        for path in (world.folder / "store").rglob("*")
        if path.suffix == ".parquet" or path.name == "plan.json"
    }


def arm(world: World, call: Call, bodies: list[tuple[str, int, Any]]) -> None:
    """Have a call answered by each of some bodies, one after the other."""
    world.simulator.faults.clear()
    for attempt in range(ATTEMPTS):
        _, status, body = bodies[attempt % len(bodies)]
        sent = json.dumps(body).encode()
        world.simulator.faults.add(
            Fault("status", call.path, (attempt + 1,), status=status, body=sent)
        )


@pytest.mark.one_in(4)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_none_is_believed(tmp_path: Path, call: Call) -> None:
    """Each is repeated, and the last ends the run; the good part stays readable."""
    world = World(tmp_path, TENANT)
    job = {**call.job, "fetch": UNSETTLED}
    first = world.run(**job)
    good, path = kept(world), world.folder / "job.yaml"
    every = list(shapes(call))
    struck = []
    for some in (every[:ATTEMPTS], every[-ATTEMPTS:]):
        arm(world, call, some)
        with pytest.raises(GcbatchError, match="no usable answer") as failed:
            world.run(**job)
        struck.append(len(world.simulator.faults.triggered))
        assert failed.value.exit_code == 4
        pieces = failed.value.problem.split(":")
        assert any(re.search(call.path, piece) for piece in pieces)
    again = export_job(load_job(path, environ={"SECRET": "x"}))

    assert first.provisional == first.queries
    assert first.rows
    assert struck == [ATTEMPTS, 2 * ATTEMPTS]
    assert kept(world) == good
    assert again.rows == first.rows


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_none_is_stored(tmp_path: Path, call: Call) -> None:
    """Where nothing was fetched before, nothing is there after it."""
    world = World(tmp_path, TENANT)
    arm(world, call, list(shapes(call))[:1])

    with pytest.raises(GcbatchError):
        world.run(**call.job)

    assert not kept(world).keys() - {"plan.json"}
    assert not world.output(table=call.job["tables"][0]).exists()


@pytest.mark.parametrize("call", [c for c in CALLS.values() if c.is_list], ids=str)
@pytest.mark.parametrize("nothing", [{}, None], ids=["empty object", "empty list"])
def test_nothing_is_no_error(
    tmp_path: Path, call: Call, nothing: dict[str, Any] | None
) -> None:
    """What the service says when it has nothing ends a run well, without rows."""
    if nothing is None:
        nothing = call.nothing
    if call.path == "/details/query$":
        nothing = {**nothing, "totalHits": 0}  # which is what is counted against
    world = World(tmp_path, replace(TENANT, calls=(), presences=()))
    body = json.dumps(nothing).encode()
    world.simulator.faults.add(Fault("garbage", call.path, body=body, times=None))

    report = world.run(**call.job)

    assert report.rows == 0
    assert report.provisional == 0


@pytest.mark.parametrize(
    ("announced", "problem"),
    [
        ({"pageCount": 3, "total": 3}, "page 2 brings nothing new"),
        ({"nextUri": "/more", "total": 2}, "incomplete: 1 of 2 came"),
    ],
    ids=["pages", "entities"],
)
def test_a_page_of_nothing_ends_no_listing(
    tmp_path: Path, announced: dict[str, Any], problem: str
) -> None:
    """It does not take back what the pages before announced."""
    world = World(tmp_path, TENANT)
    first = {"entities": [{"id": some_id(9), "name": "X"}], **announced}
    for nth, body in (((1, 3, 5, 7), first), ((2, 4, 6, 8), {})):
        sent = json.dumps(body).encode()
        world.simulator.faults.add(
            Fault("garbage", "/routing/queues$", nth, times=None, body=sent)
        )

    with pytest.raises(DataError, match=problem):
        world.run(**CALLS["list of queues"].job)


@pytest.mark.parametrize("name", ["interval-report", "queue-summary"])
@pytest.mark.parametrize(
    "announced", [{"pageCount": 2}, {"nextUri": "/more"}, {"hasMore": True}], ids=str
)
def test_announced_pages_that_nothing_leads_to_are_refused(
    tmp_path: Path, name: str, announced: dict[str, Any]
) -> None:
    """A tutorial's page is the last only if it names no other in any way."""
    call = CALLS[name]
    world = World(tmp_path, TENANT)
    body = json.dumps(call.nothing | announced).encode()
    world.simulator.faults.add(Fault("garbage", call.path, body=body, times=None))

    with pytest.raises(DataError, match="page"):
        world.run(**call.job)

    assert not kept(world).keys() - {"plan.json"}


HOUR = "2026-03-02T09:00:00.000Z"
INNER: dict[str, tuple[str, dict[str, Any]]] = {
    "group": ("aggregates", {"group": {"queueId": SALES}}),
    "bucket": ("aggregates", {"data": [{"interval": f"{HOUR}/{HOUR[:11]}10:00Z"}]}),
    "interval-report": (
        "interval-report",
        {"date": HOUR, "groupByValues": ["Sales"]},
    ),
    "queue-summary": (
        "queue-summary",
        {"queue": {"id": SALES, "name": "Sales"}, "interval": HOUR},
    ),
}
"""What has no figures, on each level of an answer that has some: a call, a row."""


def with_more(row: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Return a row with more keys, in its bucket if it has some."""
    if "data" in row:
        return {**row, "data": [bucket | more for bucket in row["data"]]}
    return row | more


@pytest.mark.parametrize(("name", "row"), INNER.values(), ids=list(INNER))
def test_an_error_in_place_of_some_figures_is_no_row(
    tmp_path: Path, name: str, row: dict[str, Any]
) -> None:
    """It is an error wherever it stands, and never a bucket of zeros."""
    call = CALLS[name]
    world = World(tmp_path, TENANT)
    arm(world, call, [("row", 200, {call.holds: [with_more(row, UNAVAILABLE)]})])

    with pytest.raises(GcbatchError, match="has an error beside") as failed:
        world.run(**call.job)

    assert failed.value.exit_code == 4
    assert not kept(world).keys() - {"plan.json"}


@pytest.mark.parametrize("more", [{}, {"newer": 1}, {"status": "ok"}], ids=str)
@pytest.mark.parametrize(("name", "row"), INNER.values(), ids=list(INNER))
def test_a_row_without_figures_is_no_error(
    tmp_path: Path, name: str, row: dict[str, Any], more: dict[str, Any]
) -> None:
    """What has no data is left out by services; what is newer is named."""
    call = CALLS[name]
    world = World(tmp_path, TENANT)
    arm(world, call, [("row", 200, {call.holds: [with_more(row, more)]})])

    report = world.run(**call.job)

    assert len(report.warnings) == len(more)
    assert all(key in report.warnings[0] for key in more)


SPAN = "2025-03-02\n09:00Z/2025-03-02\x1b10:00Z"
BUCKETS = {
    "aggregates": {"data": [{"interval": SPAN}]},
    "interval-report": {"date": SPAN[:17]},
    "queue-summary": {"queue": {"id": SALES}, "interval": SPAN[:17]},
}


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_is_named_in_plain_text(tmp_path: Path, name: str) -> None:
    """Between date and time ISO 8601 has one letter, which readers let be any."""
    call = CALLS[name]
    world = World(tmp_path, TENANT)
    arm(world, call, [("row", 200, {call.holds: [BUCKETS[name]]})])

    with pytest.raises(DataError, match="is outside") as failed:
        world.run(**call.job)

    assert failed.value.problem.isprintable()


def test_a_part_of_a_token_is_no_token(tmp_path: Path) -> None:
    """Signing in is answered by 200 alone, as all calls are."""
    world = World(tmp_path, TENANT)
    body = json.dumps({"access_token": "half", "expires_in": 3600}).encode()
    world.simulator.faults.add(
        Fault("status", "/oauth/token$", times=None, status=206, body=body)
    )

    with pytest.raises(GcbatchError, match="its status is 206") as failed:
        world.run(**CALLS["aggregates"].job)

    assert failed.value.exit_code == 4
