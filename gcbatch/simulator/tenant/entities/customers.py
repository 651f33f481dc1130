"""Customers in the sample: external contacts, organisations, and journeys."""

from collections.abc import Mapping
from typing import Final

from gcbatch.simulator.tenant.entities.sample_kind import SampleKind, instant

__all__ = ["CUSTOMERS"]

CONTACTS: Final = 230
"""More than a page of the scan."""

MERGED: Final = 3
"""The number of a contact that was merged into the first."""

CUSTOMERS: Final[Mapping[str, SampleKind]] = {
    "external_contacts": SampleKind(
        " | ".join(f"Customer {n}" for n in range(CONTACTS)),
        lambda refs, n: {
            "division": refs.ref("divisions", n),
            "firstName": ("Dana", "Noa", "Omar", "Yael")[n % 4],
            "lastName": refs.name("external_contacts", n),
            "salutation": ("Ms", "Ms", "Mr", "Dr")[n % 4],
            "cellPhone": {"display": f"+97250555{n:04}", "e164": f"+97250555{n:04}"},
            "personalEmail": f"customer{n}@example.com",
            "modifyDate": instant(n + 1),
            "createDate": instant(n),
            **(
                {"externalOrganization": refs.ref("external_organizations", n)}
                if n % 3 == 0
                else {}
            ),
            "surveyOptOut": n % 10 == 0,
            "type": "Curated",
            **(
                {
                    "canonicalContact": refs.link("external_contacts", 0),
                    "mergedTo": refs.link("external_contacts", 0),
                }
                if n == MERGED
                else {}
            ),
        },
        name="",
        path="externalcontacts/contacts",
    ),
    "external_organizations": SampleKind(
        " | ".join(f"Customer company {n}" for n in range(12)),
        lambda refs, n: {
            "division": refs.ref("divisions", n),
            "companyType": "Limited",
            "industry": ("Trade", "Farming")[n % 2],
            "employeeCount": 10 * (n + 1),
            "revenue": 100_000 * (n + 1),
            "tags": ["business"],
            "modifyDate": instant(n + 1),
            "createDate": instant(n),
        },
        path="externalcontacts/organizations",
    ),
    "journey_segments": SampleKind(
        "Looks at loans | Comes back",
        lambda _, n: {
            "isActive": n == 0,
            "version": 1,
            "description": "visitors of the site",
            "color": "#008000",
            "scope": ("Session", "Customer")[n % 2],
            "shouldDisplayToAgent": True,
            "assignmentExpirationDays": 30 + n,
            "createdDate": instant(n),
            "modifiedDate": instant(n + 1),
        },
        name="displayName",
        path="journey/segments",
    ),
    "journey_action_maps": SampleKind(
        "Offer a chat | Offer a call",
        lambda refs, n: {
            "version": 2,
            "isActive": True,
            "triggerWithSegments": [refs.id("journey_segments", n)],
            "weight": n + 1,
            "ignoreFrequencyCap": False,
            "createdDate": instant(n),
            "modifiedDate": instant(n + 1),
            "startDate": instant(n + 2),
        },
        name="displayName",
        path="journey/actionmaps",
    ),
    "journey_outcomes": SampleKind(
        "Applied for a loan | Left",
        lambda _, n: {
            "isActive": True,
            "version": 1,
            "description": "how a visit ended",
            "isPositive": n == 0,
            "createdDate": instant(n),
            "modifiedDate": instant(n + 1),
        },
        name="displayName",
        path="journey/outcomes",
    ),
}
