"""Large answers come few at a time; small ones never wait for them."""

import asyncio
import threading
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from time import sleep

import pytest
from aiohttp import web

from gcbatch.genesys.client.large_responses import (
    AT_ONCE,
    LARGE,
    DecodeGate,
    DecodeSlot,
)
from gcbatch.genesys.client.transport import open_transport

TIMEOUT_S = 1.0


async def let_in(slot: DecodeSlot, size: int = LARGE + 1) -> None:
    """Wait as long as an answer of so many bytes has to."""
    if (wait := slot.grow(size)) is not None:
        await wait


async def test_a_large_answer_waits_for_those_before() -> None:
    """The place is free once another exchange is over, decoded and all."""
    gate, order = DecodeGate(), list[str]()

    async def last() -> None:
        async with gate.slot() as slot:
            await let_in(slot, LARGE)
            order.append("last begins")
            await let_in(slot)
            order.append("last is large")

    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE - 1):
            await let_in(await stack.enter_async_context(gate.slot()))
        async with gate.slot() as slot:
            await let_in(slot)
            group.create_task(last())
            await asyncio.sleep(0)
            await let_in(slot, LARGE + 2)
            await slot.decode(lambda body: order.append(body.decode()), b"first")

    assert order == ["last begins", "first", "last is large"]


async def test_waiting_for_a_decode_slot_is_no_time_of_the_exchange() -> None:
    """Whoever waits behind others is not cut off for it, and asks once."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(body=bytes(LARGE + 1))

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    waits = iter([TIMEOUT_S * 1.5])

    def grow(_size: int) -> Awaitable[None] | None:
        wait_s = next(waits, None)
        return None if wait_s is None else asyncio.sleep(wait_s)

    async with open_transport(
        timeout_s=TIMEOUT_S, connections=1, max_response_bytes=2 * LARGE
    ) as transport:
        response = await transport.send("GET", url, headers={}, grow=grow)
    await runner.cleanup()

    assert len(response.body) == LARGE + 1
    assert asked == ["/"]


async def test_an_answer_that_fails_leaves_its_place() -> None:
    """Whoever comes next does not wait for ever."""
    gate = DecodeGate()

    async def fail() -> None:
        async with gate.slot() as slot:
            await let_in(slot)
            raise ConnectionError

    for _ in range(2):
        with pytest.raises(ConnectionError):
            await fail()


@pytest.mark.parametrize(("size", "in_own"), [(LARGE, False), (LARGE + 1, True)])
async def test_large_answers_are_decoded_off_the_loop(
    size: int, *, in_own: bool
) -> None:
    """A thread for small ones would cost more than it saves."""
    async with DecodeGate().slot() as slot:
        await let_in(slot, size)
        thread = await slot.decode(lambda _: threading.current_thread(), b"")

    assert (thread is not threading.current_thread()) is in_own


async def test_one_thread_decodes_all_large_answers() -> None:
    """Each thread would keep the memory that it once used."""
    gate = DecodeGate()

    def slowly(_: bytes) -> threading.Thread:
        sleep(0.001)
        return threading.current_thread()

    async def one() -> threading.Thread:
        async with gate.slot() as slot:
            await let_in(slot)
            return await slot.decode(slowly, b"")

    threads = await asyncio.gather(*(one() for _ in range(4)))

    assert len(set(threads)) == 1
