"""Routing: queues, codes, skills.

Sources: paths, models and permissions of PureCloudPlatformClientV2 269.0.0 and of
platform-client-sdk-javascript 259.0.0. Read 2026-11-27.
"""

from typing import Final

from gcbatch.genesys.entities.kind import Deleted, EntityKind, Paging

__all__ = ["ROUTING"]

_MEDIA: Final = ("call", "callback", "chat", "email", "message")
"""Media types in the settings of queues; analytics says `voice` for `call`."""


def _service_level(medium: str) -> str:
    name = "voice" if medium == "call" else medium
    path = f"mediaSettings.{medium}.serviceLevel"
    return (
        f" {name}_target_pct={path}.percentage:percent"
        f" {name}_target_ms={path}.durationMs:whole"
    )


ROUTING: Final = (
    EntityKind(
        "queues",
        "queue",
        ("/api/v2/routing/queues", "/api/v2/routing/queues/divisionviews/all"),
        permissions=("routing:queue:view",),
        volatile=("memberCount", "userMemberCount", "joinedMemberCount"),
        names_ids=True,
        columns="division:named description dateCreated:instant dateModified:instant "
        "memberCount:whole userMemberCount:whole joinedMemberCount:whole"
        + "".join(map(_service_level, _MEDIA)),
    ),
    EntityKind(
        "wrapup_codes",
        "wrap_up_code",
        ("/api/v2/routing/wrapupcodes",),
        label="wrap-up codes",
        dimension="wrapUpCode",
        permissions=("routing:wrapupCode:view",),
        deleted=Deleted(
            "/api/v2/routing/wrapupcodes/divisionviews",
            "routing:wrapupCode:search",
            {"includeState": "Deleted"},
        ),
        names_ids=True,
        columns="description division:named dateCreated:instant dateModified:instant",
    ),
    EntityKind(
        "queue_members",
        "user",
        ("/api/v2/routing/queues/{parent}/members",),
        label="members of queues",
        parent="queues",
        permissions=(
            "routing:queue:view",
            "routing:queue:edit",
            "routing:queue:readonly",
            "routing:queueMember:manage",
        ),
        columns="joined:flag memberBy ringNumber:whole",
        volatile=("joined", "routingStatus", "user"),
    ),
    EntityKind(
        "queue_wrapup_codes",
        "wrap_up_code",
        ("/api/v2/routing/queues/{parent}/wrapupcodes",),
        label="wrap-up codes of queues",
        parent="queues",
        permissions=("routing:queue:view",),
        columns="division:named description dateCreated:instant "
        "dateModified:instant createdBy modifiedBy",
    ),
    EntityKind(
        "skills",
        "skill",
        ("/api/v2/routing/skills",),
        permissions=("routing:skill:view",),
        columns="division:named dateModified:instant state version",
        names_ids=True,
    ),
    EntityKind(
        "languages",
        "language",
        ("/api/v2/routing/languages",),
        columns="dateModified:instant state version",
        names_ids=True,
    ),
    EntityKind(
        "skill_groups",
        "skill_group",
        ("/api/v2/routing/skillgroups",),
        permissions=("routing:skillGroup:view",),
        paging=Paging.CURSOR,
        columns="division:named description memberCount:whole dateModified:instant "
        "dateCreated:instant",
        volatile=("memberCount",),
    ),
    EntityKind(
        "skill_expressions",
        "skill_expression",
        ("/api/v2/routing/skillexpressions",),
        permissions=("routing:skillExpressions:view",),
        paging=Paging.WHOLE,
        more={"includeArchived": "true"},
        columns="expression queueId",
    ),
    EntityKind(
        "utilization",
        "medium",
        ("/api/v2/routing/utilization",),
        label="utilization of the org",
        permissions=("routing:utilization:manage", "routing:utilization:view"),
        paging=Paging.WHOLE,
        member="utilization",
        names=(),
        columns="maximumCapacity:whole includeNonAcd:flag",
    ),
    EntityKind(
        "routing_assessments",
        "assessment",
        ("/api/v2/routing/assessments",),
        permissions=("routing:queue:view", "routing:assessment:view"),
        paging=Paging.CURSOR,
        names=(),
        columns="state jobId dateCreated:instant dateModified:instant",
    ),
    EntityKind(
        "predictors",
        "predictor",
        ("/api/v2/routing/predictors",),
        permissions=("routing:predictor:view", "routing:queue:view"),
        paging=Paging.CURSOR,
        names=(),
        columns="kpi routingTimeoutSeconds:whole state dateCreated:instant "
        "dateModified:instant errorCode",
    ),
)
