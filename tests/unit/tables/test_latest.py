"""Keys hold across windows: a document that two parts have is there once."""

import csv
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from threading import Event
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gcbatch
from gcbatch import DataError, RunReport
from gcbatch.query import Query
from gcbatch.simulator import Fault, Presence, Tenant
from gcbatch.simulator.documents import Document
from gcbatch.store.part_metadata import PartMetadata
from gcbatch.table import StoppedError
from gcbatch.tables import latest
from gcbatch.tables.latest import LatestParts
from tests.support.detail_tables import (
    DETAIL_TABLES,
    START,
    USER_TABLES,
    FakeStore,
    batch_of,
    plan_of,
    queries,
)
from tests.support.details_world import conversations, day, tenant_of, with_records
from tests.support.listed_org import ORG
from tests.support.old_parts import metadata_in, rewrite_metadata

if TYPE_CHECKING:
    from tests.conftest import Workspace, WorkspaceOf

MINUTE = timedelta(minutes=1)


@dataclass
class DatedStore(FakeStore):
    """Parts in memory, each asked for at an instant of its own.

    Args:
        asked: When, by digest; minutes after the start.
    """

    asked: Mapping[str, int] | None = None

    def metadata(self, digest: str) -> PartMetadata | None:
        metadata = super().metadata(digest)
        minutes = (self.asked or {}).get(digest, 0)
        return metadata and replace(metadata, asked_at=START + minutes * MINUTE)


def store_of(asked: Sequence[Query], parts: Sequence[tuple[int, str]]) -> DatedStore:
    """Return a store of parts, each given by when it was requested and its ids."""
    made = {}
    for query, (_, ids) in zip(asked, parts, strict=True):
        at = query.window.start.isoformat()
        made[query.digest] = [
            batch_of(
                b'{"conversationId":"%s","conversationStart":"%s"}'
                % (one.encode(), at.encode())
                for one in ids[begin : begin + 2]
            )
            for begin in range(0, len(ids), 2)
        ]
    times = {q.digest: at for q, (at, _) in zip(asked, parts, strict=True)}
    return DatedStore(made, asked=times)


def left(*parts: tuple[int, str]) -> tuple[list[str], int]:
    """Return the ids that are left of each part, and how many are not."""
    asked = queries(len(parts))
    found = LatestParts(plan_of(asked), store_of(asked, parts))
    ids = [
        "".join(i for b in found.batches(q.digest) for i in b.column("id").to_pylist())
        for q in asked
    ]
    return ids, found.dropped


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([], []),
        ([(0, "abc")], ["abc"]),
        ([(0, ""), (0, "")], ["", ""]),
        ([(0, "abc"), (0, "def")], ["abc", "def"]),
        ([(1, "abc"), (2, "cde")], ["ab", "cde"]),
        ([(2, "abc"), (1, "cde")], ["abc", "de"]),
        ([(2, "abc"), (1, "cde"), (3, "a")], ["bc", "de", "a"]),
        ([(1, "a"), (3, "a"), (2, "a")], ["", "a", ""]),
    ],
)
def test_the_newest_fetch_wins(
    parts: list[tuple[int, str]], expected: list[str]
) -> None:
    """Wherever its window lies; what one part alone has stays."""
    if not parts:
        return
    ids, dropped = left(*parts)

    assert ids == expected
    assert dropped == sum(len(ids) for _, ids in parts) - sum(map(len, expected))


def test_of_one_instant_the_later_window_wins() -> None:
    """Whatever the order in which they came."""
    assert left((1, "abc"), (1, "abd"))[0] == ["c", "abd"]


PARTS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.lists(st.sampled_from("abcdefghij"), unique=True).map("".join),
    ),
    min_size=2,
    max_size=6,
)


@given(
    parts=PARTS, hashes=st.sampled_from([1, 2, 7, 1 << 40]), at_once=st.integers(1, 9)
)
def test_every_document_is_there_once(
    parts: list[tuple[int, str]], hashes: int, at_once: int
) -> None:
    """As counted one by one, also where many ids share a hash."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(latest, "COUNTED_AT_ONCE", at_once)
        patch.setattr(
            latest,
            "_hashed",
            lambda ids: array("q", [ord(i) % hashes for i in ids.to_pylist()]),
        )
        found, _ = left(*parts)

    for one in "abcdefghij":
        having = [(at, n) for n, (at, ids) in enumerate(parts) if one in ids]
        expected = [max(having)[1]] if having else []
        assert [n for n, ids in enumerate(found) if one in ids] == expected


def test_ids_alone_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven tables of one job share what was found."""
    asked = queries(2)
    store = store_of(asked, [(1, "ab"), (2, "cd")])
    read: list[object] = []
    whole = DatedStore.batches

    def noting(self: DatedStore, digest: str, columns: Any = None) -> Any:
        read.append(columns)
        return whole(self, digest, columns)

    monkeypatch.setattr(DatedStore, "batches", noting)
    found = LatestParts(plan_of(asked), store)

    for _ in range(7):
        assert not found.superseded

    assert read == [("id",), ("id",)]


