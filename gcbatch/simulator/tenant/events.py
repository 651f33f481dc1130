"""Turns the data of a tenant into events: a metric, an instant, a value.

A whole value counts at one instant: an offer when the call joins the queue, waits and
the service level when it is answered or abandoned, handling when the agent is done. So
the service's glossary defines its metrics.

Two rules are ours: a call that is abandoned before SHORT_ABANDON_MS counts in
`tShortAbandon`; `nConnected` counts answered calls.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from gcbatch.simulator.instants import milliseconds
from gcbatch.simulator.tenant.cache import cached_per_tenant
from gcbatch.simulator.tenant.tenant import HOME_DIVISION, Call, Queue, Tenant

__all__ = ["Events", "Key", "Profile", "Series", "Span", "carries", "events_of"]

SHORT_ABANDON_MS: Final = 5_000

Profile = Mapping[str, str]
"""Values of the dimensions that an event has."""


class Key(NamedTuple):
    """A metric, with its qualifier if it has one."""

    metric: str
    qualifier: str | None = None


_OF_QUEUE: Final = frozenset({"userId", "wrapUpCode"})
_NOT_CARRIED: Final[Mapping[str, frozenset[str]]] = {
    "nOffered": _OF_QUEUE,
    "nOverSla": _OF_QUEUE,
    "oServiceLevel": _OF_QUEUE,
    "oServiceTarget": _OF_QUEUE,
    "tAbandon": _OF_QUEUE,
    "tAcd": _OF_QUEUE,
    "tShortAbandon": _OF_QUEUE,
    "tWait": _OF_QUEUE,
    "nConnected": frozenset({"wrapUpCode"}),
    "tAnswered": frozenset({"wrapUpCode"}),
}


def carries(metric: str, dimension: str) -> bool:
    """Return whether a metric can be grouped by a dimension.

    A metric that cannot is missing from the answer: `nOffered` belongs to a queue, so
    a query that groups by user does not return it.
    """
    return dimension not in _NOT_CARRIED.get(metric, ())


@dataclass(frozen=True, slots=True)
class Series:
    """The events of one key in time order; three columns of equal length.

    Args:
        times: Instants, milliseconds since 1970.
        values: One for each event.
        profiles: Positions in `Events.profiles`.
    """

    times: list[int]
    values: list[float]
    profiles: list[int]

    def between(self, start_ms: int, end_ms: int) -> range:
        """Return the positions of the events in [start_ms, end_ms)."""
        return range(bisect_left(self.times, start_ms), bisect_left(self.times, end_ms))


@dataclass(frozen=True, slots=True)
class Span:
    """One user's presence, [start_ms, end_ms), and the keys that count it."""

    start_ms: int
    end_ms: int
    profile: int
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Events:
    """A tenant's events, ready for queries.

    Args:
        profiles: Every distinct one.
        series: By the family's model, then by key.
        spans: Presences.
        targets: Service-level target of each queue.
        presence_ids: The organisation's presences of each built-in one.
    """

    profiles: list[Profile]
    series: Mapping[str, Mapping[Key, Series]]
    spans: tuple[Span, ...]
    targets: Mapping[str, float]
    presence_ids: Mapping[str, list[str]]


class _Profiles:
    """Numbers the distinct profiles."""

    def __init__(self) -> None:
        self.all: list[Profile] = []
        self._numbers: dict[tuple[tuple[str, str | None], ...], int] = {}

    def number(self, *pairs: tuple[str, str | None]) -> int:
        """Return the number of a profile; pairs without a value are ignored."""
        found = self._numbers.get(pairs)
        if found is None:
            found = self._numbers[pairs] = len(self.all)
            self.all.append({name: value for name, value in pairs if value is not None})
        return found


_Event = tuple[int, float, int]


