"""The models of records that stand within conversations as JSON.

Rows of details keep them as they were sent; tables of their own read them by these
models. A record of an evaluation or a survey may be added long after the conversation.

Source: models AnalyticsEvaluation, AnalyticsSurvey, AnalyticsResolution,
AnalyticsFlowOutcome, AnalyticsMediaEndpointStat and AnalyticsProposedAgent of
PureCloudPlatformClientV2 269.0.0, read 2026-11-27.
"""

from typing import Final

from gcbatch.genesys.detail_models import Field, FieldKind, Model

__all__ = [
    "EVALUATION",
    "FLOW_OUTCOME",
    "MEDIA_ENDPOINT_STAT",
    "PROPOSED_AGENT",
    "RESOLUTION",
    "SURVEY",
]


def _model(name: str, fields: str) -> Model:
    """Return a model of fields, each written as `name:KIND`."""
    pairs = (text.split(":") for text in fields.split())
    return Model(name, tuple(Field(own, FieldKind[kind]) for own, kind in pairs))


EVALUATION: Final = _model(
    "AnalyticsEvaluation",
    """
    evaluationId:TEXT evaluationStatus:TEXT eventTime:TIME userId:TEXT queueId:TEXT
    evaluatorId:TEXT assigneeId:TEXT assigneeApplicable:FLAG formId:TEXT formName:TEXT
    contextId:TEXT calibrationId:TEXT oTotalScore:WHOLE oTotalCriticalScore:WHOLE
    released:FLAG rescored:FLAG systemSubmitted:FLAG deleted:FLAG
    """,
)
"""A deleted evaluation stays, with `deleted`."""

SURVEY: Final = _model(
    "AnalyticsSurvey",
    """
    surveyId:TEXT surveyStatus:TEXT surveyType:TEXT eventTime:TIME
    surveyCompletedDate:TIME userId:TEXT queueId:TEXT surveyFormId:TEXT
    surveyFormName:TEXT surveyFormContextId:TEXT surveyPromoterScore:WHOLE
    oSurveyTotalScore:WHOLE surveyPartialResponse:FLAG
    """,
)

RESOLUTION: Final = _model(
    "AnalyticsResolution",
    "eventTime:TIME queueId:TEXT userId:TEXT nNextContactAvoided:WHOLE",
)
"""It has no id of its own."""

FLOW_OUTCOME: Final = _model(
    "AnalyticsFlowOutcome",
    """
    flowOutcomeId:TEXT flowOutcome:TEXT flowOutcomeValue:TEXT
    flowOutcomeStartTimestamp:TIME flowOutcomeEndTimestamp:TIME
    """,
)

MEDIA_ENDPOINT_STAT: Final = _model(
    "AnalyticsMediaEndpointStat",
    """
    eventTime:TIME codecs:TEXTS minMos:NUMBER minRFactor:NUMBER maxLatencyMs:WHOLE
    receivedPackets:WHOLE discardedPackets:WHOLE duplicatePackets:WHOLE
    invalidPackets:WHOLE overrunPackets:WHOLE underrunPackets:WHOLE
    """,
)

PROPOSED_AGENT: Final = _model(
    "AnalyticsProposedAgent", "agentRank:WHOLE proposedAgentId:TEXT"
)
