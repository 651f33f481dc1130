"""Documents that Arrow's reader refuses: made right, or an error that names them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcbatch.errors import DataError
from gcbatch.genesys.detail_models import CONVERSATION, FieldKind
from gcbatch.genesys.metrics import snake
from tests.support.detail_tables import (
    ANYTHING,
    DETAIL_TABLES,
    Json,
    batch_of,
    conversation,
    conversations,
    rows_of,
    table_of,
)
from tests.unit.tables.test_detail_tables import NUMBERS, several

ODD = conversation(
    {
        "participantId": "p1",
        "sessions": [
            {
                "mediaCount": 1.0,
                "metrics": [{"name": "tHandle", "value": 414.0}],
                "segments": [{"segmentStart": "2026-10-01T08:00:00.123456Z"}],
            }
        ],
    },
    conversationId="odd",
).replace(b'"participantId": "p1"', b'"participantId": "p0", "participantId": "p1"')
"""Refused by Arrow's reader, whichever table is read."""

MOS = "media_stats_min_conversation_mos"
SENT_MOS = '"mediaStatsMinConversationMos"'


def metrics(value: str) -> bytes:
    """Return a conversation with one metric of 12 s, its value written as *value*."""
    sent = conversation(
        {"sessions": [{"metrics": [{"name": "tHandle", "value": 12_000}]}]}
    )
    return sent.replace(b"12000", value.encode())


def named_metric(name: object) -> bytes:
    """Return a conversation with one metric of that name."""
    return conversation({"sessions": [{"metrics": [{"name": name, "value": 1}]}]})


def nested(depth: int) -> str:
    """Return a list in a list, and so on."""
    return "[" * depth + "]" * depth


def more(written: str) -> bytes:
    """Return a conversation with a field more, as it is written."""
    return conversation()[:-1] + f", {written}}}".encode()


@pytest.mark.parametrize(
    ("written", "value"),
    [("414.0", 414), ("1e3", 1000), ("-0.0", 0), ("9007199254740993", 2**53 + 1)],
)
def test_whole_numbers_may_be_written_otherwise(written: str, value: int) -> None:
    """The service sends 414.0 now and then."""
    (row,) = rows_of("session_metrics", metrics(written))

    assert row["value"] == value


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-10-01T08:00:00.123456789Z", "2026-10-01 08:00:00.123000+00:00"),
        ("2026-10-01T08:00:00.1239Z", "2026-10-01 08:00:00.123000+00:00"),
        ("1960-10-01T08:00:00.1239Z", "1960-10-01 08:00:00.123000+00:00"),
        ("2026-10-01T10:00:00.5+02:00", "2026-10-01 08:00:00.500000+00:00"),
        ("2026-10-01T10:00:00.5000+02:00", "2026-10-01 08:00:00.500000+00:00"),
        ("2026-10-01T10:00:00.000+0200", "2026-10-01 08:00:00+00:00"),
        ("2026-10-01T08:00:00.0000", "2026-10-01 08:00:00+00:00"),
        ("2026-10-01T08:00:00", "2026-10-01 08:00:00+00:00"),
    ],
)
def test_instants_of_any_form(written: str, expected: str) -> None:
    """To the millisecond, cut; without a zone it is UTC."""
    (row,) = rows_of("conversations", more(f'"conferenceStart": "{written}"'))

    assert str(row["conference_start"]) == expected


@pytest.mark.parametrize(
    ("written", "column", "expected"),
    [
        ('"externalTag": "a", "externalTag": "b"', "external_tag", "b"),
        (r'"externalTag": "a\ud83d"', "external_tag", "a\ufffd"),
        (
            r'"externalTag": "\ude00a\ud83d\ude00\\ud800"',
            "external_tag",
            "\ufffda😀\\ud800",
        ),
        (
            r'"externalTag": "\ud83d", "evaluations": ["\ud83d"]',
            "evaluations",
            r'["\ufffd"]',
        ),
        ('"z": 1, "z": 2, "externalTag": "a"', "external_tag", "a"),
        (f"{SENT_MOS}: 4", MOS, 4.0),
        (f"{SENT_MOS}: {10**30}", MOS, 1e30),
        (f'"z": {nested(900)}, "externalTag": "a"', "external_tag", "a"),
        ('"participants": null', "participants", 0),
        ('"participants": [null, {}]', "participants", 1),
    ],
)
def test_odd_documents_are_made_right(
    written: str, column: str, expected: str | float
) -> None:
    """Doubled keys count once, as last; half a surrogate pair is U+FFFD."""
    sent = more(written)
    if written.startswith('"participants"'):
        sent = sent.replace(b'"participants": [], ', b"")

    (row,) = rows_of("conversations", sent)

    assert row[column] == expected


