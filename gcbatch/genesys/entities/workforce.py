"""Workforce management: units, their users, and activities.

Sources: paths, models and permissions of PureCloudPlatformClientV2 269.0.0 and of
platform-client-sdk-javascript 259.0.0. Read 2026-11-27.
"""

from typing import Final

from gcbatch.genesys.entities.kind import EntityKind, Paging

__all__ = ["WORKFORCE"]

WORKFORCE: Final = (
    EntityKind(
        "business_units",
        "business_unit",
        ("/api/v2/workforcemanagement/businessunits",),
        paging=Paging.WHOLE,
        columns="authorized:flag division:id",
    ),
    EntityKind(
        "management_units",
        "management_unit",
        ("/api/v2/workforcemanagement/managementunits",),
        columns="businessUnit:id startDayOfWeek timeZone division:id version:whole "
        "modifiedBy:id dateModified:instant",
    ),
    EntityKind(
        "management_unit_users",
        "user",
        ("/api/v2/workforcemanagement/managementunits/{parent}/users",),
        label="users of management units",
        parent="management_units",
        permissions=(
            "wfm:agent:view",
            "wfm:historicalAdherence:view",
            "wfm:publishedSchedule:view",
            "wfm:realtimeAdherence:view",
        ),
        paging=Paging.WHOLE,
        names=(),
    ),
    EntityKind(
        "activity_codes",
        "activity_code",
        ("/api/v2/workforcemanagement/businessunits/{parent}/activitycodes",),
        parent="business_units",
        permissions=(
            "wfm:agentSchedule:view",
            "wfm:agentTimeOffRequest:submit",
            "wfm:activityCode:add",
            "wfm:activityCode:delete",
        ),
        paging=Paging.WHOLE,
        columns="active:flag defaultCode:flag category lengthInMinutes:whole "
        "countsAsPaidTime:flag countsAsWorkTime:flag "
        "agentTimeOffSelectable:flag countsTowardShrinkage:flag "
        "plannedShrinkage:flag interruptible:flag",
    ),
    EntityKind(
        "planning_groups",
        "planning_group",
        ("/api/v2/workforcemanagement/businessunits/{parent}/planninggroups",),
        parent="business_units",
        permissions=(
            "wfm:planningGroup:view",
            "wfm:shortTermForecast:view",
            "wfm:intraday:view",
            "wfm:agent:view",
        ),
        paging=Paging.WHOLE,
        columns="serviceGoalTemplate:id",
    ),
)
