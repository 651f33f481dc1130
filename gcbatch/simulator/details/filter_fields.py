"""The fields that filters of details queries can name, and how to read them.

Source: the enumerations of models `<Level>DetailQueryPredicate` of
PureCloudPlatformClientV2 269.0.0, read 2026-11-21.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

from gcbatch.simulator.details.filters import Level, Values
from gcbatch.simulator.instants import milliseconds

__all__ = [
    "CONVERSATION",
    "EVALUATION",
    "PRESENCE",
    "RESOLUTION",
    "ROUTING_STATUS",
    "SEGMENT",
    "SURVEY",
    "USER",
    "conversation_values",
    "record_values",
    "segment_values",
]

Json = Mapping[str, Any]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CONVERSATION: Final = Level(
    "Conversation",
    dimensions=_words(
        """
        accessAttribute conversationEnd conversationId conversationInitiator
        conversationStart customerParticipation divisionId externalTag
        mediaStatsMinConversationMos originatingDirection
        originatingSocialMediaPublic
        """
    ),
    metrics=_words(
        """
        nAgentDeclined nAlertExpired nBlindTransferred nBotInteractions
        nCallbackAttempts nCallbackOverSla nCallbackScheduled nCfcOffered
        nCobrowseSessions nConnected nConsult nConsultTransferred nConversations
        nError nFlow nFlowMilestone nFlowOutcome nFlowOutcomeFailed nOffered
        nOutbound nOutboundAbandoned nOutboundAttempted nOutboundConnected
        nOverSla nStateTransitionError nTakeover nTransferred oAudioMessageCount
        oExternalAudioMessageCount oExternalMediaCount oFlowMilestone
        oMediaCount oMessageCount oMessageSegmentCount oMessageTurn
        oSkillExpressionApplications tAbandon tAcd tActiveCallback
        tActiveCallbackComplete tAcw tAgentResponseTime tAgentVideoConnected
        tAlert tAnswered tAverageAgentResponseTime tAverageCustomerResponseTime
        tBarging tCallbackAbandon tCallbackConnect tCallbackNotReached
        tCallbackVirtualWait tCfcAbandon tCfcAcd tCfcAnswered tCfcFlowOut
        tCoaching tCoachingComplete tConnected tContacting tConversationDuration
        tDialing tFirstConnect tFirstDial tFirstEngagement tFirstResponse tFlow
        tFlowDisconnect tFlowExit tFlowOut tFlowOutcome tHandle tHeld
        tHeldComplete tIvr tMonitoring tMonitoringComplete tNotResponding tPark
        tParkComplete tScreenMonitoring tShortAbandon tSnippetRecord tTalk
        tTalkComplete tTransmitting tUserResponseTime tVoicemail
        """
    ),
    has_properties=True,
)

SEGMENT: Final = Level(
    "Segment",
    dimensions=_words(
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
    metrics=_words("tSegmentDuration"),
    has_properties=True,
)

EVALUATION: Final = Level(
    "Evaluation",
    dimensions=_words(
        """
        assigneeApplicable assigneeId calibrationId contextId deleted
        evaluationId evaluationStatus evaluatorId eventTime formId formName
        queueId released rescored systemSubmitted userId
        """
    ),
    metrics=_words("oTotalCriticalScore oTotalScore"),
)

SURVEY: Final = Level(
    "Survey",
    dimensions=_words(
        """
        eventTime queueId surveyCompletedDate surveyFormContextId surveyFormId
        surveyId surveyPartialResponse surveyPromoterScore surveyStatus
        surveyType userId
        """
    ),
    metrics=_words("oSurveyTotalScore"),
)

RESOLUTION: Final = Level("Resolution", metrics=_words("nNextContactAvoided"))

USER: Final = Level("User", dimensions=_words("userId"))

PRESENCE: Final = Level(
    "Presence", dimensions=_words("organizationPresenceId systemPresence")
)

ROUTING_STATUS: Final = Level("RoutingStatus", dimensions=_words("routingStatus"))

_LISTS: Final[Mapping[str, str]] = {
    "accessAttribute": "accessAttributes",
    "callbackNumber": "callbackNumbers",
    "destinationAddress": "destinationAddresses",
    "divisionId": "divisionIds",
    "requestedRouting": "requestedRoutings",
    "requestedRoutingSkillId": "requestedRoutingSkillIds",
    "sipResponseCode": "sipResponseCodes",
}
"""Fields that are lists: their names differ from their dimensions."""

_OF_OUTCOMES: Final = ("flowOutcome", "flowOutcomeId", "flowOutcomeValue")


def conversation_values(conversation: Json) -> Iterator[Values]:
    """Yield the values of a conversation, as one record."""
    metrics: dict[str, list[object]] = {}
    for participant in conversation.get("participants") or ():
        for session in participant.get("sessions") or ():
            for metric in session.get("metrics") or ():
                metrics.setdefault(metric["name"], []).append(metric["value"])

    def values(name: str) -> tuple[object, ...]:
        return tuple(metrics.get(name, ())) or _of(conversation, name)

    yield values


def segment_values(conversation: Json) -> Iterator[Values]:
    """Yield the values of each segment, its session and its participant."""
    for participant in conversation.get("participants") or ():
        for session in participant.get("sessions") or ():
            flow = session.get("flow") or {}
            for segment in session.get("segments") or ():
                yield partial(_in_segment, (segment, session, flow, participant))


def record_values(record: Json) -> Values:
    """Return the values of a record that contains no other records."""
    return partial(_of, record)


def _in_segment(levels: tuple[Json, ...], name: str) -> tuple[object, ...]:
    segment, _, flow, _ = levels
    if name == "tSegmentDuration":
        return _duration(segment)
    if name in _OF_OUTCOMES:
        outcomes = flow.get("outcomes") or ()
        return tuple(o[name] for o in outcomes if o.get(name) is not None)
    if name == "scoredAgentId":
        return tuple(a["agentId"] for a in segment.get("scoredAgents") or ())
    for level in levels:
        if found := _of(level, name):
            return found
    return ()


def _duration(segment: Json) -> tuple[object, ...]:
    ends = [segment.get(name) for name in ("segmentStart", "segmentEnd")]
    if None in ends:
        return ()
    start_ms, end_ms = (milliseconds(datetime.fromisoformat(str(end))) for end in ends)
    return (end_ms - start_ms,)


def _of(record: Json, name: str) -> tuple[object, ...]:
    value = record.get(_LISTS.get(name, name))
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list) else (value,)
