"""Mutated answers: the rows that are in them, or an error; never wrong rows silently.

A good answer of the simulator is changed structurally, and read by the client and the
endpoint as in a run. What they make of it is compared with what a decoder says that
shares no code with them, and that is as simple as the format allows: the standard
library's JSON, loops, and a row a bucket.
"""

import copy
import json
import math
import os
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any, cast

import pytest

from gcbatch.endpoints.aggregates.endpoint import Aggregates
from gcbatch.endpoints.base import AggregateEndpoint
from gcbatch.endpoints.lookup import endpoint_named
from gcbatch.errors import DataError, ServiceError
from gcbatch.genesys.client.config import ClientConfig
from gcbatch.genesys.client.org_client import build_client
from gcbatch.genesys.client.transport import Response, Transport
from gcbatch.genesys.families import family_named
from gcbatch.genesys.regions import Hosts
from gcbatch.job.query import QuerySection
from gcbatch.query import make_query
from gcbatch.simulator import sample_tenant
from gcbatch.simulator.aggregates.answers import answer_query
from gcbatch.simulator.aggregates.query import Limits, read_query
from gcbatch.simulator.tenant.events import events_of
from gcbatch.windows import Window

pytestmark = pytest.mark.chaos

ANSWERS = int(os.environ.get("GCBATCH_CHAOS_ANSWERS", "4000"))
CHUNKS = 4
SHOWN = 4000
"""Characters of an answer in a failure."""
START = datetime(1999, 8, 1, tzinfo=UTC)
DAY = Window(START, START + timedelta(days=1))
ASKED = QuerySection.model_validate(
    {
        "from": "1999-08-01",
        "to": "1999-08-02",
        "granularity": "PT6H",
        "metrics": ["nOffered", "tHandle", "oServiceLevel"],
    }
)
QUERY = make_query(
    "org",
    ASKED.endpoint,
    DAY,
    endpoint_named(ASKED.endpoint).template(ASKED, None),
)
COLUMNS: dict[str, dict[str, tuple[str, type]]] = {
    "nOffered": {"count": ("n_offered", int)},
    "tHandle": {
        "count": ("t_handle_count", int),
        "sum": ("t_handle_sum_ms", int),
        "min": ("t_handle_min_ms", int),
        "max": ("t_handle_max_ms", int),
    },
    "oServiceLevel": {
        "numerator": ("o_service_level_numerator", int),
        "denominator": ("o_service_level_denominator", int),
        "ratio": ("o_service_level_ratio", float),
        "target": ("o_service_level_target", float),
    },
}
STATISTICS = (
    "count", "sum", "min", "max", "countNegative", "countPositive", "current", "ratio",
    "numerator", "denominator", "target",
)  # fmt: skip
NEWER = ("p95", "p99", "calculatedMetricValue")
Rows = list[dict[str, Any]]
Node = tuple[Any, Any]
NUMBERS = (
    0,
    -1,
    1,
    0.5,
    -0.0,
    1e300,
    2**31,
    2**53 + 1,
    2**63 - 1,
    2**63,
    2**64,
    -(2**63),
    10**30,
)
OTHERS: tuple[Any, ...] = (
    None,
    True,
    False,
    "",
    "many",
    "7",
    [],
    {},
    [1],
    {"count": 1},
    *NUMBERS,
)
WORDS = (
    *STATISTICS, *NEWER, "metric", "stats", "qualifier", "interval", "metrics", "group",
    "data", "results", "views", "queueId", "queueID", "nOffered", "tHandle", "newKey",
    "",
)  # fmt: skip
SHIFTS_S = (-86_400, -21_600, -10_800, -300, -1, -0.001, 0.001, 1, 300, 10_800, 21_600)
INTERVALS = (
    "", "/", "1999-08-01", "1999-08-01/1999-08-02", "now/then", "P1D/P1D", "a/b/c",
    "1999-08-01T00:00:00/1999-08-01T06:00:00",
    "1999-08-01T06:00:00.000Z/1999-08-01T00:00:00.000Z",
    "1999-08-01T03:00:00.000+03:00/1999-08-01T09:00:00.000+03:00",
    "1999-08-01T00:00:00.0001Z/1999-08-01T06:00:00Z",
    "1999-08-01T24:00:00Z/1999-08-02T00:00:00Z",
    "0001-01-01T00:00:00+14:00/9999-12-31T23:59:59-14:00",
)  # fmt: skip


class UnreadableError(Exception):
    """The simple decoder cannot say what the rows are."""


def _need(fine: object) -> None:
    if not fine:
        raise UnreadableError


