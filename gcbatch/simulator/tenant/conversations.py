"""Turns calls into conversations, as details queries return them.

Each call is one conversation of a customer, the queue it waited in (`acd`) and the
agent who answered. The metrics of its sessions are the events that aggregates count,
with the same instants and values, so both endpoints give the same figures. Talk time is
handle time here, so the wrap-up takes no time. Some conversations have records of what
happened besides; see conversation_records.

Source: models AnalyticsConversation and those below it of PureCloudPlatformClientV2
269.0.0; the session of each metric from the mock in
splunk/genesys_cloud_ta; read 2026-11-21.
"""

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

import orjson

from gcbatch.simulator.documents import Document
from gcbatch.simulator.instants import instant_text, milliseconds
from gcbatch.simulator.tenant.conversation_records import ConversationRecords
from gcbatch.simulator.tenant.events import SHORT_ABANDON_MS
from gcbatch.simulator.tenant.tenant import Call, Queue, Tenant

__all__ = ["conversations_of"]

Json = dict[str, Any]

ALERT_MS: Final = 2_000
"""How long it rings for the agent, if the call waited that long."""

TIERS: Final = ("basic", "silver", "gold")

_IDS: Final = uuid.UUID("0a3a5d4e-6f0c-4d55-8a53-5f1f4c2b2026")
"""Namespace of the ids: it makes them the same everywhere."""


def conversations_of(tenant: Tenant) -> Iterator[Document]:
    """Yield the conversation of each call, in the order of the calls."""
    queues = {queue.id: queue for queue in tenant.queues}
    names = {user.id: user.name for user in tenant.users}
    teams = tenant.team_ids
    seen: Counter[str] = Counter()
    for call in tenant.calls:
        queue = queues.get(call.queue_id) or Queue(id=call.queue_id, name="")
        instants = (call.offered, call.answered, call.abandoned, call.ended)
        key = "/".join(map(str, (call.call_id, call.queue_id, *instants)))
        seen[key] += 1  # calls may be equal
        builder = _ConversationBuilder(call, queue, names, teams, f"{key}/{seen[key]}")
        yield builder.document()


