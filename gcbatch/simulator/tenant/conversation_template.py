"""A generated conversation as JSON, with placeholders for its ids and instants.

It has the shape of a voice call through a flow to a queue and an agent. It grows to the
requested size: first by participants, then by optional fields of sessions, then by
more of these, and last by statistics of the media.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import orjson

from gcbatch.simulator.tenant.entities.sample_kind import entity_id

__all__ = [
    "ID_PLACEHOLDER",
    "INSTANT_PLACEHOLDER",
    "Scenario",
    "id_placeholder",
    "write_conversation",
]

Json = dict[str, Any]

ID_PLACEHOLDER: Final = rb"~i(\d{33})~"
"""As long as an id. It holds the number of the id; 0 is that of the conversation."""

INSTANT_PLACEHOLDER: Final = rb"~a(\d{21})~"
"""As long as an instant. It holds the milliseconds from the start."""


FLOW: Final = "Front door"
EDGE: Final = "Cellar"
"""The sample organisation has them."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens in a conversation; times in milliseconds from its start.

    Args:
        offered: When it joins the queue.
        left: When the agent answers, or the customer hangs up.
        ended: When it ends.
        is_answered: Whether an agent answered.
        queue_id: The queue.
        user_id: The agent.
        division_id: The id of the conversation's division.
    """

    offered: int
    left: int
    ended: int
    is_answered: bool
    queue_id: str
    user_id: str
    division_id: str


def id_placeholder(number: int) -> str:
    """Return the placeholder of an id."""
    return f"~i{number:033}~"


def write_conversation(
    scenario: Scenario, size_bytes: int, rng: random.Random
) -> bytes:
    """Return a conversation as JSON.

    Args:
        scenario: What happens in it.
        size_bytes: Minimum length; the smallest conversation has about 850.
        rng: For figures without a meaning.
    """
    draft = _Draft(scenario, rng)
    for _ in draft.growth():
        text = orjson.dumps(draft.conversation())
        if len(text) >= size_bytes:
            return text
    raise AssertionError  # growth never ends


class _Draft:
    """A conversation that grows."""

    def __init__(self, scenario: Scenario, rng: random.Random) -> None:
        self._scenario = scenario
        self._rng = rng
        self._numbers = count(1)
        self._participants: dict[str, Json] = {}

    def conversation(self) -> Json:
        """Return the conversation as it is now."""
        order = ("customer", "ivr", "acd", "agent")
        there = [self._participants[p] for p in order if p in self._participants]
        return {
            "conversationId": id_placeholder(0),
            "conversationStart": _at(0),
            "conversationEnd": _at(self._scenario.ended),
            "divisionIds": [self._scenario.division_id],
            "mediaStatsMinConversationMos": self._figure(4.2, 4.9),
            "originatingDirection": "inbound",
            "participants": there,
        }

    def growth(self) -> Iterator[None]:
        """Add one thing after another, and yield after each; never ends."""
        for purpose, session in self._sessions():
            self._add(purpose, session)
            yield
        sessions = [p["sessions"][0] for p in self._participants.values()]
        for session in sessions:
            self._add_optional_fields(session)
            yield
        if not self._scenario.is_answered:
            self._add("agent", self._ringing_agent())
            yield
            sessions.append(self._participants["agent"]["sessions"][0])
            self._add_optional_fields(sessions[-1])
            yield
        for purpose, participant in self._participants.items():
            self._add_more_fields(purpose, participant)
            yield
        while True:
            for session in sessions:
                session["mediaEndpointStats"].append(self._media())
                yield

    def _sessions(self) -> Iterator[tuple[str, Json]]:
        """Yield purpose and session of each participant, the most important first."""
        yield "acd", self._acd()
        yield "customer", self._customer()
        if self._scenario.is_answered:
            yield "agent", self._agent()
        yield "ivr", self._ivr()

    def _add(self, purpose: str, session: Json) -> None:
        participant: Json = {"participantId": self._id(), "purpose": purpose}
        if purpose == "agent":
            participant["userId"] = self._scenario.user_id
        identity = {"sessionId": self._id(), "mediaType": "voice"}
        participant["sessions"] = [identity | {"direction": "inbound"} | session]
        self._participants[purpose] = participant

    def _customer(self) -> Json:
        ended = self._scenario.ended
        metrics = [_metric("tConnected", ended, ended)]
        segments = [_segment("interact", 0, ended, disconnectType="peer")]
        return {"metrics": metrics, "segments": segments}

    def _ivr(self) -> Json:
        in_flow_ms = self._scenario.offered
        flow = {
            "flowId": entity_id("flows", FLOW),
            "flowName": FLOW,
            "flowType": "INBOUNDCALL",
            "flowVersion": "12.0",
            "entryReason": "tel:+15550123",
            "entryType": "dnis",
            "exitReason": "TRANSFER",
            "startingLanguage": "en-us",
            "endingLanguage": "en-us",
            "transferType": "ACD",
        }
        return {
            "flow": flow,
            "metrics": [
                _metric("nFlow", 0, 1),
                _metric("tFlow", in_flow_ms, in_flow_ms),
                _metric("tIvr", in_flow_ms, in_flow_ms),
            ],
            "segments": [_segment("ivr", 0, in_flow_ms, disconnectType="transfer")],
        }

    def _acd(self) -> Json:
        scenario, wait = self._scenario, self._scenario.left - self._scenario.offered
        left = [_metric("tAcd", scenario.left, wait)]
        if not scenario.is_answered:
            left.append(_metric("tAbandon", scenario.left, wait))
        how = "transfer" if scenario.is_answered else "peer"
        waiting = _segment(
            "interact",
            scenario.offered,
            scenario.left,
            queueId=scenario.queue_id,
            disconnectType=how,
        )
        return {
            "metrics": [_metric("nOffered", scenario.offered, 1), *left],
            "segments": [waiting],
        }

    def _agent(self) -> Json:
        scenario, queue = self._scenario, {"queueId": self._scenario.queue_id}
        talk = scenario.ended - scenario.left
        third = scenario.left + talk // 3
        held = talk // 10
        return {
            "metrics": [
                _metric("tAnswered", scenario.left, scenario.left - scenario.offered),
                _metric("tHandle", scenario.ended, talk),
                _metric("tHeldComplete", third + held, held),
                _metric("tTalkComplete", scenario.ended, talk - held),
            ],
            "segments": [
                _segment("interact", scenario.left, third, **queue),
                _segment("hold", third, third + held, **queue),
                _segment("interact", third + held, scenario.ended, **queue),
            ],
        }

    def _ringing_agent(self) -> Json:
        """Return the session of an agent who has not answered when the caller left."""
        left, queue = self._scenario.left, {"queueId": self._scenario.queue_id}
        begun = self._scenario.offered + (left - self._scenario.offered) // 2
        rang = left - begun
        return {
            "metrics": [
                _metric("tAlert", left, rang),
                _metric("tNotResponding", left, rang),
            ],
            "segments": [
                _segment("alert", begun, left, disconnectType="peer", **queue)
            ],
        }

    def _add_optional_fields(self, session: Json) -> None:
        session["mediaEndpointStats"] = [self._media()]
        session |= {
            "ani": f"tel:+1555{self._rng.randrange(10**7):07}",
            "dnis": "tel:+15550123",
            "edgeId": entity_id("edges", EDGE),
            "peerId": self._id(),
            "protocolCallId": f"{self._id()}@192.0.2.7",
            "provider": "Edge",
            "recording": self._rng.random() < 1 / 2,
            "remote": "Mobile caller",
            "requestedRoutings": ["Standard"],
            "sessionDnis": "tel:+15550123",
            "usedRouting": "Standard",
        }
        session["segments"].insert(0, _segment("system", 0, 0, conference=False))

    def _add_more_fields(self, purpose: str, participant: Json) -> None:
        (session,) = participant["sessions"]
        participant["participantName"] = f"The {purpose} of this call"
        session |= {
            "remoteNameDisplayable": "Mobile caller",
            "selectedAgentId": self._scenario.user_id,
        }
        session["mediaEndpointStats"].append(self._media())

    def _media(self) -> Json:
        return {
            "codecs": ["audio/opus"],
            "eventTime": _at(self._rng.randrange(self._scenario.ended + 1)),
            "maxLatencyMs": self._rng.randrange(20, 90),
            "minMos": self._figure(3.9, 4.9),
            "minRFactor": self._figure(80, 94),
            "receivedPackets": self._rng.randrange(50, 20_000),
        }

    def _figure(self, low: float, high: float) -> float:
        return self._rng.uniform(low, high)

    def _id(self) -> str:
        return id_placeholder(next(self._numbers))


def _at(ms: int) -> str:
    return f"~a{ms:021}~"


def _segment(kind: str, start: int, end: int, **more: Any) -> Json:
    return {
        **more,
        "segmentEnd": _at(end),
        "segmentStart": _at(start),
        "segmentType": kind,
    }


def _metric(name: str, at: int, value: int) -> Json:
    return {"emitDate": _at(at), "name": name, "value": value}
