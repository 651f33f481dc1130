"""Customers: external contacts and their journeys.

Sources: paths, models and permissions of PureCloudPlatformClientV2 269.0.0 and of
platform-client-sdk-javascript 259.0.0. Read 2026-11-27.
"""

from typing import Final

from gcbatch.genesys.entities.kind import EntityKind, Paging

__all__ = ["CUSTOMERS"]

CUSTOMERS: Final = (
    EntityKind(
        "external_contacts",
        "external_contact",
        ("/api/v2/externalcontacts/scan/contacts",),
        permissions=("relate:contact:view", "externalContacts:contact:view"),
        paging=Paging.CURSOR,
        page_size=200,
        size_key="limit",
        names=(),
        columns="division:named firstName middleName lastName salutation title "
        "workEmail personalEmail otherEmail twitter=twitterId:named "
        "modifyDate:instant createDate:instant externalOrganization:named "
        "surveyOptOut:flag externalSystemUrl schema:named type "
        "canonicalContact:id mergedTo:id",
    ),
    EntityKind(
        "external_organizations",
        "external_organization",
        ("/api/v2/externalcontacts/scan/organizations",),
        permissions=(
            "relate:externalOrganization:view",
            "externalContacts:externalOrganization:view",
        ),
        paging=Paging.CURSOR,
        page_size=200,
        size_key="limit",
        columns="division:named companyType industry employeeCount:whole "
        "revenue:whole twitter=twitterId:named externalSystemUrl modifyDate:instant "
        "createDate:instant trustor:id schema:named",
    ),
    EntityKind(
        "journey_segments",
        "journey_segment",
        ("/api/v2/journey/segments",),
        permissions=("journey:segment:view",),
        names=("displayName",),
        columns="isActive:flag version:whole description color scope "
        "shouldDisplayToAgent:flag externalSegment:named "
        "assignmentExpirationDays:whole createdDate:instant "
        "modifiedDate:instant",
    ),
    EntityKind(
        "journey_action_maps",
        "journey_action_map",
        ("/api/v2/journey/actionmaps",),
        permissions=("journey:actionmap:view",),
        names=("displayName",),
        columns="version:whole isActive:flag weight:whole ignoreFrequencyCap:flag "
        "createdDate:instant modifiedDate:instant startDate:instant "
        "endDate:instant",
    ),
    EntityKind(
        "journey_outcomes",
        "journey_outcome",
        ("/api/v2/journey/outcomes",),
        permissions=("journey:outcome:view",),
        names=("displayName",),
        columns="isActive:flag version:whole description isPositive:flag "
        "createdDate:instant modifiedDate:instant",
    ),
)
