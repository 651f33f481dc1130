"""Every kind of listed entities: the table has what the organisation has."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from gcbatch import AccessError
from gcbatch.genesys import ENTITY_KINDS, ENTITY_TABLES, EntityKind, entity_kind
from gcbatch.simulator import Simulator, Tenant, sample_tenant
from tests.support.listed_org import DAY, ORG
from tests.support.listed_sample import documents_of, own_kinds

if TYPE_CHECKING:
    from tests.conftest import SimulatorThread, Workspace, WorkspaceOf

KINDS = list(ENTITY_KINDS)
TABLES = [kind.table for kind in KINDS]
REFUSED = [kind for kind in KINDS if kind.permissions]

Rows = dict[str, list[dict[str, Any]]]
"""By table, each row by its columns."""


def all_tables(workspace: "Workspace", folder: Path) -> Rows:
    """Run a job that exports every table of entities; return the rows."""
    path = str(folder / "{table}.parquet")
    export = {"exporter": "parquet", "tables": list(ENTITY_TABLES), "path": path}
    workspace.run(query=DAY, exports=[export])
    return {
        table: pq.read_table(folder / f"{table}.parquet").to_pylist()
        for table in ENTITY_TABLES
    }


@pytest.fixture(scope="module")
def workspace_at(
    simulator_thread: "SimulatorThread", tmp_path_factory: pytest.TempPathFactory
) -> "Iterator[WorkspaceOf]":
    """Start simulators that the tests of this module share."""
    from tests.conftest import WIDE, Workspace  # noqa: PLC0415 - not while it loads

    simulators: list[Simulator] = []

    def start(tenant: Tenant | None = None, **options: Any) -> Workspace:
        simulator = Simulator(
            tenant or sample_tenant(), requests_allowed=WIDE, **options
        )
        simulator_thread.do(simulator.start())
        simulators.append(simulator)
        folder = tmp_path_factory.mktemp("listings")
        return Workspace(simulator, folder, simulator_thread)

    yield start
    for simulator in simulators:
        simulator_thread.do(simulator.stop())


@pytest.fixture(scope="module")
def sample_rows(workspace_at: "WorkspaceOf") -> Rows:
    """Return the rows of the sample organisation."""
    workspace = workspace_at()
    return all_tables(workspace, workspace.folder)


@pytest.fixture(scope="module")
def small_pages(workspace_at: "WorkspaceOf") -> Rows:
    """Return the rows of the sample organisation, read in pages of two."""
    workspace = workspace_at(default_page_size=2, max_page_size=2)
    return all_tables(workspace, workspace.folder)


@pytest.fixture(scope="module")
def empty_rows(workspace_at: "WorkspaceOf") -> Rows:
    """Return the rows of an organisation that has users and queues alone."""
    sample = sample_tenant()
    entities = {"organization": sample.entities["organization"]}
    bare = replace(ORG, entities=entities, divisions=sample.divisions)
    workspace = workspace_at(bare)
    return all_tables(workspace, workspace.folder)


def value_at(document: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """Return what stands at a place of a document; None if nothing does."""
    found: Any = document
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def shown(value: Any, kind: str) -> Any:
    """Return a value as a column shows it."""
    if value is None:
        return None
    if kind == "percent":
        return pytest.approx(value * 100)
    if kind == "instant":
        return datetime.fromisoformat(value).astimezone(UTC)
    if kind == "json":
        return json.dumps(value, separators=(",", ":"))
    return value


@pytest.mark.parametrize("table", TABLES)
def test_the_table_has_all_entities(table: str, sample_rows: Rows) -> None:
    """Each once, and each column has the value that the document has there."""
    kind = entity_kind(table)
    documents = documents_of(sample_tenant(), table)
    listed = [row for row in sample_rows[table] if row.get("listed", True)]
    by_ids = {ids_of(kind, row): row for row in listed}

    assert len(listed) == len(documents) > 0
    assert by_ids.keys() == documents.keys()
    for ids, document in documents.items():
        row = by_ids[ids]
        expected = {
            f.name: shown(value_at(document, f.path), f.type) for f in kind.fields
        }
        assert {name: row[name] for name in expected} == expected
        if kind.names:
            own = (value_at(document, tuple(n.split("."))) for n in kind.names)
            assert row[kind.name_column] == next(filter(None, own))


@pytest.mark.parametrize("table", TABLES)
def test_nothing_that_was_sent_is_lost(table: str, sample_rows: Rows) -> None:
    """A field that has no column is in `extra`."""
    kind = entity_kind(table)
    documents = documents_of(sample_tenant(), table)
    columns = {f.path[0] for f in kind.fields} | {n.split(".")[0] for n in kind.names}
    parts = {part.member.split(".")[0] for part in KINDS if part.parent == table}
    listed = [row for row in sample_rows[table] if row.get("listed", True)]

    for row in listed:
        sent = documents[ids_of(kind, row)]
        extra = json.loads(row["extra"] or "{}")
        assert sent.keys() - columns - parts - {"id"} == extra.keys() - columns
        assert all(extra[name] == sent[name] for name in extra.keys() - columns)


@pytest.mark.parametrize("kind", [k for k in KINDS if k.deleted], ids=lambda k: k.table)
def test_deleted_ones_keep_their_names(kind: EntityKind, sample_rows: Rows) -> None:
    """They follow from a listing of their own, and are not `listed`."""
    deleted = sample_tenant().deleted_entities[kind.table]
    gone = [row for row in sample_rows[kind.table] if not row["listed"]]

    assert {(row[kind.id_column], row[kind.name_column]) for row in gone} == {
        (document["id"], document["name"]) for document in deleted
    }
    assert len(gone) == len(deleted) > 0


@pytest.mark.parametrize("table", TABLES)
def test_pages_of_two_have_the_same(
    table: str, sample_rows: Rows, small_pages: Rows
) -> None:
    """However the pages are numbered, and whatever size was requested."""
    assert without_times(small_pages[table]) == without_times(sample_rows[table])


@pytest.mark.parametrize("table", [t for t in TABLES if t != "organization"])
def test_an_empty_listing_is_an_empty_table(table: str, empty_rows: Rows) -> None:
    """Not an error; only the organisation itself is always there."""
    if table in ("queues", "users", "wrapup_codes"):
        assert empty_rows[table]
    else:
        assert empty_rows[table] == []


@pytest.mark.one_in(6)
@pytest.mark.parametrize("kind", REFUSED, ids=lambda kind: kind.table)
def test_a_missing_permission_is_named(
    kind: EntityKind, workspace_of: "WorkspaceOf"
) -> None:
    """With the table; a refused listing is never an empty table."""
    needed = {p for k in own_kinds(kind) for p in k.permissions}
    others = {p for k in KINDS for p in k.permissions} - needed
    allowed = frozenset({*others, "analytics:conversationAggregate:view"})
    workspace = workspace_of(permissions=allowed)
    path = workspace.folder / "refused.csv"
    export = {"exporter": "csv", "table": kind.table, "path": str(path)}

    with pytest.raises(AccessError) as refused:
        workspace.run(query=DAY, exports=[export])

    assert refused.value.problem.startswith(f"table {kind.table}: GET ")
    assert any(p in (refused.value.hint or "") for p in needed)
    assert not path.exists()
    assert not workspace.data_requests


def ids_of(kind: EntityKind, row: Mapping[str, Any]) -> tuple[str, str]:
    """Return the ids of parent and entity of a row; without a parent, one is empty."""
    parent = row[entity_kind(kind.parent).id_column] if kind.parent else ""
    return parent, row[kind.id_column]


def without_times(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k != "listed_at"} for row in rows]