@several
@given(conversations())
def test_the_long_way_round_leads_to_the_same_rows(documents: list[bytes]) -> None:
    """One document that Arrow refuses changes nothing of those beside it."""
    for name in set(DETAIL_TABLES) - {"participant_attributes"}:
        usual = table_of(name, batch_of(documents)).read_all()
        beside = table_of(name, batch_of([*documents, ODD])).read_all()

        assert beside.num_rows == usual.num_rows + (name not in NUMBERS)
        assert beside.slice(0, usual.num_rows).equals(usual)


def test_the_odd_one_is_shown_in_full() -> None:
    """Last of two keys, and cut to milliseconds."""
    (row,) = rows_of("segments", ODD)

    assert (row["participant_id"], row["segment_number"]) == ("p1", 1)
    assert row["segment_start"] == datetime(2026, 10, 1, 8, 0, 0, 123000, UTC)


@pytest.mark.parametrize(
    ("table", "sent", "problem"),
    [
        (
            "session_metrics",
            metrics("414.5"),
            "metrics[0].value is not a whole number (414.5)",
        ),
        ("session_metrics", metrics(f"{2**63}"), f"is larger than 64 bits ({2**63})"),
        ("session_metrics", metrics('"12"'), "value is not a whole number (12)"),
        ("session_metrics", metrics("true"), "value is not a whole number (True)"),
        (
            "conversations",
            metrics(f"{2**62}"),
            f"a time is out of range ({2**62} ms)",
        ),
        ("session_metrics", named_metric(5), "metrics[0].name is not a text"),
        (
            "sessions",
            conversation({"sessions": [{"flow": 5}]}),
            "flow is not an object",
        ),
        ("participants", more('"participants": {}'), "participants is not a list"),
        (
            "participants",
            more('"participants": [5]'),
            "participants[0] is not an object",
        ),
        ("conversations", b"null", "c0: is not an object"),
        ("conversations", b" [1]", "c0: is not an object"),
        ("conversations", b'{"a": 1} {"b": 2}', "c0: cannot be read as JSON"),
        (
            "conversations",
            b'{"a": NaN, "divisionIds": 5}',
            "c0: cannot be read as JSON",
        ),
        ("conversations", b'{"a": ', "c0: cannot be read as JSON"),
        ("conversations", b"", "c0: cannot be read as JSON"),
        (
            "conversations",
            more(f'"evaluations": {nested(100_000)}'),
            "cannot be read as JSON",
        ),
        ("conversations_nested", b'{"a": "\xff"}', "c0: is not UTF-8"),
        ("sessions", b'{"a": "\xff"}', "c0: is not UTF-8"),
        (
            "participant_attributes",
            conversation({"attributes": [1]}),
            "are not an object",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(table: str, sent: bytes, problem: str) -> None:
    """By window, conversation and field, so that it can be looked up."""
    good = conversation(conversationId="good")

    with pytest.raises(DataError) as error:
        rows_of(table, sent, good)

    named = "c1" if b"conversationId" in sent else "c0"
    window = "2026-10-01T00:00:00.000Z/2026-10-02T00:00:00.000Z"
    where = f"details {window}: conversation {named}: "
    assert error.value.problem.startswith(where)
    assert problem in error.value.problem
    assert error.value.hint


@pytest.mark.parametrize(
    ("field", "written", "column"),
    [
        ("externalTag", "5", "external_tag"),
        ("externalTag", '{"a":[1.50]}', "external_tag"),
        ("selfServed", '"yes"', "self_served"),
        ("divisionIds", '"a"', "division_ids"),
        ("divisionIds", '["a",5]', "division_ids"),
        ("divisionIds", '[null,"a"]', "division_ids"),
        ("conferenceStart", '"soon"', "conference_start"),
        ("conferenceStart", "5", "conference_start"),
        ("conversationEnd", '"0001-01-01T00:00:00.0000+14:00"', "conversation_end"),
        ("mediaStatsMinConversationMos", '"NaN"', MOS),
        ("mediaStatsMinConversationMos", '"4"', MOS),
        ("mediaStatsMinConversationMos", "true", MOS),
        ("mediaStatsMinConversationMos", "1e400", MOS),
        ("mediaStatsMinConversationMos", f"1{'0' * 5_000}", MOS),
    ],
)
def test_an_odd_value_costs_one_field(field: str, written: str, column: str) -> None:
    """Its column is null, `extra` has it as it was sent; all else is as without it."""
    odd = more(f'"{field}": {written}, "externalOrganizationId": 1, "resolutions": 2')
    usual = more('"externalOrganizationId": 1, "resolutions": 2')
    other = more('"externalTag": "b", "divisionIds": ["d"], "selfServed": true')

    row, beside = rows_of("conversations", odd, other)

    as_usual, alone = rows_of("conversations", usual, other)
    assert row[column] is None
    assert row["extra"] == f'{{"{field}":{written}}}'
    assert {**row, "extra": None} == as_usual
    assert beside == alone


def test_odd_values_are_kept_on_their_level() -> None:
    """Beside newer fields, and within the record that has them."""
    sent = leveled(
        conversation={"externalTag": 5, "newA": 1},
        participant={"purpose": ["agent"], "userId": 6},
        session={"mediaType": False, "mediaCount": 1.5},
        flow={"flowId": 7},
        segment={"queueId": 8, "segmentStart": "soon", "q850ResponseCodes": [None]},
        metric={"emitDate": 9},
    )

    (found,) = zip(
        *(rows_of(table, sent, newer=("newA",)) for table in LEVELS), strict=True
    )

    assert [json.loads(row["extra"]) for row in found] == [
        {"externalTag": 5, "newA": 1},
        {"purpose": ["agent"], "userId": 6},
        {"mediaType": False, "mediaCount": 1.5, "flow": {"flowId": 7}},
        {"queueId": 8, "segmentStart": "soon", "q850ResponseCodes": [None]},
        {"emitDate": 9},
    ]


def test_an_odd_value_is_not_counted_on() -> None:
    """What a conversation comes to as a whole does without it."""
    session = {"mediaType": 5, "segments": [{"queueId": "q", "segmentStart": "soon"}]}
    (row,) = rows_of("conversations", conversation({"sessions": [session]}))

    assert (row["media_types"], row["first_queue_id"]) == (None, "q")
    assert row["extra"] is None


LEVELS = ("conversations", "participants", "sessions", "segments", "session_metrics")


@several
@given(conversations(1), st.data())
def test_no_odd_value_is_lost(documents: list[bytes], data: st.DataObject) -> None:
    """Anything in any field that is not strict is in its column or in `extra`."""
    sent = json.loads(documents[0])
    loose = [f for f in CONVERSATION.fields if not f.strict and f.model is None]
    field = data.draw(
        st.sampled_from([f for f in loose if f.holds is not FieldKind.JSON])
    )
    sent[field.name] = data.draw(ANYTHING)

    (row,) = rows_of("conversations", json.dumps(sent).encode())

    extra = json.loads(row["extra"] or "{}")
    column = row[snake(field.name)]
    assert column is None or not extra
    if column is None:
        assert extra.get(field.name) == sent[field.name]


def leveled(**extra: Any) -> bytes:
    """Return a conversation with more fields on each level, by the level's name."""
    session: Json = {
        "flow": {"flowId": "f", **extra.get("flow", {})},
        "segments": [extra.get("segment", {})],
        "metrics": [extra.get("metric", {})],
        **extra.get("session", {}),
    }
    person = {"sessions": [session], **extra.get("participant", {})}
    return conversation(person, **extra.get("conversation", {}))


NEWER = (
    "newA",
    "participants.newB",
    "participants.sessions.newC",
    "participants.sessions.aNewC",
    "participants.sessions.flow.newD",
    "participants.sessions.segments.newE",
    "participants.sessions.metrics.newF",
)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("conversations", '{"newA":[1, {"a": 2}]}'),
        ("participants", '{"newB":null}'),
        ("sessions", '{"aNewC":1,"newC":1.5,"flow":{"newD":"x"}}'),
        ("segments", '{"newE":{}}'),
        ("session_metrics", '{"newF":true}'),
    ],
)
def test_newer_fields_are_kept(table: str, expected: str) -> None:
    """In `extra` of the table that their record is a row of, as they were sent."""
    sent = leveled(
        conversation={"newA": [1, {"a": 2}]},
        participant={"newB": None},
        session={"newC": 1.5, "aNewC": 1},
        flow={"newD": "x"},
        segment={"newE": {}},
        metric={"newF": True},
    )

    rows = rows_of(table, sent, leveled(), newer=NEWER)

    assert [row["extra"] for row in rows] == [expected, None]


@pytest.mark.parametrize(
    "name", ["new field", "new.field", "class", "größe", "__dict__", "0", "'"]
)
def test_newer_fields_may_be_called_anything(name: str) -> None:
    """Their names are the service's."""
    (row,) = rows_of("conversations", conversation(**{name: 1}), newer=(name,))

    assert json.loads(row["extra"]) == {name: 1}


def test_a_newer_field_that_cannot_be_named_is_passed_over() -> None:
    """It is in the whole conversation still, and hinders nothing."""
    (row,) = rows_of("conversations", conversation(**{'a"b': 1}), newer=('a"b',))

    assert row["extra"] is None


def test_what_is_known_by_now_is_not_extra() -> None:
    """A part may have been fetched by an older release."""
    newer = ("externalTag", "participants", "participants.sessions")
    (row,) = rows_of("conversations", conversation(externalTag="x"), newer=newer)

    assert row["extra"] is None
    assert row["external_tag"] == "x"
