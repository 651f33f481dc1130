"""Large answers come one at a time; small ones never wait for them."""

import asyncio
import threading
from time import sleep

import pytest

from gcbatch.genesys.room import LARGE, Room


async def test_a_large_answer_waits_for_the_one_before() -> None:
    """The place is free once the other exchange is over, decoded and all."""
    room, order = Room(), list[str]()

    async def second() -> None:
        async with room.place() as place:
            await place.grow(LARGE)
            order.append("second begins")
            await place.grow(LARGE + 1)
            order.append("second is large")

    async with asyncio.TaskGroup() as group, room.place() as place:
        await place.grow(LARGE + 1)
        group.create_task(second())
        await asyncio.sleep(0)
        await place.grow(LARGE + 2)
        await place.decoded(lambda body: order.append(body.decode()), b"first")

    assert order == ["second begins", "first", "second is large"]


async def test_an_answer_that_fails_leaves_its_place() -> None:
    """Whoever comes next does not wait for ever."""
    room = Room()

    async def fail() -> None:
        async with room.place() as place:
            await place.grow(LARGE + 1)
            raise ConnectionError

    for _ in range(2):
        with pytest.raises(ConnectionError):
            await fail()


@pytest.mark.parametrize(("size", "in_own"), [(LARGE, False), (LARGE + 1, True)])
async def test_large_answers_are_decoded_off_the_loop(
    size: int, *, in_own: bool
) -> None:
    """A thread for small ones would cost more than it saves."""
    async with Room().place() as place:
        await place.grow(size)
        thread = await place.decoded(lambda _: threading.current_thread(), b"")

    assert (thread is not threading.current_thread()) is in_own


async def test_one_thread_decodes_all_large_answers() -> None:
    """Each thread would keep the memory that it once used."""
    room = Room()

    def slowly(_: bytes) -> threading.Thread:
        sleep(0.001)
        return threading.current_thread()

    async def one() -> threading.Thread:
        async with room.place() as place:
            await place.grow(LARGE + 1)
            return await place.decoded(slowly, b"")

    threads = await asyncio.gather(*(one() for _ in range(4)))

    assert len(set(threads)) == 1
