"""A load that is killed leaves the old rows or the new ones, and a ledger that agrees.

A child loads a table again and again, until it is killed: at a random batch of a load,
or after a random time. Each kill is another child, forked from one that has imported
everything.
"""

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pytest

from gcbatch.exporting import Exporter, export, held_export, load_exporter
from gcbatch.table import Table
from gcbatch.testing import sample_table
from tests.support.destinations import (
    DATABASES,
    DESTINATIONS,
    Destination,
    place_of,
    rows_of,
)

pytestmark = pytest.mark.chaos

KILLS: Final = int(os.environ.get("GCBATCH_CHAOS_KILLS", "100"))
SEED: Final = int(os.environ.get("GCBATCH_CHAOS_SEED", "15"))
ROWS: Final = 3_000
BATCH_ROWS: Final = 500


def table_of(version: int) -> Table:
    """Return a table whose rows say which version they are of; odd ones lack some."""
    table = sample_table(ROWS)
    data = table.read_all()
    if version % 2:
        data = data.slice(0, ROWS - 7)
    numbers = pa.array([version] * data.num_rows, pa.int64())
    place = data.schema.get_field_index("t_handle_count")
    data = data.set_column(place, data.schema.field(place), numbers)
    whole = table.covered
    return replace(
        table,
        job="j",
        run_id=str(version),
        batch_rows=BATCH_ROWS,
        batches=lambda: iter(data.to_batches(max_chunksize=BATCH_ROWS)),
        covered=replace(whole, end=whole.end + timedelta(days=1)),
    )


def exporter_of(place: Destination, folder: Path) -> Exporter:
    kind: Any = load_exporter(place.exporter)
    exporter: Exporter = kind(kind.Options(**place.options(folder)))
    return exporter


def load(place: Destination, folder: Path, version: int, *, die_at: int = -1) -> None:
    """Load a version; a load that dies does so before it gives the nth batch."""
    table = table_of(version)

    def until_dead() -> Iterator[pa.RecordBatch]:
        for number, batch in enumerate(table.batches()):
            if number == die_at:
                os.kill(os.getpid(), signal.SIGKILL)
            yield batch

    tables = {table.name: replace(table, batches=until_dead)}
    export(
        exporter_of(place, folder), place.exporter, tables, fingerprint=f"f{version}"
    )


def die_at(
    place: Destination, folder: Path, version: int, loads: int, batch: int
) -> None:
    """Load some versions, and be killed at a batch of the next."""
    for number in range(loads):
        load(place, folder, version + number)
    load(place, folder, version + loads, die_at=batch)


def die_after(place: Destination, folder: Path, version: int, seconds: float) -> None:
    """Load versions until a time is over, and be killed then."""
    if os.fork() == 0:
        time.sleep(seconds)
        os.kill(os.getppid(), signal.SIGKILL)
        os._exit(0)
    while True:
        load(place, folder, version)
        version += 1


def children() -> ForkServerContext:
    """Return what forks children from a process that has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "pyarrow.compute", "duckdb"])
    return context


def seconds_of_a_load(place: Destination, folder: Path) -> float:
    """Load the first version, and return how long a load takes here and now."""
    load(place, folder, 0)
    start = time.monotonic()
    load(place, folder, 0)
    return time.monotonic() - start


def versions(place: Destination, folder: Path) -> tuple[set[int], int]:
    """Return the versions that rows are of, and the number of rows."""
    found = place.read(folder, "intervals", table_of(0).schema)
    assert found is not None
    return {*found["t_handle_count"].to_pylist()}, found.num_rows


@pytest.mark.parametrize("exporter", DESTINATIONS)
def test_a_killed_load_is_whole_or_nothing(
    tmp_path: Path, exporter: str, request: pytest.FixtureRequest
) -> None:
    """After each kill, rows and ledger are of one version, and the next load ends."""
    place: Destination = place_of(exporter, request)
    rng = random.Random(SEED)  # noqa: S311 - repeatable
    context, takes_s = children(), seconds_of_a_load(place, tmp_path)
    seen: set[str] = set()
    for kill in range(KILLS):
        ((old,), _) = versions(place, tmp_path)
        where = (place, tmp_path, old + 1)
        if kill % 2:
            moment = (rng.randrange(2), rng.randrange(ROWS // BATCH_ROWS))
            child = context.Process(target=die_at, args=(*where, *moment))
        else:
            longest = (*where, rng.uniform(0, 3 * takes_s))
            child = context.Process(target=die_after, args=longest)
        child.start()
        child.join()
        assert child.exitcode == -signal.SIGKILL

        found, rows = versions(place, tmp_path)
        assert len(found) == 1, f"kill {kill}: rows of versions {sorted(found)}"
        (version,) = found
        assert rows == ROWS - 7 * (version % 2), f"kill {kill}: {rows} rows"
        seen.add("old" if version == old else "new")
        tables = {"intervals": table_of(version)}
        held = held_export(
            exporter_of(place, tmp_path), exporter, tables, fingerprint=f"f{version}"
        )
        assert held is not None, f"kill {kill}: the ledger is not of version {version}"
        if kill % 10 == 0:
            load(place, tmp_path, version + 1)
            expected = table_of(version + 1).read_all()
            now = place.read(tmp_path, "intervals", expected.schema)
            assert rows_of(now) == rows_of(expected)
    assert seen == {"old", "new"}


@pytest.mark.parametrize("exporter", DATABASES)
def test_a_killed_first_load_leaves_nothing_in_the_way(
    tmp_path: Path, exporter: str, request: pytest.FixtureRequest
) -> None:
    """The next load ends right, also where the file was just being created."""
    place: Destination = place_of(exporter, request)
    rng = random.Random(SEED)  # noqa: S311 - repeatable
    context, takes_s = children(), seconds_of_a_load(place, tmp_path / "first")
    for kill in range(KILLS // 5):
        folder = tmp_path / str(kill)
        folder.mkdir()
        killed = (place, folder, 1, rng.uniform(0, takes_s))
        child = context.Process(target=die_after, args=killed)
        child.start()
        child.join()

        load(place, folder, 2)

        assert versions(place, folder) == ({2}, ROWS)
        assert not [path for path in folder.iterdir() if path.is_dir()]
