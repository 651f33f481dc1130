"""A client of the simulator's jobs, and a day of conversations as its data."""

from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from gcbatch.simulator import Fault, Presence, Tenant
from gcbatch.simulator.documents import Document
from tests.support.simulator_client import Client as BaseClient
from tests.support.simulator_client import client_of

ANALYTICS = "/api/v2/analytics"
CONVERSATIONS = f"{ANALYTICS}/conversations/details/jobs"
USERS = f"{ANALYTICS}/users/details/jobs"
AGGREGATES = f"{ANALYTICS}/conversations/aggregates/jobs"

DAY = datetime(2026, 1, 1, tzinfo=UTC)
QUERY = {"interval": "2026-01-01T00:00:00Z/2026-01-02T00:00:00Z"}
DAY_MS = 1_767_225_600_000
HOUR_MS = 3_600_000


def conversation(number: int, start_ms: int, end_ms: int | None) -> Document:
    name = f"c{number:02}"
    participant = {"participantId": f"p{number:02}", "purpose": "customer"}
    reported = {"conversationId": name, "participants": [participant]}
    return Document(
        id=name,
        start_ms=start_ms,
        end_ms=end_ms,
        json=orjson.dumps(reported),
        attributes=(b'{"tier":"gold"}',),
    )


def presence(user: str, start: datetime, hours: int) -> Presence:
    return Presence(
        user_id=user,
        system_presence="AVAILABLE",
        organization_presence_id="6a3af858-942f-489d-9700-5f9bcdcdae9b",
        start=start,
        end=start + timedelta(hours=hours),
    )


TENANT = Tenant(
    name="T",
    version="1",
    documents=tuple(
        conversation(hour, DAY_MS + hour * HOUR_MS, DAY_MS + (hour + 1) * HOUR_MS)
        for hour in range(24)
    ),
    presences=(presence("u1", DAY, 1), presence("u2", DAY + timedelta(hours=12), 1)),
)
"""Every hour of a day has its conversation, and two people are at work."""

ALL = [f"c{hour:02}" for hour in range(24)]


class Client(BaseClient):
    """Submits jobs and reads their results."""

    async def submit(self, path: str = CONVERSATIONS, **body: Any) -> str:
        """Submit a job and return its address."""
        answer = await self.request("POST", path, json=body or QUERY)
        return f"{path}/{answer.json['jobId']}"

    async def states(self, job: str, count: int) -> list[tuple[int, str]]:
        answers = [await self.request("GET", job) for _ in range(count)]
        return [(answer.status, answer.json["state"]) for answer in answers]

    async def done(self, path: str = CONVERSATIONS, **body: Any) -> str:
        """Submit a job, wait until it is done and return its address."""
        job = await self.submit(path, **body)
        while (await self.request("GET", job)).status == 202:
            pass
        return job

    async def pages(self, job: str, size: int = 10, most: int = 9) -> list[Any]:
        """Read the results of a job page by page, at most so many."""
        pages: list[Any] = []
        params = {"pageSize": str(size)}
        while len(pages) < most:
            answer = await self.request("GET", f"{job}/results", params=params)
            pages.append(answer.json)
            if "cursor" not in answer.json:
                break
            params["cursor"] = answer.json["cursor"]
        return pages


def connected(
    *faults: Fault, tenant: Tenant = TENANT, **options: Any
) -> AbstractAsyncContextManager[Client]:
    return client_of(Client, tenant, *faults, **options)


def ids(page: Any) -> list[str]:
    return [row["conversationId"] for row in page["conversations"]]


def all_ids(pages: list[Any]) -> list[str]:
    return [name for page in pages for name in ids(page)]
