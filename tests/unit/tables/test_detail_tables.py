"""Tables of details against plain Python: every field of every record, once."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gcbatch.genesys.detail_models import CONVERSATION, USER_DETAIL, FieldKind, Model
from gcbatch.simulator import sample_tenant
from gcbatch.simulator.tenant.conversations import conversations_of
from tests.support.detail_tables import (
    DAY,
    DETAIL_TABLES,
    RECORDS_IN,
    START,
    USER_TABLES,
    FakeStore,
    Json,
    batch_of,
    conversation,
    conversations,
    details_table,
    plain_rows,
    plan_of,
    queries,
    rows_of,
    table_of,
)
from tests.support.streams import to_bytes
from tests.support.table_sources import source_of

FLAT = tuple(name for name in DETAIL_TABLES if name != "conversations_nested")
SUMS = {
    "handle_ms": {"tHandle"},
    "talk_ms": {"tTalkComplete"},
    "hold_ms": {"tHeldComplete"},
    "acw_ms": {"tAcw"},
    "wait_ms": {"tAnswered", "tAbandon", "tFlowOut"},
}

several = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])


def column(name: str) -> str:
    """Return what a field is called as a column, written again for the tests."""
    return re.sub("([a-z0-9])([A-Z])", r"\1_\2", name).lower()


def there(records: Any) -> list[Json]:
    """Return the records of a list, which may be missing."""
    return [record for record in records or [] if record is not None]


def own(record: Json, schema: pa.Schema, prefix: str = "") -> Json:
    """Return the fields of a record as columns; what is null is left out."""
    reported: Json = {}
    for name, value in record.items():
        if name in {"participants", "sessions", "segments", "metrics"} or value is None:
            continue
        if name == "flow":
            reported |= own(value, schema, "flow_")
            continue
        called = column(name)
        called = called if called.startswith(prefix) else prefix + called
        is_time = pa.types.is_timestamp(schema.field(called).type)
        reported[called] = datetime.fromisoformat(value) if is_time else value
    for ids, names in {
        "queue_id": "queue_name",
        "user_id": "user_name",
        "wrap_up_code": "wrap_up_code_name",
        "evaluator_id": "evaluator_name",
        "assignee_id": "assignee_name",
        "proposed_agent_id": "proposed_agent_name",
        "team_id": "team_name",
        "requested_language_id": "requested_language_name",
        "outbound_campaign_id": "outbound_campaign_name",
    }.items():
        if ids in reported and names in schema.names:
            reported[names] = reported[ids]
    return reported


def some(record: Json, schema: pa.Schema, *names: str) -> Json:
    """Return some fields of a record as columns, of a table that has them."""
    return own({name: record.get(name) for name in names}, schema)


def truth(name: str, document: Json) -> list[Json]:
    """Return the rows that a table should have of a conversation."""
    schema = details_table(name).schema
    root = some(document, schema, "conversationId", "conversationStart")
    if name == "conversations":
        return [own(document, schema) | whole(document)]
    if name == "participants":
        return [
            root | {"participant_number": number} | own(person, schema)
            for number, person in people_of(document)
        ]
    if name == "participant_attributes":
        return [
            root
            | {"participant_number": number}
            | some(person, schema, "participantId")
            | attribute
            for number, person in people_of(document)
            for attribute in attributes_of(person)
        ]
    if name in ("evaluations", "surveys", "resolutions"):
        rows = records_of(name, name, document.get(name))
        return [root | row for row in rows]
    return [
        root | row
        for number, person, place, session in sessions_of(document)
        for row in rows_of_session(name, number, person, place, session)
    ]


NUMBERS = {
    "evaluations": "evaluation_number",
    "surveys": "survey_number",
    "resolutions": "resolution_number",
    "flow_outcomes": "outcome_number",
    "media_endpoint_stats": "stat_number",
    "proposed_agents": "proposed_agent_number",
}
"""The tables of records that are kept as JSON, and the numbers in their keys."""


def records_of(name: str, field: str, value: Any) -> Iterator[Json]:
    """Yield the rows of a list of records; what is none of them is `extra`."""
    schema, model = details_table(name).schema, RECORDS_IN[field]
    listed: list[Any] = value if isinstance(value, list) else [value]
    for number, record in enumerate(filter(lambda one: one is not None, listed), 1):
        row: Json = {NUMBERS[name]: number}
        if not isinstance(record, dict):
            yield row | {"extra": record}
            continue
        known = {n: v for n, v in record.items() if n in model.by_name}
        newer = {n: v for n, v in record.items() if n not in model.by_name}
        yield row | own(known, schema) | ({"extra": newer} if newer else {})


def people_of(document: Json) -> Iterator[tuple[int, Json]]:
    """Yield the participants with their numbers."""
    return enumerate(there(document.get("participants")), start=1)


def sessions_of(document: Json) -> Iterator[tuple[int, Json, int, Json]]:
    """Yield the sessions and their participants, with the numbers of both."""
    count = 0
    for number, person in people_of(document):
        for session in there(person.get("sessions")):
            count += 1
            yield number, person, count, session


def attributes_of(person: Json) -> Iterator[Json]:
    """Yield the attributes of a participant by name."""
    for key, value in sorted((person.get("attributes") or {}).items()):
        reported = value if isinstance(value, str) else json.dumps(value)
        yield {"name": key} if value is None else {"name": key, "value": reported}


def rows_of_session(
    name: str, number: int, person: Json, place: int, session: Json
) -> Iterator[Json]:
    """Yield the rows of a session, or of what is in it."""
    schema = details_table(name).schema
    root = some(person, schema, "participantId") | {"session_number": place}
    if name == "sessions":
        yield root | {"participant_number": number} | own(session, schema)
        return
    root |= some(session, schema, "sessionId")
    if name != "flow_outcomes":
        root |= some(person, schema, "purpose", "userId")
    if name in NUMBERS:
        root |= some(session, schema, "mediaType", "direction")
        field, owner = {
            "media_endpoint_stats": ("mediaEndpointStats", session),
            "proposed_agents": ("proposedAgents", session),
            "flow_outcomes": ("outcomes", session.get("flow") or {}),
        }[name]
        if name == "flow_outcomes":
            root |= some(owner, schema, "flowId", "flowName", "flowType", "flowVersion")
        for row in records_of(name, field, owner.get(field)):
            yield root | row
        return
    if name == "segments":
        root |= some(session, schema, "mediaType", "direction")
    kind, counter = {
        "segments": ("segments", "segment_number"),
        "session_metrics": ("metrics", "metric_number"),
    }[name]
    for inner, record in enumerate(there(session.get(kind)), start=1):
        yield root | {counter: inner} | own(record, schema)


def whole(document: Json) -> Json:
    """Return what the table of conversations computes."""
    people = there(document.get("participants"))
    sessions = [s for person in people for s in there(person.get("sessions"))]
    reported: Json = {"participants": len(people)}
    media = [s["mediaType"] for s in sessions if s.get("mediaType") is not None]
    if media:
        reported["media_types"] = list(dict.fromkeys(media))
    for name, metrics in SUMS.items():
        found = [
            metric["value"]
            for session in sessions
            for metric in there(session.get("metrics"))
            if metric.get("name") in metrics and metric.get("value") is not None
        ]
        if found:
            reported[name] = sum(found)
    queued = [
        (person.get("purpose") != "acd", segment.get("segmentStart") or "9", segment)
        for person in people
        for session in there(person.get("sessions"))
        for segment in there(session.get("segments"))
        if segment.get("queueId") is not None
    ]
    if queued:
        first = min(queued, key=lambda q: q[:2])[2]["queueId"]
        reported |= {"first_queue_id": first, "first_queue_name": first}
    return reported


@several
@given(conversations())
def test_every_field_is_where_it_belongs(documents: list[bytes]) -> None:
    """Each record is a row of its table, with all that was sent, whatever it lacks."""
    for name in set(FLAT) - {"participant_attributes"}:
        expected = [row for d in documents for row in truth(name, json.loads(d))]

        assert plain_rows(table_of(name, batch_of(documents))) == expected


@pytest.mark.parametrize("name", FLAT)
def test_a_conversation_with_every_field(name: str) -> None:
    """All that the models have, in all its places."""
    sent = {**full(CONVERSATION), "conversationStart": "2026-10-01T08:00:00.000Z"}
    document = json.dumps(sent).encode()

    assert plain_rows(table_of(name, batch_of([document]))) == truth(name, sent)


def full(model: Model) -> Json:
    """Return a record that has all its fields, two of each that has many."""
    values: dict[FieldKind, Any] = {
        FieldKind.TIME: "2026-10-01T08:09:10.123Z",
        FieldKind.FLAG: True,
        FieldKind.WHOLE: 5,
        FieldKind.NUMBER: 4.5,
        FieldKind.TEXTS: ["a", 'b"'],
        FieldKind.WHOLES: [200, 404],
        FieldKind.JSON: {"a": [1, {"b": None}]},
    }
    record: Json = {}
    for field in model.fields:
        if field.name in RECORDS_IN:
            inner = RECORDS_IN[field.name]
            record[field.name] = [full(inner), full(inner) | {"newer": [1]}]
        elif field.model is None:
            record[field.name] = values.get(field.holds, f"some {field.name}")
        elif field.holds is FieldKind.MANY:
            record[field.name] = [full(field.model), full(field.model)]
        else:
            record[field.name] = full(field.model)
    return record


def test_times_are_added_up() -> None:
    """Over all sessions; a wait is whatever ended it, and no such metric is null."""
    one = [("tHandle", 1), ("tTalkComplete", 20), ("tAnswered", 300), ("tWait", 9)]
    other = [("tFlowOut", 4000), ("tAbandon", 50_000), ("tHandle", 600_000)]
    sent = conversation(
        *(
            {"sessions": [{"metrics": [{"name": n, "value": v} for n, v in metrics]}]}
            for metrics in (one, [("tHeldComplete", 0), *other])
        )
    )

    (row,) = rows_of("conversations", sent)

    assert [row[name] for name in SUMS] == [600_001, 20, 0, None, 54_300]


@several
@given(conversations())
def test_keys_identify_rows(documents: list[bytes]) -> None:
    """Whatever ids are missing or doubled, no two rows have the same key."""
    for name in set(FLAT) - {"participant_attributes"}:
        table = table_of(name, batch_of(documents))
        rows = table.read_all().to_pylist()
        keys = [tuple(row[part] for part in table.key) for row in rows]

        assert len(set(keys)) == len(rows)
        assert not any(None in key for key in keys)


@several
@given(conversations(most=6), st.data())
def test_rows_do_not_depend_on_how_parts_are_cut(
    documents: list[bytes], data: st.DataObject
) -> None:
    """The same conversations give the same bytes, in any batches."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(documents)), max_size=3)))
    edges = zip([0, *cuts], [*cuts, len(documents)], strict=True)
    whole_batch = batch_of(documents)
    pieces = [whole_batch.slice(a, b - a) for a, b in edges]
    for name in set(DETAIL_TABLES) - {"participant_attributes"}:
        assert to_bytes(table_of(name, *pieces)) == to_bytes(
            table_of(name, whole_batch)
        )