@cached_per_tenant
def events_of(tenant: Tenant) -> Events:
    """Return the events of a tenant."""
    profiles = _Profiles()
    queues = {queue.id: queue for queue in tenant.queues}
    raw: defaultdict[str, defaultdict[Key, list[_Event]]] = defaultdict(
        lambda: defaultdict(list)
    )
    of_calls = raw["Conversation"]
    teams = tenant.team_ids
    for call in tenant.calls:
        queue = queues.get(call.queue_id) or Queue(id=call.queue_id, name="")
        team = teams.get(call.user_id or "")
        for metric, at, value, profile in _events_of_call(call, queue, team, profiles):
            of_calls[Key(metric)].append((at, value, profile))
    for seen in tenant.observations:
        profile = profiles.number(*sorted(seen.dimensions.items()))
        key = Key(seen.metric, seen.qualifier)
        raw[seen.family][key].append((milliseconds(seen.instant), seen.value, profile))
    return Events(
        profiles=profiles.all,
        series={
            model: {key: _in_order(events) for key, events in keys.items()}
            for model, keys in raw.items()
        },
        spans=_spans(tenant, profiles),
        targets={queue.id: queue.target for queue in tenant.queues},
        presence_ids=_presence_ids(tenant),
    )


def _in_order(events: list[_Event]) -> Series:
    events.sort()
    times, values, profiles = zip(*events, strict=True)
    return Series(list(times), list(values), list(profiles))


def _events_of_call(
    call: Call, queue: Queue, team_id: str | None, profiles: _Profiles
) -> Iterator[tuple[str, int, float, int]]:
    of_queue = (
        ("direction", call.direction),
        ("divisionId", call.division_id or queue.division_id or HOME_DIVISION),
        ("mediaType", call.media_type),
        ("originatingDirection", call.direction),
        ("queueId", call.queue_id),
        ("requestedLanguageId", queue.language_id),
        ("requestedRoutingSkillId", queue.skill_id),
    )
    waiting = profiles.number(*of_queue)
    offered = milliseconds(call.offered)
    yield "nOffered", offered, 1, waiting
    if call.abandoned is not None:
        at = milliseconds(call.abandoned)
        wait = max(at - offered, 0)
        yield "tAbandon", at, wait, waiting
        yield "tAcd", at, wait, waiting
        yield "tWait", at, wait, waiting
        yield "oServiceLevel", at, 0, waiting
        if wait < SHORT_ABANDON_MS:
            yield "tShortAbandon", at, wait, waiting
    if call.answered is not None:
        at = milliseconds(call.answered)
        wait = max(at - offered, 0)
        agent = (("userId", call.user_id), ("teamId", team_id))
        connected = profiles.number(*of_queue, *agent)
        yield "nConnected", at, 1, connected
        yield "tAnswered", at, wait, connected
        yield "tAcd", at, wait, waiting
        yield "tWait", at, wait, waiting
        in_time = wait <= queue.service_level_ms
        yield "oServiceLevel", at, int(in_time), waiting
        if not in_time:
            yield "nOverSla", at, 1, waiting
        if call.ended is not None:
            end = milliseconds(call.ended)
            handled = profiles.number(
                *of_queue, *agent, ("wrapUpCode", call.wrap_up_code)
            )
            for metric in ("tHandle", "tTalk", "tTalkComplete"):
                yield metric, end, end - at, handled


def _spans(tenant: Tenant, profiles: _Profiles) -> tuple[Span, ...]:
    spans = []
    for presence in tenant.presences:
        keys = [
            Key("tSystemPresence", presence.system_presence),
            Key("tOrganizationPresence", presence.organization_presence_id),
        ]
        if presence.routing_status is not None:
            keys.append(Key("tAgentRoutingStatus", presence.routing_status))
        spans.append(
            Span(
                milliseconds(presence.start),
                milliseconds(presence.end),
                profiles.number(("userId", presence.user_id)),
                tuple(keys),
            )
        )
    return tuple(spans)


def _presence_ids(tenant: Tenant) -> Mapping[str, list[str]]:
    ids = defaultdict(set)
    for presence in tenant.presences:
        ids[presence.system_presence].add(presence.organization_presence_id)
    return {system: sorted(own) for system, own in sorted(ids.items())}
