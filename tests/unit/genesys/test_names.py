"""Queues by name or id: each name is one queue, or an error."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest

from gcbatch.errors import AccessError, JobError
from gcbatch.genesys.client.client import Answer
from gcbatch.genesys.client.listing import list_entities
from gcbatch.genesys.entities import ENTITY_KINDS
from gcbatch.genesys.names import (
    Names,
    check_targets,
    is_id,
    names_from_listings,
    queue_ids,
    unlisted_targets,
)

T = TypeVar("T")

ONE = "11111111-1111-1111-1111-111111111111"
TWO = "22222222-2222-2222-2222-222222222222"
NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
LISTED = Names(
    {"queueId": {ONE: "Support", TWO: "Sales", "3": "Twin", "4": "Twin"}},
    {"queueId": 4},
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ONE, True),
        (ONE.upper().replace("1", "A"), True),
        (ONE[:-1], False),
        (ONE + "1", False),
        (ONE.replace("-", ""), False),
        (f"{ONE}\n", False),
        ("Support", False),
    ],
)
def test_an_id_is_distinguished_from_a_name(text: str, *, expected: bool) -> None:
    """Only a whole UUID is an id."""
    assert is_id(text) is expected


def test_names_and_ids_become_sorted_ids() -> None:
    """One queue named twice, by name and by id in any case, is asked once."""
    wanted = ["Support", TWO.upper(), ONE, "Sales"]

    assert queue_ids(wanted, LISTED) == [ONE, TWO]


def test_ids_need_no_listing() -> None:
    """Who names ids needs no permission to list queues."""
    assert queue_ids([ONE], Names()) == [ONE]


def test_all_unknown_names_are_reported_at_once() -> None:
    """Each has the nearest ones; one that several bear has their ids."""
    with pytest.raises(JobError) as caught:
        queue_ids(["support", "Twin", "Zzz"], LISTED)

    assert caught.value.problem.splitlines() == [
        "query.queues: no queue is called 'support'; the nearest: Support",
        "query.queues: more than one queue is called 'Twin'; name its id: 3, 4",
        "query.queues: no queue is called 'Zzz'; the nearest: Sales, Support, Twin",
    ]


def test_without_a_listing_names_are_a_matter_of_permission() -> None:
    """Exit code 3, with the service's words on what is missing."""
    names = Names(warnings=("queues are shown by id: missing routing:queue:view",))

    with pytest.raises(AccessError, match="missing routing:queue:view") as caught:
        queue_ids(["Support"], names)

    assert "by id" in (caught.value.hint or "")


def test_a_queue_that_is_gone_gives_way_to_its_successor() -> None:
    """A name that was used again means the queue that has it now."""
    names = Names(
        {"queueId": {ONE: "Support", TWO: "Support"}},
        deleted={"queueId": frozenset({ONE})},
    )

    assert queue_ids(["Support"], names) == [TWO]


def test_a_queue_that_is_gone_keeps_its_name() -> None:
    """No other queue has it, so it still means the old one."""
    names = Names({"queueId": {ONE: "Support"}}, deleted={"queueId": frozenset({ONE})})

    assert queue_ids(["Support"], names) == [ONE]


def test_names_survive_their_note() -> None:
    """What is kept with a run is the same when it is read."""
    names = Names(
        {"queueId": {ONE: "Süd"}},
        {"queueId": 1},
        ("a warning",),
        {"queueId": frozenset({ONE})},
        listed_at={"queueId": NOON},
        asked_at={"queueId": NOON, "userId": NOON},
    )

    assert Names.from_json(json.loads(json.dumps(names.to_json()))) == names


def test_a_target_of_100_percent_stays_as_it_was_listed() -> None:
    """Else exports of the next run would not count as unchanged."""
    names = listed({"entities": [queue("a", 1), queue("b", 1.0), queue("c", 0.8)]})

    note = json.dumps(names.to_json()["targets"])

    read = Names.from_json(json.loads(json.dumps(names.to_json())))
    assert json.dumps(read.to_json()["targets"]) == note


def test_a_new_listing_adds_to_what_is_known() -> None:
    """Renamed queues have their new name; those that are gone keep their last."""
    known = Names({"queueId": {ONE: "Old", TWO: "Gone"}, "userId": {"u": "Ann"}})

    renewed = known.updated_with(
        Names({"queueId": {ONE: "New"}}, {"queueId": 1}, ("w",))
    )

    assert renewed.by_dimension == {
        "queueId": {ONE: "New", TWO: "Gone"},
        "userId": {"u": "Ann"},
    }
    assert renewed.deleted["queueId"] == {TWO}
    assert (renewed.listed, renewed.warnings) == ({"queueId": 1}, ("w",))


def test_a_target_by_a_name_of_two_queues_is_refused() -> None:
    """As such a name of a queue to ask for is, with the ids."""
    targets = {"Twin": 80, "Support": 90, "3": 70, "Zzz": 60}

    with pytest.raises(JobError) as caught:
        check_targets(targets, LISTED)

    assert caught.value.problem == (
        "sla.targets: more than one queue is called 'Twin'; name its id: 3, 4"
    )


def test_a_target_of_a_former_twin_is_the_successors() -> None:
    """A queue that is gone does not make its name ambiguous."""
    names = Names(
        {"queueId": {ONE: "Support", TWO: "Support"}},
        deleted={"queueId": frozenset({ONE})},
    )

    check_targets({"Support": 90}, names)


