"""People, where they are, and what they may do.

Sources: paths, models and permissions of PureCloudPlatformClientV2 269.0.0 and of
platform-client-sdk-javascript 259.0.0. Read 2026-11-27.
"""

from typing import Final

from gcbatch.genesys.entities.kind import Deleted, EntityKind, Paging

__all__ = ["PEOPLE"]

PEOPLE: Final = (
    # State by state, because paging is reported to end at 10,000 users. In this order,
    # so that a user who leaves meanwhile is listed twice rather than not at all.
    # The service sends the last login on request only, as it does with fields that are
    # tables of their own (skills, groups, roles).
    EntityKind(
        "users",
        "user",
        ("/api/v2/users",),
        slices=tuple({"state": state} for state in ("active", "inactive", "deleted")),
        more={"expand": "dateLastLogin"},
        volatile=("dateLastLogin",),
        names_ids=True,
        columns="email username preferredName state title department "
        "division:named manager:id acdAutoAnswer:flag dateLastLogin:instant",
    ),
    # What the service adds to users on request: no more pages than those of the users.
    EntityKind(
        "user_skills",
        "skill",
        label="skills of users",
        parent="users",
        expand="skills",
        member="skills",
        columns="proficiency:number state",
    ),
    EntityKind(
        "user_languages",
        "language",
        label="languages of users",
        parent="users",
        expand="languages",
        member="languages",
        columns="proficiency:number state",
    ),
    EntityKind(
        "user_groups",
        "group",
        label="groups of users",
        parent="users",
        expand="groups",
        member="groups",
        columns="state type visibility",
        volatile=("memberCount", "dateModified", "version"),
    ),
    EntityKind(
        "user_teams",
        "team",
        label="teams of users",
        parent="users",
        expand="team",
        member="team",
        is_single=True,
        columns="division:named",
        volatile=("memberCount", "dateModified", "version"),
    ),
    EntityKind(
        "user_locations",
        "location",
        label="locations of users",
        parent="users",
        expand="locations",
        member="locations",
        names=(),
        columns="floorplanId notes locationDefinition:named",
    ),
    EntityKind(
        "user_roles",
        "role",
        label="roles of users",
        parent="users",
        expand="authorization",
        member="authorization.roles",
    ),
    EntityKind(
        "divisions",
        "division",
        ("/api/v2/authorization/divisions",),
        deleted=Deleted(
            "/api/v2/authorization/divisions/deleted",
            "authorization:divisionDeleted:view",
        ),
        columns="description homeDivision:flag",
        names_ids=True,
    ),
    EntityKind(
        "groups",
        "group",
        ("/api/v2/groups",),
        columns="description dateModified:instant memberCount:whole state "
        "version:whole type rulesVisible:flag visibility rolesEnabled:flag "
        "includeOwners:flag callsEnabled:flag email",
        volatile=("memberCount",),
    ),
    EntityKind(
        "teams",
        "team",
        ("/api/v2/teams",),
        permissions=("groups:team:view",),
        paging=Paging.CURSOR,
        columns="division:named description dateCreated:instant "
        "dateModified:instant memberCount:whole",
        names_ids=True,
        volatile=("memberCount",),
    ),
    EntityKind(
        "locations",
        "location",
        ("/api/v2/locations",),
        columns="contactUser:id state notes version:whole addressVerified:flag "
        "addressStored:flag images",
    ),
    EntityKind(
        "stations",
        "station",
        ("/api/v2/stations",),
        columns="description status userId webRtcUserId primaryEdge:named "
        "secondaryEdge:named type lineAppearanceId webRtcMediaDscp:whole "
        "webRtcPersistentEnabled:flag webRtcForceTurn:flag "
        "webRtcCallAppearances:whole webRtcRequireMediaHelper:flag",
        volatile=("status", "userId"),
    ),
    EntityKind(
        "roles",
        "role",
        ("/api/v2/authorization/roles",),
        permissions=("authorization:role:view",),
        columns="description defaultRoleId userCount:whole roleNeedsUpdate:flag "
        "baseLicense dateLicenseLastUpdated:instant is_default=default:flag "
        "is_base=base:flag",
        volatile=("userCount",),
    ),
    EntityKind(
        "user_licenses",
        "user",
        ("/api/v2/license/users",),
        label="licenses of users",
        names=(),
        columns="licenses:json",
    ),
    EntityKind(
        "presence_definitions",
        "organization_presence",
        ("/api/v2/presence/definitions",),
        permissions=("presence:presenceDefinition:view",),
        paging=Paging.WHOLE,
        slices=({"deactivated": "false"}, {"deactivated": "true"}),
        names=("name", "languageLabels.en_US"),
        columns="type systemPresence divisionId deactivated:flag",
        names_ids=True,
    ),
    EntityKind(
        "organization",
        "organization",
        ("/api/v2/organizations/me",),
        label="the organization",
        paging=Paging.WHOLE,
        member="",
        columns="defaultLanguage defaultCountryCode thirdPartyOrgName thirdPartyURI "
        "domain version:whole state defaultSiteId supportURI "
        "voicemailEnabled:flag productPlatform",
    ),
)
