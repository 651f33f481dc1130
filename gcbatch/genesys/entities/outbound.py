"""Outbound: campaigns, and what they dial.

Sources: paths, models and permissions of PureCloudPlatformClientV2 269.0.0 and of
platform-client-sdk-javascript 259.0.0. Read 2026-11-27.
"""

from typing import Final

from gcbatch.genesys.entities.kind import EntityKind, Paging

__all__ = ["OUTBOUND"]

OUTBOUND: Final = (
    EntityKind(
        "campaigns",
        "campaign",
        ("/api/v2/outbound/campaigns",),
        permissions=("outbound:campaign:view",),
        columns="dateCreated:instant dateModified:instant version:whole "
        "contactList:named queue:named dialingMode script:named "
        "edgeGroup:named site:named campaignStatus abandonRate:number "
        "callableTimeSet:named callAnalysisResponseSet:named callerName "
        "callerAddress outboundLineCount:whole skipPreviewDisabled:flag "
        "previewTimeOutSeconds:whole alwaysRunning:flag "
        "noAnswerTimeout:whole callAnalysisLanguage priority:whole "
        "division:named agentOwnedColumn previewAutoEnd:flag "
        "maxCallsPerAgent:whole maxCallsPerAgentDecimal:number "
        "callbackAutoAnswer:flag preciseDialingEnabled:flag",
    ),
    # The names of both kinds of campaigns and of any other. Its permissions are those
    # of the kinds: the SDKs name none. Uncertain.
    EntityKind(
        "all_campaigns",
        "outbound_campaign",
        ("/api/v2/outbound/campaigns/all",),
        label="campaigns of all kinds",
        permissions=(
            "outbound:campaign:view",
            "outbound:messagingCampaign:view",
            "outbound:emailCampaign:view",
            "outbound:whatsAppCampaign:view",
        ),
        columns="division:named mediaType",
        names_ids=True,
    ),
    EntityKind(
        "messaging_campaigns",
        "messaging_campaign",
        ("/api/v2/outbound/messagingcampaigns",),
        permissions=(
            "outbound:messagingCampaign:view",
            "outbound:emailCampaign:view",
            "outbound:whatsAppCampaign:view",
        ),
        columns="dateCreated:instant dateModified:instant version:whole "
        "division:named campaignStatus callableTimeSet:named "
        "contactList:named alwaysRunning:flag messagesPerMinute:whole",
    ),
    EntityKind(
        "contact_lists",
        "contact_list",
        ("/api/v2/outbound/contactlists",),
        permissions=("outbound:contactList:view",),
        columns="dateCreated:instant dateModified:instant version:whole "
        "division:named previewModeColumnName size:whole "
        "attemptLimits:named automaticTimeZoneMapping:flag "
        "zipCodeColumnName trimWhitespace:flag retentionType "
        "retentionDays:whole dateExpiration:instant timeZone",
    ),
    EntityKind(
        "contact_list_filters",
        "contact_list_filter",
        ("/api/v2/outbound/contactlistfilters",),
        permissions=("outbound:contactListFilter:view",),
        columns="dateCreated:instant dateModified:instant version:whole "
        "contactList:named contactListTemplate:named sourceType filterType",
    ),
    EntityKind(
        "dnc_lists",
        "dnc_list",
        ("/api/v2/outbound/dnclists",),
        label="DNC lists",
        permissions=("outbound:dncList:view",),
        columns="dateCreated:instant dateModified:instant version:whole size:whole "
        "dncSourceType contactMethod loginId campaignId licenseId "
        "division:named customExclusionColumn",
    ),
    EntityKind(
        "rule_sets",
        "rule_set",
        ("/api/v2/outbound/rulesets",),
        permissions=("outbound:ruleSet:view",),
        columns="dateCreated:instant dateModified:instant version:whole "
        "contactList:named queue:named",
    ),
    EntityKind(
        "campaign_rules",
        "campaign_rule",
        ("/api/v2/outbound/campaignrules",),
        permissions=("outbound:campaignRule:view",),
        columns="dateCreated:instant dateModified:instant version:whole "
        "matchAnyConditions:flag enabled:flag campaignRuleProcessing "
        "timeZoneId",
    ),
    EntityKind(
        "campaign_sequences",
        "campaign_sequence",
        ("/api/v2/outbound/sequences",),
        permissions=("outbound:campaignSequence:view",),
        columns="dateCreated:instant dateModified:instant version:whole "
        "currentCampaign:whole status stopMessage is_repeated=repeat:flag",
    ),
    EntityKind(
        "attempt_limits",
        "attempt_limit",
        ("/api/v2/outbound/attemptlimits",),
        permissions=("outbound:attemptLimits:view",),
        columns="dateCreated:instant dateModified:instant version:whole "
        "maxAttemptsPerContact:whole maxAttemptsPerNumber:whole timeZoneId "
        "resetPeriod",
    ),
    EntityKind(
        "callable_time_sets",
        "callable_time_set",
        ("/api/v2/outbound/callabletimesets",),
        permissions=("outbound:callableTimeSet:view",),
        columns="dateCreated:instant dateModified:instant version:whole",
    ),
    EntityKind(
        "outbound_wrapup_mappings",
        "wrap_up_code",
        ("/api/v2/outbound/wrapupcodemappings",),
        label="wrap-up code mappings",
        permissions=("outbound:wrapUpCodeMapping:view",),
        paging=Paging.WHOLE,
        member="mapping",
        names=(),
        columns="flags=value:json",
    ),
)
