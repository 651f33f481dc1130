"""Conversations that are made up by the thousand."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from gcbatch.genesys.detail_models import CONVERSATION
from gcbatch.simulator import Document, generate_conversations
from tests.support.details_client import after, details, tenant_of, unknown
from tests.support.job_client import connected

HOUR = (after(0), after(60))


def instants(value: Any) -> Iterator[datetime]:
    """Yield whatever within JSON is an instant."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from instants(inner)
    elif isinstance(value, str) and value.endswith("Z") and value[10:11] == "T":
        yield datetime.fromisoformat(value)


def keys_in(value: Any) -> int:
    """Return the number of keys of JSON, on all levels."""
    if isinstance(value, dict):
        return len(value) + sum(map(keys_in, value.values()))
    return sum(map(keys_in, value)) if isinstance(value, list) else 0


def ids_in(value: Any) -> Iterator[str]:
    """Yield the ids of a conversation, its participants and sessions."""
    for name in ("conversationId", "participantId", "sessionId"):
        if name in value:
            yield value[name]
    for name in ("participants", "sessions"):
        for inner in value.get(name, ()):
            yield from ids_in(inner)


def test_a_seed_decides_everything() -> None:
    """The same seed gives the same bytes, another one others."""
    first, again, other = (
        [row.json for row in generate_conversations(seed, 300, *HOUR)]
        for seed in (1, 1, 2)
    )

    assert first == again
    assert not set(first) & set(other)


def test_they_begin_one_after_the_other() -> None:
    """They are spread over the span, each in its share of it."""
    rows = generate_conversations(1, 600, *HOUR)
    begun = [
        datetime.fromtimestamp(row.start_ms / 1000, after(0).tzinfo) for row in rows
    ]

    shares = [(begin - after(0)) // timedelta(seconds=6) for begin in begun]
    assert shares == list(range(600))


def test_the_document_and_its_json_agree() -> None:
    """Id, start and end are those within, and all else happens between them."""
    for row in generate_conversations(1, 300, *HOUR):
        reported = orjson.loads(row.json)
        all_instants = list(instants(reported))
        edges = [reported["conversationStart"], reported["conversationEnd"]]

        assert reported["conversationId"] == row.id
        assert [datetime.fromisoformat(edge) for edge in edges] == [
            min(all_instants),
            max(all_instants),
        ]
        assert [t.timestamp() * 1000 for t in map(datetime.fromisoformat, edges)] == [
            row.start_ms,
            row.end_ms,
        ]


def test_no_id_comes_twice() -> None:
    """Neither among conversations nor among what they consist of."""
    rows = generate_conversations(1, 600, *HOUR)
    found = [name for row in rows for name in ids_in(orjson.loads(row.json))]

    assert len(set(found)) == len(found)
    assert len(found) > 600 * 4


@pytest.mark.parametrize("size", [1_500, 4_096, 8_000])
def test_they_are_as_large_as_wanted(size: int) -> None:
    """Each is at least so long, and not much longer."""
    lengths = [
        len(row.json) for row in generate_conversations(1, 300, *HOUR, size_bytes=size)
    ]

    assert min(lengths) >= size
    assert max(lengths) <= size + 850


def test_the_usual_ones_have_all_that_real_ones_have() -> None:
    """Customer, flow, queue and agent, with metrics, segments and statistics."""
    rows = [orjson.loads(row.json) for row in generate_conversations(1, 50, *HOUR)]
    purposes = {tuple(p["purpose"] for p in row["participants"]) for row in rows}
    sessions = [s for row in rows for p in row["participants"] for s in p["sessions"]]

    assert purposes == {("customer", "ivr", "acd", "agent")}
    assert all(s["metrics"] and s["segments"] for s in sessions)
    assert any("mediaEndpointStats" in s for s in sessions)
    assert any("flow" in s for s in sessions)


def test_the_usual_ones_are_as_large_as_real_ones() -> None:
    """Each has 6 to 7 KB, 207 to 239 keys, and 5 to 8 statistics of the media."""
    texts = [row.json for row in generate_conversations(1, 600, *HOUR)]
    rows = list(map(orjson.loads, texts))
    sessions = [[s for p in row["participants"] for s in p["sessions"]] for row in rows]
    media = [sum(len(s["mediaEndpointStats"]) for s in each) for each in sessions]

    assert {len(text) // 1_000 for text in texts} == {6}
    assert set(map(keys_in, rows)) <= set(range(207, 240))
    assert set(media) <= set(range(5, 9))


def test_one_in_ten_is_abandoned() -> None:
    """Without time of handling, whether an agent's phone rang or not."""
    rows = [orjson.loads(row.json) for row in generate_conversations(1, 100, *HOUR)]
    metrics = [
        {m["name"] for p in row["participants"] for m in p["sessions"][0]["metrics"]}
        for row in rows
    ]

    assert sum("tAbandon" in names for names in metrics) == 10
    assert all(("tAbandon" in names) != ("tHandle" in names) for names in metrics)


def test_some_outlast_a_midnight() -> None:
    """A few go on for hours, so that intervals can cut through them."""
    rows = generate_conversations(1, 300, after(600), after(660))

    midnight = after(720).timestamp() * 1000
    assert any((row.end_ms or 0) > midnight for row in rows)


def test_a_small_one_is_a_small_one() -> None:
    """Asked for less than there can be, it is as small as it gets."""
    (row,) = generate_conversations(1, 1, *HOUR, size_bytes=1)

    assert len(row.json) < 900
    assert len(orjson.loads(row.json)["participants"]) == 1


def test_none_is_none() -> None:
    """No conversations are no rows."""
    assert generate_conversations(1, 0, *HOUR) == ()


def test_every_field_is_the_services() -> None:
    """No made-up conversation has a field that the API does not know."""
    rows = generate_conversations(1, 50, *HOUR)
    reported = [orjson.loads(row.body(attributes=True)) for row in rows]

    assert {name for row in reported for name in unknown(row, CONVERSATION)} == set()
    assert all("attributes" in p for row in reported for p in row["participants"])


@pytest.mark.slow
async def test_more_than_the_cap_are_counted_all() -> None:
    """A day of 100,300: the total knows them, paging ends at 100,000."""
    day: tuple[Document, ...] = generate_conversations(
        1, 100_300, after(-720), after(720), size_bytes=600
    )
    async with connected(tenant=tenant_of(documents=day)) as client:
        last = await details(client, paging={"pageSize": 100, "pageNumber": 1_000})
        beyond = await details(client, paging={"pageSize": 100, "pageNumber": 1_001})

    assert last.json["totalHits"] == 100_300
    assert last.json["conversations"][-1] == orjson.loads(day[99_999].json)
    assert beyond.status == 400
