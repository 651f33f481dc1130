"""Running work to its end, from programs with and without an event loop."""

import asyncio

from gcbatch.running.pipeline import blocking


class Large:
    """A result whose text would take long to make."""

    texts = 0

    def __repr__(self) -> str:
        Large.texts += 1
        return "large"


async def work() -> Large:
    return Large()


def test_a_result_is_never_made_into_text() -> None:
    """asyncio.run does so with the result of its task: 10 s for a large plan."""
    Large.texts = 0

    found = blocking(work())

    assert isinstance(found, Large)
    assert Large.texts == 0


def test_a_running_loop_does_not_hinder() -> None:
    """The work runs in another thread: notebooks have a loop of their own."""

    async def within() -> Large:
        return blocking(work())

    assert isinstance(asyncio.run(within()), Large)
