"""Shared by tests of tables of details: parts, made-up documents, expected rows."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from gcbatch.genesys.detail_models import CONVERSATION, Field, FieldKind, Model
from gcbatch.genesys.detail_records import (
    EVALUATION,
    FLOW_OUTCOME,
    MEDIA_ENDPOINT_STAT,
    PROPOSED_AGENT,
    RESOLUTION,
    SURVEY,
)
from gcbatch.planning.plan import Plan
from gcbatch.query import Query, make_query
from gcbatch.registry import load_member, module_names
from gcbatch.store.part_metadata import PartMetadata
from gcbatch.table import Table
from gcbatch.tables.documents.table import DocumentsTable
from gcbatch.windows import Window
from tests.support.table_sources import source_of

START = datetime(2026, 10, 1, tzinfo=UTC)
DAY = timedelta(days=1)
INSTANT = pa.timestamp("ms", tz="UTC")
Json = dict[str, Any]

PART = pa.schema([("id", pa.string()), ("at", INSTANT), ("document", pa.binary())])


@dataclass
class FakeStore:
    """Parts in memory.

    Args:
        parts: Batches of each digest.
        unknown_fields: The unknown fields that all metadata has.
        fields: The known fields that all metadata has; None if they were not noted.
    """

    parts: Mapping[str, Sequence[pa.RecordBatch]]
    unknown_fields: tuple[str, ...] = ()
    fields: tuple[str, ...] | None = None
    opened: int = 0

    def batches(
        self, digest: str, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        for batch in self.parts[digest]:
            self.opened += 1
            yield batch.select(columns or batch.schema.names)

    def documents(
        self, digest: str
    ) -> Iterator[tuple[PartMetadata | None, pa.RecordBatch]]:
        for batch in self.batches(digest):
            yield self.metadata(digest), batch

    def expect(self, digests: Iterable[str]) -> None:
        """Do nothing: the parts are in memory."""

    def metadata(self, digest: str) -> PartMetadata | None:
        window = Window(START, START + DAY)
        rows = sum(batch.num_rows for batch in self.parts[digest])
        return PartMetadata(
            START,
            window,
            1,
            rows,
            1,
            1,
            ("",),
            unknown_fields=self.unknown_fields,
            fields=self.fields,
        )


def queries(count: int = 1) -> list[Query]:
    """Return a query for each of some days."""
    windows = [Window(START + n * DAY, START + (n + 1) * DAY) for n in range(count)]
    return [make_query("org", "details", window, b"{}") for window in windows]


def plan_of(queries: Sequence[Query]) -> Plan:
    window = Window(queries[0].window.start, queries[-1].window.end)
    return Plan(window, tuple(queries))


def batch_of(
    documents: Iterable[bytes], id_field: str = "conversationId"
) -> pa.RecordBatch:
    """Return documents as a part has them."""
    sent = list(documents)
    ids, starts = [], []
    for number, document in enumerate(sent):
        found = re.search(rb'"%s": ?"([^"]*)"' % id_field.encode(), document)
        start = re.search(rb'"conversationStart": ?"([^"]*)"', document)
        ids.append(found[1].decode() if found else f"c{number}")
        text = start[1].decode() if start else START.isoformat()
        reported = datetime.fromisoformat(text)
        ms = reported.microsecond // 1000 * 1000
        starts.append(reported.replace(microsecond=ms))
    columns = [
        pa.array(ids, pa.string()),
        pa.array(starts, INSTANT),
        pa.array(sent, pa.binary()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=PART)


DETAIL_TABLES = module_names("tables/conversations")
USER_TABLES = module_names("tables/users")


def details_table(name: str) -> DocumentsTable:
    """Return a table of details, as its file makes it."""
    kind = "users" if name in USER_TABLES else "conversations"
    table: DocumentsTable = load_member(f"tables/{kind}", name, "table")
    return table


def table_of(
    name: str,
    *batches: pa.RecordBatch,
    newer: tuple[str, ...] = (),
    names: dict[str, dict[str, str]] | None = None,
) -> Table:
    """Return a table of one part."""
    (query,) = queries()
    store = FakeStore({query.digest: batches}, newer)
    source = source_of(plan_of([query]), store, names=names, timezone="Europe/Dublin")
    return details_table(name)(source)


def rows_of(name: str, *documents: bytes, **options: Any) -> list[Json]:
    """Return the rows that a table has of some documents."""
    table = table_of(name, batch_of(documents), **options)
    found: list[Json] = table.read_all().to_pylist()
    return found


def conversation(*participants: Json, **fields: Any) -> bytes:
    """Return a conversation."""
    whole = {
        "conversationId": "c1",
        "conversationStart": "2026-10-01T08:00:00.000Z",
        "participants": list(participants),
        **fields,
    }
    return json.dumps(whole).encode()


def plain_rows(table: Table) -> list[Json]:
    """Return the rows of a table as plain data, without nulls."""
    is_json = {
        f.name for f in table.schema if (f.metadata or {}).get(b"content") == b"json"
    }
    return [
        {
            name: json.loads(value) if name in is_json else value
            for name, value in row.items()
            if value is not None
        }
        for row in table.read_all().to_pylist()
    ]


TEXTS = st.text(st.sampled_from('ab"\\\n\x00é\u2028😀/{}[]:,'), max_size=5)
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(  # noqa: DTZ001 - zone follows
    lambda t: f"{t.isoformat(timespec='milliseconds')}Z"
)
WHOLES = st.integers(-(2**40), 2**40)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBERS | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2)
    ),
    max_leaves=4,
)
NAMES_OF_METRICS = st.sampled_from(
    [
        "tHandle",
        "tTalkComplete",
        "tAcw",
        "tAnswered",
        "tAbandon",
        "tFlowOut",
        "nOffered",
    ]
)
KINDS: dict[FieldKind, st.SearchStrategy[Any]] = {
    FieldKind.TEXT: TEXTS,
    FieldKind.TIME: INSTANTS,
    FieldKind.FLAG: st.booleans(),
    FieldKind.WHOLE: WHOLES,
    FieldKind.NUMBER: NUMBERS,
    FieldKind.TEXTS: st.lists(TEXTS, max_size=3),
    FieldKind.WHOLES: st.lists(WHOLES, max_size=3),
    FieldKind.JSON: ANYTHING,
}
RECORDS_IN = {
    "evaluations": EVALUATION,
    "surveys": SURVEY,
    "resolutions": RESOLUTION,
    "outcomes": FLOW_OUTCOME,
    "mediaEndpointStats": MEDIA_ENDPOINT_STAT,
    "proposedAgents": PROPOSED_AGENT,
}
"""Fields that hold JSON in the models of conversations, and the records in them."""

LIKELY = frozenset(
    {"name", "value", "purpose", "mediaType", "queueId", "segmentStart", "flow"}
    | {"participants", "sessions", "segments", "metrics"}
)
"""Fields that most records have, so that the examples have depth."""


@st.composite
def records(draw: st.DrawFn, model: Model) -> Json:
    """Make up a record: some fields of its model, in any order, some of them null."""
    rare = [f for f in model.fields if f.name not in LIKELY]
    some = draw(st.lists(st.sampled_from(rare), max_size=4, unique_by=lambda f: f.name))
    some += [f for f in model.fields if f.name in LIKELY and draw(st.integers(0, 5))]
    return {field.name: draw(_values(field)) for field in draw(st.permutations(some))}


def _values(field: Field) -> st.SearchStrategy[Any]:
    if field.model is None:
        named = {"name": NAMES_OF_METRICS, "purpose": st.sampled_from(["acd", "agent"])}
        values = named.get(field.name, KINDS[field.holds])
        if field.name in RECORDS_IN:
            listed = st.lists(records(RECORDS_IN[field.name]) | ANYTHING, max_size=3)
            values = values | listed
    elif field.holds is FieldKind.MANY:
        values = st.lists(records(field.model) | st.none(), max_size=3)
    else:
        values = records(field.model)
    return st.integers(0, 7).flatmap(lambda n: values if n else st.none())


@st.composite
def conversations(draw: st.DrawFn, most: int = 4) -> list[bytes]:
    """Make up conversations, written in one of the ways JSON allows."""
    sent = []
    for number in range(draw(st.integers(1, most))):
        record = draw(records(CONVERSATION))
        record |= {
            "conversationId": f"c{number}",
            "conversationStart": f"2026-10-01T08:00:00.{number:03}Z",
        }
        is_ascii, is_wide = draw(st.booleans()), draw(st.booleans())
        written = json.dumps(
            record,
            ensure_ascii=is_ascii,
            separators=(", ", ": ") if is_wide else (",", ":"),
        )
        sent.append(written.encode())
    return sent
