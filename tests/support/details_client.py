"""Requests for details to the simulator, and a few calls as its data."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from gcbatch.genesys.detail_models import FieldKind, Model
from gcbatch.simulator import Call, Queue, Tenant
from tests.support.simulator_client import Answer, Client

CONVERSATIONS = "/api/v2/analytics/conversations/details/query"
USERS = "/api/v2/analytics/users/details/query"

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
DAY = "2026-01-01T00:00:00Z/2026-01-02T00:00:00Z"


def after(minutes: float) -> datetime:
    """Return an instant so many minutes after noon of the day."""
    return NOON + timedelta(minutes=minutes)


def tenant_of(*calls: Call, **more: Any) -> Tenant:
    return Tenant(name="T", version="1", calls=calls, **more)


def every_hour(days: int = 1, **more: Any) -> Tenant:
    """Return calls of an hour's handling, one each hour, with their number as id."""
    midnight = datetime(2026, 1, 1, tzinfo=UTC)
    calls = [
        Call(
            call_id=str(hour),
            queue_id="q1",
            offered=midnight + timedelta(hours=hour),
            answered=midnight + timedelta(hours=hour, minutes=1),
            ended=midnight + timedelta(hours=hour + 1),
        )
        for hour in range(24 * days)
    ]
    return tenant_of(*calls, queues=(Queue(id="q1", name="Sales"),), **more)


async def details(client: Client, path: str = CONVERSATIONS, **body: Any) -> Answer:
    """Query details; by default, of the day."""
    return await client.request("POST", path, json={"interval": DAY, **body})


async def all_rows(client: Client, **body: Any) -> list[Any]:
    """Return the conversations of all pages, one page after the other."""
    rows: list[Any] = []
    while True:
        paging = {"pageSize": 100, "pageNumber": len(rows) // 100 + 1}
        answer = await details(client, paging=paging, **body)
        assert answer.status == 200, answer.json
        rows += answer.json.get("conversations", [])
        if len(rows) >= answer.json["totalHits"]:
            return rows


def starts(answer: Answer) -> list[str]:
    """Return when the conversations of a page began, to the minute, without year."""
    rows = answer.json.get("conversations", [])
    return [row["conversationStart"][5:16] for row in rows]


def hours(answer: Answer) -> list[int]:
    """Return the hours at which the conversations of a page began."""
    return [int(start[6:8]) for start in starts(answer)]


def unknown(reported: Any, model: Model) -> Iterator[str]:
    """Yield the fields that a model does not have, also below it."""
    for name, value in reported.items():
        known = model.by_name.get(name)
        if known is None:
            yield f"{model.name}.{name}"
        elif known.model is not None:
            for inner in value if known.holds is FieldKind.MANY else [value]:
                yield from unknown(inner, known.model)
