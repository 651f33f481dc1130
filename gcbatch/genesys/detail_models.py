"""The models of the detail queries: conversations, and the status of users by time.

Each model says what its fields hold. The checks of pages and the columns of tables
both follow from it.

Source: models AnalyticsConversation, AnalyticsUserDetail and those below them of
PureCloudPlatformClientV2 269.0.0, read 2026-11-21.
"""

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Final

__all__ = ["CONVERSATION", "USER_DETAIL", "Field", "FieldKind", "Model"]


class FieldKind(Enum):
    """What a field holds."""

    TEXT = "text"
    TIME = "an instant, ISO 8601"
    FLAG = "true or false"
    WHOLE = "a whole number"
    NUMBER = "a number"
    TEXTS = "a list of texts"
    WHOLES = "a list of whole numbers"
    JSON = "anything; stored as it was sent"
    ONE = "one record of another model"
    MANY = "a list of records of another model"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a model.

    Args:
        name: The API's name of it.
        holds: What it holds.
        model: The model of its records; None if it holds none.
        strict: Whether another value makes the record an error, because the field
            identifies records or is summed. In other fields it is stored as it is.
    """

    name: str
    holds: FieldKind
    model: "Model | None" = None
    strict: bool = False


@dataclass(frozen=True, eq=False)
class Model:
    """A record of the API, with the API's name of it.

    It is compared by identity: as a key of a cache it is hashed at once.
    """

    name: str
    fields: tuple[Field, ...]

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """Its fields by the API's names."""
        return {field.name: field for field in self.fields}


def _each(holds: FieldKind, names: str, *, strict: bool = False) -> tuple[Field, ...]:
    return tuple(Field(name, holds, strict=strict) for name in names.split())


FLOW: Final = Model(
    "AnalyticsFlow",
    (
        *_each(
            FieldKind.TEXT,
            """
            flowId flowName flowType flowVersion endingLanguage entryReason entryType
            exitReason recognitionFailureReason startingLanguage transferTargetAddress
            transferTargetName transferType
            """,
        ),
        *_each(FieldKind.FLAG, "issuedCallback"),
        *_each(FieldKind.JSON, "outcomes"),
    ),
)

METRIC: Final = Model(
    "AnalyticsSessionMetric",
    (
        *_each(FieldKind.TEXT, "name", strict=True),
        *_each(FieldKind.WHOLE, "value", strict=True),
        *_each(FieldKind.TIME, "emitDate"),
    ),
)

SEGMENT: Final = Model(
    "AnalyticsConversationSegment",
    (
        *_each(FieldKind.TIME, "segmentStart segmentEnd"),
        *_each(
            FieldKind.TEXT,
            """
            segmentType queueId wrapUpCode wrapUpNote disconnectType errorCode groupId
            requestedLanguageId subject destinationConversationId destinationSessionId
            sourceConversationId sourceSessionId
            """,
        ),
        *_each(FieldKind.FLAG, "audioMuted conference videoMuted"),
        *_each(
            FieldKind.TEXTS,
            "wrapUpTags requestedRoutingSkillIds requestedRoutingUserIds",
        ),
        *_each(FieldKind.WHOLES, "q850ResponseCodes sipResponseCodes"),
        *_each(FieldKind.JSON, "scoredAgents properties"),
    ),
)