def test_it_stops_between_two_parts() -> None:
    """Ctrl-C is heard while ids are read."""
    asked = queries(2)
    stop = Event()
    found = LatestParts(plan_of(asked), store_of(asked, [(0, "a"), (0, "b")]), stop)
    stop.set()

    with pytest.raises(StoppedError):
        list(found.batches(asked[0].digest))


def moved(document: Document, to: Document) -> Document:
    """Return a conversation under the start of another one."""
    json = to.json.replace(to.id.encode(), document.id.encode())
    return replace(to, id=document.id, json=json)


DETAILS: dict[str, Any] = {
    "endpoint": "conversation-details",
    "from": day(0),
    "to": day(2),
    "timezone": "UTC",
    "granularity": None,
    "metrics": [],
}
FIRST = tuple(map(with_records, conversations(5)))
SECOND = conversations(5, first=1, seed=2)
STAYS, MOVES = FIRST[:4], FIRST[4]
CORRECTED = moved(MOVES, with_records(conversations(1, first=1.5, seed=3)[0]))
BEFORE = tenant_of(*FIRST, *SECOND)
AFTER = tenant_of(*STAYS, *SECOND, CORRECTED)
TWICE = (
    "conversations in two windows, because the service corrected their start; "
    "the older version is left out: 1"
)


def exports(workspace: "Workspace", tables: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"exporter": "csv", "table": t, "path": str(workspace.folder / f"{t}.csv")}
        for t in tables
    ]


