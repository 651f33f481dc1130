"""Records that some conversations have: evaluations, surveys, outcomes and others.

One conversation in four has records of one of six kinds, and most have none. What is
decided about a conversation follows from its key: the same everywhere. Evaluations
and surveys happen after the conversation, some of them weeks later.

Source: models AnalyticsEvaluation, AnalyticsSurvey, AnalyticsResolution,
AnalyticsFlowOutcome, AnalyticsMediaEndpointStat and AnalyticsProposedAgent of
PureCloudPlatformClientV2 269.0.0, read 2026-11-27.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

from gcbatch.simulator.instants import DAY_MS, instant_text
from gcbatch.simulator.tenant.entities.sample_kind import entity_id

__all__ = [
    "EVALUATION_FORM",
    "FLOW",
    "FLOW_OUTCOMES",
    "SURVEY_FORM",
    "ConversationRecords",
    "Listed",
]

Json = dict[str, Any]


class Listed(NamedTuple):
    """Something that the records name: its id and its name."""

    id: str
    name: str


def _listed(table: str, name: str) -> Listed:
    """Return an entity of the sample organisation."""
    return Listed(entity_id(table, name), name)


EVALUATION_FORM: Final = _listed("evaluation_forms", "Call quality")
SURVEY_FORM: Final = _listed("survey_forms", "After the call")
FLOW: Final = _listed("flows", "While you wait")
FLOW_OUTCOMES: Final = (
    _listed("flow_outcome_definitions", "Heard the notice"),
    _listed("flow_outcome_definitions", "Offered a call-back"),
)

_SHARES: Final = 24
"""A conversation is in one of so many shares; the first six have a kind of records."""

_EVALUATED: Final = (
    "Finished",
    "Finished",
    "InReview",
    "InProgress",
    "Pending",
    "Retracted",
)
_SURVEYED: Final = ("Finished", "Finished", "Expired", "OptOut")


@dataclass(frozen=True)
class ConversationRecords:
    """The records of one answered conversation.

    Args:
        number: Decides what it has; at least 64 bits.
        queue_id: The queue.
        user_id: The agent.
        colleague_id: Another user, who evaluates, or was proposed too.
        start_ms: When it began.
        answered_ms: When the agent answered.
        end_ms: When it ended.
    """

    number: int
    queue_id: str
    user_id: str
    colleague_id: str
    start_ms: int
    answered_ms: int
    end_ms: int

    @property
    def _share(self) -> int:
        return self.number % _SHARES

    def of_conversation(self) -> Json:
        """Return the fields of the conversation that hold records."""
        match self._share:
            case 0:
                return {"evaluations": list(self._evaluations())}
            case 1:
                return {"surveys": [self._survey()]}
            case 2:
                return {"resolutions": [self._resolution()]}
            case _:
                return {}

    def of_acd(self) -> Json:
        """Return the fields of the queue's session that hold records."""
        match self._share:
            case 3:
                return {"flow": self._flow()}
            case 4:
                agents = (self.user_id, self.colleague_id)
                proposed = [
                    {"agentRank": rank, "proposedAgentId": user_id}
                    for rank, user_id in enumerate(agents, start=1)
                ]
                return {"proposedAgents": proposed}
            case _:
                return {}

    def of_agent(self) -> Json:
        """Return the fields of the agent's session that hold records."""
        return {"mediaEndpointStats": self._stats()} if self._share == 5 else {}  # noqa: PLR2004 - see _SHARES

    def _digit(self, place: int, below: int) -> int:
        """Return a whole number below a limit; another one for each place."""
        return (self.number >> (8 * place)) % below

    def _id(self, place: int) -> str:
        return str(UUID(int=(self.number + place) % 2**128, version=4))

    def _later(self, days: int) -> str:
        """Return an instant, so many days and an hour after the end."""
        return instant_text(self.end_ms + days * DAY_MS + DAY_MS // 24)

    def _evaluations(self) -> Iterator[Json]:
        """Yield one evaluation, or two of a calibration."""
        count = 2 if self._digit(1, 4) == 0 else 1
        for place in range(count):
            status = _EVALUATED[self._digit(2 + place, len(_EVALUATED))]
            evaluation: Json = {
                "assigneeApplicable": False,
                "contextId": EVALUATION_FORM.id,
                "deleted": self._digit(4, 7) == 0,
                "evaluationId": self._id(place),
                "evaluationStatus": status,
                "evaluatorId": self.colleague_id,
                "eventTime": self._later(self._digit(5, 40) + place),
                "formId": EVALUATION_FORM.id,
                "formName": EVALUATION_FORM.name,
                "queueId": self.queue_id,
                "released": status == "Finished",
                "rescored": False,
                "userId": self.user_id,
            }
            if count > 1:
                evaluation["calibrationId"] = self._id(9)
            if status in ("Finished", "InReview"):
                evaluation["oTotalScore"] = self._digit(6 + place, 101)
                evaluation["oTotalCriticalScore"] = self._digit(7 + place, 101)
            yield evaluation

    def _survey(self) -> Json:
        """Return a survey, which the customer may have left unanswered."""
        status = _SURVEYED[self._digit(2, len(_SURVEYED))]
        survey: Json = {
            "eventTime": self._later(self._digit(3, 14)),
            "queueId": self.queue_id,
            "surveyFormContextId": SURVEY_FORM.id,
            "surveyFormId": SURVEY_FORM.id,
            "surveyFormName": SURVEY_FORM.name,
            "surveyId": self._id(0),
            "surveyStatus": status,
            "surveyType": "Web",
            "userId": self.user_id,
        }
        if status == "Finished":
            survey |= {
                "oSurveyTotalScore": self._digit(4, 101),
                "surveyCompletedDate": survey["eventTime"],
                "surveyPartialResponse": False,
                "surveyPromoterScore": self._digit(5, 11),
            }
        return survey

    def _resolution(self) -> Json:
        """Return whether the customer did not have to call again."""
        return {
            "eventTime": self._later(3),
            "nNextContactAvoided": self._digit(1, 2),
            "queueId": self.queue_id,
            "userId": self.user_id,
        }

    def _flow(self) -> Json:
        """Return the flow that the caller heard; it may reach an outcome twice."""
        again = self._digit(1, 3)
        reached: Sequence[Listed] = (*FLOW_OUTCOMES, *FLOW_OUTCOMES[:again])
        return {
            "flowId": FLOW.id,
            "flowName": FLOW.name,
            "flowType": "INQUEUECALL",
            "flowVersion": "3.0",
            "outcomes": [
                {
                    "flowOutcome": outcome.name,
                    "flowOutcomeEndTimestamp": instant_text(self.answered_ms),
                    "flowOutcomeId": outcome.id,
                    "flowOutcomeStartTimestamp": instant_text(self.start_ms),
                    "flowOutcomeValue": "SUCCESS",
                }
                for outcome in reached
            ],
        }

    def _stats(self) -> list[Json]:
        """Return what the agent's phone measured."""
        return [
            {
                "codecs": ["audio/opus", "audio/PCMU"],
                "discardedPackets": self._digit(1, 9),
                "eventTime": instant_text(self.end_ms),
                "maxLatencyMs": 20 + self._digit(2, 90),
                "minMos": 3.5 + self._digit(3, 14) / 10,
                "minRFactor": 75.0 + self._digit(4, 18),
                "receivedPackets": 50 + self._digit(5, 250),
            }
        ]
