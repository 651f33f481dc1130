"""Clocks that are wrong: nothing counts as settled that is not, and it is shown."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from gcbatch import ServiceError
from gcbatch.fetching.sessions import OrgSession
from gcbatch.fetching.usage import Usage
from gcbatch.genesys.client.transport import Response, open_transport
from gcbatch.genesys.retry_rules import parse_date
from gcbatch.genesys.service_clock import ServiceClock
from gcbatch.genesys.traffic import FailedCall, Traffic
from gcbatch.simulator import Fault, Faults
from gcbatch.store.maintenance import prune
from gcbatch.store.store import Store
from gcbatch.windows import Period
from tests.support.details_world import World, after, tenant_with_conversations
from tests.support.old_parts import metadata_in, part_in, rewrite_metadata

if TYPE_CHECKING:
    from tests.conftest import Workspace, WorkspaceOf

DAYS = 7
"""Of the workspace's job, a query each."""

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR, MINUTE, SECOND = (timedelta(seconds=n) for n in (3600, 60, 1))
AT_ONCE = timedelta()
SOON = datetime(1999, 8, 9, tzinfo=UTC)
"""Soon after the workspace's week, whose last three days have not settled by then."""


def header(at: datetime) -> str:
    """Return an instant as a Date has it, the fraction of its second left out."""
    return f"{at:%a, %d %b %Y %H:%M:%S} GMT"


class TestDates:
    """What answers say of the time."""

    @pytest.mark.parametrize(
        ("text", "reported"),
        [
            ("Fri, 20 Nov 2026 12:00:00 GMT", NOON),
            ("Friday, 20-Nov-26 12:00:00 GMT", NOON),
            ("Fri Nov 20 12:00:00 2026", NOON),
            ("Fri, 20 Nov 2026 13:00:00 +0100", NOON),
        ],
    )
    def test_each_form_is_read(self, text: str, reported: datetime) -> None:
        """The three of RFC 9110, and one with a zone."""
        assert parse_date(text) == reported

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "now",
            "Fri, 31 Feb 2026 12:00:00 GMT",
            "Fri, 20 Nov 99999 12:00:00 GMT",
            "1",
            "\u0663",
        ],
    )
    def test_what_is_no_date_is_none(self, text: str) -> None:
        """Nor is it an error: a proxy may write anything."""
        assert parse_date(text) is None


class TestAskedAt:
    """When a request was sent, by the service's clock."""

    @pytest.mark.parametrize("off_s", [-5.9, -4, -0.5, 0, 0.999, 4, 5])
    def test_clocks_that_agree_are_left_alone(self, off_s: float) -> None:
        """Within some seconds: a Date has no fraction, and takes a moment to come."""
        clock = ServiceClock()
        sent_at = NOON - off_s * SECOND

        assert clock.asked_at(header(NOON), sent_at, AT_ONCE) == sent_at
        assert clock.ahead == timedelta()

    @pytest.mark.parametrize(
        "off", [-1000 * HOUR, -HOUR, -8 * SECOND, 8 * SECOND, HOUR]
    )
    def test_the_services_clock_is_right(self, off: timedelta) -> None:
        """Whichever way the machine's is off."""
        clock = ServiceClock()

        asked_at = clock.asked_at(header(NOON), NOON + off, AT_ONCE)

        assert (asked_at, clock.ahead) == (NOON, -off)

    @pytest.mark.parametrize("written_s", [0, 30, 60])
    def test_a_slow_answer_is_no_wrong_clock(self, written_s: float) -> None:
        """Its Date is of some time between request and answer."""
        clock = ServiceClock()
        date = header(NOON + written_s * SECOND)

        assert clock.asked_at(date, NOON, 60 * SECOND) == NOON

    def test_a_slow_answer_was_asked_for_before_it_was_written(self) -> None:
        """As early as it may have been: nothing settles too soon."""
        clock = ServiceClock()

        asked_at = clock.asked_at(header(NOON), NOON + HOUR, 60 * SECOND)

        assert asked_at == NOON - 60 * SECOND

    @pytest.mark.parametrize("date", ["", "soon", "Fri, 31 Dec 9999 23:59:59 GMT"])
    def test_an_answer_without_a_date_goes_by_the_last(self, date: str) -> None:
        """Clocks do not jump between two answers."""
        clock = ServiceClock()
        clock.asked_at(header(NOON), NOON + HOUR, AT_ONCE)

        assert clock.asked_at(date, NOON + 2 * HOUR, AT_ONCE) == NOON + HOUR

    def test_a_clock_that_was_set_is_believed(self) -> None:
        """The next answer shows that the two agree again."""
        clock = ServiceClock()
        clock.asked_at(header(NOON), NOON + HOUR, AT_ONCE)

        clock.asked_at(header(NOON), NOON, AT_ONCE)

        assert clock.ahead == timedelta()


