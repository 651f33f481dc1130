"""The two endpoints of the tutorials, from the request to the table `sla`."""

import json
import math
import re
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from gcbatch import AccessError, DataError, JobError, RunReport
from gcbatch.simulator import Call, Fault, Faults, Queue, Tenant, generate_calls

if TYPE_CHECKING:
    from tests.conftest import Workspace, WorkspaceOf

API, REPORT, SUMMARY = "conversation-aggregates", "interval-report", "queue-summary"
TUTORIALS = (REPORT, SUMMARY)
DOCS = Path(__file__).parents[2] / "docs"
DAY = timedelta(days=1)
MISSING = "buckets with handled calls but no service level"
QUEUE_COUNT = 6
DATA_VIEW = "analytics:conversationAggregate:view"

Row = dict[str, Any]

both = pytest.mark.parametrize("endpoint", TUTORIALS)


def ask(workspace: "Workspace", endpoint: str, **sections: Any) -> RunReport:
    """Run the usual job with another endpoint, exporting nothing."""
    query = {"endpoint": endpoint, **sections.pop("query", {})}
    if endpoint in TUTORIALS:
        query["metrics"] = []
    sections.setdefault("sla", {})
    return workspace.run(endpoint, query=query, exports=[], **sections)


def sla(report: RunReport) -> list[Row]:
    """Return the rows of `sla`, of the job's period."""
    rows: list[Row] = report.tables["sla"].read_all().to_pylist()
    return rows


def intervals(report: RunReport) -> list[Row]:
    rows: list[Row] = report.tables["intervals"].read_all().to_pylist()
    return rows


def totals(workspace: "Workspace", endpoint: str, **sections: Any) -> dict[str, Row]:
    """Return the rows of the whole range by queue."""
    report = ask(workspace, endpoint, sla={"period": "total"}, **sections)
    return {row["queue_name"]: row for row in sla(report)}


class TestAgreement:
    def test_three_endpoints_agree_on_the_same_calls(
        self, workspace: "Workspace"
    ) -> None:
        """Answered, abandoned and handle time are the same per queue, to the call."""
        api = totals(workspace, API)
        report, summary = (totals(workspace, endpoint) for endpoint in TUTORIALS)

        assert len(api) == QUEUE_COUNT
        assert report.keys() == summary.keys() == api.keys()
        for name, row in api.items():
            for other in (report[name], summary[name]):
                for count in ("answered", "abandoned"):
                    assert other[count] == row[count] > 0, name
                assert math.isclose(other["aht_s"], row["aht_s"], rel_tol=1e-9), name
                assert other["asa_s"] is None
            assert report[name]["offered"] == row["offered"]
            offered = summary[name]["answered"] + summary[name]["abandoned"]
            assert summary[name]["offered"] == offered

    def test_days_agree_too(self, workspace: "Workspace") -> None:
        """What is counted where it happens agrees by the day as well."""
        days = {}
        for endpoint in (API, *TUTORIALS):
            rows = sla(ask(workspace, endpoint))
            days[endpoint] = {
                (row["period"], row["queue_name"]): (row["answered"], row["abandoned"])
                for row in rows
                if row["answered"] or row["abandoned"]
            }

        assert days[REPORT] == days[API]
        assert days[SUMMARY] == days[API]

    def test_their_levels_are_those_of_the_docs(self, workspace: "Workspace") -> None:
        """The table of docs/numbers.md is what the sample week gives."""
        api = totals(workspace, API)
        report, summary = (totals(workspace, endpoint) for endpoint in TUTORIALS)
        text = (DOCS / "numbers.md").read_text("utf-8")
        header = "| queue | answered | abandoned | AHT | API | tutorials |"
        table = text.split(header)[1].split("\n\n")[0].splitlines()[2:]
        reported = [
            [cell.strip() for cell in line.strip("|").split("|")] for line in table
        ]

        def clock(seconds: float) -> str:
            return f"{round(seconds) // 60}:{round(seconds) % 60:02}"

        expected = [
            [
                name,
                f"{row['answered']:,}",
                f"{row['abandoned']:,}",
                clock(row["aht_s"]),
                f"{row['service_level_pct']:.1f} %",
                f"{report[name]['service_level_pct']:.1f} %",
            ]
            for name, row in api.items()
        ]
        assert sorted(reported) == sorted(expected)
        for name, row in summary.items():
            level = report[name]["service_level_pct"]
            assert math.isclose(row["service_level_pct"], level, rel_tol=1e-9)

    def test_a_level_is_of_the_handled_calls(self, workspace: "Workspace") -> None:
        """It is the API's numerator over the answered calls alone."""
        rows = ask(workspace, API, sla={"period": "total"}).tables["sla"]
        in_time = {
            row["queue_name"]: (row["service_level_numerator"], row["answered"])
            for row in rows.read_all().to_pylist()
        }

        for endpoint in TUTORIALS:
            for name, row in totals(workspace, endpoint).items():
                part, whole = in_time[name]
                level = row["service_level_pct"]
                assert math.isclose(level, 100 * part / whole, rel_tol=1e-9)

    @both
    @pytest.mark.parametrize("chunk", ["auto", "PT6H"])
    def test_any_cut_gives_the_same_numbers(
        self, workspace: "Workspace", endpoint: str, chunk: str
    ) -> None:
        """Split anyhow, counts are the same, floats to 1e-9."""
        queues = ["Prospects", "Call-backs"]
        query = {"queues": queues, "to": "1999-08-05"}
        expected = sla(ask(workspace, endpoint, query=query, fetch={"chunk": "P1D"}))

        found = sla(ask(workspace, endpoint, query=query, fetch={"chunk": chunk}))

        assert len(found) == len(expected) == 8
        for row, other in zip(found, expected, strict=True):
            for name, value in row.items():
                assert other[name] == (
                    pytest.approx(value, rel=1e-9)
                    if isinstance(value, float)
                    else value
                )


