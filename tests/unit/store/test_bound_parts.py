"""What is in the store is bound to what it answers: a copy elsewhere is none."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gcbatch import DataError, JobError
from gcbatch.errors import DamagedPartError
from gcbatch.planning.saved_plan import digest_parts
from gcbatch.query import Query
from gcbatch.store import part_file
from gcbatch.store.entity_files import (
    ListedEntities,
    has_entities,
    read_entities,
    write_entities,
)
from gcbatch.store.maintenance import list_store
from gcbatch.store.part_file import Part
from gcbatch.store.part_metadata import PartMetadata
from gcbatch.store.store import Store
from tests.support.detail_tables import plan_of, queries
from tests.support.old_parts import part_in, remove_query_digest
from tests.support.stored_files import (
    content_of,
    folder_of,
    overwrite,
    reopened,
)

if TYPE_CHECKING:
    from tests.conftest import Workspace


def answer(query: Query) -> Part:
    """Return a part that answers a query."""
    metadata = PartMetadata(query.window.end, query.window, 1, 1, 1, 1, ("id",))
    return Part(pa.table({"day": [query.window.start]}), metadata)


@pytest.fixture
def two(any_store: Store) -> tuple[Store, Query, Query]:
    """Return a store of two parts, the second copied over the first."""
    store = any_store
    one, other = queries(2)
    for query in (one, other):
        store.write(query.digest, answer(query))
    overwrite(store, one.digest, content_of(store, other.digest))
    return reopened(store), one, other


Two = tuple[Store, Query, Query]


def test_a_copied_part_says_nothing(two: Two) -> None:
    """Neither the time of its request, nor its identity."""
    store, one, other = two

    assert store.metadata(one.digest) is None
    assert store.checksum(one.digest) is None
    assert store.metadata(other.digest) == answer(other).metadata


AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
LOOKS: dict[str, Callable[[Store, str], object]] = {
    "part_in": part_in,
    "open_part": lambda store, digest: store.open_part(digest).__enter__(),
}
READS: dict[str, Callable[[Store, str], object]] = {
    "read": Store.read,
    "check": Store.check,
    "batches": lambda store, digest: list(store.batches(digest)),
    "columns": lambda store, digest: list(store.batches(digest, ["day"])),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_copied_part_is_not_looked_at(
    two: Two, look: Callable[[Store, str], object]
) -> None:
    """It is named, and stays for whoever looks for the cause."""
    store, one, _ = two

    with pytest.raises(DamagedPartError, match="part belongs to another query"):
        look(store, one.digest)

    assert reopened(store).has(one.digest)


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_a_copied_part_is_not_read(
    two: Two, read: Callable[[Store, str], object]
) -> None:
    """It is damaged, as if its checksum were wrong: removed, and fetched again."""
    store, one, _ = two

    with pytest.raises(DamagedPartError, match="part belongs to another query"):
        read(store, one.digest)

    assert not reopened(store).has(one.digest)


def test_a_copied_part_is_no_input(two: Two) -> None:
    """What outputs were made of counts it as missing."""
    store, one, other = two
    whole = digest_parts(plan_of([one, other]), store)
    store.discard(one.digest)

    assert digest_parts(plan_of([one, other]), store) == whole


def test_the_store_lists_it_as_unreadable(two: Two) -> None:
    """Of two parts one is left."""
    store, _, other = two

    (listed,) = list_store(store.root)

    assert (listed.parts, listed.unreadable) == (2, 1)
    assert listed.window == other.window


def test_a_part_replaced_while_it_is_open_is_judged_as_it_was_opened(
    two: Two,
) -> None:
    """The file that is read is the one whose query is looked at."""
    store, one, other = two
    with store.open_part(other.digest) as (_, batches):
        moved = content_of(store, one.digest)
        store.discard(other.digest)
        overwrite(store, other.digest, moved)

        rows = [row for batch in batches for row in batch.to_pylist()]

    assert rows == [{"day": other.window.start}]


class TestOlderReleases:
    """Parts that carry no digest of their query."""

    def test_they_are_read(self, workspace: "Workspace") -> None:
        """Nothing is fetched again, and all is well."""
        workspace.run()
        for part in workspace.parts:
            remove_query_digest(part)

        report = workspace.run()

        assert report.requests == 0
        assert not any("damaged" in warning for warning in report.warnings)

    def test_one_of_another_window_is_fetched_again(
        self, workspace: "Workspace"
    ) -> None:
        """That much it says of itself."""
        workspace.run()
        written = workspace.outputs()
        one, other = workspace.parts[:2]
        one.write_bytes(other.read_bytes())
        remove_query_digest(one)

        report = workspace.run()

        assert report.fetched == 1
        assert workspace.outputs() == written


class TestRuns:
    """A part copied over another, from outside."""

    def test_a_run_fetches_it_again(self, workspace: "Workspace") -> None:
        """No day is doubled, none is missing; a warning says that it was damaged."""
        workspace.run()
        written = workspace.outputs()
        one, other = workspace.parts[:2]
        one.write_bytes(other.read_bytes())

        report = workspace.run()

        assert report.fetched == 1
        assert workspace.outputs() == written
        assert "damaged parts, fetched again: 1" in report.warnings

    def test_an_export_refuses_it(self, workspace: "Workspace") -> None:
        """Exit code 5; what was exported stays."""
        workspace.run()
        written = workspace.outputs()
        one, other = workspace.parts[:2]
        one.write_bytes(other.read_bytes())

        with pytest.raises(DataError, match="damaged or of another query") as refused:
            workspace.export()

        assert refused.value.exit_code == 5
        assert workspace.outputs() == written

    def test_a_plan_of_another_job_is_not_exported(
        self, workspace: "Workspace"
    ) -> None:
        """It asked something else."""
        workspace.run()
        workspace.run("other", query={"metrics": ["nOffered"]})
        store = workspace.folder / "store"
        plan = (store / "other" / "plan.json").read_bytes()
        (store / "job" / "plan.json").write_bytes(plan)

        with pytest.raises(JobError, match="requests other data"):
            workspace.export()


class TestListings:
    """What was listed for tables."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        """Return a store with listings of two tables."""
        store = Store(tmp_path, "job")
        queues = ListedEntities({"q": b'{"id":"q"}'}, AT)
        users = ListedEntities({"u": b'{"id":"u"}'}, AT)
        write_entities(store, {"queues": queues, "users": users})
        return store

    def test_one_in_anothers_place_is_none(self, store: Store) -> None:
        """Users are no queues."""
        users = folder_of(store) / "users.parquet"
        (folder_of(store) / "queues.parquet").write_bytes(users.read_bytes())

        assert not has_entities(store, "queues")
        with pytest.raises(DataError, match="belongs to another job or table"):
            read_entities(store, "queues")

    def test_one_of_another_job_is_none(self, store: Store) -> None:
        """Jobs may ask other orgs."""
        other = Store(store.root, "other")
        write_entities(other, {"queues": ListedEntities({}, AT)})
        theirs = (folder_of(other) / "queues.parquet").read_bytes()
        (folder_of(store) / "queues.parquet").write_bytes(theirs)

        assert not has_entities(store, "queues")

    def test_one_of_an_older_release_is_read(self, store: Store) -> None:
        """It does not say what it is of."""
        path = folder_of(store) / "queues.parquet"
        with path.open("rb") as file:
            table = part_file.table_of(file)
        blank = {part_file.CHECKSUM_KEY: part_file.BLANK_CHECKSUM}
        path.unlink()
        pq.write_table(table.replace_schema_metadata(blank), path)
        part_file.write_checksum(path)

        at, rows = read_entities(store, "queues")
        assert (at, list(rows)) == (None, [("q", '{"id":"q"}')])
