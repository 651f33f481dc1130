"""The plan: the fewest queries that the limits allow, and digests that name them."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from unittest.mock import Mock
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcbatch.endpoints.aggregates.endpoint import Aggregates
from gcbatch.endpoints.lookup import endpoint_named
from gcbatch.errors import JobError
from gcbatch.job.dates import resolve_range
from gcbatch.job.job import Job
from gcbatch.job.query import ENDPOINTS
from gcbatch.planning import plan as plan_module
from gcbatch.planning.plan import Plan, make_plan
from gcbatch.planning.scope import ResolvedScope
from gcbatch.query import PART_FORMAT, Query, canonical, hash_template, make_query
from gcbatch.windows import Window, bucket_count, bucket_edges

NOW = datetime(2026, 10, 16, tzinfo=UTC)
DAY = timedelta(days=1)


def job_of(fetch: Any = None, org: Any = None, **asked: Any) -> Job:
    return Job.model_validate(
        {
            "name": "j",
            "org": org or {"simulator": True},
            "query": {
                "from": "2026-10-01",
                "to": "2026-11-01",
                "timezone": "Europe/Dublin",
                "granularity": "PT1H",
                "metrics": ["nOffered"],
                **asked,
            },
            "fetch": fetch or {},
        }
    )


def ids_of(count: int) -> tuple[str, ...]:
    return tuple(str(UUID(int=n)) for n in range(count))


def aggregates(job: Job) -> Aggregates:
    endpoint = endpoint_named(job.query.endpoint)
    assert isinstance(endpoint, Aggregates)
    return endpoint


def plan_of(
    job: Job,
    queue_ids: Sequence[str] | None = None,
    *,
    listed: int = 0,
    identity: str = "org",
) -> Plan:
    asked = job.query
    window = resolve_range(
        asked.start,
        asked.end,
        granularity=asked.granularity,
        zone=asked.zone,
        now=NOW,
    )
    ids = None if queue_ids is None else tuple(queue_ids)
    return make_plan(job, ResolvedScope(identity, window, ids, listed), aggregates(job))


def body_of(query: Query) -> dict[str, Any]:
    endpoint = endpoint_named(query.endpoint)
    assert isinstance(endpoint, Aggregates)
    body: dict[str, Any] = json.loads(endpoint.body(query))
    return body


def queues_of(query: Query) -> list[str]:
    """Return the queues that a query's filter names."""
    found = [
        predicate["value"]
        for clause in body_of(query).get("filter", {}).get("clauses", [])
        for predicate in clause["predicates"]
        if predicate["dimension"] == "queueId"
    ]
    return sorted(found)