class TestOnTheWire:
    def test_a_report_asks_a_queue_a_query(self, workspace: "Workspace") -> None:
        """Body and parameters are the tutorial's; a page is a parameter."""
        query = {"queues": ["Prospects"], "granularity": "PT15M"}
        ask(workspace, REPORT, query=query, fetch={"chunk": "P7D"})

        first, *others = workspace.data_requests
        (queue_id,) = {p["value"] for p in first.request["filter"]["predicates"]}
        assert first.request == {
            "dateRange": {
                "from": "1999-07-31T21:00:00.000Z",
                "to": "1999-08-07T21:00:00.000Z",
            },
            "interval": "PT15M",
            "groupBys": ["queue"],
            "metrics": [
                "offerCount",
                "handledCount",
                "abandonedCount",
                "serviceLevelPercent",
                "handleTime",
                "wrapUpTime",
            ],
            "filter": {
                "type": "AND",
                "predicates": [
                    {"type": "EQUALS", "field": "queue.id", "value": queue_id}
                ],
            },
        }
        assert first.query == "pageSize=250"
        assert others
        for entry in others:
            assert entry.request == first.request
            assert parse_qs(entry.query).keys() == {"pageSize", "pageId"}

    def test_a_summarys_token_travels_in_the_body(self, workspace: "Workspace") -> None:
        """The next page's token stands beside the unchanged query."""
        query = {"queues": ["Prospects", "Call-backs"]}
        ask(workspace, SUMMARY, query=query, fetch={"chunk": "P7D"})

        first, *others = workspace.data_requests
        (grouping,) = first.request["groupings"]
        assert first.request == {
            "dateFrom": "1999-07-31T21:00:00.000Z",
            "dateTo": "1999-08-07T21:00:00.000Z",
            "interval": "PT1H",
            "metrics": [
                "totalHandled",
                "totalAbandoned",
                "serviceLevel",
                "avgHandleTime",
            ],
            "groupings": [
                {"name": "queue", "type": "queue", "values": grouping["values"]}
            ],
        }
        assert len(grouping["values"]) == 2
        assert len(others) >= 1
        tokens = [entry.request.pop("nextPageToken") for entry in others]
        assert all(entry.request == first.request for entry in others)
        assert len(set(tokens)) == len(tokens)
        assert {entry.query for entry in workspace.data_requests} == {""}

    @both
    def test_a_token_is_asked_as_the_tutorial_asks(
        self, workspace: "Workspace", endpoint: str
    ) -> None:
        """POST /v2/oauth/token with a JSON body, where the job says so."""
        org = {"token": {"path": "/v2/oauth/token", "style": "json"}}

        report = ask(workspace, endpoint, org=org)

        paths = [entry.path for entry in workspace.simulator.requests("oauth")]
        assert paths == ["/v2/oauth/token"]
        assert report.tokens == 1
        assert len(sla(report)) > 0

    def test_a_wrong_style_is_refused_in_words(self, workspace: "Workspace") -> None:
        """Basic credentials are not what that address wants."""
        org = {"token": {"path": "/v2/oauth/token"}}

        with pytest.raises(AccessError, match="/v2/oauth/token") as caught:
            ask(workspace, REPORT, org=org)

        assert workspace.simulator.client_secret not in str(caught.value)

    def test_all_listed_queues_are_asked_where_none_is_named(
        self, workspace: "Workspace"
    ) -> None:
        """A report fans out over them; a summary asks them all at once."""
        report = ask(workspace, REPORT, fetch={"chunk": "P7D"})
        asked = {
            p["value"]
            for entry in workspace.data_requests
            for p in entry.request["filter"]["predicates"]
        }
        workspace.simulator.request_log.clear()
        ask(workspace, SUMMARY, fetch={"chunk": "P7D"})

        assert report.queries == len(asked) == QUEUE_COUNT
        for entry in workspace.data_requests:
            assert entry.request["groupings"] == [{"name": "queue", "type": "queue"}]

    def test_a_report_needs_the_queues_listed(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """Who may not list queues has to name them by id."""
        workspace = workspace_of(permissions=frozenset({DATA_VIEW}))

        with pytest.raises(
            AccessError, match="interval-report requests data by queue"
        ) as caught:
            ask(workspace, REPORT)

        assert caught.value.exit_code == 3
        assert not workspace.data_requests

    def test_queues_named_by_id_need_no_listing(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """Their names come with the answers."""
        workspace = workspace_of(permissions=frozenset({DATA_VIEW}))
        (queue,) = (
            q for q in workspace.simulator.tenant.queues if q.name == "Prospects"
        )

        for endpoint in TUTORIALS:
            rows = sla(ask(workspace, endpoint, query={"queues": [queue.id]}))
            assert {row["queue_name"] for row in rows} == {"Prospects"}
            assert {row["target_pct"] for row in rows} == {None}

    def test_an_org_that_lists_no_queue_is_refused(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """There is nothing to ask by: the client's divisions may hide them all."""
        workspace = workspace_of(Tenant(name="Bare", version="1"))

        with pytest.raises(AccessError, match="the org lists none") as caught:
            ask(workspace, REPORT)

        assert "divisions" in str(caught.value.hint)

    def test_a_section_sla_that_comes_later_brings_targets(
        self, workspace: "Workspace"
    ) -> None:
        """Stored parts serve, but the queues' own targets are looked up then."""
        query = {"granularity": "PT1H"}
        ask(workspace, SUMMARY, query=query, sla=None)
        asked = len(workspace.data_requests)

        rows = sla(ask(workspace, SUMMARY, query=query, sla={}))

        assert len(workspace.data_requests) == asked
        assert {row["target_pct"] for row in rows} == {80.0}


class TestPages:
    WEEK: ClassVar = {"chunk": "P7D"}
    QUARTERS: ClassVar = {"granularity": "PT15M", "queues": ["Prospects"]}

    @both
    @pytest.mark.parametrize("kind", ["repeated_token", "looping_tokens"])
    def test_a_loop_is_named_and_left(
        self, workspace_of: "WorkspaceOf", endpoint: str, kind: Any
    ) -> None:
        """A token that comes again would never end: exit 5, and nothing is stored."""
        workspace = workspace_of(faults=Faults(Fault(kind, times=None)))

        with pytest.raises(DataError, match="pages run in a loop") as caught:
            ask(workspace, endpoint, query=self.QUARTERS, fetch=self.WEEK)

        assert caught.value.exit_code == 5
        assert f"{endpoint} 1999-07-31T21:00:00.000Z/" in caught.value.problem
        pages = re.findall(r"page (\d+)", caught.value.problem)
        assert len(pages) == 2
        assert len(workspace.data_requests) < 20
        assert workspace.parts == []

    @pytest.mark.one_in(4)
    @both
    @pytest.mark.parametrize("nth", [(1,), (2,), (1, 2)])
    def test_an_empty_page_in_between_loses_nothing(
        self, workspace_of: "WorkspaceOf", endpoint: str, nth: tuple[int, ...]
    ) -> None:
        """Only a missing token ends the pages, not a page without rows."""
        sections: dict[str, Any] = {"query": self.QUARTERS, "fetch": self.WEEK}
        expected = intervals(ask(workspace_of(), endpoint, **sections))
        fault = Fault("empty_page", nth=nth, times=None)
        workspace = workspace_of(faults=Faults(fault))

        found = intervals(ask(workspace, endpoint, **sections))

        assert len(workspace.simulator.faults.triggered) == len(nth)
        assert found == expected

    @pytest.mark.one_in(2)
    @both
    @pytest.mark.parametrize("kind", ["no_results", "extra_fields", "offset_intervals"])
    def test_what_answers_may_be_like(
        self, workspace_of: "WorkspaceOf", endpoint: str, kind: Any
    ) -> None:
        """A missing list is an empty one; unknown keys and offsets change no row."""
        expected = intervals(ask(workspace_of(), endpoint))
        workspace = workspace_of(faults=Faults(Fault(kind, times=None)))

        found = intervals(ask(workspace, endpoint))

        assert found == ([] if kind == "no_results" else expected)


class TestOddAnswers:
    @both
    @pytest.mark.parametrize(
        ("kind", "words"),
        [
            ("outside_bucket", "is outside the window"),
            ("overlapping_buckets", "is not the start of a bucket"),
            ("doubled_bucket", "twice"),
        ],
    )
    def test_a_bucket_that_cannot_be_is_named(
        self, workspace_of: "WorkspaceOf", endpoint: str, kind: Any, words: str
    ) -> None:
        """Exit 5 with the query and the bucket; nothing is exported or stored."""
        workspace = workspace_of(faults=Faults(Fault(kind)))

        with pytest.raises(DataError, match=words) as caught:
            ask(workspace, endpoint, fetch={"chunk": "P7D", "concurrency": 1})

        assert caught.value.exit_code == 5
        problem = caught.value.problem
        assert problem.startswith(f"{endpoint} 1999-07-31T21:00:00.000Z/1999-08-07T")
        assert re.search(r" (199[89]-\d\d-\d\dT\d\d:\d\d)", problem.split(": ", 1)[1])
        assert workspace.parts == []

    def test_of_several_doubled_buckets_the_earliest_is_named(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """However they are ordered, and however many are sound."""
        hours = [7, 5, 6, 7, 5, 4]
        rows = [{"date": f"1999-08-01T{hour:02}:00:00Z"} for hour in hours]
        body = json.dumps({"entities": rows}).encode()
        workspace = workspace_of(faults=Faults(Fault("garbage", body=body, times=None)))

        with pytest.raises(
            DataError, match=r"bucket 1999-08-01T05.* is answered twice"
        ):
            ask(workspace, "interval-report")

    @both
    @pytest.mark.parametrize(
        "start", ["1999-08-01T00:00:00", "noon", "9999-12-31T23:00-23:00"]
    )
    def test_a_start_that_is_no_instant_is_refused(
        self, workspace_of: "WorkspaceOf", endpoint: str, start: str
    ) -> None:
        """One without an offset would be taken for this machine's time."""
        row = {"queue": {"id": "q"}, "interval": start}
        body = json.dumps({"entities": [{"date": start}], "data": [row]}).encode()
        workspace = workspace_of(faults=Faults(Fault("garbage", body=body, times=None)))

        with pytest.raises(DataError, match="is no instant") as caught:
            ask(workspace, endpoint)

        assert start in caught.value.problem

    @both
    def test_wrong_types_are_refused(
        self, workspace_of: "WorkspaceOf", endpoint: str
    ) -> None:
        """A text where a number belongs is exit 5."""
        workspace = workspace_of(faults=Faults(Fault("wrong_types", times=None)))

        with pytest.raises(DataError) as caught:
            ask(workspace, endpoint)

        assert caught.value.exit_code == 5

    @both
    def test_null_levels_count_as_0(
        self, workspace_of: "WorkspaceOf", endpoint: str
    ) -> None:
        """As the tutorial says; the report says of how many buckets."""
        workspace = workspace_of(faults=Faults(Fault("null_levels", times=None)))

        report = ask(workspace, endpoint, sla={"period": "total"})

        handled, level = ("handled_count", "service_level_percent")
        if endpoint == SUMMARY:
            handled, level = ("total_handled", "service_level")
        missing, part, whole = 0, 0.0, 0
        for row in intervals(report):
            missing += row[handled] > 0 and row[level] is None
            part += row[handled] * (row[level] or 0)
            whole += row[handled]
        assert missing > 100
        assert report.warnings == (f"{MISSING}: {missing:,}",)
        reached = sum(r["answered"] * r["service_level_pct"] for r in sla(report))
        assert reached == pytest.approx(part, rel=1e-9)
        assert sum(row["answered"] for row in sla(report)) == whole

    @both
    def test_levels_without_handled_calls_are_not_missed(
        self, workspace: "Workspace", endpoint: str
    ) -> None:
        """A null level of a bucket without handled calls is no remark."""
        report = ask(workspace, endpoint)

        assert report.warnings == ()

    @both
    def test_missing_names_fall_back(
        self, workspace_of: "WorkspaceOf", endpoint: str
    ) -> None:
        """To the id in `intervals`; `sla` knows the listing's, and its targets hold."""
        workspace = workspace_of(faults=Faults(Fault("nameless_queues", times=None)))

        report = ask(workspace, endpoint, sla={"targets": {"Prospects": 3}})

        rows = intervals(report)
        assert all(row["queue_name"] == row["queue_id"] for row in rows)
        targets = {row["queue_name"]: row["target_pct"] for row in sla(report)}
        assert targets["Prospects"] == 3
        assert targets["Call-backs"] == 80
        assert report.warnings == ()

    def test_without_offers_they_are_handled_and_abandoned(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """In `sla`, for a bucket that lacks the offer count; `intervals` has null."""
        workspace = workspace_of(faults=Faults(Fault("no_offers", times=None)))

        report = ask(workspace, REPORT)

        assert {row["offer_count"] for row in intervals(report)} == {None}
        for row in sla(report):
            assert row["offered"] == row["answered"] + row["abandoned"]

    def test_a_row_without_a_start_is_the_windows(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """A summary of one bucket need not say when it starts."""
        row = {"queue": {"id": "q", "name": "Q"}, "totalHandled": 4.0}
        row |= {"totalAbandoned": 1, "serviceLevel": 75, "avgHandleTime": 60.5}
        body = json.dumps({"data": [row]}).encode()
        workspace = workspace_of(faults=Faults(Fault("garbage", body=body, times=None)))

        report = ask(
            workspace, SUMMARY, query={"granularity": "P1D", "to": "1999-08-02"}
        )

        (day,) = intervals(report)
        assert day["interval_end"] - day["interval_start"] == DAY
        (found,) = sla(report)
        assert (found["period"], found["offered"]) == ("1999-08-01", 5)
        assert found["service_level_pct"] == 75
        assert found["aht_s"] == 60.5

    def test_a_row_without_a_start_is_of_no_bucket_among_several(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """A whole window's numbers are not those of its first hour."""
        row = {"queue": {"id": "q", "name": "Q"}, "totalHandled": 4}
        body = json.dumps({"data": [row]}).encode()
        workspace = workspace_of(faults=Faults(Fault("garbage", body=body, times=None)))

        with pytest.raises(DataError, match="row 1: names no bucket"):
            ask(workspace, SUMMARY, query={"to": "1999-08-02"})


DUBLIN, LORD_HOWE = "Europe/Dublin", "Australia/Lord_Howe"
CHANGES = {
    DUBLIN: ("2026-03-29", "2026-10-25"),
    LORD_HOWE: ("2026-04-05", "2026-10-04"),
}
QUEUES = tuple(
    Queue(id=str(UUID(int=n * 2**64 + 13)), name=f"Queue {n}") for n in range(2)
)


@cache
def changing() -> Tenant:
    """Return an org with calls about every change of the clocks."""
    calls: list[Call] = []
    for seed, day in enumerate(sorted({d for days in CHANGES.values() for d in days})):
        noon = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
        calls += generate_calls(seed, QUEUES, noon - 3 * DAY, noon + 3 * DAY)
    # Each counted once: the spans of two zones' changes do not meet.
    return Tenant(name="Changes", version="1", queues=QUEUES, calls=tuple(calls))


class TestChangesOfTheClocks:
    @pytest.mark.one_in(7)
    @both
    @pytest.mark.parametrize("granularity", ["P1D", "PT6H", "PT1H"])
    @pytest.mark.parametrize("zone", CHANGES)
    @pytest.mark.parametrize("change", [0, 1])
    def test_days_are_the_apis(
        self,
        workspace_of: "WorkspaceOf",
        endpoint: str,
        granularity: str,
        zone: str,
        change: int,
    ) -> None:
        """Though these shapes know no zone, a local day has its own calls."""
        day = date.fromisoformat(CHANGES[zone][change])
        workspace = workspace_of(changing())
        query = {
            "from": str(day - DAY),
            "to": str(day + 2 * DAY),
            "timezone": zone,
            "granularity": granularity,
        }

        counts = []
        for asked in (API, endpoint):
            rows = sla(ask(workspace, asked, query=query, fetch={"chunk": "auto"}))
            counts.append(
                {
                    (row["period"], row["period_start"], row["period_end"],
                     row["queue_name"]): (row["answered"], row["abandoned"])
                    for row in rows
                }
            )  # fmt: skip

        assert len(counts[0]) == 6
        assert counts[0] == counts[1]

    @both
    @pytest.mark.parametrize(
        ("day", "length"),
        [
            ("2026-03-29", "PT1380M"),
            ("2026-10-25", "PT1500M"),
            ("2026-10-24", "PT1440M"),
        ],
    )
    def test_a_day_is_asked_as_it_is_long(
        self, workspace_of: "WorkspaceOf", endpoint: str, day: str, length: str
    ) -> None:
        """P1D is asked window by window, each of one bucket of 23 to 25 hours."""
        workspace = workspace_of(changing())
        after = date.fromisoformat(day) + DAY
        query = {
            "from": day,
            "to": str(after),
            "timezone": DUBLIN,
            "granularity": "P1D",
            "queues": ["Queue 0"],
        }

        report = ask(workspace, endpoint, query=query, fetch={"chunk": "auto"})

        assert {entry.request["interval"] for entry in workspace.data_requests} == {
            length
        }
        (row,) = intervals(report)
        start, end = (
            datetime.combine(d, datetime.min.time(), ZoneInfo(DUBLIN)).astimezone(UTC)
            for d in (date.fromisoformat(day), after)
        )
        assert (row["interval_start"], row["interval_end"]) == (start, end)

    @both
    @pytest.mark.parametrize(
        ("granularity", "chunk", "zone"),
        [
            pytest.param("P1D", "P2D", "UTC", id="several days a window"),
            pytest.param("PT6H", "P3D", DUBLIN, id="six hours after a change"),
            pytest.param("PT1H", "P3D", LORD_HOWE, id="a change of half an hour"),
        ],
    )
    def test_a_chunk_that_leaves_the_calendar_is_refused(
        self,
        workspace_of: "WorkspaceOf",
        endpoint: str,
        granularity: str,
        chunk: str,
        zone: str,
    ) -> None:
        """Counted from a window's start, buckets would not be those of the days."""
        workspace = workspace_of(changing())
        day = date.fromisoformat(CHANGES.get(zone, CHANGES[DUBLIN])[1])
        query = {
            "from": str(day - DAY),
            "to": str(day + 2 * DAY),
            "timezone": zone,
            "granularity": granularity,
        }

        with pytest.raises(JobError, match=r"fetch\.chunk"):
            ask(workspace, endpoint, query=query, fetch={"chunk": chunk})

        assert not workspace.data_requests