def rows(workspace: "Workspace", table: str) -> list[dict[str, str]]:
    with (workspace.folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def run(
    workspace: "Workspace", tables: Sequence[str] = ("conversations",)
) -> RunReport:
    return workspace.run(query=DETAILS, exports=exports(workspace, tables))


def forget(workspace: "Workspace", part_of: datetime) -> None:
    """Remove the part of a day, as if it had been provisional."""
    for part in workspace.parts:
        if metadata_in(part).window.start == part_of:
            part.unlink()


def corrected(
    workspace_of: "WorkspaceOf", one: Tenant, other: Tenant, refetched: int, **more: Any
) -> "Workspace":
    """Return a workspace of two fetches, between which a start was corrected.

    Args:
        workspace_of: Makes it.
        one: As it was at the first.
        other: As it was at the second.
        refetched: The day that is fetched again.
        more: More options of the simulator.
    """
    workspace = workspace_of(one, **more)
    run(workspace)
    workspace.become(other)
    begin = datetime.fromisoformat(f"{day(refetched)}T00:00Z")
    forget(workspace, begin)
    return workspace


@pytest.mark.parametrize("later", [1, 0])
def test_a_corrected_start_is_one_conversation(
    workspace_of: "WorkspaceOf", later: int
) -> None:
    """As it was fetched last, whether it went to a later window or an earlier one."""
    one, other, expected = (
        (BEFORE, AFTER, CORRECTED) if later else (AFTER, BEFORE, MOVES)
    )
    workspace = corrected(workspace_of, one, other, later)

    report = run(workspace)

    starts = {
        row["conversation_id"]: datetime.fromisoformat(row["conversation_start"])
        for row in rows(workspace, "conversations")
    }
    assert len(rows(workspace, "conversations")) == len(starts) == 10
    assert starts[MOVES.id].timestamp() * 1000 == expected.start_ms
    assert TWICE in report.warnings


def test_a_report_without_any_says_nothing(workspace_of: "WorkspaceOf") -> None:
    """Of conversations that are there once."""
    report = run(workspace_of(BEFORE))

    assert not report.warnings


def test_exporting_again_finds_the_same(workspace_of: "WorkspaceOf") -> None:
    """From the store alone, and by a process whose hashes are others."""
    workspace = corrected(workspace_of, BEFORE, AFTER, 1)
    run(workspace)
    before = (workspace.folder / "conversations.csv").read_bytes()

    report = workspace.export(
        query=DETAILS, exports=exports(workspace, ["conversations"])
    )

    assert (workspace.folder / "conversations.csv").read_bytes() == before
    assert TWICE in report.warnings


def fail_again(workspace: "Workspace", refetched: int) -> None:
    """Let the part of a day be provisional, and its next fetch fail."""
    begin = datetime.fromisoformat(f"{day(refetched)}T00:00Z")
    for part in workspace.parts:
        if metadata_in(part).window.start == begin:
            rewrite_metadata(part, asked_at=datetime.now(UTC) + timedelta(days=9))
    fault = Fault("status", status=400, path="/details/query", times=None)
    workspace.simulator.faults.add(fault)


def test_a_day_that_fails_keeps_its_own(workspace_of: "WorkspaceOf") -> None:
    """Its partition stays, and no other one gets what that has already."""
    workspace = corrected(workspace_of, BEFORE, AFTER, 1)
    folder = workspace.folder / "days"
    spec = {"exporter": "parquet", "table": "conversations", "partition_by": ["day"]}
    sections: dict[str, Any] = {
        "query": DETAILS,
        "exports": [{**spec, "path": str(folder)}],
    }
    workspace.run(**sections)
    fail_again(workspace, 1)

    report = gcbatch.run(workspace.job(**sections), allow_partial=True)

    found = pq.read_table(folder)["conversation_id"].to_pylist()
    assert len(report.gaps) == 1
    assert len(found) == len(set(found)) == 10


def test_a_failed_day_makes_other_outputs(workspace_of: "WorkspaceOf") -> None:
    """Though all of its parts are still what the last outputs were made of."""
    workspace = corrected(workspace_of, BEFORE, AFTER, 1)
    run(workspace)
    sections: dict[str, Any] = {
        "query": DETAILS,
        "exports": exports(workspace, ["conversations"]),
    }
    fail_again(workspace, 1)
    workspace.export(**sections)

    gcbatch.run(workspace.job(**sections), allow_partial=True)

    ids = {row["conversation_id"] for row in rows(workspace, "conversations")}
    assert ids == {one.id for one in STAYS}


def doubled_keys(
    workspace: "Workspace", report: RunReport, table: str
) -> dict[Any, int]:
    """Return the keys of an export that more than one row has."""
    assert report.catalog is not None
    key = report.catalog.table(table).key
    counted = Counter(
        tuple(row[name] for name in key) for row in rows(workspace, table)
    )
    assert counted
    return {one: n for one, n in counted.items() if n > 1}


class TestKeys:
    """Keys are unique in exports of every table, where they would not be by itself."""

    def test_of_conversations(self, workspace_of: "WorkspaceOf") -> None:
        """A conversation that two parts have, with all that is in it."""
        workspace = corrected(workspace_of, BEFORE, AFTER, 1)

        report = run(workspace, DETAIL_TABLES)

        for table in set(DETAIL_TABLES) - {"participant_attributes"}:
            assert not doubled_keys(workspace, report, table), table

    def test_of_attributes(self, workspace_of: "WorkspaceOf") -> None:
        """Which only jobs bring."""
        workspace = workspace_of(_with_attributes(BEFORE))
        query = {**DETAILS, "endpoint": "conversation-details-jobs"}
        tables = ["participant_attributes"]
        workspace.run(query=query, exports=exports(workspace, tables))
        workspace.become(_with_attributes(AFTER))
        forget(workspace, datetime.fromisoformat(f"{day(1)}T00:00Z"))

        report = workspace.run(query=query, exports=exports(workspace, tables))

        assert not doubled_keys(workspace, report, *tables)

    def test_of_users(self, workspace_of: "WorkspaceOf") -> None:
        """A record that touches two windows is sent with both."""
        noons = [datetime.fromisoformat(f"{day(n)}T12:00Z") for n in range(-1, 3)]
        presences = [
            Presence(
                user_id="u",
                system_presence="ON_QUEUE",
                organization_presence_id="p",
                start=start,
                end=end,
                routing_status="IDLE",
            )
            for start, end in pairwise(noons)
        ]
        workspace = workspace_of(tenant_of(presences=tuple(presences)))
        query = {**DETAILS, "endpoint": "user-details"}

        report = workspace.run(query=query, exports=exports(workspace, USER_TABLES))

        for table in USER_TABLES:
            assert not doubled_keys(workspace, report, table), table

    def test_of_aggregates(self, workspace: "Workspace") -> None:
        """Windows have no bucket in common, and within one overlaps are refused."""
        sla = {"target": 80, "period": "total"}
        tables = ["intervals", "sla"]
        query = {"group_by": ["queueId", "mediaType"]}

        report = workspace.run(query=query, sla=sla, exports=exports(workspace, tables))

        for table in tables:
            assert not doubled_keys(workspace, report, table), table

    @pytest.mark.parametrize("kind", ["outside_bucket", "overlapping_buckets"])
    def test_buckets_of_two_windows_are_refused(
        self, workspace: "Workspace", kind: Any
    ) -> None:
        """One that reaches into the next window would be there twice."""
        workspace.simulator.faults.add(Fault(kind, times=None))

        with pytest.raises(DataError) as refused:
            workspace.run()

        assert refused.value.exit_code == 5
        assert not workspace.parts

    def test_of_listings(self, workspace_of: "WorkspaceOf") -> None:
        """Which are by id."""
        workspace = workspace_of(ORG)
        tables = ["queues", "users", "wrapup_codes"]

        report = workspace.run(
            query={"from": "2026-03-02", "to": "2026-03-03"},
            exports=exports(workspace, tables),
        )

        for table in tables:
            assert not doubled_keys(workspace, report, table), table

    def test_a_listing_with_an_entity_twice_is_refused(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """It stands where another should."""
        twice = replace(ORG, queues=(*ORG.queues, ORG.queues[0]))
        workspace = workspace_of(twice, default_page_size=2, max_page_size=2)

        with pytest.raises(DataError, match="the listing is incomplete: 2 of 3 came"):
            workspace.run(
                query={"from": "2026-03-02", "to": "2026-03-03"},
                exports=exports(workspace, ["queues"]),
            )


def _with_attributes(tenant: Tenant) -> Tenant:
    return replace(
        tenant,
        documents=tuple(
            replace(one, attributes=(b'{"a":"1"}',)) for one in tenant.documents
        ),
    )