def exchange(
    workspace: "Workspace", url: str, **request: Any
) -> tuple[Response, timedelta]:
    """Return an answer, and how far ahead the service's clock is by it."""

    async def send() -> tuple[Response, timedelta]:
        async with open_transport(
            timeout_s=10, connections=1, max_response_bytes=10_000
        ) as transport:
            address = f"{workspace.simulator.url}{url}"
            response = await transport.send("POST", address, **request)
            return response, transport.clock.ahead

    return asyncio.run(send())


def signed_in(workspace: "Workspace") -> tuple[Response, timedelta]:
    """Return the answer to a request for a token; see exchange."""
    pair = (
        f"{workspace.simulator.client_id}:{workspace.simulator.client_secret}".encode()
    )
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Authorization": f"Basic {base64.b64encode(pair).decode()}",
    }
    body = b"grant_type=client_credentials"
    return exchange(workspace, "/oauth/token", headers=headers, body=body)


def test_the_simulator_shows_the_time_that_it_is_given(workspace: "Workspace") -> None:
    """In answers and refusals alike."""
    workspace.simulator.now = lambda: NOON

    granted, _ = signed_in(workspace)
    refused, _ = exchange(workspace, "/api/v2/users", headers={})

    assert (granted.status, granted.headers["Date"]) == (200, header(NOON))
    assert (refused.status, refused.headers["Date"]) == (401, header(NOON))


def test_an_answer_sets_the_clock(workspace: "Workspace") -> None:
    """Also that of the login."""
    workspace.simulator.now = lambda: NOON

    response, ahead = signed_in(workspace)

    assert NOON - MINUTE < response.asked_at <= NOON
    assert datetime.now(UTC) + ahead < NOON + MINUTE


def test_a_refusal_does_not(workspace: "Workspace") -> None:
    """It may be a proxy's, whose clock does not matter."""
    workspace.simulator.now = lambda: NOON

    _, ahead = exchange(workspace, "/api/v2/users", headers={})

    assert ahead == timedelta()


class TestRuns:
    """Runs on a machine whose clock is not the service's."""

    def test_parts_have_the_services_time(self, workspace: "Workspace") -> None:
        """Not the machine's, by which all of the week had settled."""
        workspace.simulator.now = lambda: SOON

        first = workspace.run()
        again = workspace.run()

        asked = {metadata_in(part).asked_at for part in workspace.parts}
        assert all(SOON - HOUR < at <= SOON for at in asked)
        assert first.provisional == again.fetched == 3

    def test_what_was_asked_too_soon_is_fetched_once_more(
        self, workspace: "Workspace"
    ) -> None:
        """And no more, once the service says that it had settled."""
        workspace.simulator.now = lambda: SOON
        workspace.run()
        workspace.simulator.now = None

        assert [workspace.run().fetched for _ in range(2)] == [3, 0]

    def test_a_part_of_the_future_is_provisional(self, workspace: "Workspace") -> None:
        """Some clock was wrong when it was fetched; a right one mends that."""
        workspace.run()
        future = datetime.now(UTC) + timedelta(days=100)
        rewrite_metadata(workspace.parts[0], asked_at=future)

        assert [workspace.run().fetched for _ in range(2)] == [1, 0]

    def test_the_future_begins_at_the_services_present(
        self, workspace: "Workspace"
    ) -> None:
        """A machine that is ahead takes nothing of the service's future for past."""
        workspace.run(query={"group_by": ["queueId"]})
        workspace.parts[0].unlink()  # so that the service is asked at all
        workspace.simulator.now = lambda: datetime(2020, 1, 1, tzinfo=UTC)

        report = workspace.run(query={"group_by": ["queueId"]})

        assert report.fetched == DAYS

    def test_seconds_between_machines_are_no_future(
        self, workspace: "Workspace"
    ) -> None:
        """Those that share a store are never quite at one."""
        workspace.run()
        rewrite_metadata(workspace.parts[0], asked_at=datetime.now(UTC) + 30 * SECOND)

        assert workspace.run().fetched == 0

    def test_a_wrong_clock_is_shown_with_both_times(
        self, workspace: "Workspace"
    ) -> None:
        """In the report; no date of the job goes by it."""
        workspace.simulator.now = lambda: SOON

        warning = workspace.run().warnings[0]

        year = datetime.now(UTC).year
        assert warning.startswith(f"this machine's clock shows {year}-")
        assert warning.endswith("the service's 1999-08-09T00:00:00Z")

    def test_relative_dates_go_by_it(self, workspace: "Workspace") -> None:
        """Then the warning says what follows from it."""
        workspace.simulator.now = lambda: datetime.now(UTC) - HOUR

        report = workspace.run(query={"from": "today-2d", "to": "today"})

        assert "`today` and `now` in the job file" in report.warnings[0]

    @pytest.mark.parametrize("off_s", [-200, 0, 200])
    def test_minutes_are_not_worth_a_warning(
        self, workspace: "Workspace", off_s: int
    ) -> None:
        """They change no date."""
        workspace.simulator.now = lambda: datetime.now(UTC) + off_s * SECOND

        assert not workspace.run().warnings


