"""Outbound in the sample: campaigns, and what they dial."""

from collections.abc import Mapping
from typing import Final

from gcbatch.simulator.tenant.entities.sample_kind import (
    Json,
    Refs,
    SampleKind,
    instant,
)

__all__ = ["OUTBOUND", "all_campaigns", "wrap_up_mappings"]

FLAGS: Final = ("Right_Party_Contact", "Number_UnCallable", "Contact_UnCallable")


def _base(_: Refs, n: int) -> Json:
    return {
        "dateCreated": instant(n),
        "dateModified": instant(n + 6),
        "version": n + 1,
    }


OUTBOUND: Final[Mapping[str, SampleKind]] = {
    "campaigns": SampleKind(
        "Loans in spring | Card renewal | Lapsed savers | Satisfaction calls",
        lambda refs, n: {
            **_base(refs, n),
            "contactList": refs.ref("contact_lists", n),
            "queue": refs.ref("queues", n),
            "dialingMode": ("preview", "power", "progressive", "predictive")[n % 4],
            "script": refs.ref("scripts", n),
            "site": refs.ref("sites", n),
            "campaignStatus": ("on", "off", "complete", "stopping")[n % 4],
            "phoneColumns": [{"columnName": "phone", "type": "home"}],
            "abandonRate": 2.5 + n,
            "dncLists": refs.refs("dnc_lists", 0),
            "callableTimeSet": refs.ref("callable_time_sets", n),
            "callerName": "The bank",
            "callerAddress": "+97235551000",
            "outboundLineCount": 10 + n,
            "ruleSets": refs.refs("rule_sets", n),
            "skipPreviewDisabled": n == 0,
            "previewTimeOutSeconds": 30,
            "alwaysRunning": False,
            "noAnswerTimeout": 25,
            "callAnalysisLanguage": "he-il",
            "priority": n % 5 + 1,
            "contactListFilters": refs.refs("contact_list_filters", n),
            "division": refs.ref("divisions", n),
            "previewAutoEnd": False,
            "maxCallsPerAgent": 3,
            "maxCallsPerAgentDecimal": 2.5,
            "callbackAutoAnswer": False,
            "preciseDialingEnabled": True,
        },
        path="outbound/campaigns",
    ),
    "messaging_campaigns": SampleKind(
        "Rate alerts | Branch news",
        lambda refs, n: {
            **_base(refs, n),
            "division": refs.ref("divisions", n),
            "campaignStatus": "on",
            "callableTimeSet": refs.ref("callable_time_sets", n),
            "contactList": refs.ref("contact_lists", n),
            "dncLists": refs.refs("dnc_lists", 1),
            "alwaysRunning": True,
            "messagesPerMinute": 40 + n,
            "smsConfig": {
                "messageColumn": "text",
                "phoneColumn": "phone",
                "senderSmsPhoneNumber": {"phoneNumber": "+972555510000"},
            },
        },
        path="outbound/messagingcampaigns",
    ),
    "contact_lists": SampleKind(
        "Savers | Borrowers | Card holders",
        lambda refs, n: {
            **_base(refs, n),
            "division": refs.ref("divisions", n),
            "columnNames": ["account", "phone", "language"],
            "phoneColumns": [{"columnName": "phone", "type": "home"}],
            "size": 1000 * (n + 1),
            "attemptLimits": refs.ref("attempt_limits", n),
            "automaticTimeZoneMapping": False,
            "trimWhitespace": True,
            "retentionType": "RetentionDays",
            "retentionDays": 90 + n,
            "dateExpiration": instant(n + 9),
            "timeZone": "Asia/Jerusalem",
        },
        path="outbound/contactlists",
    ),
    "contact_list_filters": SampleKind(
        "Hebrew only | Large accounts",
        lambda refs, n: {
            **_base(refs, n),
            "contactList": refs.ref("contact_lists", n),
            "sourceType": "ContactList",
            "clauses": [],
            "filterType": ("AND", "OR")[n % 2],
        },
        path="outbound/contactlistfilters",
    ),
    "dnc_lists": SampleKind(
        "By request | By court order",
        lambda refs, n: {
            **_base(refs, n),
            "size": 12 + n,
            "dncSourceType": "rds",
            "contactMethod": ("Phone", "Any")[n % 2],
            "campaignId": refs.id("campaigns", n),
            "division": refs.ref("divisions", n),
        },
        path="outbound/dnclists",
    ),
    "rule_sets": SampleKind(
        "Twice a day | Never on Friday",
        lambda refs, n: {
            **_base(refs, n),
            "contactList": refs.ref("contact_lists", n),
            "queue": refs.ref("queues", n),
            "rules": [{"name": "only once", "order": 1, "category": "DIALER_PRECALL"}],
        },
        path="outbound/rulesets",
    ),
    "campaign_rules": SampleKind(
        "Next list | Stop at night",
        lambda refs, n: {
            **_base(refs, n),
            "campaignRuleEntities": {"campaigns": refs.refs("campaigns", n)},
            "campaignRuleConditions": [],
            "campaignRuleActions": [],
            "matchAnyConditions": n == 0,
            "enabled": True,
            "campaignRuleProcessing": "v2",
            "timeZoneId": "Asia/Jerusalem",
        },
        path="outbound/campaignrules",
    ),
    "campaign_sequences": SampleKind(
        "Spring",
        lambda refs, n: {
            **_base(refs, n),
            "campaigns": refs.refs("campaigns", 0, 1),
            "currentCampaign": 1,
            "status": "on",
            "repeat": True,
        },
        path="outbound/sequences",
    ),
    "attempt_limits": SampleKind(
        "Three a day | Once",
        lambda refs, n: {
            **_base(refs, n),
            "maxAttemptsPerContact": 3 - n,
            "maxAttemptsPerNumber": 1,
            "timeZoneId": "Asia/Jerusalem",
            "resetPeriod": ("TODAY", "NEVER")[n % 2],
        },
        path="outbound/attemptlimits",
    ),
    "callable_time_sets": SampleKind(
        "Business hours | Evenings",
        lambda refs, n: {
            **_base(refs, n),
            "callableTimes": [
                {
                    "timeSlots": [
                        {"startTime": "09:00:00", "stopTime": "18:00:00", "day": 1}
                    ],
                    "timeZoneId": "Asia/Jerusalem",
                }
            ],
        },
        path="outbound/callabletimesets",
    ),
}


def all_campaigns(refs: Refs) -> list[Json]:
    """Return campaigns of both kinds, with what they have in common."""
    kinds = {"campaigns": "voice", "messaging_campaigns": "sms"}
    return [
        {
            **refs.ref(table, n),
            "division": refs.ref("divisions", n),
            "mediaType": medium,
        }
        for table, medium in kinds.items()
        for n in range(refs.count(table))
    ]


def wrap_up_mappings(refs: Refs) -> list[Json]:
    """Return what the codes mean to campaigns, by the codes' ids."""
    return [
        {"id": refs.id("wrapup_codes", n), "value": list(FLAGS[: n % 3 + 1])}
        for n in range(refs.count("wrapup_codes"))
    ]