def _rows(body: bytes) -> Rows:
    """Decode an answer, simply; see the module."""
    try:
        page = json.loads(body.decode())
    except (ValueError, RecursionError) as exc:
        raise UnreadableError from exc
    _need(isinstance(page, dict))
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for result in _list_in(page, "results"):
        _need(isinstance(result, dict))
        group = result.get("group") or {}
        _need(isinstance(group, dict))
        for bucket in _list_in(result, "data"):
            _need(isinstance(bucket, dict) and isinstance(bucket.get("interval"), str))
            start, end = _ends(bucket["interval"])
            _need(DAY.start <= start < end <= DAY.end)
            for metric in _list_in(bucket, "metrics"):
                _need(isinstance(metric, dict))
                name, stats = metric.get("metric"), metric.get("stats")
                if name not in COLUMNS:
                    continue
                _need(isinstance(stats, dict) and not metric.get("qualifier"))
                key = (start, end, group.get("queueId"))
                row = rows.setdefault(key, {})
                for statistic, value in stats.items():
                    if statistic not in STATISTICS or value is None:
                        continue
                    _need(statistic in COLUMNS[name])
                    column, kind = COLUMNS[name][statistic]
                    _need(column not in row)
                    row[column] = _number(value, kind)
    keys = sorted(rows, key=lambda k: (k[2] or "", k[0], k[1]))
    for a, b in pairwise(keys):
        _need(a[2] != b[2] or a[1] <= b[0])
    return [
        {"interval_start": k[0], "interval_end": k[1], **rows[k]}
        | ({} if k[2] is None else {"queue_id": k[2]})
        for k in keys
    ]


def _list_in(holder: dict[str, Any], key: str) -> list[Any]:
    value = holder.get(key)
    _need(value is None or isinstance(value, list))
    return value or []


def _ends(text: str) -> tuple[datetime, datetime]:
    parts = text.split("/")
    _need(len(parts) == 2)
    try:
        start, end = (datetime.fromisoformat(part) for part in parts)
        _need(start.tzinfo and end.tzinfo)
        return start.astimezone(UTC), end.astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise UnreadableError from exc


def _number(value: Any, kind: type) -> float:
    _need(isinstance(value, int | float) and not isinstance(value, bool))
    _need(math.isfinite(value))
    if kind is float:
        return float(value)
    _need(value == int(value) and 0 <= value < 2**63)
    return int(value)


@cache
def _good() -> bytes:
    """Return the simulator's answer."""
    family, limits = family_named(ASKED.endpoint), Limits()
    assert family
    query = read_query(Aggregates(family).body(QUERY), family, limits)
    return json.dumps(answer_query(query, events_of(sample_tenant()), limits)).encode()


