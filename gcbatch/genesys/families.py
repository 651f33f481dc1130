"""The 19 families of aggregates: what each can be asked for.

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


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


@dataclass(frozen=True)
class Family:
    """One `POST /api/v2/analytics/X/aggregates/query` and what it knows.

    Args:
        model: The API's model name, such as `Conversation`.
        path: The X of the address.
        permission: What a role needs to ask it.
        metrics: Names of its metrics.
        dimensions: Names of what it can be grouped and filtered by.
        time_dimensions: Values of `alternateTimeDimension`.
    """

    model: str
    path: str
    permission: str
    metrics: tuple[str, ...]
    dimensions: tuple[str, ...]
    time_dimensions: tuple[str, ...] = ("eventTime",)

    @cached_property
    def endpoint(self) -> str:
        """The name in job files, such as `conversation-aggregates`."""
        return f"{kebab(self.model)}-aggregates"

    @property
    def jobs_endpoint(self) -> str:
        """The name in job files where it is asked by jobs of the service."""
        return f"{self.endpoint}-jobs"

    @property
    def has_jobs(self) -> bool:
        """Whether it can be asked by jobs of the service: all but rate limits can."""
        return self.model != "RateLimit"

    @property
    def qualified(self) -> bool:
        """Whether its metrics carry a qualifier (a status or presence id)."""
        return self.model == "User"


FAMILIES: Final = (
    Family(
        model="Conversation",
        path="conversations",
        permission="analytics:conversationAggregate:view",
        metrics=_words(
            """
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
            """
        ),
        dimensions=_words(
            """
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
            """
        ),
    ),
    Family(
        model="Action",
        path="actions",
        permission="integrations:action:view",
        metrics=_words("tTotalExecution"),
        dimensions=_words(
            """
            actionCategory actionId actionName correlationId errorType integrationId
            integrationName responseStatus
            """
        ),
    ),
    Family(
        model="AgentCopilot",
        path="agentcopilots",
        permission="analytics:agentCopilotAggregate:view",
        metrics=_words(
            """
            nCannedResponseSuggestions nDistinctConversations nDistinctSuggestions
            nKnowledgeAnswerSuggestions nKnowledgeArticleSuggestions
            nKnowledgeSearchSuggestions nScriptSuggestions
            """
        ),
        dimensions=_words(
            """
            agentAssistantId cannedResponseId cannedResponseLibraryId chunkCount
            conversationId engagementType externalContactId feedbackRating
            hasAnswerHighlight hasGeneratedAnswer knowledgeBaseDocumentId
            knowledgeBaseDocumentVersionId knowledgeSettingId mediaType messageId
            queueId scriptId scriptPageId searchId state suggestionId suggestionType
            triggerType userId utteranceId
            """
        ),
    ),
    Family(
        model="AgentUtilization",
        path="agentutilizations",
        permission="analytics:agentUtilizationAggregate:view",
        metrics=_words(
            """
            oAgentAvailableUtilization oAgentMaxUtilization
            oAgentUtilizationPercentage
            """
        ),
        dimensions=_words("mediaType userId"),
    ),
    Family(
        model="Bot",
        path="bots",
        permission="analytics:botAggregate:view",
        metrics=_words(
            """
            nBotSessionTurns nBotSessions oBotIntent oBotSessionCollection
            oBotSessionCollectionSelfServed oBotSessionQuery
            oBotSessionQuerySelfServed oBotSessionTurn oBotSlot tBotDisconnect
            tBotExit tBotRecognitionFailure tBotSession
            """
        ),
        dimensions=_words(
            """
            askActionId askActionResult askActionType botFinalIntent botFlowSubType
            botFlowType botId botIntent botName botProduct botProvider
            botRecognitionFailureReason botResult botSessionId botSlot
            botSlotMechanism botVersion conversationId externalContactId
            intermediateIntentName knowledgeBaseId languageCode lastActionId
            lastInputActionId mediaType messageType previewMode selfServed
            """
        ),
    ),
    Family(
        model="CaseManagement",
        path="casemanagement",
        permission="analytics:caseManagementAggregate:view",
        metrics=_words(
            """
            nCaseAssociationsCreated nCasesDeleted nCasesOpened nCasesOverSla
            nCasesPurged nCasesStatusChanged nCasesTerminated oCasesServiceLevel
            tCasesResolved tCasesStatus
            """
        ),
        dimensions=_words(
            """
            associationType caseId caseplanId conversationId customerIntentId
            divisionId ownerId priority stageId status stepId workitemId
            """
        ),
    ),
    Family(
        model="Copilot",
        path="copilots",
        permission="analytics:copilotsAggregate:view",
        metrics=_words(
            """
            nCopilotMessages nCopilotSessions nCopilotToolInvocations nCopilotUsers
            """
        ),
        dimensions=_words(
            """
            agentId divisionId sessionId toolId toolStatus toolType userId
            """
        ),
    ),
    Family(
        model="Evaluation",
        path="evaluations",
        permission="analytics:evaluationAggregate:view",
        metrics=_words(
            """
            nEvaluations nEvaluationsDeleted nEvaluationsRescored
            oTotalCriticalScore oTotalScore
            """
        ),
        dimensions=_words(
            """
            assigneeApplicable assigneeId calibrationId contextId conversationId
            conversationStart divisionId evaluationContextId evaluationCreatedDate
            evaluationId evaluationReleaseDate evaluatorId formId mediaType queueId
            released rescored systemSubmitted teamId userId
            """
        ),
        time_dimensions=_words(
            "conversationStart evaluationCreatedDate evaluationReleaseDate eventTime"
        ),
    ),
    Family(
        model="Flow",
        path="flows",
        permission="analytics:flowAggregate:view",
        metrics=_words(
            """
            nFlow nFlowMilestone nFlowOutcome nFlowOutcomeFailed oFlowMilestone
            tFlow tFlowDisconnect tFlowExit tFlowOutcome
            """
        ),
        dimensions=_words(
            """
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
            """
        ),
    ),
    Family(
        model="FlowExecution",
        path="flowexecutions",
        permission="analytics:flowExecutionAggregate:view",
        metrics=_words("nFlowExecutions"),
        dimensions=_words("divisionId flowId flowObjectId flowVersion"),
    ),
    Family(
        model="Journey",
        path="journeys",
        permission="analytics:journeyAggregate:view",
        metrics=_words(
            """
            nDistinctJourneyActions nDistinctJourneySessions nJourneyActionsBlocked
            nJourneyOutcomesAchieved nJourneyOutcomesAttributed
            nJourneySegmentsAssigned nJourneySessions nWebActionsAbandoned
            nWebActionsAccepted nWebActionsEngaged nWebActionsErrored
            nWebActionsFrequencyCapReached nWebActionsIgnored nWebActionsOffered
            nWebActionsOfferedOutsideSchedule nWebActionsQualified
            nWebActionsQualifiedOutsideSchedule nWebActionsRejected
            nWebActionsStarted nWebActionsTimedout oJourneyOutcomeTouchpointValue
            oJourneyOutcomeValue
            """
        ),
        dimensions=_words(
            """
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
            """
        ),
    ),
    Family(
        model="Knowledge",
        path="knowledge",
        permission="analytics:knowledgeAggregate:view",
        metrics=_words(
            """
            nDistinctKnowledgeSessions nKnowledgeDocumentCopied
            nKnowledgeDocumentFeedback nKnowledgeDocumentPresented
            nKnowledgeDocumentSurfaced nKnowledgeDocumentViewed nKnowledgeSearch
            nKnowledgeSearchAnswered nKnowledgeSearchFeedback
            nKnowledgeSearchUnanswered nKnowledgeSessions nKnowledgeV3Search
            oKnowledgeDocumentQuery oKnowledgeDocumentQuerySelfServed
            oKnowledgeSearch
            """
        ),
        dimensions=_words(
            """
            agentAssistantId answerGenerationEnabled appDeploymentId appType
            botFlowId conversationChannelType conversationId documentEngagementType
            externalContactId feedbackCategory feedbackId feedbackRating
            feedbackRatingType feedbackRatingValue feedbackReason feedbackType
            hasComment hasRetrievedReferences hasSearch knowledgeBaseDocumentId
            knowledgeBaseDocumentVariationId knowledgeBaseDocumentVersionId
            knowledgeBaseId knowledgeSettingId languageCode mediaType messageType
            presentedDocumentsCount queryType queryTypeV3 queueId searchId
            searchQuery selfServed sessionId surfacingMethod userId
            """
        ),
    ),
    Family(
        model="RateLimit",
        path="ratelimits",
        permission="analytics:rateLimitAggregate:view",
        metrics=_words("oRateLimitRecorded"),
        dimensions=_words(
            """
            correlationId entityId limitName max namespace timeUnit userId
            """
        ),
    ),
    Family(
        model="Resolution",
        path="resolutions",
        permission="analytics:resolutionAggregate:view",
        metrics=_words("nNextContactAvoided"),
        dimensions=_words(
            """
            conversationId externalContactId mediaType queueId requestedRouting
            usedRouting userId wrapUpDate
            """
        ),
        time_dimensions=_words("eventTime wrapUpDate"),
    ),
    Family(
        model="Summary",
        path="summaries",
        permission="analytics:summaryAggregate:view",
        metrics=_words(
            """
            nConversationSummaries nConversationSummaryEngagements
            tConversationSummary
            """
        ),
        dimensions=_words(
            """
            conversationId copied editedField errorType language mediaType
            messageType presented queueId summaryGenerated summaryId summaryRating
            triggerSourceId triggerSourceOutcome triggerSourceType triggerType
            userId wrapUpCodeRating wrapUpCodeSuggestionSelected
            wrapupCodesGenerated wrapupCodesSupported
            """
        ),
    ),
    Family(
        model="Survey",
        path="surveys",
        permission="analytics:surveyAggregate:view",
        metrics=_words(
            """
            nSurveyErrors nSurveyFullResponses nSurveyNpsDetractors
            nSurveyNpsPromoters nSurveyNpsResponses nSurveyPartialResponses
            nSurveyQuestionGroupResponses nSurveyQuestionResponses nSurveyResponses
            nSurveysAbandoned nSurveysDeleted nSurveysExpired nSurveysSent
            nSurveysStarted nVoiceSurveys nWebSurveys oSurveyQuestionGroupScore
            oSurveyQuestionScore oSurveyTotalScore
            """
        ),
        dimensions=_words(
            """
            conversationId divisionId externalContactId mediaType queueId
            requestedLanguageId requestedRoutingSkillId surveyAnswerId
            surveyCreatedDate surveyErrorReason surveyFormContextId surveyFormId
            surveyFormName surveyId surveyPartialResponse surveyPreviousStatus
            surveyPromoterScore surveyQuestionGroupId surveyQuestionId surveyStatus
            surveyType teamId userId wrapUpCode
            """
        ),
        time_dimensions=_words("eventTime surveyCreatedDate"),
    ),
    Family(
        model="TaskManagement",
        path="taskmanagement",
        permission="analytics:taskManagementAggregate:view",
        metrics=_words(
            """
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
            """
        ),
        dimensions=_words(
            """
            assigneeId caseId divisionId externalTag queueId reporterId
            requestedLanguageId requestedRouting requestedRoutingSkillId
            statusCategory statusId typeId usedRouting userId workbinId workitemId
            wrapUpCode
            """
        ),
    ),
    Family(
        model="Transcript",
        path="transcripts",
        permission="analytics:speechAndTextAnalyticsAggregates:view",
        metrics=_words(
            """
            nSpeechTextAnalyzedConversations nTopicCommunications oCustomerSentiment
            oOverTalkSpeechInstances oSentimentScore tAgentSpeech tCustomerSpeech
            tOtherAudio tOverTalkSpeech tSilence tTotalSpeechAndSilence
            """
        ),
        dimensions=_words(
            """
            addressFrom addressTo ani categoryId channel conversationDuration
            conversationId direction divisionId dnis flowId flowVersion handleTime
            mediaType messageType queueId resultsBy teamId topicId userId wrapUpCode
            """
        ),
    ),
    Family(
        model="User",
        path="users",
        permission="analytics:userAggregate:view",
        metrics=_words(
            """
            tAgentRoutingStatus tOrganizationPresence tSystemPresence
            """
        ),
        dimensions=_words("userId"),
    ),
)


def family_named(endpoint: str) -> Family | None:
    """Return the family of an endpoint, or None where there is none.

    Args:
        endpoint: The name in a job file, with or without `-jobs`; the address's own
            word is taken too (`users-aggregates` is `user-aggregates`).
    """
    name = endpoint.removesuffix("-jobs")
    for family in FAMILIES:
        if name in (family.endpoint, f"{family.path}-aggregates"):
            return family
    return None
