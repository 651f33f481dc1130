"""Entities become rows: fields that have a column, and all else as it was sent."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcbatch.errors import DataError
from gcbatch.genesys.entities import entity_kind
from gcbatch.genesys.names import Names
from gcbatch.planning.plan import Plan
from gcbatch.store.entity_files import ListedEntities
from gcbatch.table import Table
from gcbatch.tables.entity_table import EntityTable
from gcbatch.windows import Window
from tests.support.table_sources import source_of

DAY = Window(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 2, tzinfo=UTC))


def listed(documents: Mapping[str, bytes]) -> ListedEntities:
    """Return a listing of some documents."""
    return ListedEntities(documents, DAY.end)


def listed_table(name: str) -> EntityTable:
    """Return a table, as its file makes it."""
    return EntityTable(entity_kind(name))


def table_of(name: str, *sent: Any, gone: Mapping[str, str] | None = None) -> Table:
    """Return a table of entities, given as JSON or to be written so."""
    texts = [e if isinstance(e, str) else json.dumps(e) for e in sent]
    documents = {json.loads(text)["id"]: text.encode() for text in texts}
    dimension = {"queues": "queueId", "users": "userId"}[name]
    names = Names(
        {dimension: {"1": "Other", **(gone or {})}},
        deleted={dimension: frozenset(gone or ())},
    )
    source = source_of(Plan(DAY, ()), None, listings={name: listed(documents)})
    return listed_table(name)(replace(source, names=names))


def row_of(name: str, sent: Any) -> dict[str, Any]:
    """Return the row of one entity, without the time of the listing."""
    (row,) = table_of(name, sent).read_all().to_pylist()
    assert row.pop("listed_at") == DAY.end
    return dict(row)


def extra_of(name: str, **fields: Any) -> Any:
    """Return what is left over of an entity, read as JSON."""
    text = row_of(name, {"id": "1", "name": "A", **fields})["extra"]
    return text and json.loads(text)


def test_fields_have_columns() -> None:
    """Texts, flags, records within, and instants in UTC."""
    row = row_of("users", {
        "id": "1", "name": "Ann", "email": "a@example.com", "title": "",
        "division": {"id": "d", "name": "North"}, "manager": {"id": "2"},
        "acdAutoAnswer": True, "dateLastLogin": "2026-10-01T02:00:00.123999+02:00",
    })  # fmt: skip

    assert {name: value for name, value in row.items() if value is not None} == {
        "user_id": "1", "user_name": "Ann", "listed": True, "email": "a@example.com",
        "title": "", "division_id": "d", "division_name": "North", "manager_id": "2",
        "acd_auto_answer": True,
        "date_last_login": datetime(2026, 10, 1, 0, 0, 0, 123_000, tzinfo=UTC),
    }  # fmt: skip


def test_service_levels_are_in_percent() -> None:
    """The service says 0.8 for 80 %, and `call` for voice."""
    levels = {"call": 0.8, "callback": 1, "chat": 0.07, "email": 0.925, "message": 0}
    settings = {
        medium: {"serviceLevel": {"percentage": share, "durationMs": n}}
        for n, (medium, share) in enumerate(levels.items(), start=1)
    }

    row = row_of("queues", {"id": "1", "name": "A", "mediaSettings": settings})

    media = ("voice", "callback", "chat", "email", "message")
    assert [row[f"{m}_target_pct"] for m in media] == [80.0, 100.0, 7.0, 92.5, 0.0]
    assert [row[f"{m}_target_ms"] for m in media] == [1, 2, 3, 4, 5]
    assert row["extra"] is None


def test_a_name_that_is_missing_is_the_id() -> None:
    """As everywhere."""
    assert row_of("users", {"id": "1"})["user_name"] == "1"
    assert row_of("users", {"id": "1", "name": ""})["user_name"] == "1"


def test_what_has_no_column_is_kept() -> None:
    """On every level, in the place where it was."""
    level = {"percentage": 0.8, "durationMs": 20_000, "soft": [1]}
    extra = extra_of(
        "queues",
        memberGroups=[],
        division={"id": "d", "name": "North", "selfUri": "/d"},
        mediaSettings={"call": {"serviceLevel": level}, "fax": {"x": None}},
    )

    assert extra == {
        "memberGroups": [],
        "division": {"selfUri": "/d"},
        "mediaSettings": {"call": {"serviceLevel": {"soft": [1]}}, "fax": {"x": None}},
    }


def test_it_is_kept_as_it_was_sent() -> None:
    """In its order; no digit and no escape is written in another way."""
    sent = '{"z":1.50,"id":"1","a":12345678901234567890123,"name":"A","e":"\\u00e9"}'

    extra = row_of("users", sent)["extra"]

    assert extra == '{"z":1.50,"a":12345678901234567890123,"e":"\\u00e9"}'


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("memberCount", "16"),
        ("memberCount", 16.5),
        ("memberCount", True),
        ("memberCount", 2**63),
        ("description", ["a"]),
        ("dateCreated", "0001-01-01T00:00:00+14:00"),
        ("dateCreated", 1_700_000_000),
        ("dateCreated", "yesterday"),
        ("dateCreated", "2026-10-01T00:00:00"),
        ("division", "North"),
        ("mediaSettings", [{"call": {}}]),
    ],
)
def test_what_does_not_fit_its_column_is_kept_too(field: str, value: Any) -> None:
    """The column is null rather than wrong, and nothing is lost."""
    sent = {"id": "1", "name": "A", field: value}

    row = row_of("queues", sent)

    others = {"queue_id", "queue_name", "listed", "extra"}
    assert {column for column, found in row.items() if found is not None} == others
    assert json.loads(row["extra"]) == {field: value}


@pytest.mark.parametrize(
    ("sent", "shown"), [(414.0, 414), (0, 0), (-(2**63) + 1, None)]
)
def test_whole_numbers_may_have_a_point(sent: float, shown: int | None) -> None:
    """414.0 is 414."""
    row = row_of("queues", {"id": "1", "memberCount": sent})

    assert row["member_count"] == (sent if shown is None else shown)
    assert isinstance(row["member_count"], int)


@pytest.mark.parametrize("share", ["1e308", f"1{'0' * 400}", "-1e308"])
def test_percentages_that_no_double_holds_are_kept(share: str) -> None:
    """They do not come to be infinite, and end nothing."""
    sent = '{"id":"1","mediaSettings":{"call":{"serviceLevel":{"percentage":%s}}}}'

    row = row_of("queues", sent % share)

    assert row["voice_target_pct"] is None
    assert share in row["extra"]


def test_null_says_nothing() -> None:
    """Neither in a column nor in a record of columns."""
    assert extra_of("queues", description=None, division=None, memberCount=None) is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["id", "name", "division", "call", "serviceLevel", "x"]
                ),
                inner,
                max_size=3,
            )
        ),
        max_leaves=8,
    ),
    st.sampled_from(["division", "manager", "email", "acdAutoAnswer", "newer"]),
)
def test_nothing_is_dropped(value: Any, field: str) -> None:
    """Any text and number of an entity is in a column or in the rest."""
    row = row_of("users", {"id": "1", "name": "A", field: value})

    extra = json.loads(row.pop("extra") or "{}")
    assert leaves(value) <= leaves(extra) | leaves(list(row.values()))


def leaves(value: Any) -> set[str]:
    """Return what a value holds besides null, each as it would be printed."""
    match value:
        case dict():
            return {leaf for inner in value.values() for leaf in leaves(inner)}
        case list():
            return {leaf for inner in value for leaf in leaves(inner)}
        case None:
            return set()
        case _:
            return {repr(value)}


def test_what_is_gone_stands_in_its_place() -> None:
    """By id among the others; an id that is listed after all has one row."""
    gone = {"2": "Gone", "3": "Twice", "9": "9"}
    table = table_of(
        "users", {"id": "1", "name": "A"}, {"id": "3", "name": "C"}, gone=gone
    )

    found = table.read_all().select(["user_id", "user_name", "listed"]).to_pylist()

    assert [tuple(row.values()) for row in found] == [
        ("1", "A", True),
        ("2", "Gone", False),
        ("3", "C", True),
        ("9", "9", False),
    ]


def test_many_rows_come_in_batches() -> None:
    """So that the settings of ten thousand queues are not in memory at once."""
    table = table_of("users", *({"id": f"{n:05}", "name": "A"} for n in range(5_000)))

    assert [batch.num_rows for batch in table] == [4096, 904]


def test_an_entity_that_cannot_be_read_is_named() -> None:
    """The listing was whole; a newer service may write it in another way."""
    source = source_of(Plan(DAY, ()), None, listings={"users": listed({"u1": b"[]"})})
    table = listed_table("users")(source)

    with pytest.raises(DataError, match="table users: u1 cannot be read as JSON"):
        table.read_all()


def test_columns_say_where_they_come_from() -> None:
    """The field, its unit, and which of them holds JSON."""
    schema = table_of("queues").schema
    about = {field.name: field.metadata or {} for field in schema}

    assert about["voice_target_ms"] == {
        b"source": b"mediaSettings.call.serviceLevel.durationMs",
        b"unit": b"ms",
    }
    assert about["voice_target_pct"][b"unit"] == b"%"
    assert about["extra"][b"content"] == b"json"
    assert schema.field("date_created").type == pa.timestamp("ms", tz="UTC")