class Line:
    """Answers every request with the same bytes, as a transport would."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    async def send(self, _method: str, url: str, **_: Any) -> Response:
        if url.endswith("/oauth/token"):
            return Response(200, {}, b'{"access_token": "t", "expires_in": 86400}')
        return Response(200, {}, self.body)


async def _run(body: bytes, clock: Callable[[], float]) -> Rows:
    connection = ClientConfig(
        hosts=Hosts("http://127.0.0.1", "http://127.0.0.1"),
        client_id="c",
        client_secret="s",
        token_path="/oauth/token",
        token_style="basic",
        requests_per_minute=1_000_000,
        reserve=0,
        concurrency=1,
        timeout_s=10,
        give_up_s=10,
        max_response_bytes=10**7,
    )
    client = build_client(cast("Transport", Line(body)), connection, clock).client
    endpoint = cast("AggregateEndpoint", endpoint_named(ASKED.endpoint))
    part = await endpoint.fetch(client, QUERY, ASKED)
    rows: Rows = part.table.to_pylist()
    rows.sort(key=lambda r: (r["queue_id"] or "", r["interval_start"]))
    return [{k: v for k, v in r.items() if v is not None} for r in rows]


def _nodes(data: Any) -> list[Node]:
    """Return every place in *data*: what holds it, and its key or position."""
    inner: Any = []
    if isinstance(data, dict):
        inner = list(data.items())
    elif isinstance(data, list):
        inner = list(enumerate(data))
    found = [(data, key) for key, _ in inner]
    return found + [node for _, value in inner for node in _nodes(value)]


def _mutated(page: Any, chance: random.Random) -> None:
    """Change one thing about an answer, if there is something left to change."""
    nodes = _nodes(page)
    if nodes:
        chance.choice((_change_a_value, _change_a_key, _change_a_bucket))(nodes, chance)


def _change_a_value(nodes: list[Node], chance: random.Random) -> None:
    """Swap the type of a value, or the sign or size of a number."""
    numbers = [(h, k) for h, k in nodes if type(h[k]) in (int, float)]
    if numbers and chance.random() < 0.5:
        holder, key = chance.choice(numbers)
        old = holder[key]
        holder[key] = chance.choice((-old, old * 1000, old + 0.5, *NUMBERS))
    else:
        holder, key = chance.choice(nodes)
        holder[key] = copy.deepcopy(chance.choice(OTHERS))


def _change_a_key(nodes: list[Node], chance: random.Random) -> None:
    """Drop a key or an entry, double an entry, rename a key or add one."""
    holder, key = chance.choice(nodes)
    how = chance.choice(("drop", "rename", "add"))
    if how == "drop":
        del holder[key]
    elif isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    elif how == "rename":
        holder[chance.choice(WORDS)] = holder.pop(key)
    else:
        holder[chance.choice(WORDS)] = copy.deepcopy(chance.choice(OTHERS))


def _change_a_bucket(nodes: list[Node], chance: random.Random) -> None:
    """Move a bucket, garble its interval, exchange two, or put one into a group."""
    buckets = [h for h, k in nodes if k == "interval" and isinstance(h, dict)]
    lists = [h[k] for h, k in nodes if k == "data" and isinstance(h[k], list) and h[k]]
    how = chance.choice(("move", "garble", "exchange", "put"))
    if how == "put" and lists:
        bucket = copy.deepcopy(chance.choice(chance.choice(lists)))
        chance.choice(lists).append(bucket)
    elif how == "exchange" and len(buckets) > 1:
        one, other = chance.sample(buckets, 2)
        one["interval"], other["interval"] = other["interval"], one["interval"]
    elif how == "garble" and buckets:
        chance.choice(buckets)["interval"] = chance.choice(INTERVALS)
    elif buckets:
        bucket = chance.choice(buckets)
        bucket["interval"] = _moved(str(bucket["interval"]), chance)


def _moved(interval: str, chance: random.Random) -> str:
    try:
        ends = [datetime.fromisoformat(end) for end in interval.split("/")]
    except ValueError:
        return interval
    by = [chance.choice((*SHIFTS_S, 0)) for _ in ends]
    if chance.random() < 0.5:
        by = by[:1] * len(ends)
    return "/".join(
        (end + timedelta(seconds=s)).isoformat()
        for end, s in zip(ends, by, strict=True)
    )


def _spoilt(body: bytes, chance: random.Random) -> bytes:
    """Change something about the bytes of an answer."""
    at = chance.randrange(len(body))
    match chance.choice(("cut", "flip", "double key", "digit")):
        case "cut":
            return body[:at]
        case "flip":
            return (
                body[:at]
                + bytes([body[at] ^ 1 << chance.randrange(8)])
                + body[at + 1 :]
            )
        case "digit":
            return (
                body[:at] + chance.choice((b"0", b"9", b"e5", b"-", b".")) + body[at:]
            )
        case _:
            return body.replace(b'"count":', b'"count":7,"count":', 1)


def _examples(chunk: int) -> list[bytes]:
    bodies = []
    for number in range(ANSWERS // CHUNKS):
        chance = random.Random(f"{chunk}/{number}")  # noqa: S311 - of changes
        page = json.loads(_good())
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            _mutated(page, chance)
        body = json.dumps(page, separators=(",", ":")).encode()
        bodies.append(_spoilt(body, chance) if chance.random() < 0.15 else body)
    return bodies


InTime = Callable[[Callable[[Callable[[], float]], Coroutine[Any, Any, None]]], None]


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_mutated_answer_gives_its_rows_or_an_error(
    chunk: int,
    in_turned_time: InTime,
    tell: Callable[[str, Mapping[str, int]], None],
) -> None:
    """Rows are those of the simple decoder; what it cannot read is an error."""
    reported: Counter[str] = Counter()

    async def work(clock: Callable[[], float]) -> None:
        assert await _run(_good(), clock) == _rows(_good())
        for number, body in enumerate(_examples(chunk)):
            where = f"{chunk}/{number}: {body.decode(errors='replace')[-SHOWN:]}"
            try:
                rows = await _run(body, clock)
            except (DataError, ServiceError) as exc:
                reported[f"exit {exc.exit_code}"] += 1
                continue
            try:
                expected = _rows(body)
            except UnreadableError:
                pytest.fail(f"rows of what cannot be read: {where}")
            assert rows == expected, where
            reported["rows"] += 1

    in_turned_time(work)

    assert reported["rows"] > 0.1 * ANSWERS / CHUNKS
    tell("answers", reported)
