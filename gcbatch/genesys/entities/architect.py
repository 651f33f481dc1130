"""Architect: flows, call routes, opening hours, and what flows use.

Sources: paths, models and permissions of PureCloudPlatformClientV2 269.0.0 and of
platform-client-sdk-javascript 259.0.0. Read 2026-11-27.
"""

from typing import Final

from gcbatch.genesys.entities.kind import EntityKind

__all__ = ["ARCHITECT"]

ARCHITECT: Final = (
    EntityKind(
        "flows",
        "flow",
        ("/api/v2/flows",),
        permissions=("architect:flow:view",),
        slices=({"deleted": "false"}, {"deleted": "true"}),
        columns="division:named description type lockedUser:named "
        "lockedClient:named active:flag system:flag deleted:flag "
        "publishedVersion:named savedVersion:named checkedInVersion:named "
        "debugVersion:named publishedBy:named currentOperation:id "
        "worktypeId virtualAgentEnabled:flag",
        names_ids=True,
    ),
    EntityKind(
        "flow_outcome_definitions",
        "flow_outcome",
        ("/api/v2/flows/outcomes",),
        permissions=("architect:flowOutcome:view",),
        columns="division:named description currentOperation:id",
    ),
    EntityKind(
        "flow_milestones",
        "flow_milestone",
        ("/api/v2/flows/milestones",),
        permissions=("architect:flowMilestone:view",),
        columns="division:named description",
    ),
    EntityKind(
        "ivrs",
        "ivr",
        ("/api/v2/architect/ivrs",),
        label="call routes",
        permissions=("routing:callRoute:view",),
        columns="division:named description version:whole dateCreated:instant "
        "dateModified:instant modifiedBy createdBy state modifiedByApp "
        "createdByApp openHoursFlow:named closedHoursFlow:named "
        "holidayHoursFlow:named scheduleGroup:named dnis:json",
    ),
    EntityKind(
        "schedules",
        "schedule",
        ("/api/v2/architect/schedules",),
        permissions=("routing:schedule:view",),
        columns="division:named description version:whole dateCreated:instant "
        "dateModified:instant modifiedBy createdBy state modifiedByApp "
        "createdByApp start_local=start end_local=end rrule",
    ),
    EntityKind(
        "schedule_groups",
        "schedule_group",
        ("/api/v2/architect/schedulegroups",),
        permissions=("routing:scheduleGroup:view",),
        columns="division:named description version:whole dateCreated:instant "
        "dateModified:instant modifiedBy createdBy state modifiedByApp "
        "createdByApp timeZone",
    ),
    EntityKind(
        "data_tables",
        "data_table",
        ("/api/v2/flows/datatables",),
        permissions=("architect:datatable:view",),
        columns="division:named description schema:id",
    ),
    EntityKind(
        "integrations",
        "integration",
        ("/api/v2/integrations",),
        permissions=("integrations:integration:view",),
        columns="integrationType:named notes intendedState",
    ),
    EntityKind(
        "data_actions",
        "action",
        ("/api/v2/integrations/actions",),
        permissions=("integrations:action:view", "bridge:actions:view"),
        more={"includeConfig": "false"},
        columns="integrationId category version:whole secure:flag",
    ),
    EntityKind(
        "scripts",
        "script",
        ("/api/v2/scripts",),
        permissions=("scripter:script:view",),
        columns="division:named versionId createdDate:instant modifiedDate:instant "
        "publishedDate:instant versionDate:instant startPageId "
        "startPageName",
    ),
    EntityKind(
        "canned_response_libraries",
        "canned_response_library",
        ("/api/v2/responsemanagement/libraries",),
        permissions=("responses:library:view",),
        columns="version:whole createdBy:named dateCreated:instant responseType "
        "division:named",
    ),
)
