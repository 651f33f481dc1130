"""Architect in the sample: flows, call routes, opening hours, and what flows use."""

from collections.abc import Mapping
from typing import Final

from gcbatch.simulator.tenant.entities.sample_kind import (
    Json,
    Refs,
    SampleKind,
    instant,
)

__all__ = ["ARCHITECT"]

FLOW_TYPES: Final = (
    *("INBOUNDCALL", "INBOUNDCALL", "INQUEUECALL", "OUTBOUNDCALL"),
    *("BOT", "INBOUNDEMAIL", "INBOUNDCALL", "WORKFLOW"),
)
"""Of the sample's flows, in their order."""

DELETED_FLOW: Final = 6


def _version(refs: Refs, n: int) -> Json:
    return {
        "id": f"{n + 2}.0",
        "name": f"{n + 2}.0",
        "commitVersion": f"{n + 2}.0",
        "createdBy": refs.ref("users", n),
    }


def _flow(refs: Refs, n: int) -> Json:
    return {
        "division": refs.ref("divisions", n),
        "description": "what callers hear",
        "type": FLOW_TYPES[n],
        "active": n != DELETED_FLOW,
        "system": False,
        "deleted": n == DELETED_FLOW,
        "publishedVersion": _version(refs, n),
        "savedVersion": _version(refs, n),
        "checkedInVersion": _version(refs, n),
        "publishedBy": refs.ref("users", n),
        **({"lockedUser": refs.ref("users", n)} if n == 1 else {}),
        "supportedLanguages": [{"language": "en-us", "isDefault": True}],
        "virtualAgentEnabled": FLOW_TYPES[n] == "BOT",
    }


def _base(refs: Refs, n: int) -> Json:
    return {
        "division": refs.ref("divisions", n),
        "description": "for the bank's callers",
        "version": n + 1,
        "dateCreated": instant(n),
        "dateModified": instant(n + 4),
        "modifiedBy": refs.id("users", n + 1),
        "createdBy": refs.id("users", n),
        "state": "active",
    }


ARCHITECT: Final[Mapping[str, SampleKind]] = {
    "flows": SampleKind(
        "Front door | Loans menu | While you wait | Outbound greeting | Ask the bank "
        "| Letters | Old front door | Night batch",
        _flow,
        path="flows",
    ),
    "flow_outcome_definitions": SampleKind(
        "Heard the notice | Offered a call-back | Balance given | Card blocked",
        lambda refs, n: {
            "division": refs.ref("divisions", n),
            "description": "how a flow ended",
        },
        path="flows/outcomes",
    ),
    "flow_milestones": SampleKind(
        "Identified | Menu heard | Queue entered",
        lambda refs, n: {
            "division": refs.ref("divisions", n),
            "description": "how far a flow came",
        },
        path="flows/milestones",
    ),
    "ivrs": SampleKind(
        "Main number | Loans number | Brokers' number",
        lambda refs, n: {
            **_base(refs, n),
            "dnis": [f"+97235551{n:03}"],
            "openHoursFlow": refs.ref("flows", n % 2),
            "closedHoursFlow": refs.ref("flows", 0),
            **({"holidayHoursFlow": refs.ref("flows", 0)} if n == 0 else {}),
            "scheduleGroup": refs.ref("schedule_groups", n),
        },
        path="architect/ivrs",
    ),
    "schedules": SampleKind(
        "Weekdays | Friday | Saturday night | New Year | Strike",
        lambda refs, n: {
            **_base(refs, n),
            "state": "inactive" if n == 4 else "active",  # noqa: PLR2004 - the strike
            "start": f"2024-01-{n + 1:02}T07:00:00.000000",
            "end": f"2024-01-{n + 1:02}T23:59:00.000000",
            "rrule": "FREQ=WEEKLY;INTERVAL=1;BYDAY=SU,MO,TU,WE,TH",
        },
        path="architect/schedules",
    ),
    "schedule_groups": SampleKind(
        "Bank hours | Exchange hours",
        lambda refs, n: {
            **_base(refs, n),
            "timeZone": "Asia/Jerusalem",
            "openSchedules": refs.refs("schedules", 0, 1),
            "closedSchedules": refs.refs("schedules", 2),
            "holidaySchedules": refs.refs("schedules", 3),
        },
        path="architect/schedulegroups",
    ),
    "data_tables": SampleKind(
        "Branches | Holidays | VIPs",
        lambda refs, n: {
            "division": refs.ref("divisions", n),
            "description": "looked up by flows",
        },
        path="flows/datatables",
    ),
    "integrations": SampleKind(
        "Core banking | CRM | Data lake",
        lambda _, n: {
            "integrationType": {
                "id": ("custom-rest-actions", "rest-actions", "embedded")[n % 3],
                "name": ("REST actions", "Web services", "Client application")[n % 3],
            },
            "notes": "asked by flows",
            "intendedState": "DISABLED" if n == 2 else "ENABLED",  # noqa: PLR2004 - last
            "attributes": {"owner": "bank"},
        },
        path="integrations",
    ),
    "data_actions": SampleKind(
        "Find account | Read balance | Block card | Find branch",
        lambda refs, n: {
            "integrationId": refs.id("integrations", n % 2),
            "category": refs.name("integrations", n % 2),
            "version": n + 1,
            "secure": n == 2,  # noqa: PLR2004 - blocks cards
        },
        path="integrations/actions",
    ),
    "scripts": SampleKind(
        "Greeting | Loan offer | Survey by phone",
        lambda refs, n: {
            "division": refs.ref("divisions", n),
            "versionId": f"{n + 1}.0",
            "createdDate": instant(n),
            "modifiedDate": instant(n + 1),
            "publishedDate": instant(n + 2),
            "versionDate": instant(n + 2),
            "startPageId": f"page-{n}",
            "startPageName": "Welcome",
        },
        path="scripts",
    ),
    "canned_response_libraries": SampleKind(
        "Greetings | Rates | Apologies",
        lambda refs, n: {
            "version": 1,
            "createdBy": refs.ref("users", n),
            "dateCreated": instant(n),
            "responseType": ("Footer", "MessagingTemplate", "Form")[n % 3],
            "division": refs.ref("divisions", n),
        },
        path="responsemanagement/libraries",
    ),
}
