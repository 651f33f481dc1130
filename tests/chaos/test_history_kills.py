"""Versions of entities survive kills, and runs at the same time.

A child adds listings again and again until it is killed after a random time. Then the
file has the versions of the first so many listings, whole: which these are is computed
from the listings alone.
"""

import multiprocessing
import os
import random
import signal
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Final

import pytest

from gcbatch.store.entity_files import ListedEntities
from gcbatch.store.entity_history import (
    Version,
    next_versions,
    read_versions,
    same_but,
    write_versions,
)
from gcbatch.store.store import Store

pytestmark = pytest.mark.chaos

KILLS: Final = int(os.environ.get("GCBATCH_CHAOS_KILLS", "100"))
SEED: Final = int(os.environ.get("GCBATCH_CHAOS_SEED", "15"))
ENTITIES: Final = 2_000
FIRST: Final = datetime(2026, 3, 1, tzinfo=UTC)
LONGEST_S: Final = 0.4
AT_ONCE: Final = 4
SAME: Final = same_but(())


def listing(number: int) -> ListedEntities:
    """Return a listing, in which one of ten entities is new and one is gone."""
    documents = {
        f"{i:05}": f'{{"id":"{i:05}","value":{number if i % 10 == 3 else 0}}}'.encode()
        for i in range(ENTITIES)
        if i % 10 != number % 10
    }
    return ListedEntities(documents, FIRST + timedelta(minutes=number))


def number_of(at: datetime) -> int:
    """Return the number of the listing of a time."""
    return (at - FIRST) // timedelta(minutes=1)


def expected(last: int) -> list[Version]:
    """Return the versions after the listings up to one."""
    versions: list[Version] = []
    for number in range(last + 1):
        versions = [*next_versions(versions, listing(number), SAME)]
    return versions


def die_after(folder: Path, number: int, seconds: float) -> None:
    """Add listings from one on until a time is over, and be killed then."""
    if os.fork() == 0:
        time.sleep(seconds)
        os.kill(os.getppid(), signal.SIGKILL)
        os._exit(0)
    store = Store(folder, "job")
    while True:
        write_versions(store, "users", listing(number), SAME)
        number += 1


def add(folder: Path, first: int, count: int) -> None:
    """Add every so manieth listing."""
    store = Store(folder, "job")
    for number in range(first, count, AT_ONCE):
        write_versions(store, "users", listing(number), SAME)


def children() -> ForkServerContext:
    """Return what forks children from a process that has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "pyarrow.parquet"])
    return context


def test_a_killed_run_leaves_whole_versions(tmp_path: Path) -> None:
    """Those of all listings that were added, and of no other."""
    rng, context = random.Random(SEED), children()  # noqa: S311 - repeatable
    store, last, went_on = Store(tmp_path, "job"), 0, 0
    write_versions(store, "users", listing(0), SAME)
    known = expected(0)
    for kill in range(KILLS):
        seconds = rng.uniform(0, LONGEST_S)
        child = context.Process(target=die_after, args=(tmp_path, last + 1, seconds))
        child.start()
        child.join()
        assert child.exitcode == -signal.SIGKILL

        at, rows = read_versions(store, "users")
        for number in range(last + 1, number_of(at) + 1):
            known = [*next_versions(known, listing(number), SAME)]
        assert [*rows] == known, f"kill {kill}"
        went_on += number_of(at) > last
        last = number_of(at)
    assert went_on > 0


def test_runs_at_once_leave_versions_that_fit(tmp_path: Path) -> None:
    """Each of them is some listing's, and the newest listing is what is now.

    Listings that come too late change nothing, so it is not known which were added; but
    versions never overlap, and begin and end with a listing that showed it.
    """
    count, context = 24, children()
    workers = [
        context.Process(target=add, args=(tmp_path, first, count))
        for first in range(AT_ONCE)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0

    at, rows = read_versions(Store(tmp_path, "job"), "users")
    versions = [*rows]
    assert number_of(at) == count - 1
    current = {v.id: v.document.encode() for v in versions if v.valid_to is None}
    assert current == listing(count - 1).documents
    listings = {number: listing(number).documents for number in range(count)}
    ends: dict[str, datetime] = {}
    for one in versions:
        shown = listings[number_of(one.valid_from)]
        assert shown[one.id].decode() == one.document
        assert ends.get(one.id, FIRST) <= one.valid_from
        if one.valid_to is not None:
            assert one.valid_from < one.valid_to
            then = listings[number_of(one.valid_to)].get(one.id)
            assert then != one.document.encode()
            ends[one.id] = one.valid_to