SESSION: Final = Model(
    "AnalyticsSession",
    (
        *_each(
            FieldKind.TEXT,
            """
            sessionId mediaType direction messageType provider ani dnis sessionDnis
            addressFrom addressOther addressSelf addressTo agentAssistantId assignerId
            bargedParticipantId callbackUserName coachedParticipantId cobrowseRole
            cobrowseRoomId deliveryStatus dispositionAnalyzer dispositionName edgeId
            engagementSource errorCodeDescription extendedDeliveryStatus flowInType
            flowOutType journeyActionId journeyActionMapId journeyCustomerId
            journeyCustomerIdType journeyCustomerSessionId journeyCustomerSessionIdType
            mediaBridgeId monitoredParticipantId outboundCampaignId outboundContactId
            outboundContactListId peerId protocolCallId remote remoteNameDisplayable
            roomId routingRule routingRuleType screenMonitoredUserId
            screenShareAddressSelf screenShareRoomId scriptId selectedAgentId
            skillExpressionId usedRouting videoAddressSelf videoRoomId
            """,
        ),
        *_each(
            FieldKind.TIME,
            """
            callbackScheduledTime deliveryStatusChangeDate detectedSpeechStart
            detectedSpeechEnd
            """,
        ),
        *_each(
            FieldKind.FLAG,
            """
            acwSkipped agentOwned authenticated cleared deliveryPushed recording
            sharingScreen skipEnabled snippetRecording
            """,
        ),
        *_each(
            FieldKind.WHOLE,
            """
            agentBullseyeRing journeyActionMapVersion mediaCount routingRing
            selectedAgentRank timeoutSeconds
            """,
        ),
        *_each(
            FieldKind.TEXTS,
            """
            activeSkillIds bcc callbackNumbers cc destinationAddresses removedSkillIds
            requestedRoutings
            """,
        ),
        *_each(FieldKind.WHOLES, "eligibleAgentCounts waitingInteractionCounts"),
        Field("flow", FieldKind.ONE, FLOW),
        *_each(FieldKind.JSON, "agentGroups proposedAgents mediaEndpointStats"),
        Field("metrics", FieldKind.MANY, METRIC),
        Field("segments", FieldKind.MANY, SEGMENT),
    ),
)

PARTICIPANT: Final = Model(
    "AnalyticsParticipant",
    (
        *_each(
            FieldKind.TEXT,
            """
            participantId participantName purpose userId teamId externalContactId
            externalOrganizationId flaggedReason
            """,
        ),
        *_each(FieldKind.FLAG, "screenRecording"),
        *_each(FieldKind.JSON, "attributes"),
        Field("sessions", FieldKind.MANY, SESSION),
    ),
)

CONVERSATION: Final = Model(
    "AnalyticsConversation",
    (
        *_each(FieldKind.TEXT, "conversationId", strict=True),
        *_each(FieldKind.TIME, "conversationStart", strict=True),
        *_each(FieldKind.TIME, "conversationEnd"),
        *_each(
            FieldKind.TEXT,
            """
            originatingDirection conversationInitiator associatedConversationId
            externalTag
            """,
        ),
        *_each(FieldKind.TEXTS, "divisionIds"),
        *_each(
            FieldKind.NUMBER,
            "mediaStatsMinConversationMos mediaStatsMinConversationRFactor",
        ),
        *_each(FieldKind.TIME, "conferenceStart inactivityTimeout"),
        *_each(
            FieldKind.FLAG,
            "customerParticipation originatingSocialMediaPublic selfServed",
        ),
        *_each(
            FieldKind.TEXTS,
            "accessAttributes consultationConversationIds knowledgeBaseIds",
        ),
        *_each(FieldKind.JSON, "evaluations surveys resolutions"),
        Field("participants", FieldKind.MANY, PARTICIPANT),
    ),
)
"""The rows of conversation details. Only results of async jobs have a participant's
`attributes`."""

PRESENCE: Final = Model(
    "AnalyticsUserPresenceRecord",
    (
        *_each(FieldKind.TIME, "startTime endTime", strict=True),
        *_each(FieldKind.TEXT, "systemPresence organizationPresenceId"),
    ),
)

ROUTING_STATUS: Final = Model(
    "AnalyticsRoutingStatusRecord",
    (
        *_each(FieldKind.TIME, "startTime endTime", strict=True),
        *_each(FieldKind.TEXT, "routingStatus"),
    ),
)

USER_DETAIL: Final = Model(
    "AnalyticsUserDetail",
    (
        *_each(FieldKind.TEXT, "userId", strict=True),
        Field("primaryPresence", FieldKind.MANY, PRESENCE),
        Field("routingStatus", FieldKind.MANY, ROUTING_STATUS),
    ),
)
"""The rows of user details."""
