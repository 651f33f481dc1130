"""One pass over the documents makes the rows of several tables."""

import json
import threading
from collections.abc import Collection, Iterator
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcbatch.errors import DataError
from gcbatch.tables.documents.table import rows_of_tables
from gcbatch.tables.source import TableSource
from tests.support.detail_tables import (
    DETAIL_TABLES,
    FakeStore,
    batch_of,
    conversation,
    conversations,
    details_table,
    plan_of,
    queries,
    table_of,
)
from tests.support.table_sources import source_of
from tests.unit.tables.test_detail_tables_odd import ODD

TABLES = [name for name in DETAIL_TABLES if name != "participant_attributes"]
"""All but the one that refuses attributes which are no object: generated ones are."""

RECORDS = ("participants", "sessions", "segments", "metrics", "flow")
"""Fields whose own fields are known."""

SEGMENT = conversation({"sessions": [{"segments": [{"errorCode": "e1"}]}]})
ERROR_CODE = "participants.sessions.segments.errorCode"


def source_with(
    *batches: pa.RecordBatch,
    fields: Collection[str] | None = None,
    unknown: tuple[str, ...] = (),
) -> tuple[TableSource, FakeStore]:
    """Return a source with a part for each batch, and its store."""
    due = queries(len(batches))
    parts = {query.digest: [b] for query, b in zip(due, batches, strict=True)}
    noted = None if fields is None else tuple(sorted(fields))
    store = FakeStore(parts, unknown, noted)
    return source_of(plan_of(due), store), store


def read_together(
    source: TableSource, names: Collection[str] = DETAIL_TABLES
) -> dict[str, pa.Table]:
    """Return the rows of tables, all read in one pass."""
    tables = {name: details_table(name) for name in names}
    found: dict[str, list[pa.RecordBatch]] = {name: [] for name in names}
    for name, rows in rows_of_tables(source, tables.values()):
        found[name].append(rows)
    return {
        name: pa.Table.from_batches(found[name], table.schema)
        for name, table in tables.items()
    }


def fields_in(value: Any, above: str = "") -> Iterator[str]:
    """Yield the paths of the fields that a document has."""
    if isinstance(value, list):
        for item in value:
            yield from fields_in(item, above)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name in RECORDS:
                yield from fields_in(inner, f"{above}{name}.")
            else:
                yield f"{above}{name}"


@pytest.mark.parametrize("is_noted", [True, False])
@given(documents=conversations(), odd=st.sampled_from([(), (ODD,)]))
def test_tables_together_are_the_tables_alone(
    documents: list[bytes],
    odd: tuple[bytes, ...],
    is_noted: bool,  # noqa: FBT001 - a parameter
) -> None:
    """Neither the other tables nor the noted fields change the rows of a table."""
    sent = [*documents, *odd]
    noted = {path for d in sent for path in fields_in(json.loads(d))}
    source, _ = source_with(batch_of(sent), fields=noted if is_noted else None)

    assert read_together(source, TABLES) == {
        name: table_of(name, batch_of(sent)).read_all() for name in TABLES
    }


def test_a_part_is_read_once_for_all_tables() -> None:
    """However many tables there are, each batch of a part is opened once."""
    source, store = source_with(*(batch_of([SEGMENT]) for _ in range(3)))
    read_together(source)

    assert store.opened == 3


@pytest.mark.parametrize(
    "unknown", [(ERROR_CODE,), ("participants.sessions.segments",)]
)
def test_what_is_known_by_now_is_read(unknown: tuple[str, ...]) -> None:
    """A field that was unknown at the fetch is not among the noted ones."""
    batch = batch_of([SEGMENT])
    noted = ("conversationId", "conversationStart")
    source, _ = source_with(batch, fields=noted, unknown=unknown)

    assert read_together(source)["segments"]["error_code"].to_pylist() == ["e1"]


def test_a_field_that_is_not_noted_is_not_read() -> None:
    """This shows that the notes are used: a wrong note hides a field."""
    source, _ = source_with(batch_of([SEGMENT]), fields=("conversationId",))

    assert read_together(source, ["segments"])["segments"][
        "error_code"
    ].to_pylist() == [None]


def test_each_part_is_read_by_its_own_notes() -> None:
    """A field may occur in a later part alone."""
    first, second = queries(2)
    empty = conversation({"sessions": [{"segments": [{}]}]})
    store = FakeStore(
        {first.digest: [batch_of([empty])], second.digest: [batch_of([SEGMENT])]}
    )
    notes = {first.digest: ("conversationId",), second.digest: (ERROR_CODE,)}

    class Noted(FakeStore):
        def metadata(self, digest: str) -> Any:
            self.fields = notes[digest]
            return super().metadata(digest)

    source = source_of(plan_of([first, second]), Noted(store.parts))

    assert read_together(source)["segments"]["error_code"].to_pylist() == [None, "e1"]


def test_a_table_that_is_not_wanted_any_more_gets_no_rows() -> None:
    """Its export failed or stopped: the rows of later parts are not made."""
    source, _ = source_with(*(batch_of([SEGMENT]) for _ in range(3)))
    tables = [details_table("segments"), details_table("sessions")]
    found: list[str] = []
    for name, _ in rows_of_tables(source, tables, lambda n: n not in found[:1]):
        found.append(name)

    assert found == ["segments", "sessions", "sessions", "sessions"]


def test_a_pass_that_is_not_wanted_any_more_ends() -> None:
    """All exports failed: the parts that are left are not read."""
    source, store = source_with(*(batch_of([SEGMENT]) for _ in range(9)))
    found: list[str] = []
    for name, _ in rows_of_tables(
        source, [details_table("segments")], lambda _: not found
    ):
        found.append(name)

    assert (len(found), store.opened < 4) == (1, True)


def test_an_error_leaves_no_thread() -> None:
    """A run may keep the error, and with it the frames that it passed."""
    before = threading.active_count()
    bad = conversation({"sessions": [{"metrics": [{"name": "tAcw", "value": 2**60}]}]})
    source, _ = source_with(*(batch_of([bad]) for _ in range(3)))
    with pytest.raises(DataError) as kept:
        read_together(source, ["conversations"])

    assert (threading.active_count(), kept.value.problem != "") == (before, True)


def test_what_a_newer_release_noted_is_shown() -> None:
    """A field that it knew is unknown to this one: it is in `extra`."""
    sent = conversation({"participantId": "p1", "zNew": 5})
    noted = ("conversationId", "participants.participantId", "participants.zNew")
    source, _ = source_with(batch_of([sent]), fields=noted)

    found = read_together(source, ["participants"])["participants"]
    assert found["extra"].to_pylist() == ['{"zNew":5}']