def fields_below(model: Model, path: str = "") -> Iterator[str]:
    """Yield the dotted paths of all fields that hold no records."""
    for field in model.fields:
        if field.model is None:
            yield f"{path}{field.name}"
        else:
            yield from fields_below(field.model, f"{path}{field.name}.")


@pytest.mark.parametrize(
    ("root", "tables"), [(CONVERSATION, DETAIL_TABLES), (USER_DETAIL, USER_TABLES)]
)
def test_every_known_field_has_a_column(root: Model, tables: tuple[str, ...]) -> None:
    """What the service may send is in a table, under the path it was sent by."""
    sources = {
        (field.metadata or {}).get(b"source", b"").decode()
        for name in tables
        for field in details_table(name).schema
    }

    assert set(fields_below(root)) <= sources


@pytest.mark.parametrize("name", [*DETAIL_TABLES, *USER_TABLES])
def test_columns_are_flat_and_declared(name: str) -> None:
    """Five types, no name twice, and JSON is marked as such."""
    schema = details_table(name).schema
    kinds = {pa.string(), pa.timestamp("ms", "UTC"), pa.bool_(), pa.int64()}
    held = {FieldKind.JSON, FieldKind.TEXTS, FieldKind.WHOLES}
    json_fields = {
        column(f.name)
        for model in (*models(CONVERSATION), *RECORDS_IN.values())
        for f in model.fields
        if f.holds in held
    }
    marked = {
        f.name for f in schema if (f.metadata or {}).get(b"content") == b"json"
    } - {"extra", "media_types", "conversation", "flow_outcomes"}

    assert {field.type for field in schema} <= kinds | {pa.float64()}
    assert len(set(schema.names)) == len(schema.names)
    assert marked == json_fields & set(schema.names)


