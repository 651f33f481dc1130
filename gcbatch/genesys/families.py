"""The 19 families of aggregates: their metrics and dimensions.

Source: the enumerations of PureCloudPlatformClientV2 269.0.0 (`<Model>AggregationView`
and `<Model>AggregateQueryPredicate`); permissions from the JavaScript SDK 259.0.0;
read 2026-11-21.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

__all__ = ["FAMILIES", "Family", "family_named", "kebab"]


def kebab(name: str) -> str:
    """Return a camel-case name in lower case with hyphens."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


@dataclass(frozen=True)
class Family:
    """One `POST /api/v2/analytics/X/aggregates/query`.

    Args:
        model: The API's model name, such as `Conversation`.
        path: The X of the address.
        permission: What a role needs for it.
        metrics: Names of its metrics.
        dimensions: Names of the dimensions that it can group and filter by.
        time_dimensions: Values of `alternateTimeDimension`.
    """

    model: str
    path: str
    permission: str
    metrics: tuple[str, ...]
    dimensions: tuple[str, ...]
    time_dimensions: tuple[str, ...]

    @cached_property
    def endpoint(self) -> str:
        """The name in job files, such as `conversation-aggregates`."""
        return f"{kebab(self.model)}-aggregates"

    @property
    def jobs_endpoint(self) -> str:
        """The name in job files for async jobs of the service."""
        return f"{self.endpoint}-jobs"

    @property
    def has_jobs(self) -> bool:
        """Whether the service has async jobs for it: all but rate limits have."""
        return self.model != "RateLimit"

    @property
    def qualified(self) -> bool:
        """Whether its metrics carry a qualifier (a status or presence id)."""
        return self.model == "User"


def _family(
    *,
    model: str,
    path: str,
    permission: str,
    metrics: str,
    dimensions: str,
    time_dimensions: str = "eventTime",
) -> Family:
    words = (tuple(text.split()) for text in (metrics, dimensions, time_dimensions))
    return Family(model, path, permission, *words)


