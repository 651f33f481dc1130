"""The fields that occur in records are noted; that changes nothing else."""

from dataclasses import replace
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from gcbatch.endpoints.details.page_reader import (
    CONVERSATIONS,
    USERS,
    Page,
    RecordKind,
    read_page,
)
from gcbatch.endpoints.details.record_types import (
    SeenFields,
    known_fields,
    strict_fields,
)
from gcbatch.errors import DataError
from gcbatch.genesys import Field, FieldKind, Model

VALUES = {
    FieldKind.TEXT: "text",
    FieldKind.TIME: "2026-03-02T09:00:00.000Z",
    FieldKind.FLAG: True,
    FieldKind.WHOLE: 7,
    FieldKind.NUMBER: 0.5,
    FieldKind.TEXTS: ["a", "b"],
    FieldKind.WHOLES: [1, 2],
    FieldKind.JSON: {"odd": [1, None]},
}
WRONG = st.sampled_from(["", "nine", 1.5, True, [], {}, [None], {"a": 1}, 2**70])


def value_of(field: Field) -> st.SearchStrategy[Any]:
    """Return values of a field: valid ones, null, and sometimes wrong ones."""
    if field.model is None:
        right = st.just(VALUES[field.holds])
    elif field.holds is FieldKind.MANY:
        right = st.lists(record_of(field.model), max_size=2)
    else:
        right = record_of(field.model)
    return right | right | right | st.none() | WRONG


def record_of(model: Model) -> st.SearchStrategy[Any]:
    """Return records with some fields of a model, and sometimes an unknown one."""
    some = [f for f in model.fields if f.model or f.strict] + list(model.fields[:6])
    known = {field.name: value_of(field) for field in some}
    return st.fixed_dictionaries({}, optional={**known, "newer": st.just(1)})


def whole(records: RecordKind) -> st.SearchStrategy[Any]:
    """Return records that nearly always have an id and an instant."""
    identity = {records.id: st.sampled_from("abc")}
    begins = {records.at: st.just(VALUES[FieldKind.TIME])} if records.at else {}
    return st.builds(
        lambda one, core: {**one, **core},
        record_of(records.model),
        st.fixed_dictionaries({**identity, **begins}) | st.just({}),
    )


def outcome(records: RecordKind, sent: list[Any], seen: SeenFields) -> Page | str:
    """Return the page, or the text of its error."""
    try:
        return read_page(orjson.dumps({records.rows: sent}), records, "q", seen)
    except DataError as exc:
        return exc.problem


def dumpable(one: Any) -> Any:
    """Return a value whose whole numbers orjson can write."""
    if isinstance(one, dict):
        return {name: dumpable(value) for name, value in one.items()}
    if isinstance(one, list):
        return list(map(dumpable, one))
    return 2**64 - 1 if isinstance(one, int) and one > 2**64 else one


def known_in(record: Any, model: Model, above: str = "") -> set[str]:
    """Return the paths of the known fields that occur and hold no records."""
    found = set()
    for name, value in record.items() if isinstance(record, dict) else ():
        if (field := model.by_name.get(name)) and field.model:
            for one in value if isinstance(value, list) else [value]:
                found |= known_in(one, field.model, f"{above}{name}.")
        elif field:
            found.add(f"{above}{name}")
    return found


@given(
    records_sent=st.sampled_from([CONVERSATIONS, USERS]).flatmap(
        lambda kind: st.tuples(st.just(kind), st.lists(whole(kind), max_size=4))
    )
)
def test_records_are_read_alike_whatever_came_before(
    records_sent: tuple[RecordKind, list[Any]],
) -> None:
    """A page notes at least the fields that occur, and is else as with all fields."""
    records, sent = records_sent
    seen = SeenFields(records.model)

    for one in map(dumpable, sent):
        everything = SeenFields(records.model)
        everything.add_paths(known_fields(records.model))
        found = outcome(records, [one], seen)
        expected = outcome(records, [one], everything)

        if isinstance(found, Page) and isinstance(expected, Page):
            assert found.fields >= known_in(one, records.model)
            assert replace(found, fields=expected.fields) == expected
        else:
            assert found == expected


def test_only_what_occurs_is_noted() -> None:
    """Besides strict fields, which are checked always."""
    sent = {
        "conversationId": "a",
        "conversationStart": "2026-03-02T09:00:00.000Z",
        "participants": [{"sessions": [{"ani": "1", "flow": {"flowId": "f"}}]}],
    }
    page = read_page(orjson.dumps({"conversations": [sent]}), CONVERSATIONS)

    assert page.fields - strict_fields(CONVERSATIONS.model) == {
        "participants.sessions.ani",
        "participants.sessions.flow.flowId",
    }


def test_a_name_with_a_dot_is_unknown() -> None:
    """Even if it reads like the path to a known field."""
    sent = {
        "conversationId": "a",
        "conversationStart": "2026-03-02T09:00:00.000Z",
        "participants.participantName": "p",
    }
    page = read_page(orjson.dumps({"conversations": [sent]}), CONVERSATIONS)

    assert page.unknown_fields == {"participants.participantName"}
