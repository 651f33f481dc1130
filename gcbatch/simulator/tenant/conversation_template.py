"""A made-up conversation as JSON with holes for its ids and instants.

The shape is that of a voice call through a flow to a queue and an agent. It grows to
the size that is wanted: by participants, then by what a session can have, then by
statistics of the media, of which real conversations have dozens.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import orjson

__all__ = ["ID_HOLE", "INSTANT_HOLE", "Story", "hole_for_id", "written"]

Json = dict[str, Any]

ID_HOLE: Final = rb"~i(\d{33})~"
"""As long as an id; holds its number, 0 being the conversation's."""

INSTANT_HOLE: Final = rb"~a(\d{21})~"
"""As long as an instant; holds its distance from the start in milliseconds."""


@dataclass(frozen=True, slots=True)
class Story:
    """What happens in a conversation; times in milliseconds from its start.

    Args:
        offered: When it joins the queue.
        left: When the agent takes it, or the customer gives up.
        ended: When it is over.
        is_answered: Whether an agent took it.
        queue_id: The queue.
        user_id: The agent.
        division_id: Of the conversation.
    """

    offered: int
    left: int
    ended: int
    is_answered: bool
    queue_id: str
    user_id: str
    division_id: str


def hole_for_id(number: int) -> str:
    """Return the hole of an id."""
    return f"~i{number:033}~"


def written(story: Story, size_bytes: int, chance: random.Random) -> bytes:
    """Return a conversation as JSON.

    Args:
        story: What happens in it.
        size_bytes: It is grown until it has so many; the smallest has about 850.
        chance: For figures that matter to nobody.
    """
    draft = _Draft(story, chance)
    for _ in draft.growth():
        text = orjson.dumps(draft.conversation())
        if len(text) >= size_bytes:
            return text
    raise AssertionError  # statistics are added without end


class _Draft:
    """A conversation under way."""

    def __init__(self, story: Story, chance: random.Random) -> None:
        self._story = story
        self._chance = chance
        self._numbers = count(1)
        self._participants: dict[str, Json] = {}

    def conversation(self) -> Json:
        """Return all of it, as far as it has grown."""
        order = ("customer", "ivr", "acd", "agent")
        there = [self._participants[p] for p in order if p in self._participants]
        return {
            "conversationId": hole_for_id(0),
            "conversationStart": _at(0),
            "conversationEnd": _at(self._story.ended),
            "divisionIds": [self._story.division_id],
            "mediaStatsMinConversationMos": self._figure(4.2, 4.9),
            "originatingDirection": "inbound",
            "participants": there,
        }

    def growth(self) -> Iterator[None]:
        """Yield after each thing that was added; never ends."""
        for purpose, session in self._sessions():
            self._add(purpose, session)
            yield
        sessions = [p["sessions"][0] for p in self._participants.values()]
        for session in sessions:
            session["mediaEndpointStats"] = [self._media()]
            self._dress(session)
            yield
        while True:
            for session in sessions:
                session["mediaEndpointStats"].append(self._media())
                yield

    def _sessions(self) -> Iterator[tuple[str, Json]]:
        """Yield whose sessions there are, those first that matter most."""
        yield "acd", self._acd()
        yield "customer", self._customer()
        if self._story.is_answered:
            yield "agent", self._agent()
        yield "ivr", self._ivr()

    def _add(self, purpose: str, session: Json) -> None:
        participant: Json = {"participantId": self._id(), "purpose": purpose}
        if purpose == "agent":
            participant["userId"] = self._story.user_id
        identity = {"sessionId": self._id(), "mediaType": "voice"}
        participant["sessions"] = [identity | {"direction": "inbound"} | session]
        self._participants[purpose] = participant

    def _customer(self) -> Json:
        ended = self._story.ended
        metrics = [_metric("tConnected", ended, ended)]
        segments = [_segment("interact", 0, ended, disconnectType="peer")]
        return {"metrics": metrics, "segments": segments}

    def _ivr(self) -> Json:
        told = self._story.offered
        flow = {
            "flowId": "3f1d2a9e-7c55-4b60-9a0e-1d5b6f0c7e11",
            "flowName": "Front door",
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
                _metric("tFlow", told, told),
                _metric("tIvr", told, told),
            ],
            "segments": [_segment("ivr", 0, told, disconnectType="transfer")],
        }

    def _acd(self) -> Json:
        story, wait = self._story, self._story.left - self._story.offered
        left = [_metric("tAcd", story.left, wait)]
        if not story.is_answered:
            left.append(_metric("tAbandon", story.left, wait))
        how = "transfer" if story.is_answered else "peer"
        waiting = _segment(
            "interact",
            story.offered,
            story.left,
            queueId=story.queue_id,
            disconnectType=how,
        )
        return {
            "metrics": [_metric("nOffered", story.offered, 1), *left],
            "segments": [waiting],
        }

    def _agent(self) -> Json:
        story, queue = self._story, {"queueId": self._story.queue_id}
        talk = story.ended - story.left
        third = story.left + talk // 3
        held = talk // 10
        return {
            "metrics": [
                _metric("tAnswered", story.left, story.left - story.offered),
                _metric("tHandle", story.ended, talk),
                _metric("tHeldComplete", third + held, held),
                _metric("tTalkComplete", story.ended, talk - held),
            ],
            "segments": [
                _segment("interact", story.left, third, **queue),
                _segment("hold", third, third + held, **queue),
                _segment("interact", third + held, story.ended, **queue),
            ],
        }

    def _dress(self, session: Json) -> None:
        session |= {
            "ani": f"tel:+1555{self._chance.randrange(10**7):07}",
            "dnis": "tel:+15550123",
            "edgeId": "7c0b6a54-9d1e-4f0a-8a3b-6b9e5d2f4c10",
            "peerId": self._id(),
            "protocolCallId": f"{self._id()}@192.0.2.7",
            "provider": "Edge",
            "recording": self._chance.random() < 1 / 2,
            "remote": "Mobile caller",
            "requestedRoutings": ["Standard"],
            "sessionDnis": "tel:+15550123",
            "usedRouting": "Standard",
        }
        session["segments"].insert(0, _segment("system", 0, 0, conference=False))

    def _media(self) -> Json:
        return {
            "codecs": ["audio/opus"],
            "eventTime": _at(self._chance.randrange(self._story.ended + 1)),
            "maxLatencyMs": self._chance.randrange(20, 90),
            "minMos": self._figure(3.9, 4.9),
            "minRFactor": self._figure(80, 94),
            "receivedPackets": self._chance.randrange(50, 20_000),
        }

    def _figure(self, low: float, high: float) -> float:
        return self._chance.uniform(low, high)

    def _id(self) -> str:
        return hole_for_id(next(self._numbers))


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