class TestFresh:
    """`--fresh` goes by no clock at all."""

    def test_it_fetches_what_says_to_be_newer(self, workspace: "Workspace") -> None:
        """A part whose time lies ahead of the run is fetched again all the same."""
        workspace.run()
        for part in workspace.parts:
            rewrite_metadata(part, asked_at=datetime.now(UTC) + 40 * SECOND)

        assert workspace.run(fresh=True).fetched == DAYS

    @pytest.mark.parametrize("off", [-1000 * HOUR, 0 * HOUR, HOUR / 100])
    def test_it_goes_on_where_it_was_interrupted(
        self, workspace_of: "WorkspaceOf", off: timedelta
    ) -> None:
        """A plain run fetches the rest, whatever the service says of the time."""
        workspace = workspace_of(now=lambda: datetime.now(UTC) + off)
        workspace.run()
        workspace.simulator.faults.add(Fault("status", status=400, nth=(4,)))
        with pytest.raises(ServiceError):
            workspace.run(fresh=True, fetch={"concurrency": 1})

        again = [workspace.run(fetch={"concurrency": 1}).fetched for _ in range(2)]

        assert again == [DAYS - 3, 0]

    def test_a_second_one_begins_again(self, workspace: "Workspace") -> None:
        """What the first one fetched before it was interrupted does not count."""
        workspace.simulator.faults.add(Fault("status", status=400, nth=(4,)))
        with pytest.raises(ServiceError):
            workspace.run(fresh=True, fetch={"concurrency": 1})

        assert workspace.run(fresh=True).fetched == DAYS

    @pytest.mark.parametrize(
        "note", [{}, {"since": "2026-01-01"}, {"run": 7}, {"run": None}, {"run": []}]
    )
    def test_a_note_of_another_shape_is_ignored(
        self, workspace: "Workspace", note: dict[str, Any]
    ) -> None:
        """It names no run that is not done."""
        workspace.run()
        Store(workspace.folder / "store", "job").write_note("fresh.json", note)

        assert workspace.run().fetched == 0

    def test_who_began_before_it_does_not_answer_it(
        self, workspace: "Workspace"
    ) -> None:
        """A run under way writes parts that do not count for a later --fresh."""
        workspace.run()
        root = workspace.folder / "store"
        earlier = Store(root, "job")
        ours = Store(root, "job")
        ours.begin_fresh()
        digest = workspace.parts[0].stem

        earlier.write(digest, part_in(earlier, digest))
        was_fresh = ours.is_fresh(digest)
        worker = Store(root, "job")
        worker.write(digest, part_in(worker, digest))

        assert (was_fresh, ours.is_fresh(digest)) == (False, True)

    def test_who_began_before_it_does_not_end_it(self, workspace: "Workspace") -> None:
        """A run under way that is done leaves a later --fresh under way."""
        workspace.run()
        earlier = Store(workspace.folder / "store", "job")
        Store(workspace.folder / "store", "job").begin_fresh()

        earlier.end_fresh()

        assert workspace.run().fetched == DAYS


def test_a_drift_is_judged_by_the_services_clock(tmp_path: Path) -> None:
    """What has not settled there is provisional, also where the machine is ahead."""
    faults = [Fault("drifting_total", page=n, drift=1, times=None) for n in (1, 2, 3)]
    world = World(
        tmp_path,
        tenant_with_conversations(250),
        faults=Faults(*faults),
        now=lambda: after(1.5),
    )

    report = world.run(fetch={"concurrency": 1})

    assert report.provisional == 1
    assert any("counted, but not answered yet" in w for w in report.warnings)


def test_failed_calls_of_a_worker_whose_clock_is_behind_are_shown() -> None:
    """Failures of a run are those that were not there before, whatever the time."""
    traffic = Traffic()
    old = FailedCall(NOON, "GET", "/old", 500, "1")
    new = FailedCall(NOON - HOUR, "GET", "/new", 500, "2")
    traffic.failed[500] = cast("Any", [old])
    limiter = SimpleNamespace(allowed=lambda **_: 0)
    org_client = SimpleNamespace(limiter=limiter, tokens=SimpleNamespace(granted=0))
    client = SimpleNamespace(traffic=traffic)
    session = cast("OrgSession", SimpleNamespace(client=client, org_client=org_client))
    spent = Usage()

    with spent.counting(session):
        traffic.failed[500].append(new)

    assert spent.failed == (new,)


def test_a_leftover_of_the_future_is_removed(tmp_path: Path) -> None:
    """No run is writing it now: the clock was wrong when it was written."""
    store = Store(tmp_path, "job")
    store.prepare()
    left = store.work_folder / f".{'0' * 40}.{'0' * 12}.part"
    left.touch()
    now = datetime.now(UTC) - timedelta(days=100)

    prune(tmp_path, Period.parse("P30D"), now=now)

    assert not left.exists()