class TestWindows:
    @pytest.mark.parametrize(
        ("granularity", "dates", "spans"),
        [
            ("PT1H", ("2026-10-01", "2026-10-16"), [7, 7, 1]),
            ("PT15M", ("2026-10-01", "2026-10-15"), [7, 7]),
            ("P1D", ("2026-07-01", "2026-09-01"), [31, 31]),
            ("P1W", ("2026-06-01", "2026-07-06"), [28, 7]),
            ("P1M", ("2026-05-01", "2026-08-01"), [31, 30, 31]),
            ("P3M", ("2026-04-01", "2026-10-01"), [91, 92]),
            ("P1Y", ("2026-01-01", "2027-01-01"), [365]),
            (None, ("2026-06-01", "2026-07-03"), [31, 1]),
        ],
    )
    def test_they_are_the_longest_the_limits_allow(
        self, granularity: str | None, dates: tuple[str, str], spans: list[int]
    ) -> None:
        """7 days below P1D, 31 from there on; a bucket that is longer stays whole."""
        start, end = dates
        job = job_of(
            granularity=granularity, timezone="UTC", **{"from": start, "to": end}
        )

        windows = [window for window, _ in plan_of(job).windows]

        assert [w.span // DAY for w in windows] == spans

    def test_they_follow_local_midnights(self) -> None:
        """A week that loses an hour to the clocks still ends at midnight."""
        windows = [window for window, _ in plan_of(job_of()).windows]

        zone = ZoneInfo("Europe/Dublin")
        assert {w.start.astimezone(zone).hour for w in windows} == {0}
        assert windows[3].span == 7 * DAY + timedelta(hours=1)

    @pytest.mark.parametrize(
        ("days", "months"), [(31, [1] * 6), (62, [2] * 3), (120, [3] * 2)]
    )
    def test_months_are_counted_at_their_longest(
        self, days: int, months: list[int]
    ) -> None:
        """No window is longer than the limit, whichever months it holds."""
        job = job_of(
            {"limits": {"max_days_daily": days}},
            granularity="P1M",
            **{"from": "2026-05-01", "to": "2026-11-01"},
        )

        windows = [window for window, _ in plan_of(job).windows]

        zone = ZoneInfo("Europe/Dublin")
        ends = [[at.astimezone(zone) for at in (w.start, w.end)] for w in windows]
        assert [last.month - first.month for first, last in ends] == months
        assert {at.day for both in ends for at in both} == {1}

    @pytest.mark.parametrize(
        ("chunk", "granularity"),
        [("P1D", "PT1H"), ("PT6H", "PT30M"), ("P1M", "PT1H"), ("P1M", "P1D"),
         ("P2W", "P1W"), ("P6M", "P3M"), ("P1Y", "P1M"), ("P1DT12H", "PT4H"),
         ("P1D", None), ("PT1H", None)],
    )  # fmt: skip
    def test_a_chunk_of_whole_buckets_is_taken(
        self, chunk: str, granularity: str | None
    ) -> None:
        """The user's own length wins over the limits."""
        dates = {"from": "2026-06-01", "to": "2026-06-03"}
        if granularity in ("P1W", "P3M", "P1M"):
            dates = {"from": "2029-01-01", "to": "2030-01-01"}
        if granularity == "P1W":
            dates = {"from": "2029-01-01", "to": "2029-01-15"}
        job = job_of({"chunk": chunk}, granularity=granularity, **dates)

        assert plan_of(job).windows

    @pytest.mark.parametrize(
        ("chunk", "granularity"),
        [("PT1H", "P1D"), ("PT90M", "PT1H"), ("P1M", "P1W"), ("P10D", "P1W"),
         ("P1D", "P1M"), ("P2M", "P3M"), ("P1DT1H", "P1D"), ("P1M1D", "P1M")],
    )  # fmt: skip
    def test_a_chunk_that_cuts_buckets_is_refused(
        self, chunk: str, granularity: str
    ) -> None:
        """The message names both, and a length that would do."""
        start = {"P1W": "2026-06-01", "P3M": "2026-04-01"}.get(
            granularity, "2026-06-01"
        )
        end = {"P1W": "2026-06-29", "P3M": "2026-07-01"}.get(granularity, "2026-07-01")
        job = job_of(
            {"chunk": chunk}, granularity=granularity, **{"from": start, "to": end}
        )

        with pytest.raises(JobError, match=f"{chunk} does not hold whole") as caught:
            plan_of(job)

        assert "or auto" in (caught.value.hint or "")

    def test_a_chunk_that_the_clocks_push_off_its_edges_is_refused(self) -> None:
        """36 hours at a time cut four-hour buckets apart once the clocks change."""
        job = job_of({"chunk": "PT36H"}, granularity="PT4H")

        with pytest.raises(JobError, match=r"leaves the edges .* at 2026-10-2\dT"):
            plan_of(job)


class TestQueues:
    @pytest.mark.parametrize("count", [1, 7, 900, 9000])
    def test_every_queue_is_asked_once_per_window(self, count: int) -> None:
        """Batches share out the queues without loss or overlap."""
        ids = ids_of(count)

        for _, queries in plan_of(job_of(), ids).windows:
            assert sorted(q for query in queries for q in queues_of(query)) == [*ids]

    def test_there_is_never_one_request_per_queue(self) -> None:
        """900 queues over a month take the fewest requests, not 900 each time."""
        plan = plan_of(job_of(), ids_of(900))

        assert len(plan.queries) == 36
        assert len(plan.queries) < 900

    def test_requests_name_about_as_many_queues_each(self) -> None:
        """Rather than as many as may be, and what is left over in a last small one."""
        _, queries = plan_of(job_of(), ids_of(900)).windows[0]

        sizes = [len(queues_of(query)) for query in queries]
        assert len(sizes) > 1
        assert max(sizes) - min(sizes) < len(sizes)

    def test_bodies_stay_within_the_limit(self) -> None:
        """As many queues as fit into 512,000 bytes, whatever the filter takes."""
        job = job_of(
            {"limits": {"expected_buckets": 10**9}},
            filter={
                "type": "and",
                "predicates": [{"dimension": "direction", "value": "x" * 999}],
            },
        )
        plan = plan_of(job, ids_of(20_000))

        sizes = [len(aggregates(job).body(query)) for query in plan.queries]
        assert max(sizes) <= 512_000
        assert len(plan.windows[0][1]) == 3

    def test_a_body_that_cannot_shrink_is_refused(self) -> None:
        """A filter larger than a request is reported before any request."""
        job = job_of(
            filter={
                "type": "and",
                "predicates": [{"dimension": "direction", "value": "x" * 512_000}],
            },
        )

        with pytest.raises(JobError, match="the service takes 512000"):
            plan_of(job, ids_of(3))

    @pytest.mark.parametrize("group_by", [[], ["mediaType"]])
    def test_answers_that_would_overlap_are_refused(self, group_by: list[str]) -> None:
        """Without queueId two batches would answer the same group twice."""
        job = job_of({"limits": {"body_bytes": 2000}}, group_by=group_by)

        assert plan_of(job, ids_of(10)).queries
        with pytest.raises(JobError, match="their answers overlap"):
            plan_of(job, ids_of(100))

    def test_all_queues_need_no_filter(self) -> None:
        """Leaving queues out asks for all of them in one request a window."""
        plan = plan_of(job_of(media_types=["voice", "chat"]))

        (filtered,) = {json.dumps(body_of(q)["filter"]) for q in plan.queries}
        assert "queueId" not in filtered
        assert filtered.count("mediaType") == 2

    @pytest.mark.parametrize(("listed", "windows"), [(0, 5), (100, 6), (130, 11)])
    def test_listed_queues_count_as_expected_groups(
        self, listed: int, windows: int
    ) -> None:
        """An org with many queues gets shorter windows."""
        assert len(plan_of(job_of(), listed=listed).windows) == windows

    def test_a_new_queue_hardly_changes_the_windows(self) -> None:
        """The number of listed queues is rounded, so that stored parts stay of use."""
        plans = {plan_of(job_of(), listed=n).run_id for n in range(65, 129)}

        assert len(plans) == 1


class TestTutorials:
    """Endpoints that cut buckets by the clock, from where a window begins."""

    def windows(self, granularity: str, start: str, end: str) -> list[Window]:
        job = job_of(
            endpoint="interval-report",
            metrics=[],
            granularity=granularity,
            **{"from": start, "to": end},
        )
        endpoint = endpoint_named("interval-report")
        window = resolve_range(
            start, end, granularity=job.query.granularity, zone=job.query.zone, now=NOW
        )
        plan = make_plan(job, ResolvedScope("org", window, None), endpoint)
        return [window for window, _ in plan.windows]

    def test_a_request_of_one_queue_is_one_queues(self) -> None:
        """An endpoint that takes no more of them is asked for each by itself."""
        job = job_of(endpoint="interval-report", metrics=[])
        endpoint = endpoint_named("interval-report")
        window = Window(NOW, NOW + DAY)

        plan = make_plan(job, ResolvedScope("org", window, ids_of(3)), endpoint)

        asked = [endpoint.queues_of(query.template) for query in plan.queries]
        assert asked == [(queue,) for queue in ids_of(3)]

    def test_a_day_of_25_hours_is_a_window_of_its_own(self) -> None:
        """Days counted in hours would leave the calendar after it."""
        windows = self.windows("P1D", "2026-10-24", "2026-10-27")

        assert [w.span // timedelta(hours=1) for w in windows] == [24, 25, 24]

    @pytest.mark.parametrize(
        ("granularity", "hours"), [("PT1H", [73]), ("PT4H", [24, 25, 24])]
    )
    def test_windows_end_where_buckets_would_leave_midnight(
        self, granularity: str, hours: list[int]
    ) -> None:
        """An hour divides 25; four do not, so that each day begins again."""
        windows = self.windows(granularity, "2026-10-24", "2026-10-27")

        assert [w.span // timedelta(hours=1) for w in windows] == hours


def test_a_bucket_with_too_many_results_is_asked_all_the_same() -> None:
    """Where nothing fits, the smallest windows are all one can do."""
    job = job_of(
        {"limits": {"expected_buckets": 1}},
        media_types=["voice", "chat"],
        group_by=["queueId", "mediaType"],
        **{"from": "2026-10-01", "to": "2026-10-02"},
    )

    plan = plan_of(job, ids_of(3))

    assert [len(queues_of(query)) for query in plan.queries] == [3] * 24


def brute_force(job: Job, ids: Sequence[str], whole: Window) -> int:
    """Return the fewest requests, by trying every length of windows."""
    most = job.fetch.limits.expected_buckets
    hours = -(-whole.span // timedelta(hours=1))
    counts = []
    for span in (*(24 * d for d in range(1, 8)), 12, 8, 6, 4, 3, 2, 1):
        spans = [min(span, hours - start) for start in range(0, hours, span)]
        if most >= max(spans):
            counts.append(sum(-(-len(ids) // (most // hours)) for hours in spans))
    return min(counts)


@settings(max_examples=60)
@given(
    queues=st.integers(1, 40),
    days=st.integers(1, 20),
    buckets=st.sampled_from([24, 48, 100, 168, 500, 1000, 5000]),
)
def test_no_plan_has_fewer_requests(queues: int, days: int, buckets: int) -> None:
    """Weighing batches against windows finds what trying all finds."""
    end = datetime(2026, 6, 1, tzinfo=UTC) + days * DAY
    job = job_of(
        {"limits": {"expected_buckets": buckets}},
        timezone="UTC",
        **{"from": "2026-06-01", "to": end.isoformat()},
    )
    ids = ids_of(queues)

    plan = plan_of(job, ids)

    assert len(plan.queries) == brute_force(job, ids, plan.window)


def is_allowed(job: Job, window: Window, queues: Sequence[str]) -> bool:
    """Say whether one query of such a window and queues keeps to all limits."""
    asked, limits = job.query, job.fetch.limits
    template = aggregates(job).template(asked, queues)
    query = make_query("org", aggregates(job).name, window, template)
    is_clock = asked.granularity is not None and asked.granularity.is_clock
    days = limits.max_days_subday if is_clock else limits.max_days_daily
    buckets = bucket_count(window, asked.granularity, asked.zone)
    return (
        window.span <= days * DAY + timedelta(hours=1)
        and buckets * len(queues) <= limits.expected_buckets
        and len(aggregates(job).body(query)) <= limits.body_bytes
    )


@settings(max_examples=100)
@given(
    queues=st.integers(1, 300),
    granularity=st.sampled_from(["PT15M", "PT30M", "PT1H", "P1D", None]),
    days=st.integers(1, 70),
    buckets=st.sampled_from([700, 2000, 20_000]),
    body=st.sampled_from([5000, 512_000]),
)
def test_no_two_neighbours_could_be_one_query(
    *, queues: int, granularity: str | None, days: int, buckets: int, body: int
) -> None:
    """Two batches of a window, or two windows of all queues, break a limit as one."""
    job = job_of(
        {"limits": {"expected_buckets": buckets, "body_bytes": body}},
        granularity=granularity,
        timezone="UTC",
        **{"from": "2026-03-02", "to": f"{date(2026, 3, 2) + days * DAY}"},
    )

    plan = plan_of(job, ids_of(queues))

    for window, queries in plan.windows:
        for one, other in pairwise(map(queues_of, queries)):
            assert not is_allowed(job, window, [*one, *other])
    for (first, some), (second, others) in pairwise(plan.windows):
        both = Window(first.start, second.end)
        batches = [queues_of(query) for query in max(some, others, key=len)]
        assert not all(is_allowed(job, both, batch) for batch in batches)


@settings(max_examples=60)
@given(
    queues=st.none() | st.integers(1, 300),
    granularity=st.sampled_from(["PT15M", "PT1H", "PT12H", "P1D", "P1W", "P1M", None]),
    zone=st.sampled_from(["UTC", "Europe/Dublin", "Asia/Kathmandu", "Africa/Cairo"]),
    weeks=st.integers(1, 10),
    buckets=st.sampled_from([100, 2000, 20_000]),
    body=st.sampled_from([2000, 20_000]),
)
def test_every_limit_holds_for_every_query(
    *,
    queues: int | None,
    granularity: str | None,
    zone: str,
    weeks: int,
    buckets: int,
    body: int,
) -> None:
    """Days, expected buckets and body bytes are within bounds; windows tile."""
    dates = {"from": "2026-03-02", "to": f"{date(2026, 3, 2) + weeks * 7 * DAY}"}
    if granularity == "P1M":
        dates = {"from": "2026-03-01", "to": f"2026-{3 + weeks % 9 + 1:02d}-01"}
    job = job_of(
        {"limits": {"expected_buckets": buckets, "body_bytes": body}},
        granularity=granularity,
        timezone=zone,
        **dates,
    )

    plan = plan_of(job, None if queues is None else ids_of(queues))

    endpoint, asked = aggregates(job), job.query
    is_clock = asked.granularity is not None and asked.granularity.is_clock
    for window, queries in plan.windows:
        assert window.span <= (7 if is_clock else 31) * DAY + timedelta(hours=1)
        for query in queries:
            assert len(endpoint.body(query)) <= body
            count = bucket_count(window, asked.granularity, asked.zone)
            assert count * max(1, len(queues_of(query))) <= buckets or count == 1
    windows = [window for window, _ in plan.windows]
    assert (windows[0].start, windows[-1].end) == (plan.window.start, plan.window.end)
    assert all(a.end == b.start for a, b in pairwise(windows))


class TestDigests:
    def digests(self, *, identity: str = "org", **changes: Any) -> tuple[str, ...]:
        fetch, org = changes.pop("fetch", None), changes.pop("org", None)
        ids = changes.pop("ids", ids_of(2))
        job = job_of(fetch, org, **changes)
        plan = plan_of(job, ids, identity=identity)
        return tuple(query.digest for query in plan.queries)

    @pytest.mark.parametrize(
        "change",
        [
            {"fetch": {"concurrency": 3, "settle": "PT0S", "store": "elsewhere"}},
            {"fetch": {"requests_per_minute": 10, "reserve": 50}},
            {"fetch": {"chunk": "P7D"}},
            {"fetch": {"limits": {"body_bytes": 100_000}}},
            {"org": {"region": "eu-west-1", "client_id": "x", "client_secret": "y"}},
            {"filter": {}},
            {"group_by": ["queueId"]},
            {"from": "2026-09-30T23:00:00Z"},
        ],
    )
    def test_what_does_not_change_the_answer(self, change: dict[str, Any]) -> None:
        """How it is asked, stored or written down is not in the digest."""
        assert self.digests(**change) == self.digests()

    @pytest.mark.parametrize(
        "change",
        [
            {"identity": "other"},
            {"metrics": ["nOffered", "tHandle"]},
            {"metrics": ["tHandle"]},
            {"group_by": ["queueId", "mediaType"]},
            {"granularity": "PT30M"},
            {"timezone": "Europe/London"},
            {"media_types": ["voice"]},
            {"filter": {"type": "and", "predicates": [{"dimension": "userId"}]}},
            {"views": [{"target": "tHandle", "name": "v", "range": {"lt": 1}}]},
            {"ids": ids_of(3)},
            {"ids": None},
            {"from": "2026-10-02"},
        ],
    )  # fmt: skip
    def test_what_changes_the_answer(self, change: dict[str, Any]) -> None:
        """No part of another question is ever taken for this one's."""
        assert not set(self.digests(**change)) & set(self.digests())

    def test_they_stay_the_same_between_releases(self) -> None:
        """Stored parts are found again; a new format changes PART_FORMAT instead."""
        window = Window(
            datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 2, tzinfo=UTC)
        )

        query = make_query("org", "conversation-aggregates", window, b"{}")

        assert query.digest == DIGEST
        assert str(query) == f"conversation-aggregates {window}"

    def test_parts_of_another_format_are_no_answer(self) -> None:
        """An endpoint whose parts changed is asked again; all others are not."""
        window = Window(NOW, NOW + DAY)
        asked = ("org", "interval-report", window, b"{}")

        formats = {
            name: endpoint_named(name).part_format
            for name in ENDPOINTS
            if endpoint_named(name).part_format != PART_FORMAT
        }

        assert formats == {"interval-report": 2, "queue-summary": 2}
        assert make_query(*asked) == make_query(*asked, PART_FORMAT)
        assert make_query(*asked).digest != make_query(*asked, 2).digest

    @pytest.mark.parametrize("name", ["interval-report", "queue-summary"])
    def test_a_plan_is_of_its_endpoints_format(self, name: str) -> None:
        """Parts that an earlier release wrote of the same question are not taken."""
        endpoint, window = endpoint_named(name), Window(NOW, NOW + DAY)

        plan = make_plan(
            job_of(endpoint=name, metrics=[]),
            ResolvedScope("org", window, ids_of(1)),
            endpoint,
        )

        (query,) = plan.queries
        older = make_query("org", name, query.window, query.template)
        assert query.digest != older.digest

    def test_equal_bodies_have_equal_bytes(self) -> None:
        """The order of keys is not part of what is asked."""
        assert canonical({"b": 1, "a": [2]}) == canonical({"a": [2], "b": 1})
        assert canonical({"a": [1, 2]}) != canonical({"a": [2, 1]})


DIGEST = "75e92ef12a281dade76b54f8cf2a6947319e5e35"


def test_a_plan_survives_its_note() -> None:
    """What is saved with a run is the same plan when it is read."""
    plan = plan_of(job_of({"limits": {"body_bytes": 2000}}), ids_of(100))

    raw = orjson.loads(orjson.dumps(plan.to_json()))

    assert Plan.from_json(raw) == plan
    assert Plan.from_json(raw).run_id == plan.run_id
    assert len(raw["templates"]) < len(raw["queries"])


@pytest.mark.parametrize("days", [1, 2, 3, 6, 7])
@pytest.mark.parametrize("month", ["2026-03-22", "2026-10-18"])
def test_auto_windows_begin_on_edges_of_buckets(month: str, days: int) -> None:
    """A day counted from 21:00 begins within a bucket when the clocks have changed."""
    start = datetime.fromisoformat(month)
    job = job_of(
        {"limits": {"max_days_subday": days}},
        **{
            "from": f"{start:%Y-%m-%dT21:00}",
            "to": f"{start + timedelta(days=14):%Y-%m-%d}",
            "granularity": "PT3H",
        },
    )

    plan = plan_of(job)

    edges = bucket_edges(plan.window, job.query.granularity, job.query.zone)
    assert {window.start for window, _ in plan.windows} <= set(edges)
    assert all(a.end == b.start for (a, _), (b, _) in pairwise(plan.windows))


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
def test_a_moving_range_of_details_keeps_its_windows(zone: str) -> None:
    """A day later all but the ends are as they were, so that their parts serve."""

    def windows(now: datetime, start: str) -> list[Window]:
        job = Job.model_validate(
            {
                "name": "j",
                "org": {"simulator": True},
                "query": {
                    "endpoint": "conversation-details",
                    "from": start,
                    "to": "today",
                    "timezone": zone,
                },
            }
        )
        query = job.query
        whole = resolve_range(
            query.start, query.end, granularity=None, zone=query.zone, now=now
        )
        endpoint = endpoint_named(query.endpoint)
        plan = make_plan(job, ResolvedScope("org", whole, None), endpoint)
        found = [window for window, _ in plan.windows]
        assert (found[0].start, found[-1].end) == (whole.start, whole.end)
        assert all(a.end == b.start for a, b in pairwise(found))
        return found

    today, tomorrow = windows(NOW, "today-60d"), windows(NOW + DAY, "today-60d")

    assert len(set(today) & set(tomorrow)) >= len(today) - 2
    assert len(windows(NOW, "2026-10-02")) == 2 + (zone != "UTC")


def test_a_template_is_hashed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names hundreds of queues, and 2,000 windows may have it."""
    hashing = Mock(wraps=hash_template)
    monkeypatch.setattr(plan_module, "hash_template", hashing)
    asked = {"group_by": ["queueId"], "timezone": "UTC"}
    job = job_of({"chunk": "P1D"}, queues=list(ids_of(2_000)), **asked)

    plan = plan_of(job, queue_ids=ids_of(2_000))

    templates = {query.template for query in plan.queries}
    assert len(plan.queries) > hashing.call_count == len(templates)