def test_targets_of_no_listed_queue_are_reported() -> None:
    """By name with the nearest, by id; whoever is gone is listed no more."""
    gone = "33333333-3333-3333-3333-333333333333"
    names = Names(
        {"queueId": {ONE: "Support", TWO: "Sales", gone: "Gone"}},
        {"queueId": 2},
        deleted={"queueId": frozenset({gone})},
    )
    targets = ["Support", TWO.upper(), "support", "Gone", gone]

    assert unlisted_targets(targets, names) == (
        f"sla.targets: the org lists no queue {gone!r}",
        "sla.targets: the org lists no queue 'Gone'",
        "sla.targets: the org lists no queue 'support'; the nearest: Support",
    )


def test_without_a_whole_listing_no_target_is_reported() -> None:
    """What did not come may be there."""
    names = Names({"queueId": {ONE: "Support"}})

    assert unlisted_targets(["Sales"], names) == ()


class Listed:
    """A client that answers a listing's pages in turn, and counts them."""

    def __init__(self, *pages: dict[str, Any]) -> None:
        self.pages = pages
        self.asked: list[int] = []

    async def get(
        self, path: str, decode: Callable[[bytes], T], **parameters: Any
    ) -> Answer[T]:
        number = parameters["pageNumber"]
        self.asked.append(number)
        page = self.pages[min(number, len(self.pages)) - 1]
        value = decode(json.dumps(page).encode())
        return Answer(value, datetime.now(UTC), 1, 0, path)


def listed(*pages: dict[str, Any], known: Names | None = None) -> Names:
    """Return the names of queues that *pages* bring."""
    client: Any = Listed(*pages)
    found = asyncio.run(list_entities(client, ENTITY_KINDS[0]))
    return (known or Names()).updated_with(names_from_listings([found]))


def queue(identity: str, level: float | None = None) -> dict[str, Any]:
    settings = {"call": {"serviceLevel": {"percentage": level}}} if level else {}
    return {"id": identity, "name": identity.upper(), "mediaSettings": settings}


def test_a_listing_that_comes_short_is_not_complete() -> None:
    """Names are used, but a queue that it lacks is not taken for deleted."""
    names = listed({"entities": [queue("a")], "pageCount": 1, "total": 2})

    assert names.by_dimension["queueId"] == {"a": "A"}
    assert "queueId" not in names.listed
    assert "1 of 2" in names.warnings[0]


@pytest.mark.parametrize("name", [5, ["A"], {"x": 1}, None])
def test_an_odd_name_costs_one_name(name: object) -> None:
    """Its id stands for it; the others have theirs."""
    odd = {**queue("a"), "name": name}

    names = listed({"entities": [odd, queue("b")], "pageCount": 1, "total": 2})

    assert names.by_dimension["queueId"] == {"a": "a", "b": "B"}


def test_a_listing_that_comes_short_is_read_again() -> None:
    """Entities that change meanwhile shift the pages."""
    client: Any = Listed({"entities": [queue("a")], "pageCount": 1, "total": 2})

    asyncio.run(list_entities(client, ENTITY_KINDS[0]))

    assert client.asked == [1, 1, 1]


def test_a_listing_without_end_is_given_up() -> None:
    """Pages that bring nothing new do not go on for ever; what came is used."""
    names = listed({"entities": [queue("a")], "nextUri": "/more"})

    assert "brings nothing new" in names.warnings[0]
    assert names.by_dimension["queueId"] == {"a": "A"}
    assert "queueId" not in names.listed


def test_the_announced_number_of_pages_is_the_end() -> None:
    """Even if each page names a next one."""
    client: Any = Listed(
        {"entities": [queue("a")], "nextUri": "/x", "pageCount": 2},
        {"entities": [queue("b")], "nextUri": "/x", "pageCount": 2},
    )

    asyncio.run(list_entities(client, ENTITY_KINDS[0]))

    assert client.asked == [1, 2]


def test_a_target_that_is_no_longer_set_is_none() -> None:
    """What an earlier run knew does not outlive it; a deleted queue's does."""
    before = listed({"entities": [queue("a", 0.8), queue("gone", 0.07)]})

    after = listed({"entities": [queue("a")]}, known=before)

    assert before.targets == {"a": {"voice": 80.0}, "gone": {"voice": 7.0}}
    assert after.targets == {"a": {}, "gone": {"voice": 7.0}}


@pytest.mark.parametrize(
    ("sent", "known"),
    [
        (20_000, {"voice": 20_000}),
        (0, {"voice": 0}),
        (1_500.5, {"voice": 1_500.5}),
        ("20", {}),
        (True, {}),
        (10**18, {}),
        (None, {}),
    ],
)
def test_a_threshold_is_a_number_of_milliseconds(
    sent: object, known: dict[str, float]
) -> None:
    """A queue has it also without a target; what is no number is not known."""
    level = {"serviceLevel": {"durationMs": sent}}

    names = listed({"entities": [{"id": "a", "mediaSettings": {"call": level}}]})

    assert names.thresholds == {"a": known}
    assert names.targets == {"a": {}}
    assert Names.from_json(names.to_json()) == names
