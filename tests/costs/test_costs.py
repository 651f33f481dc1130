"""What gcbatch costs in instructions is what is recorded, give or take a little."""

import os
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from benchmarks.costs.counting import costs, counted, counted_all, is_possible
from benchmarks.costs.figures import RECORD, Costs, judged, record, recorded
from gcbatch.planning.plan import Plan
from gcbatch.query import make_query
from gcbatch.simulator import generate_conversations
from gcbatch.store.part_metadata import PartMetadata
from gcbatch.store.spool import Document, Spool, SpooledPart
from gcbatch.store.store import Store
from gcbatch.windows import Window
from tests.support.detail_tables import details_table
from tests.support.table_sources import source_of

DAY = Window(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC))
SIZE_BYTES = 4_096
SMALL, LARGE = 4_000, 12_000
"""Conversations of some 4 KB: row groups of 4 MB, four and twelve of them."""

WIDE_READING = 1.1
"""Memory of a part three times as large, as a multiple."""


@pytest.fixture
def valgrind() -> None:
    if not is_possible() and not os.environ.get("GCBATCH_REQUIRE_VALGRIND"):
        pytest.skip("needs valgrind")


@pytest.mark.cost
@pytest.mark.usefixtures("valgrind")
def test_costs_are_as_recorded(tmp_path: Path) -> None:
    """Each piece of work takes as many times its yardstick as it did, within 5 %."""
    known = recorded()
    if not known and not os.environ.get("GCBATCH_REQUIRE_VALGRIND"):
        pytest.skip(f"no figures of this processor and Python: {RECORD}")

    verdicts = judged(known, costs(counted_all(tmp_path)))

    missed = [str(verdict) for verdict in verdicts if not verdict.is_met]
    assert not missed, f"mend what costs more, or record what is right: {RECORD}"


@pytest.mark.cost
@pytest.mark.usefixtures("valgrind")
def test_a_page_decoded_twice_is_noticed(tmp_path: Path) -> None:
    """Work done twice costs twice as much, to the percent; the guard refuses it."""
    found = costs(counted("tests.support.counted_twice", tmp_path))

    assert found["twice"] == pytest.approx(2 * found["once"], rel=0.01)
    (verdict,) = judged({"page": found["once"]}, {"page": found["twice"]})
    assert not verdict.is_met


@pytest.mark.parametrize(
    ("known", "found", "refused"),
    [
        pytest.param({"a": 2.0}, {"a": 2.08}, [], id="a little more"),
        pytest.param({"a": 2.0}, {"a": 2.12}, ["a: 2.120"], id="more"),
        pytest.param({"a": 2.0}, {"a": 1.88}, ["a: 1.880"], id="less"),
        pytest.param({"a": 2.0}, {}, ["a: is not counted"], id="gone"),
        pytest.param({}, {"a": 2.0}, ["a: is not recorded"], id="new"),
    ],
)
def test_a_cost_may_differ_by_a_little(
    known: Costs, found: Costs, refused: list[str]
) -> None:
    """5 % either way; what fell is to be recorded, or it may rise again unseen."""
    missed = [verdict.text for verdict in judged(known, found) if not verdict.is_met]

    assert [said.partition(" of ")[0] for said in missed] == refused


def test_recording_keeps_the_figures_of_others(tmp_path: Path) -> None:
    """Another processor or Python has figures of its own in the same file."""
    path = tmp_path / "figures.json"
    path.write_text('{"abacus, Python 2.7": {"a": 1}}', "utf-8")

    record({"a": 2.00004}, path)

    assert recorded(path) == {"a": 2.0}
    assert "abacus" in path.read_text("utf-8")


@pytest.fixture
def pool() -> Iterator[pa.MemoryPool]:
    """Count what Arrow takes, from nothing."""
    usual = pa.default_memory_pool()
    counting = pa.proxy_memory_pool(usual)
    pa.set_memory_pool(counting)
    yield counting
    pa.set_memory_pool(usual)


def stored(store: Store, count: int) -> Plan:
    """Store a part of so many conversations; return the plan that reads it."""
    query = make_query("org", "conversation-details", DAY, b"{}")
    with closing(Spool.within(store.work_folder)) as spool:
        made = generate_conversations(
            1, count, DAY.start, DAY.end, size_bytes=SIZE_BYTES
        )
        spool.add([Document(one.id, one.start_ms, one.json) for one in made])
        metadata = PartMetadata(DAY.end, DAY, 1, count, 1, 1, ())
        store.write(query.digest, SpooledPart(spool, metadata))
    return Plan(DAY, (query,))


@pytest.mark.slow
def test_reading_a_large_part_takes_no_more_memory(
    tmp_path: Path, pool: pa.MemoryPool
) -> None:
    """Counted in bytes that Arrow takes: a row group at a time, however many."""
    peaks = []
    for count in (SMALL, LARGE):
        store = Store(tmp_path, f"part-{count}", sync=lambda _: None)
        store.prepare()
        plan = stored(store, count)
        pa.set_memory_pool(reading := pa.proxy_memory_pool(pool))
        table = details_table("conversations")(source_of(plan, store))
        assert sum(batch.num_rows for batch in table.batches()) == count
        peaks.append(reading.max_memory())

    assert peaks[1] <= WIDE_READING * peaks[0]
