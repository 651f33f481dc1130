"""Detail queries: their filters, and the modes in which they can be fetched.

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
    """How data is fetched."""

    QUERY = "query"
    """Page by page from the query; complete to the present."""

    JOBS = "jobs"
    """By an async job of the service, whose results are fetched when it is done."""

    AUTO = "auto"
    """The one of the two that takes fewer requests."""


def _filters(**texts: str) -> dict[str, tuple[str, ...]]:
    return {name: tuple(text.split()) for name, text in texts.items()}


@dataclass(frozen=True)
class Details:
    """One `POST /api/v2/analytics/X/details/query` and its async jobs.

    Args:
        name: The endpoint in job files; `-jobs` and `-auto` name the other modes.
        path: The X of the address.
        permission: What a role needs for it.
        filters: The filters of a request, each with its dimensions.
        tables: The registry folder of its tables.
        by_queue: Whether queues and media types can filter it.
    """

    name: str
    path: str
    permission: str
    filters: Mapping[str, tuple[str, ...]]
    tables: str
    by_queue: bool

    @property
    def address(self) -> str:
        """Its address, without the last part."""
        return f"/api/v2/analytics/{self.path}/details"

    @property
    def modes(self) -> dict[str, FetchMode]:
        """The endpoints of job files, each with its mode."""
        return {self.in_mode(mode): mode for mode in FetchMode}

    def in_mode(self, mode: FetchMode) -> str:
        """Return the endpoint of job files that fetches in *mode*."""
        return self.name if mode is FetchMode.QUERY else f"{self.name}-{mode}"


DETAILS: Final = (
    Details(
        name="conversation-details",
        path="conversations",
        permission="analytics:conversationDetail:view",
        filters=_filters(
            conversationFilters="""
                accessAttribute conversationEnd conversationId conversationInitiator
                conversationStart customerParticipation divisionId externalTag
                mediaStatsMinConversationMos originatingDirection
                originatingSocialMediaPublic
            """,
            segmentFilters="""
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
            """,
            evaluationFilters="""
                assigneeApplicable assigneeId calibrationId contextId deleted
                evaluationId evaluationStatus evaluatorId eventTime formId formName
                queueId released rescored systemSubmitted userId
            """,
            surveyFilters="""
                eventTime queueId surveyCompletedDate surveyFormContextId surveyFormId
                surveyId surveyPartialResponse surveyPromoterScore surveyStatus
                surveyType userId
            """,
            resolutionFilters="",
        ),
        tables="conversations",
        by_queue=True,
    ),
    Details(
        name="user-details",
        path="users",
        permission="analytics:userDetail:view",
        filters=_filters(
            userFilters="userId",
            presenceFilters="organizationPresenceId systemPresence",
            routingStatusFilters="routingStatus",
        ),
        tables="users",
        by_queue=False,
    ),
)


def details_named(endpoint: str) -> tuple[Details, FetchMode] | None:
    """Return the details of an endpoint and its mode; None if it has no details.

    Args:
        endpoint: The name in a job file; the word of the address works too
            (`users-details` is `user-details`).
    """
    for details in DETAILS:
        for name, mode in details.modes.items():
            if endpoint in (name, name.replace("-details", "s-details", 1)):
                return details, mode
    return None