FAMILIES: Final = (
    _family(
        model="Conversation",
        path="conversations",
        permission="analytics:conversationAggregate:view",
        metrics="""
            nAgentDeclined nAlertExpired nBlindTransferred nBotInteractions
            nCallbackAttempts nCallbackOverSla nCallbackScheduled nCfcOffered
            nCobrowseSessions nConnected nConsult nConsultTransferred nConversations
            nError nOffered nOutbound nOutboundAbandoned nOutboundAttempted
            nOutboundConnected nOverSla nStateTransitionError nTakeover nTransferred
            oAudioMessageCount oCallbackServiceLevel oExternalAudioMessageCount
            oExternalMediaCount oMediaCount oMessageCount oMessageSegmentCount
            oMessageTurn oServiceLevel oServiceTarget oSkillExpressionApplications
            tAbandon tAcd tActiveCallback tActiveCallbackComplete tAcw
            tAgentResponseTime tAgentVideoConnected tAlert tAnswered
            tAverageAgentResponseTime tAverageCustomerResponseTime tBarging
            tCallbackAbandon tCallbackConnect tCallbackNotReached
            tCallbackVirtualWait tCfcAbandon tCfcAcd tCfcAnswered tCfcFlowOut
            tCoaching tCoachingComplete tConnected tContacting tDialing
            tFirstConnect tFirstDial tFirstEngagement tFirstResponse tFlowOut
            tHandle tHeld tHeldComplete tIvr tMonitoring tMonitoringComplete
            tNotResponding tPark tParkComplete tScreenMonitoring tShortAbandon
            tSnippetRecord tTalk tTalkComplete tTransmitting tUserResponseTime
            tVoicemail tWait
        """,
        dimensions="""
            activeRouting activeSkillId addressFrom addressTo agentAssistantId
            agentBullseyeRing agentOwned agentRank agentScore ani assignerId
            authenticated canonicalExternalContactId conversationId
            conversationInitiator convertedFrom convertedTo customerParticipation
            deliveryStatus destinationAddress direction disconnectType divisionId
            dnis edgeId eligibleAgentCount errorCode extendedDeliveryStatus
            externalContactId externalMediaCount externalOrganizationId externalTag
            firstQueue flaggedReason flowInType flowOutType groupId interactionType
            journeyActionId journeyActionMapId journeyActionMapVersion
            journeyCustomerId journeyCustomerIdType journeyCustomerSessionId
            journeyCustomerSessionIdType knowledgeBaseId mediaCount mediaType
            messageType originatingDirection originatingSocialMediaPublic
            outboundCampaignId outboundContactId outboundContactListId
            participantName peerId proposedAgentId provider purpose queueId remote
            removedSkillId requestedLanguageId requestedRouting
            requestedRoutingSkillId roomId routingPriority routingRing routingRule
            routingRuleType scoredAgentId selectedAgentId selectedAgentRank
            selfServed sessionDnis sessionId skillExpressionId stationId teamId
            usedRouting userId videoPresent waitingInteractionCount wrapUpCode
        """,
    ),
    _family(
        model="Action",
        path="actions",
        permission="integrations:action:view",
        metrics="tTotalExecution",
        dimensions="""
            actionCategory actionId actionName correlationId errorType integrationId
            integrationName responseStatus
        """,
    ),
    _family(
        model="AgentCopilot",
        path="agentcopilots",
        permission="analytics:agentCopilotAggregate:view",
        metrics="""
            nCannedResponseSuggestions nDistinctConversations nDistinctSuggestions
            nKnowledgeAnswerSuggestions nKnowledgeArticleSuggestions
            nKnowledgeSearchSuggestions nScriptSuggestions
        """,
        dimensions="""
            agentAssistantId cannedResponseId cannedResponseLibraryId chunkCount
            conversationId engagementType externalContactId feedbackRating
            hasAnswerHighlight hasGeneratedAnswer knowledgeBaseDocumentId
            knowledgeBaseDocumentVersionId knowledgeSettingId mediaType messageId
            queueId scriptId scriptPageId searchId state suggestionId suggestionType
            triggerType userId utteranceId
        """,
    ),
    _family(
        model="AgentUtilization",
        path="agentutilizations",
        permission="analytics:agentUtilizationAggregate:view",
        metrics="""
            oAgentAvailableUtilization oAgentMaxUtilization
            oAgentUtilizationPercentage
        """,
        dimensions="mediaType userId",
    ),
    _family(
        model="Bot",
        path="bots",
        permission="analytics:botAggregate:view",
        metrics="""
            nBotSessionTurns nBotSessions oBotIntent oBotSessionCollection
            oBotSessionCollectionSelfServed oBotSessionQuery
            oBotSessionQuerySelfServed oBotSessionTurn oBotSlot tBotDisconnect
            tBotExit tBotRecognitionFailure tBotSession
        """,
        dimensions="""
            askActionId askActionResult askActionType botFinalIntent botFlowSubType
            botFlowType botId botIntent botName botProduct botProvider
            botRecognitionFailureReason botResult botSessionId botSlot
            botSlotMechanism botVersion conversationId externalContactId
            intermediateIntentName knowledgeBaseId languageCode lastActionId
            lastInputActionId mediaType messageType previewMode selfServed
        """,
    ),
    _family(
        model="CaseManagement",
        path="casemanagement",
        permission="analytics:caseManagementAggregate:view",
        metrics="""
            nCaseAssociationsCreated nCasesDeleted nCasesOpened nCasesOverSla
            nCasesPurged nCasesStatusChanged nCasesTerminated oCasesServiceLevel
            tCasesResolved tCasesStatus
        """,
        dimensions="""
            associationType caseId caseplanId conversationId customerIntentId
            divisionId ownerId priority stageId status stepId workitemId
        """,
    ),
    _family(
        model="Copilot",
        path="copilots",
        permission="analytics:copilotsAggregate:view",
        metrics="""
            nCopilotMessages nCopilotSessions nCopilotToolInvocations nCopilotUsers
        """,
        dimensions="""
            agentId divisionId sessionId toolId toolStatus toolType userId
        """,
    ),
    _family(
        model="Evaluation",
        path="evaluations",
        permission="analytics:evaluationAggregate:view",
        metrics="""
            nEvaluations nEvaluationsDeleted nEvaluationsRescored
            oTotalCriticalScore oTotalScore
        """,
        dimensions="""
            assigneeApplicable assigneeId calibrationId contextId conversationId
            conversationStart divisionId evaluationContextId evaluationCreatedDate
            evaluationId evaluationReleaseDate evaluatorId formId mediaType queueId
            released rescored systemSubmitted teamId userId
        """,
        time_dimensions="""
            conversationStart evaluationCreatedDate evaluationReleaseDate eventTime
        """,
    ),
    _family(
        model="Flow",
        path="flows",
        permission="analytics:flowAggregate:view",
        metrics="""
            nFlow nFlowMilestone nFlowOutcome nFlowOutcomeFailed oFlowMilestone
            tFlow tFlowDisconnect tFlowExit tFlowOutcome
        """,
        dimensions="""
            activeRouting activeSkillId addressFrom addressTo agentAssistantId
            agentBullseyeRing agentOwned agentRank agentScore ani assignerId
            authenticated canonicalExternalContactId conversationId
            conversationInitiator convertedFrom convertedTo customerParticipation
            deliveryStatus destinationAddress direction disconnectType divisionId
            dnis edgeId eligibleAgentCount endingLanguage entryReason entryType
            errorCode exitReason extendedDeliveryStatus externalContactId
            externalMediaCount externalOrganizationId externalTag firstQueue
            flaggedReason flowId flowInType flowMilestoneId flowName flowOutType
            flowOutcome flowOutcomeId flowOutcomeValue flowSubType flowType
            flowVersion groupId interactionType journeyActionId journeyActionMapId
            journeyActionMapVersion journeyCustomerId journeyCustomerIdType
            journeyCustomerSessionId journeyCustomerSessionIdType knowledgeBaseId
            mediaCount mediaType messageType originatingDirection outboundCampaignId
            outboundContactId outboundContactListId participantName peerId
            proposedAgentId provider purpose queueId recognitionFailureReason remote
            removedSkillId requestedLanguageId requestedRouting
            requestedRoutingSkillId roomId routingPriority routingRing routingRule
            routingRuleType scoredAgentId selectedAgentId selectedAgentRank
            selfServed sessionDnis sessionId skillExpressionId startingLanguage
            stationId teamId transferTargetAddress transferTargetName transferType
            usedRouting userId videoPresent waitingInteractionCount wrapUpCode
        """,
    ),
    _family(
        model="FlowExecution",
        path="flowexecutions",
        permission="analytics:flowExecutionAggregate:view",
        metrics="nFlowExecutions",
        dimensions="divisionId flowId flowObjectId flowVersion",
    ),
    _family(
        model="Journey",
        path="journeys",
        permission="analytics:journeyAggregate:view",
        metrics="""
            nDistinctJourneyActions nDistinctJourneySessions nJourneyActionsBlocked
            nJourneyOutcomesAchieved nJourneyOutcomesAttributed
            nJourneySegmentsAssigned nJourneySessions nWebActionsAbandoned
            nWebActionsAccepted nWebActionsEngaged nWebActionsErrored
            nWebActionsFrequencyCapReached nWebActionsIgnored nWebActionsOffered
            nWebActionsOfferedOutsideSchedule nWebActionsQualified
            nWebActionsQualifiedOutsideSchedule nWebActionsRejected
            nWebActionsStarted nWebActionsTimedout oJourneyOutcomeTouchpointValue
            oJourneyOutcomeValue
        """,
        dimensions="""
            containsAllCondition containsAnyCondition endsWithCondition
            equalCondition journeyActionId journeyActionMapId
            journeyActionMapVersion journeyActionMediaType journeyActionTargetId
            journeyActionTemplateId journeyBlockingActionMapId
            journeyBlockingEmergencyScheduleGroupId journeyBlockingReason
            journeyBlockingScheduleGroupId journeyDeviceCategory journeyDeviceType
            journeyFrequencyCapReason journeyIpGeolocationCountry journeyOutcomeId
            journeySegmentAssignmentState journeySegmentId journeySessionId
            journeySessionSegmentId journeySessionType notContainsAllCondition
            notContainsAnyCondition notEqualCondition startsWithCondition
            touchpointActionMapId touchpointAgentId touchpointAttributionScope
            touchpointChannelMessageType touchpointChannelPlatform
            touchpointChannelType touchpointConversationId touchpointInteractionType
            touchpointQueueId touchpointRequestedRouting touchpointUsedRouting
            touchpointWrapupCode
        """,
    ),
    _family(
        model="Knowledge",
        path="knowledge",
        permission="analytics:knowledgeAggregate:view",
        metrics="""
            nDistinctKnowledgeSessions nKnowledgeDocumentCopied
            nKnowledgeDocumentFeedback nKnowledgeDocumentPresented
            nKnowledgeDocumentSurfaced nKnowledgeDocumentViewed nKnowledgeSearch
            nKnowledgeSearchAnswered nKnowledgeSearchFeedback
            nKnowledgeSearchUnanswered nKnowledgeSessions nKnowledgeV3Search
            oKnowledgeDocumentQuery oKnowledgeDocumentQuerySelfServed
            oKnowledgeSearch
        """,
        dimensions="""
            agentAssistantId answerGenerationEnabled appDeploymentId appType
            botFlowId conversationChannelType conversationId documentEngagementType
            externalContactId feedbackCategory feedbackId feedbackRating
            feedbackRatingType feedbackRatingValue feedbackReason feedbackType
            hasComment hasRetrievedReferences hasSearch knowledgeBaseDocumentId
            knowledgeBaseDocumentVariationId knowledgeBaseDocumentVersionId
            knowledgeBaseId knowledgeSettingId languageCode mediaType messageType
            presentedDocumentsCount queryType queryTypeV3 queueId searchId
            searchQuery selfServed sessionId surfacingMethod userId
        """,
    ),
    _family(
        model="RateLimit",
        path="ratelimits",
        permission="analytics:rateLimitAggregate:view",
        metrics="oRateLimitRecorded",
        dimensions="""
            correlationId entityId limitName max namespace timeUnit userId
        """,
    ),
    _family(
        model="Resolution",
        path="resolutions",
        permission="analytics:resolutionAggregate:view",
        metrics="nNextContactAvoided",
        dimensions="""
            conversationId externalContactId mediaType queueId requestedRouting
            usedRouting userId wrapUpDate
        """,
        time_dimensions="eventTime wrapUpDate",
    ),
    _family(
        model="Summary",
        path="summaries",
        permission="analytics:summaryAggregate:view",
        metrics="""
            nConversationSummaries nConversationSummaryEngagements
            tConversationSummary
        """,
        dimensions="""
            conversationId copied editedField errorType language mediaType
            messageType presented queueId summaryGenerated summaryId summaryRating
            triggerSourceId triggerSourceOutcome triggerSourceType triggerType
            userId wrapUpCodeRating wrapUpCodeSuggestionSelected
            wrapupCodesGenerated wrapupCodesSupported
        """,
    ),
    _family(
        model="Survey",
        path="surveys",
        permission="analytics:surveyAggregate:view",
        metrics="""
            nSurveyErrors nSurveyFullResponses nSurveyNpsDetractors
            nSurveyNpsPromoters nSurveyNpsResponses nSurveyPartialResponses
            nSurveyQuestionGroupResponses nSurveyQuestionResponses nSurveyResponses
            nSurveysAbandoned nSurveysDeleted nSurveysExpired nSurveysSent
            nSurveysStarted nVoiceSurveys nWebSurveys oSurveyQuestionGroupScore
            oSurveyQuestionScore oSurveyTotalScore
        """,
        dimensions="""
            conversationId divisionId externalContactId mediaType queueId
            requestedLanguageId requestedRoutingSkillId surveyAnswerId
            surveyCreatedDate surveyErrorReason surveyFormContextId surveyFormId
            surveyFormName surveyId surveyPartialResponse surveyPreviousStatus
            surveyPromoterScore surveyQuestionGroupId surveyQuestionId surveyStatus
            surveyType teamId userId wrapUpCode
        """,
        time_dimensions="eventTime surveyCreatedDate",
    ),
    _family(
        model="TaskManagement",
        path="taskmanagement",
        permission="analytics:taskManagementAggregate:view",
        metrics="""
            nWorkitemsAcdCancelled nWorkitemsAcdExpired nWorkitemsAcdStarted
            nWorkitemsAgentTransferred nWorkitemsCreated nWorkitemsDeclined
            nWorkitemsDeleted nWorkitemsDisconnected nWorkitemsOffered
            nWorkitemsOverSla nWorkitemsPurged nWorkitemsQueueTransferred
            nWorkitemsStatusChanged nWorkitemsTerminated nWorkitemsTimedout
            nWorkitemsTransferred nWorkitemsWrapupAdded nWorkitemsWrapupRemoved
            oWorkitemsServiceLevel tWorkitemsAgentFocusComplete tWorkitemsAlert
            tWorkitemsAnswered tWorkitemsDirectAnswered tWorkitemsFocus
            tWorkitemsFocusComplete tWorkitemsHandled tWorkitemsHeld
            tWorkitemsHeldComplete tWorkitemsNotResponding tWorkitemsParked
            tWorkitemsQueueAnswered tWorkitemsStatus
        """,
        dimensions="""
            assigneeId caseId divisionId externalTag queueId reporterId
            requestedLanguageId requestedRouting requestedRoutingSkillId
            statusCategory statusId typeId usedRouting userId workbinId workitemId
            wrapUpCode
        """,
    ),
    _family(
        model="Transcript",
        path="transcripts",
        permission="analytics:speechAndTextAnalyticsAggregates:view",
        metrics="""
            nSpeechTextAnalyzedConversations nTopicCommunications oCustomerSentiment
            oOverTalkSpeechInstances oSentimentScore tAgentSpeech tCustomerSpeech
            tOtherAudio tOverTalkSpeech tSilence tTotalSpeechAndSilence
        """,
        dimensions="""
            addressFrom addressTo ani categoryId channel conversationDuration
            conversationId direction divisionId dnis flowId flowVersion handleTime
            mediaType messageType queueId resultsBy teamId topicId userId wrapUpCode
        """,
    ),
    _family(
        model="User",
        path="users",
        permission="analytics:userAggregate:view",
        metrics="""
            tAgentRoutingStatus tOrganizationPresence tSystemPresence
        """,
        dimensions="userId",
    ),
)


def family_named(endpoint: str) -> Family | None:
    """Return the family of an endpoint; None if it has none.

    Args:
        endpoint: The name in a job file, with or without `-jobs`; the word of the
            address works too (`users-aggregates` is `user-aggregates`).
    """
    name = endpoint.removesuffix("-jobs")
    for family in FAMILIES:
        if name in (family.endpoint, f"{family.path}-aggregates"):
            return family
    return None
