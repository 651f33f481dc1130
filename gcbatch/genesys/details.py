"""The details that can be asked for, what narrows them down, and by which roads.

Source: models ConversationQuery, AsyncConversationQuery, UserDetailsQuery and the
predicates below them of PureCloudPlatformClientV2 269.0.0; permissions from the
JavaScript SDK 259.0.0; read 2026-11-21.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["DETAILS", "Details", "FetchMode", "details_named"]


class FetchMode(StrEnum):
    """How data is asked for."""

    QUERY = "query"
    """Pages of an answer at once; complete to the present."""

    JOBS = "jobs"
    """A job of the service, whose results are fetched when it is done."""

    AUTO = "auto"
    """Whichever costs less for what is asked."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


@dataclass(frozen=True)
class Details:
    """One `POST /api/v2/analytics/X/details/query` and the jobs beside it.

    Args:
        name: The endpoint in job files; `-jobs` and `-auto` name the other roads.
        path: The X of the address.
        permission: What a role needs to ask it.
        filters: The filters of a request, each with its dimensions.
        tables: The registry folder of its tables.
        by_queue: Whether queues and media types narrow it down.
    """

    name: str
    path: str
    permission: str
    filters: Mapping[str, tuple[str, ...]]
    tables: str
    by_queue: bool

    @property
    def address(self) -> str:
        """Where it is asked, but for the last part."""
        return f"/api/v2/analytics/{self.path}/details"

    @property
    def roads(self) -> dict[str, FetchMode]:
        """The endpoints of job files, each with its road."""
        return {self.by(road): road for road in FetchMode}

    def by(self, road: FetchMode) -> str:
        """Return the endpoint of job files that goes by *road*."""
        return self.name if road is FetchMode.QUERY else f"{self.name}-{road}"


DETAILS: Final = (
    Details(
        name="conversation-details",
        path="conversations",
        permission="analytics:conversationDetail:view",
        filters={
            "conversationFilters": _words(
                """
                accessAttribute conversationEnd conversationId conversationInitiator
                conversationStart customerParticipation divisionId externalTag
                mediaStatsMinConversationMos originatingDirection
                originatingSocialMediaPublic
                """
            ),
            "segmentFilters": _words(
                """
                addressFrom addressTo agentAssistantId agentOwned ani authenticated
                bargedParticipantId callbackNumber callbackScheduledTime
                canonicalExternalContactId cleared coachedParticipantId conference
                deliveryPushed deliveryStatus destinationAddress
                destinationConversationId detectedSpeechEnd detectedSpeechStart
                direction disconnectType dnis edgeId engagementSource errorCode
                exitReason extendedDeliveryStatus externalContactId
                externalOrganizationId flaggedReason flowId flowName flowOutType
                flowOutcome flowOutcomeId flowOutcomeValue flowVersion groupId
                journeyActionId journeyActionMapId journeyCustomerId
                journeyCustomerIdType journeyCustomerSessionId mediaCount mediaType
                messageType monitoredParticipantId outboundCampaignId outboundContactId
                outboundContactListId participantName protocolCallId provider purpose
                queueId recording remote remoteNameDisplayable requestedLanguageId
                requestedRouting requestedRoutingSkillId scoredAgentId
                screenMonitoredUserId screenRecording scriptId segmentEnd segmentType
                sessionDnis sipResponseCode skillExpressionId snippetRecording subject
                teamId transferTargetAddress transferTargetName transferType usedRouting
                userId wrapUpCode wrapUpNote
                """
            ),
            "evaluationFilters": _words(
                """
                assigneeApplicable assigneeId calibrationId contextId deleted
                evaluationId evaluationStatus evaluatorId eventTime formId formName
                queueId released rescored systemSubmitted userId
                """
            ),
            "surveyFilters": _words(
                """
                eventTime queueId surveyCompletedDate surveyFormContextId surveyFormId
                surveyId surveyPartialResponse surveyPromoterScore surveyStatus
                surveyType userId
                """
            ),
            "resolutionFilters": (),
        },
        tables="conversations",
        by_queue=True,
    ),
    Details(
        name="user-details",
        path="users",
        permission="analytics:userDetail:view",
        filters={
            "userFilters": ("userId",),
            "presenceFilters": ("organizationPresenceId", "systemPresence"),
            "routingStatusFilters": ("routingStatus",),
        },
        tables="users",
        by_queue=False,
    ),
)


def details_named(endpoint: str) -> tuple[Details, FetchMode] | None:
    """Return what an endpoint asks and by which road; None where it is no details.

    Args:
        endpoint: The name in a job file; the address's own word is taken too
            (`users-details` is `user-details`).
    """
    for details in DETAILS:
        for name, road in details.roads.items():
            if endpoint in (name, name.replace("-details", "s-details", 1)):
                return details, road
    return None