def models(root: Model) -> Iterator[Model]:
    """Yield a model and all below it."""
    yield root
    for field in root.fields:
        if field.model is not None:
            yield from models(field.model)


@pytest.mark.parametrize("name", [*DETAIL_TABLES, *USER_TABLES])
def test_a_part_without_rows_is_an_empty_table(name: str) -> None:
    """With all its columns."""
    table = table_of(name, batch_of([]))

    assert table.read_all().num_rows == 0
    assert table.read_all().schema.equals(
        details_table(name).schema, check_metadata=True
    )


@pytest.mark.parametrize("name", DETAIL_TABLES)
def test_days_are_those_in_which_conversations_began(name: str) -> None:
    """Partitions by day and month go by the start of the conversation."""
    assert table_of(name).time == "conversation_start"


def test_windows_follow_each_other() -> None:
    """Parts are read in the order of the plan, whatever their size."""
    asked = queries(3)
    parts = {
        query.digest: [batch_of([conversation(conversationId=f"c{n}")])]
        for n, query in enumerate(asked)
    }
    source = source_of(plan_of(asked), FakeStore(parts))
    table = details_table("conversations")(source)

    assert table.read_all()["conversation_id"].to_pylist() == ["c0", "c1", "c2"]
    assert (table.covered.start, table.covered.end) == (START, START + 3 * DAY)


