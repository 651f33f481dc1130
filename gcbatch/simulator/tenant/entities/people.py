"""People in the sample: divisions, groups, teams, places, roles, and their parts."""

from collections.abc import Mapping
from typing import Final

from gcbatch.simulator.tenant.entities.sample_kind import (
    Json,
    Refs,
    SampleKind,
    instant,
)
from gcbatch.simulator.tenant.tenant import Tenant

__all__ = ["PEOPLE", "organization", "user_licenses", "user_parts"]

PRESENCES: Final = (
    *("Available", "Away", "Busy", "Offline", "Idle", "OnQueue"),
    *("Meal", "Training", "Meeting", "Break"),
)
"""The built-in presences; the sample's first ten are theirs, in this order."""

DEACTIVATED: Final = (12, 13)
"""Numbers of the presences that are no longer in use."""

LOCALES: Final = {"en_US": "", "he": " (he)"}

PEOPLE: Final[Mapping[str, SampleKind]] = {
    # The first is HOME_DIVISION.
    "divisions": SampleKind(
        "Home | Tel Aviv | Haifa | Jerusalem | Brokerage",
        lambda _, n: {"description": "a part of the bank", "homeDivision": n == 0},
        deleted="Acre | Old brokerage",
        path="authorization/divisions",
    ),
    "groups": SampleKind(
        "Tellers | Advisers | Brokers | Night shift | Trainers | Football",
        lambda refs, n: {
            "description": "people who work together",
            "dateModified": instant(n),
            "memberCount": 3 + n,
            "state": "active",
            "version": n + 1,
            "type": "social" if n == refs.count("groups") - 1 else "official",
            "addresses": [
                {"address": f"+97235550{n:03}", "type": "GROUPRING"},
            ],
            "rulesVisible": True,
            "visibility": ("public", "owners", "members")[n % 3],
            "rolesEnabled": n % 2 == 0,
            "includeOwners": False,
            "callsEnabled": True,
            "email": f"group{n}@example.com",
            "owners": [refs.link("users", n)],
        },
        path="groups",
    ),
    "teams": SampleKind(
        "Blue | Green | Red | White",
        lambda refs, n: {
            "division": refs.ref("divisions", n),
            "description": "one shift",
            "dateCreated": instant(n),
            "dateModified": instant(n + 3),
            "memberCount": 5,
        },
        path="teams",
    ),
    "locations": SampleKind(
        "Head office | Haifa branch | Jerusalem branch",
        lambda refs, n: {
            "contactUser": refs.link("users", n),
            "address": {
                "city": ("Tel Aviv", "Haifa", "Jerusalem")[n % 3],
                "country": "IL",
                "street1": f"{n + 1} Example Street",
            },
            "state": "active",
            "notes": "ring twice",
            "version": 1,
            "path": [],
            "addressVerified": n == 0,
            "addressStored": True,
        },
        path="locations",
    ),
    "stations": SampleKind(
        "Station of {user} | Reception",
        lambda refs, n: {
            "description": "a softphone",
            "status": "ASSOCIATED" if n < refs.count("users") else "AVAILABLE",
            **({"userId": refs.id("users", n)} if n < refs.count("users") else {}),
            "primaryEdge": refs.ref("edges", n),
            "type": "inin_webrtc_softphone",
            "lineAppearanceId": refs.id("lines", n),
            "webRtcMediaDscp": 46,
            "webRtcPersistentEnabled": True,
            "webRtcForceTurn": False,
            "webRtcCallAppearances": 100,
        },
        path="stations",
    ),
    "roles": SampleKind(
        "employee | agent | supervisor | quality evaluator | admin",
        lambda _, n: {
            "description": "what one may do",
            "defaultRoleId": f"default{n}",
            "permissions": ["analytics", "routing"],
            "userCount": 22 - n,
            "roleNeedsUpdate": False,
            "baseLicense": "engage1",
            "addonLicenses": [],
            "dateLicenseLastUpdated": instant(n),
            "default": True,
            "base": n == 0,
        },
        path="authorization/roles",
    ),
    # Presences have labels by language instead of a name.
    "presence_definitions": SampleKind(
        " | ".join((*PRESENCES, "Paperwork", "Coaching", "Telegrams", "Fire drill")),
        lambda refs, n: {
            "type": "System" if n < len(PRESENCES) else "User",
            "languageLabels": {
                locale: refs.name("presence_definitions", n) + suffix
                for locale, suffix in LOCALES.items()
            },
            "systemPresence": PRESENCES[n] if n < len(PRESENCES) else "Busy",
            **({"divisionId": refs.id("divisions", n)} if n in DEACTIVATED else {}),
            "deactivated": n in DEACTIVATED,
        },
        name="",
        path="presence/definitions",
    ),
}


def organization(tenant: Tenant, refs: Refs) -> list[Json]:
    """Return the only organisation."""
    identity = refs.id("organization", 0)
    return [
        {
            "id": identity,
            "name": tenant.name,
            "defaultLanguage": "en-US",
            "defaultCountryCode": "IL",
            "thirdPartyOrgName": "anonymous-bank",
            "domain": "anonymous-bank",
            "features": {"realtimeCIC": True, "purecloud": True},
            "version": 7,
            "state": "active",
            "defaultSiteId": refs.id("sites", 0),
            "voicemailEnabled": True,
            "productPlatform": "PureCloud",
            "selfUri": f"/api/v2/organizations/{identity}",
        }
    ]


def user_licenses(refs: Refs) -> list[Json]:
    """Return the licenses of each user."""
    licenses = ["communicate", "engage1", "engage3"]
    return [
        {"id": refs.id("users", n), "licenses": licenses[: n % 3 + 1]}
        for n in range(refs.count("users"))
    ]


def user_parts(refs: Refs, n: int) -> Json:
    """Return what the API adds to a user on request; the last one is in no team."""
    parts: Json = {
        "skills": [
            {
                **refs.ref("skills", number),
                "proficiency": float(n % 5 + 1),
                "state": "active",
                "skillUri": f"/api/v2/routing/skills/{refs.id('skills', number)}",
            }
            for number in (n, n + 2, n + 3)[: n % 4]
        ],
        "languages": [
            {
                **refs.ref("languages", number),
                "proficiency": float(5 - n % 3),
                "state": "active",
                "languageUri": (
                    f"/api/v2/routing/languages/{refs.id('languages', number)}"
                ),
            }
            for number in (0, 1 + n % 4)[: 1 + n % 2]
        ],
        "groups": [
            {
                **refs.ref("groups", number),
                "state": "active",
                "type": "official",
                "visibility": "public",
            }
            for number in (n % 3, 3 + n % 2)
        ],
        "locations": [
            {
                **refs.link("locations", n),
                "coordinates": {"x": float(n), "y": 2.5},
                "notes": f"place {n}",
                "locationDefinition": refs.ref("locations", n),
            }
        ],
        "authorization": {
            "roles": refs.refs("roles", *range(1 + n % refs.count("roles"))),
            "permissions": ["analytics:conversationDetail:view"],
        },
    }
    if n + 1 < refs.count("users"):
        parts["team"] = {**refs.ref("teams", n), "division": refs.ref("divisions", n)}
    return parts
