"""Tables of the tutorials' endpoints are what the tutorials' own words make of answers.

The gateway here speaks their shapes over a socket and refuses any other. Its answers
are made up so that `count`, the number of intervals with data, and `sum`, the total
value, differ everywhere. What the tutorials compute from them is written down here from
what they say, and shares no code with gcbatch or its simulator.
"""

import csv
import json
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import web

import gcbatch

START = datetime(2026, 3, 2, tzinfo=UTC)
HOURS = 60
"""Two and a half days, so that one day is cut off by the range."""

HOUR = timedelta(hours=1)
END = START + HOURS * HOUR
QUEUES: Final = {
    "11111111-2222-4333-8444-000000000001": "Support",
    "11111111-2222-4333-8444-000000000002": "Sales",
    "11111111-2222-4333-8444-000000000003": None,  # deleted: its name is unknown
}
TARGETS = dict(zip(QUEUES, (80.0, 40.0, 10.0), strict=True))
PAGE = 7
"""Rows that the gateway puts on a page, whatever it is asked for."""

Json = dict[str, Any]
Row = dict[str, Any]


def text(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def instant(reported: str) -> datetime:
    return datetime.fromisoformat(reported)


# what the gateway answers


def figure(dice: random.Random, total: float | None) -> Json:
    """Return a total, and a number of intervals that is equal to no total here."""
    return {"count": dice.randint(100_000, 200_000), "sum": total}


def metrics_of(dice: random.Random) -> Json:
    """Return an entity's metrics; now and then some are zero, null or left out."""
    handled = dice.choice([0, dice.randint(1, 40)])
    abandoned = dice.choice([0, dice.randint(1, 20)])
    level = round(dice.uniform(0, 100), 3) if handled else None
    reported = {
        "offerCount": figure(dice, dice.choice([0, handled + abandoned])),
        "handledCount": figure(dice, handled),
        "abandonedCount": figure(dice, abandoned),
        "serviceLevelPercent": figure(dice, dice.choice([level, level, None])),
        "handleTime": figure(dice, round(dice.uniform(1, 9_000), 3)),
        "wrapUpTime": figure(dice, round(dice.uniform(1, 900), 3)),
    }
    for optional in ("serviceLevelPercent", "handleTime", "wrapUpTime"):
        if dice.random() < 0.1:
            del reported[optional]
    return reported


def entities_of(seed: int, skills: Iterable[str | None] = ()) -> list[tuple[str, Json]]:
    """Return entities with the id of their queue, of each hour and skill."""
    dice = random.Random(seed)  # noqa: S311 - figures, no secrets
    return [
        (
            queue_id,
            {
                "date": text(START + hour * HOUR),
                "groupByValues": [name, *beside],
                "metrics": metrics_of(dice),
            },
        )
        for hour in range(HOURS)
        for queue_id, name in QUEUES.items()
        for beside in ([[skill] for skill in skills] or [[]])
    ]


def rows_of(seed: int) -> list[Json]:
    """Return rows of a summary, of each hour and queue."""
    dice = random.Random(seed)  # noqa: S311 - figures, no secrets
    rows = []
    for hour in range(HOURS):
        for queue_id, name in QUEUES.items():
            handled = dice.choice([None, 0, dice.randint(1, 40), dice.randint(1, 40)])
            rows.append(
                {
                    "queue": {"id": queue_id, "name": name, "deleted": name is None},
                    "interval": text(START + hour * HOUR),
                    "totalHandled": handled,
                    "totalAbandoned": dice.choice([None, dice.randint(0, 20)]),
                    "serviceLevel": round(dice.uniform(0, 100), 3) if handled else None,
                    "avgHandleTime": round(dice.uniform(1, 900), 3)
                    if handled
                    else None,
                }
            )
    return rows


class Gateway:
    """Speaks the tutorials' shapes, and no others.

    Args:
        entities: The entities of the first tutorial, each with the id of its queue.
        rows: Rows of the second.
    """

    def __init__(
        self,
        entities: Sequence[tuple[str, Json]] = (),
        rows: Sequence[Json] = (),
    ) -> None:
        self._entities, self._rows = entities, rows
        self.asked: list[Json] = []
        self.app = web.Application()
        post = self.app.router.add_post
        post("/v2/oauth/token", self._token)
        post("/api/v2/analytics/conversations/aggregates/query", self._report)
        post("/api/v2/analytics/queues/summary", self._summary)
        self.app.router.add_get("/api/v2/routing/queues", self._queues)

    async def _token(self, request: web.Request) -> web.Response:
        assert await request.json() == {
            "grant_type": "client_credentials",
            "client_id": "me",
            "client_secret": "s3cret",
        }
        return web.json_response({"access_token": "t", "expires_in": 3600})

    async def _queues(self, _: web.Request) -> web.Response:
        listed = [{"id": i, "name": name} for i, name in QUEUES.items() if name]
        return web.json_response({"entities": listed, "pageCount": 1, "total": 2})

    async def _report(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked.append(body)
        span, (predicate,) = body["dateRange"], body["filter"]["predicates"]
        queue_id = predicate["value"]
        assert body == {
            "dateRange": {"from": span["from"], "to": span["to"]},
            "interval": "PT1H",
            "groupBys": body["groupBys"],
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
        assert request.query["pageSize"] == "250"
        found = [
            entity
            for of, entity in self._entities
            if of == queue_id
            and instant(span["from"]) <= instant(entity["date"]) < instant(span["to"])
        ]
        at = int(request.query.get("pageId", "0"))
        more = {"nextPageId": str(at + PAGE)} if at + PAGE < len(found) else {}
        return web.json_response({"entities": found[at : at + PAGE], **more})

    async def _summary(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked.append(dict(body))
        at = int(body.pop("nextPageToken", "0"))
        (grouping,) = body["groupings"]
        ends = instant(body["dateFrom"]), instant(body["dateTo"])
        assert (grouping["name"], grouping["type"]) == ("queue", "queue")
        found = [
            row
            for row in self._rows
            if row["queue"]["id"] in grouping.get("values", QUEUES)
            and ends[0] <= instant(row["interval"]) < ends[1]
        ]
        token = str(at + PAGE) if at + PAGE < len(found) else None
        return web.json_response(
            {"data": found[at : at + PAGE], "nextPageToken": token}
        )


Run = Callable[..., Any]


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Run]:
    """Run a job against a gateway; return its tables as they were exported."""
    runners: list[web.AppRunner] = []

    async def start(gateway: Gateway, **sections: Any) -> dict[str, list[Row]]:
        runners.append(web.AppRunner(gateway.app))
        await runners[-1].setup()
        await web.TCPSite(runners[-1], "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runners[-1].addresses[0][1]}"
        query = {"from": text(START), "to": text(END), "granularity": "PT1H"}
        tables = ["intervals", *(["sla"] if "sla" in sections else [])]
        job = {
            "name": "truth",
            "org": {
                "api_url": url,
                "login_url": url,
                "token": {"path": "/v2/oauth/token", "style": "json"},
                "client_id": "me",
                "client_secret": "${SECRET}",
            },
            "fetch": {
                "chunk": "PT12H",
                "store": str(tmp_path / "store"),
                "requests_per_minute": 1_000_000,
            },
            "exports": [
                {"exporter": "csv", "table": t, "path": str(tmp_path / f"{t}.csv")}
                for t in tables
            ],
            **sections,
            "query": {**query, **sections["query"]},
        }
        path = tmp_path / "job.yaml"
        path.write_text(json.dumps(job), "utf-8")
        await gcbatch.arun(gcbatch.load_job(path, environ={"SECRET": "s3cret"}))
        return {
            t: list(csv.DictReader(open_text(tmp_path / f"{t}.csv"))) for t in tables
        }

    yield start
    for runner in runners:
        await runner.cleanup()


def open_text(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def number(cell: str) -> float:
    """Return a cell's number; an empty one is 0, as the tutorials take it."""
    return float(cell or 0)


def value_of(cell: str) -> float | None:
    """Return a cell's number; an empty one has none."""
    return float(cell) if cell else None


def close(value: float | None) -> Any:
    return None if value is None else pytest.approx(value, rel=1e-9, abs=1e-12)


# what the first tutorial says of entities


def total(entity: Json, metric: str) -> float:
    """Return the total value of a metric: its sum, 0 where it is not there."""
    value: float = entity["metrics"].get(metric, {}).get("sum") or 0
    return value


def processed(entity: Json) -> Row:
    """Return an entity as the tutorial cleans it."""
    offers = total(entity, "offerCount")
    return {
        "offer_count": offers,
        "handled_count": total(entity, "handledCount"),
        "abandoned_count": total(entity, "abandonedCount"),
        "service_level_percent": close(total(entity, "serviceLevelPercent")),
        "avg_handle_time_s": close(
            total(entity, "handleTime") / offers if offers > 0 else 0
        ),
        "handle_time_sum_s": close(total(entity, "handleTime")),
        "wrap_up_time_sum_s": close(total(entity, "wrapUpTime")),
    }


def quotient(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def percent(part: float, whole: float) -> float | None:
    return quotient(100 * part, whole)


REPORT = {"endpoint": "interval-report", "queues": list(QUEUES)}


@pytest.mark.parametrize("seed", range(3))
async def test_intervals_are_the_entities_processed(run: Run, seed: int) -> None:
    """Calls, seconds and percent are sums, and the average is by offers."""
    entities = entities_of(seed)

    found = await run(Gateway(entities), query=REPORT)

    expected = {
        (entity["date"], queue_id): (QUEUES[queue_id] or queue_id, processed(entity))
        for queue_id, entity in entities
    }
    assert len(found["intervals"]) == len(expected)
    for row in found["intervals"]:
        name, figures = expected[row["interval_start"], row["queue_id"]]
        assert row["queue_name"] == name
        assert {key: number(row[key]) for key in figures} == figures


async def test_the_count_of_handle_time_is_kept_as_it_is(run: Run) -> None:
    """It is a number of intervals, and stands beside the sum as information."""
    entities = entities_of(7)

    found = await run(Gateway(entities), query=REPORT)

    reported = {
        (entity["date"], queue_id): entity["metrics"].get("handleTime", {}).get("count")
        for queue_id, entity in entities
    }
    for row in found["intervals"]:
        expected = reported[row["interval_start"], row["queue_id"]]
        assert row["handle_time_count"] == ("" if expected is None else str(expected))


@pytest.mark.parametrize("seed", range(3))
async def test_days_of_sla_are_added_up_from_sums(run: Run, seed: int) -> None:
    """Levels are weighed by handled calls, handle time is divided by them.

    A rate of nothing is null: that is where gcbatch differs from the tutorials' 0.
    """
    entities = entities_of(seed)

    found = await run(
        Gateway(entities), query=REPORT, sla={"period": "day", "targets": TARGETS}
    )

    sums: dict[tuple[str, str], Row] = defaultdict(lambda: defaultdict(float))
    for queue_id, entity in entities:
        day = sums[entity["date"][:10], queue_id]
        handled = total(entity, "handledCount")
        day["offers"] += total(entity, "offerCount")
        day["handled"] += handled
        day["abandoned"] += total(entity, "abandonedCount")
        day["in time"] += handled * total(entity, "serviceLevelPercent") / 100
        day["seconds"] += total(entity, "handleTime")
    assert len(found["sla"]) == len(sums) == 9
    for row in found["sla"]:
        day = sums[row["period"], row["queue_id"]]
        level = percent(day["in time"], day["handled"])
        expected = {
            "offered": day["offers"],
            "answered": day["handled"],
            "abandoned": day["abandoned"],
            "service_level_pct": close(level),
            "answer_rate_pct": close(percent(day["handled"], day["offers"])),
            "abandon_rate_pct": close(percent(day["abandoned"], day["offers"])),
            "aht_s": close(quotient(day["seconds"], day["handled"])),
        }
        assert {key: value_of(row[key]) for key in expected} == expected
        if level is None:
            assert row["compliance_met"] == ""
        else:
            is_met = level >= TARGETS[row["queue_id"]]
            assert row["compliance_met"] == str(is_met).lower()


SKILLS = ("Irish", "French", None)


@pytest.mark.parametrize(
    ("group_by", "words"),
    [
        (["queueId", "skill"], ["queue", "skill"]),
        (["skill", "queueId"], ["skill", "queue"]),
        (["queueId", "wrapUpCode"], ["queue", "wrapUpCode"]),
    ],
)
async def test_a_row_is_of_every_combination(
    run: Run, group_by: list[str], words: list[str]
) -> None:
    """Values stand in the order of the groups, each in a column of its own."""
    entities = entities_of(5, SKILLS)
    if words[-1] == "queue":
        for _, entity in entities:
            entity["groupByValues"].reverse()
    gateway = Gateway(entities)

    found = await run(gateway, query={**REPORT, "group_by": group_by})

    (column,) = {"skill", "wrap_up_code"} & found["intervals"][0].keys()
    expected = {
        (entity["date"], queue_id, entity["groupByValues"][1 - words.index("queue")]): (
            QUEUES[queue_id] or queue_id,
            processed(entity),
        )
        for queue_id, entity in entities
    }
    assert {tuple(body["groupBys"]) for body in gateway.asked} == {tuple(words)}
    assert len(found["intervals"]) == len(expected) == HOURS * len(QUEUES) * len(SKILLS)
    for row in found["intervals"]:
        key = (row["interval_start"], row["queue_id"], row[column] or None)
        name, figures = expected[key]
        assert row["queue_name"] == name
        assert {key: number(row[key]) for key in figures} == figures


# what the second tutorial says of rows


def aggregated(rows: Iterable[Json]) -> Mapping[str, Row]:
    """Return the totals of each queue, as the tutorial adds them up."""
    sums: dict[str, Row] = defaultdict(lambda: defaultdict(float))
    for row in rows:
        queue, handled = sums[row["queue"]["id"]], row["totalHandled"] or 0
        queue["handled"] += handled
        queue["abandoned"] += row["totalAbandoned"] or 0
        queue["seconds"] += handled * (row["avgHandleTime"] or 0)
        if handled > 0:
            queue["in time"] += handled * ((row["serviceLevel"] or 0) / 100.0)
    return sums


SUMMARY = {"endpoint": "queue-summary", "queues": list(QUEUES)}


@pytest.mark.parametrize("seed", range(3))
async def test_a_summary_is_added_up_as_its_tutorial_does(run: Run, seed: int) -> None:
    """Null is 0; levels and averages are weighed by the handled calls."""
    rows = rows_of(seed)

    found = await run(
        Gateway(rows=rows), query=SUMMARY, sla={"period": "total", "targets": TARGETS}
    )

    expected = aggregated(rows)
    assert len(found["sla"]) == len(expected) == len(QUEUES)
    for row in found["sla"]:
        sums = expected[row["queue_id"]]
        handled, abandoned = sums["handled"], sums["abandoned"]
        level = (sums["in time"] / handled) * 100
        assert row["queue_name"] == (QUEUES[row["queue_id"]] or row["queue_id"])
        assert number(row["answered"]) == handled
        assert number(row["abandoned"]) == abandoned
        assert number(row["service_level_pct"]) == close(level)
        is_met = level >= TARGETS[row["queue_id"]]
        assert row["compliance_met"] == str(is_met).lower()
        offered = handled + abandoned
        assert number(row["answer_rate_pct"]) == close(percent(handled, offered))
        assert number(row["abandon_rate_pct"]) == close(percent(abandoned, offered))
        assert number(row["aht_s"]) == close(sums["seconds"] / handled)


async def test_a_summarys_intervals_are_its_rows(run: Run) -> None:
    """Number by number; what was null stays empty, and no name is the id."""
    rows = rows_of(4)

    found = await run(Gateway(rows=rows), query=SUMMARY)

    reported = {(row["interval"], row["queue"]["id"]): row for row in rows}
    columns = {
        "total_handled": "totalHandled",
        "total_abandoned": "totalAbandoned",
        "service_level": "serviceLevel",
        "avg_handle_time_s": "avgHandleTime",
    }
    assert len(found["intervals"]) == len(reported)
    for row in found["intervals"]:
        raw = reported[row["interval_start"], row["queue_id"]]
        assert row["queue_name"] == (raw["queue"]["name"] or raw["queue"]["id"])
        for column, wire in columns.items():
            assert value_of(row[column]) == raw[wire]


async def test_queues_marked_as_deleted_can_be_left_out(run: Run) -> None:
    """As the tutorial says of reports on active queues only."""
    found = await run(
        Gateway(rows=rows_of(6)),
        query={"endpoint": "queue-summary"},
        sla={"period": "total", "include_deleted": False},
    )

    assert {row["queue_name"] for row in found["sla"]} == {"Support", "Sales"}
