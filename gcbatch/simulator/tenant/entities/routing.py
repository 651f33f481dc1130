"""Routing in the sample: skills, languages, groups of skills, and what queues have."""

from collections.abc import Mapping
from typing import Final

from gcbatch.simulator.tenant.entities.sample_kind import (
    Json,
    Refs,
    SampleKind,
    instant,
)

__all__ = ["ROUTING", "queue_members", "queue_wrap_up_codes", "utilization"]

DELETED_SKILL: Final = 7
DELETED_LANGUAGE: Final = 5

CAPACITIES: Final = {"call": 1, "callback": 1, "chat": 4, "email": 3, "message": 6}


def _dated(_: Refs, n: int) -> Json:
    return {"dateCreated": instant(n), "dateModified": instant(n + 5)}


ROUTING: Final[Mapping[str, SampleKind]] = {
    # The tenant has the others, as WrapUpCode.
    "wrapup_codes": SampleKind(
        "",
        lambda refs, n: {"division": refs.ref("divisions", 0), **_dated(refs, n)},
        deleted="Lost line | Wrong number",
        path="routing/wrapupcodes",
    ),
    "skills": SampleKind(
        "Savings | Loans | Mortgages | Cards | Brokerage | Online banking | Complaints "
        "| Telegrams",
        lambda refs, n: {
            "division": refs.ref("divisions", n),
            "dateModified": instant(n),
            "state": "deleted" if n == DELETED_SKILL else "active",
            "version": str(n + 1),
        },
        path="routing/skills",
    ),
    "languages": SampleKind(
        "Hebrew | English | Arabic | Russian | French | Esperanto",
        lambda _, n: {
            "dateModified": instant(n),
            "state": "deleted" if n == DELETED_LANGUAGE else "active",
            "version": str(n + 1),
        },
        path="routing/languages",
    ),
    "skill_groups": SampleKind(
        "Lenders | Brokers | Helpers",
        lambda refs, n: {
            "division": refs.ref("divisions", n),
            "description": "whoever knows enough",
            "memberCount": 4 + n,
            **_dated(refs, n),
        },
        path="routing/skillgroups",
    ),
    "skill_expressions": SampleKind(
        "Savings or loans | Brokers only",
        lambda refs, n: {
            "expression": f"{refs.name('skills', n)} > 2",
            "queueId": refs.id("queues", n),
        },
    ),
    "routing_assessments": SampleKind(
        "{queue}",
        lambda refs, n: {
            "queues": [refs.link("queues", n)],
            "state": ("Finished", "Created", "Failed")[n % 3],
            **_dated(refs, n),
        },
        name="",
        path="routing/assessments",
    ),
    "predictors": SampleKind(
        "{queue}",
        lambda refs, n: {
            "queues": [refs.link("queues", n)],
            "kpi": ("AHT", "FCR")[n % 2],
            "routingTimeoutSeconds": 60 + n,
            "state": ("Active", "Created", "Error")[n % 3],
            **_dated(refs, n),
        },
        name="",
        path="routing/predictors",
    ),
}


def utilization() -> list[Json]:
    """Return what an agent handles at once, by medium."""
    return [
        {"id": medium, "value": {"maximumCapacity": capacity, "includeNonAcd": False}}
        for medium, capacity in CAPACITIES.items()
    ]


def queue_members(refs: Refs, _: int) -> list[Json]:
    """Return the members of a queue: all users; every fifth has not joined."""
    return [
        {
            "id": refs.id("users", n),
            "name": refs.name("users", n),
            "user": {**refs.ref("users", n), "state": "active"},
            "ringNumber": 1,
            "joined": n % 5 != 0,
            "memberBy": "user" if n % 3 else "group",
            "routingStatus": {"userId": refs.id("users", n), "status": "OFF_QUEUE"},
        }
        for n in range(refs.count("users"))
    ]


def queue_wrap_up_codes(refs: Refs, queue: int) -> list[Json]:
    """Return the codes of a queue: all; every second queue lacks the last one."""
    return [
        {
            **refs.ref("wrapup_codes", n),
            "division": refs.ref("divisions", 0),
            "dateCreated": instant(n),
            "dateModified": instant(n + 5),
            "createdBy": refs.id("users", n),
            "selfUri": f"/api/v2/routing/wrapupcodes/{refs.id('wrapup_codes', n)}",
        }
        for n in range(refs.count("wrapup_codes") - queue % 2)
    ]
