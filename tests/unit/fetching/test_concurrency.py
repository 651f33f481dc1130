"""Concurrent work: bounded, in order, with one problem to report."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from gcbatch.concurrency import for_each, read_ahead
from gcbatch.errors import DataError, ServiceError


class Worker:
    """Does things, and counts how many at once."""

    def __init__(self, failing: dict[int, BaseException] | None = None) -> None:
        self.failing = failing or {}
        self.begun: list[int] = []
        self.done: list[int] = []
        self.at_once = 0
        self.most_at_once = 0
        self.cancelled = 0

    async def work(self, number: int) -> None:
        self.begun.append(number)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            for _ in range(number % 3 + 1):
                await asyncio.sleep(0)
            if number in self.failing:
                raise self.failing[number]
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.at_once -= 1
        self.done.append(number)


@pytest.mark.parametrize("at_once", [1, 3, 8, 100])
async def test_all_is_done_in_order_and_bounded(at_once: int) -> None:
    """Each item once; they begin in their order, no more at once than may."""
    worker = Worker()

    await for_each(range(20), worker.work, at_once=at_once)

    assert worker.begun == list(range(20))
    assert sorted(worker.done) == list(range(20))
    assert worker.most_at_once == min(at_once, 20)


async def test_nothing_to_do_is_done() -> None:
    """Without items there is no work, and no error."""
    worker = Worker()

    await for_each([], worker.work, at_once=4)

    assert worker.begun == []


async def test_the_first_problem_stops_the_rest() -> None:
    """It is raised itself, not in a group; what was under way is cancelled."""
    worker = Worker({3: ServiceError("down")})

    with pytest.raises(ServiceError, match="down"):
        await for_each(range(100), worker.work, at_once=4)

    assert len(worker.begun) < 12
    assert worker.at_once == 0
    assert worker.cancelled >= 1


async def test_of_several_problems_one_is_reported() -> None:
    """Those that one can act on come before bugs."""
    failing: dict[int, BaseException] = {0: ZeroDivisionError(), 3: DataError("wrong")}
    worker = Worker(failing)

    with pytest.raises(DataError, match="wrong"):
        await for_each(range(4), worker.work, at_once=4)


async def test_bugs_keep_their_group() -> None:
    """Nothing of ours hides them."""
    worker = Worker({1: ZeroDivisionError()})

    with pytest.raises(ExceptionGroup) as failed:
        await for_each(range(4), worker.work, at_once=2)

    assert [type(one) for one in failed.value.exceptions] == [ZeroDivisionError]


async def test_whoever_waits_may_be_cancelled() -> None:
    """The work is cancelled with it."""
    worker = Worker()

    async def for_ever(number: int) -> None:
        await worker.work(number)
        await asyncio.Event().wait()

    task = asyncio.create_task(for_each(range(9), for_ever, at_once=3))
    for _ in range(10):
        await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert worker.begun == [0, 1, 2]


def test_items_are_read_ahead_in_order() -> None:
    """All come, as they were; an iterable without items ends at once."""
    assert list(read_ahead(range(5))) == [*range(5)]
    assert list(read_ahead([])) == []


def test_one_item_is_made_while_another_is_used() -> None:
    """The second is made before the first is given back, and the third is not."""
    made = [threading.Event() for _ in range(3)]

    def items() -> Iterator[int]:
        for number, event in enumerate(made):
            event.set()
            yield number

    ahead = read_ahead(items())
    next(ahead)
    made[1].wait(timeout=60)

    assert [event.is_set() for event in made] == [True, True, False]
    ahead.close()


def test_an_error_comes_in_its_place() -> None:
    """After the items before it."""

    def items() -> Iterator[int]:
        yield 1
        msg = "part is damaged"
        raise ValueError(msg)

    ahead = read_ahead(items())

    assert next(ahead) == 1
    with pytest.raises(ValueError, match="part is damaged"):
        next(ahead)


def test_a_reader_that_stops_leaves_no_thread() -> None:
    """Closing the iterator waits for the item that is being made."""
    before = threading.active_count()
    ahead = read_ahead(range(5))
    next(ahead)
    ahead.close()

    assert threading.active_count() == before