def test_batches_are_read_as_they_are_needed() -> None:
    """One batch of a part is read ahead, not the part."""
    (asked,) = queries()
    one = batch_of([conversation()] * 10)
    store = FakeStore({asked.digest: [one] * 5})
    table = details_table("conversations")(source_of(plan_of([asked]), store))

    next(iter(replace(table, batch_rows=10)))

    assert store.opened <= 2


def test_ids_have_their_names_beside_them() -> None:
    """From the listings; an id that is not listed is its own name."""
    names = {
        "queueId": {"q1": "Süd"},
        "userId": {"u1": "Ann"},
        "wrapUpCode": {"w1": "Sold"},
    }
    segments = [{"queueId": "q1", "wrapUpCode": "w1"}, {"queueId": "q2"}]
    sent = conversation({"userId": "u1", "sessions": [{"segments": segments}]})

    rows = rows_of("segments", sent, names=names)
    (first,) = rows_of("conversations", sent, names=names)

    assert [r["queue_name"] for r in rows] == ["Süd", "q2"]
    assert [r["wrap_up_code_name"] for r in rows] == ["Sold", None]
    assert {r["user_name"] for r in rows} == {"Ann"}
    assert first["first_queue_name"] == "Süd"


def test_the_first_queue_is_that_of_the_acd() -> None:
    """A customer's segment names a queue before the call had reached one."""
    late = {"queueId": "late", "segmentStart": "2026-10-01T08:05:00.000Z"}
    early = {"queueId": "early", "segmentStart": "2026-10-01T08:01:00.000Z"}
    other = {"queueId": "other", "segmentStart": "2026-10-01T08:00:00.000Z"}
    sent = conversation(
        {"purpose": "customer", "sessions": [{"segments": [other]}]},
        {"purpose": "acd", "sessions": [{"segments": [late]}, {"segments": [early]}]},
    )

    assert rows_of("conversations", sent)[0]["first_queue_id"] == "early"


