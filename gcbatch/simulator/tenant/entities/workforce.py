"""Workforce management in the sample: units, their users, and activities."""

from collections.abc import Mapping
from typing import Final

from gcbatch.simulator.tenant.entities.sample_kind import (
    Json,
    Refs,
    SampleKind,
    entity_id,
    instant,
)

__all__ = ["WORKFORCE", "activity_codes", "management_unit_users", "planning_groups"]

ACTIVITIES: Final = {
    "On queue": "OnQueueWork",
    "Break": "Break",
    "Meal": "Meal",
    "Meeting": "Meeting",
    "Time off": "TimeOff",
    "Training": "Training",
    "Unavailable": "Unavailable",
}
"""Categories of the codes that each business unit has; the number is a code's id."""

WORKFORCE: Final[Mapping[str, SampleKind]] = {
    "business_units": SampleKind(
        "Retail | Brokerage",
        lambda refs, n: {"authorized": True, "division": refs.link("divisions", n)},
        path="workforcemanagement/businessunits",
    ),
    "management_units": SampleKind(
        "Tel Aviv retail | Brokers | Haifa retail",
        lambda refs, n: {
            "businessUnit": refs.link("business_units", n),
            "startDayOfWeek": "Sunday",
            "timeZone": "Asia/Jerusalem",
            "division": refs.link("divisions", n),
            "version": n + 1,
            "modifiedBy": refs.link("users", n),
            "dateModified": instant(n),
        },
        path="workforcemanagement/managementunits",
    ),
}


def management_unit_users(refs: Refs, unit: int) -> list[Json]:
    """Return the users of a management unit; each user is in one."""
    users, units = refs.count("users"), refs.count("management_units")
    return [refs.link("users", n) for n in range(unit, users, units)]


def activity_codes(_: Refs, unit: int) -> list[Json]:
    """Return the codes of a business unit; only the unit makes their ids unique."""
    return [
        {
            "id": str(number),
            "name": name,
            "active": (number + unit) % 7 != 0,
            "defaultCode": True,
            "category": category,
            "lengthInMinutes": 15 * (number + 1),
            "countsAsPaidTime": category != "Unavailable",
            "countsAsWorkTime": category in ("OnQueueWork", "Meeting", "Training"),
            "agentTimeOffSelectable": category == "TimeOff",
            "countsTowardShrinkage": category != "OnQueueWork",
            "plannedShrinkage": category == "TimeOff",
            "interruptible": category != "TimeOff",
        }
        for number, (name, category) in enumerate(ACTIVITIES.items())
    ]


def planning_groups(refs: Refs, unit: int) -> list[Json]:
    """Return the planning groups of a business unit, one for each of its queues."""
    units = refs.count("business_units")
    return [
        {
            "id": entity_id("planning_groups", refs.name("queues", n)),
            "name": f"Calls of {refs.name('queues', n)}",
            "serviceGoalTemplate": {"id": entity_id("goal templates", str(unit))},
            "routePaths": [
                {
                    "queue": refs.link("queues", n),
                    "mediaType": "Voice",
                    "language": refs.link("languages", n % 5),
                    "skills": [refs.link("skills", n)],
                }
            ],
        }
        for n in range(unit, refs.count("queues"), units)
    ]