class _ConversationBuilder:
    """Builds the conversation of one call.

    Args:
        call: What happened.
        queue: The queue of the call.
        names: The names of the users, by id.
        teams: The teams of the users, by the users' ids.
        key: Unique to the call.
    """

    def __init__(
        self,
        call: Call,
        queue: Queue,
        names: Mapping[str, str],
        teams: Mapping[str, str],
        key: str,
    ) -> None:
        self._call = call
        self._queue = queue
        self._names = names
        self._teams = teams
        self._key = key
        self._offered = milliseconds(call.offered)
        left = call.answered or call.abandoned
        self._left = None if left is None else milliseconds(left)
        self._ended = None if call.ended is None else milliseconds(call.ended)
        self._start = self._offered
        if self._left is not None and call.answered is not None:
            self._start = min(self._offered, self._left)
        self._wait_ms = 0 if self._left is None else max(self._left - self._offered, 0)
        self._records = self._find_records()

    def document(self) -> Document:
        """Return the whole conversation."""
        call, end_ms = self._call, self._end_ms()
        participants = [self._customer(), self._acd()]
        attributes = [self._attributes(), {}]
        if call.answered is not None and self._left is not None:
            participants.append(self._agent(self._left))
            attributes.append({"screenPop": "account"})
        conversation = {
            "conversationId": self._id("conversation"),
            "conversationStart": _text(self._start),
            **_end("conversationEnd", end_ms),
            "divisionIds": [call.division_id or self._queue.division_id],
            "originatingDirection": call.direction,
            **(self._records.of_conversation() if self._records else {}),
            "participants": participants,
        }
        return Document(
            id=conversation["conversationId"],
            start_ms=self._start,
            end_ms=end_ms,
            json=orjson.dumps(conversation),
            attributes=tuple(map(orjson.dumps, attributes)),
        )

    def _find_records(self) -> ConversationRecords | None:
        """Return the records of the conversation; None if it can have none.

        Only calls whose queue and agent are listed have any, so that no record names
        what does not exist.
        """
        call, left, ended = self._call, self._left, self._ended
        if left is None or ended is None or call.user_id is None:
            return None
        colleagues = [user for user in self._names if user != call.user_id]
        are_listed = self._queue.name and call.user_id in self._names
        if not (are_listed and colleagues):
            return None
        number = uuid.UUID(self._id("records")).int
        return ConversationRecords(
            number=number,
            queue_id=call.queue_id,
            user_id=call.user_id,
            colleague_id=colleagues[number % len(colleagues)],
            start_ms=self._start,
            answered_ms=max(left, self._start),
            end_ms=max(ended, self._offered),
        )

    def _end_ms(self) -> int | None:
        """Return the end; None if the call still waits or an agent still talks."""
        last = self._left if self._call.answered is None else self._ended
        return None if last is None else max(last, self._offered)

    def _attributes(self) -> dict[str, str]:
        number = uuid.UUID(self._id("customer")).int
        return {
            "callNumber": self._call.call_id,
            "customerTier": TIERS[number % len(TIERS)],
        }

    def _customer(self) -> Json:
        start_ms = self._start
        segments = [
            _segment("system", start_ms, start_ms),
            _segment("interact", start_ms, self._end_ms(), disconnectType="peer"),
        ]
        return self._participant("customer", segments, ())

    def _acd(self) -> Json:
        queue = {"queueId": self._call.queue_id}
        start_ms, left = self._start, self._left
        how = "transfer" if self._call.abandoned is None else "peer"
        segments = [
            _segment("delay", start_ms, start_ms, **queue),
            _segment(
                "interact",
                start_ms,
                left,
                disconnectType=how,
                **queue,
                **self._requested(),
            ),
        ]
        name = {"participantName": self._queue.name} if self._queue.name else {}
        acd = self._participant("acd", segments, self._acd_metrics(), **name)
        if self._records is not None:
            acd["sessions"][0] |= self._records.of_acd()
        return acd

    def _requested(self) -> Json:
        """Return what the queue's calls request."""
        requested: Json = {}
        if self._queue.language_id is not None:
            requested["requestedLanguageId"] = self._queue.language_id
        if self._queue.skill_id is not None:
            requested["requestedRoutingSkillIds"] = [self._queue.skill_id]
        return requested

    def _acd_metrics(self) -> Iterator[Json]:
        yield _metric("nOffered", self._offered, 1)
        left, wait_ms = self._left, self._wait_ms
        if left is None:
            return
        if self._call.abandoned is not None:
            yield _metric("tAbandon", left, wait_ms)
            if wait_ms < SHORT_ABANDON_MS:
                yield _metric("tShortAbandon", left, wait_ms)
        elif wait_ms > self._queue.service_level_ms:
            yield _metric("nOverSla", left, 1)
        yield _metric("tAcd", left, wait_ms)

    def _agent(self, answered: int) -> Json:
        call, ended = self._call, self._ended
        queue = {"queueId": call.queue_id}
        rang = answered - min(self._wait_ms, ALERT_MS)
        segments = [
            _segment("alert", rang, answered, **queue),
            _segment("interact", answered, ended, disconnectType="client", **queue),
        ]
        if ended is not None and call.wrap_up_code is not None:
            code = {"wrapUpCode": call.wrap_up_code}
            segments.append(_segment("wrapup", ended, ended, **queue, **code))
        agent = {}
        if call.user_id is not None:
            agent["userId"] = call.user_id
            if name := self._names.get(call.user_id):
                agent["participantName"] = name
            if team := self._teams.get(call.user_id):
                agent["teamId"] = team
        found = self._participant(
            "agent", segments, self._agent_metrics(answered), **agent
        )
        if self._records is not None:
            found["sessions"][0] |= self._records.of_agent()
        return found

    def _agent_metrics(self, answered: int) -> Iterator[Json]:
        yield _metric("nConnected", answered, 1)
        yield _metric("tAnswered", answered, self._wait_ms)
        if self._ended is not None:
            for name in ("tHandle", "tTalk", "tTalkComplete"):
                yield _metric(name, self._ended, self._ended - answered)

    def _participant(
        self, purpose: str, segments: list[Json], metrics: Any, **more: str
    ) -> Json:
        session = {
            "direction": self._call.direction,
            "mediaType": self._call.media_type,
            "provider": "Edge",
            "sessionId": self._id(f"{purpose}/session"),
            "segments": segments,
        }
        if listed := list(metrics):
            session["metrics"] = listed
        return {
            "participantId": self._id(purpose),
            "purpose": purpose,
            **more,
            "sessions": [session],
        }

    def _id(self, part: str) -> str:
        return str(uuid.uuid5(_IDS, f"{self._key}/{part}"))


def _segment(kind: str, start_ms: int, end_ms: int | None, **more: Any) -> Json:
    """Return a segment; one that has not ended has no reason for its end either."""
    if end_ms is None:
        more.pop("disconnectType", None)
    return {
        "conference": False,
        **more,
        **_end("segmentEnd", None if end_ms is None else max(start_ms, end_ms)),
        "segmentStart": _text(start_ms),
        "segmentType": kind,
    }


def _end(name: str, end_ms: int | None) -> Json:
    return {} if end_ms is None else {name: _text(end_ms)}


def _metric(name: str, at_ms: int, value: int) -> Json:
    return {"emitDate": _text(at_ms), "name": name, "value": value}


@lru_cache(maxsize=64)
def _text(ms: int) -> str:
    """Return an instant as text; cached, as a conversation repeats its instants."""
    return instant_text(ms)