def test_attributes_are_rows() -> None:
    """By name; what is no text is the JSON of it, as it was sent."""
    sent = conversation(attributes=None).replace(
        b'"participants": []',
        b'"participants": [{"attributes": {"b": "x\\n\\u00fc", "a": {"z" :1.50}, '
        b'"c": null, "d": 12345678901234567890123}}, {}, '
        b'{"attributes": {}}, {"attributes": null}, '
        b'{"participantId": "p5", "attributes": {"a": ""}}]',
    )

    rows = rows_of("participant_attributes", sent)

    assert [(r["participant_number"], r["name"], r["value"]) for r in rows] == [
        (1, "a", '{"z" :1.50}'),
        (1, "b", "x\nü"),
        (1, "c", None),
        (1, "d", "12345678901234567890123"),
        (5, "a", ""),
    ]
    assert rows[4]["participant_id"] == "p5"


def test_json_is_kept_as_it_was_sent() -> None:
    """Spaces, order and digits included; null is null."""
    stats = '[ {"b":1.50,"a":1e40, "a": "\\u00e9"} ]'
    sent = conversation({"sessions": [{"sessionId": "s1"}, {"mediaEndpointStats": 0}]})
    sent = sent.replace(b'Stats": 0', b'Stats": ' + stats.encode())

    rows = rows_of("sessions", sent)

    assert [row["media_endpoint_stats"] for row in rows] == [None, stats]


def test_json_may_come_in_any_batch() -> None:
    """Batches without it are read in a shorter way."""
    none, some_json = conversation(), conversation(surveys=[])
    batches = [batch_of([none]), batch_of([none, some_json]), batch_of([none])]

    rows = table_of("conversations", *batches).read_all()

    assert rows["surveys"].to_pylist() == [None, None, "[]", None]


def test_whole_conversations_are_kept_as_they_were_sent() -> None:
    """Byte for byte, known fields and newer ones."""
    sent = (
        b'{ "conversationId":"c1", "conversationStart":"2026-10-01T08:00:00Z","x" :1.0}'
    )

    (row,) = rows_of("conversations_nested", sent)

    assert row["conversation"].encode() == sent


@pytest.fixture(scope="module")
def week() -> list[bytes]:
    """The conversations of the sample's week, as answers of jobs have them."""
    found = conversations_of(sample_tenant())
    return [document.body(attributes=True) for document in found]


@pytest.mark.parametrize("name", FLAT)
def test_the_sample_week(week: list[bytes], name: str) -> None:
    """Every row of a real call log's conversations."""
    documents = week[::5] if name in NUMBERS else week[::25]
    expected = [row for d in documents for row in truth(name, json.loads(d))]

    assert plain_rows(table_of(name, batch_of(documents))) == expected
    assert expected


def test_times_add_up_to_those_of_the_calls(week: list[bytes]) -> None:
    """The log's own instants, without conversations or metrics in between."""
    calls = sample_tenant().calls
    rows = table_of("conversations", batch_of(week)).read_all()

    handled = sum(
        (c.ended - c.answered).total_seconds() for c in calls if c.answered and c.ended
    )
    assert rows.num_rows == len(calls)
    assert sum(filter(None, rows["handle_ms"].to_pylist())) == handled * 1000
    assert set(rows["first_queue_id"].to_pylist()) == {c.queue_id for c in calls}
