"""One token for all tasks, renewed once, and never in a loop."""

import asyncio

import pytest

from gcbatch.errors import AccessError, ServiceError
from gcbatch.genesys.client.token_provider import Token, TokenProvider


class Server:
    """Grants numbered tokens and counts how often it was asked."""

    def __init__(self, lifetime_s: float = 3600.0) -> None:
        self.lifetime_s = lifetime_s
        self.grants = 0
        self.takes_s = 0.0
        self.now = 0.0
        self.fails = False

    async def grant(self) -> Token:
        self.grants += 1
        await asyncio.sleep(0)  # let other tasks in, as a real request does
        self.now += self.takes_s
        if self.fails:
            msg = "POST /oauth/token: cannot be reached"
            raise ServiceError(msg)
        return Token(f"t{self.grants}", lifetime_s=self.lifetime_s)

    def provider(self) -> TokenProvider:
        return TokenProvider(self.grant, clock=lambda: self.now)


async def test_tasks_share_one_token() -> None:
    """Ten tasks that start together sign in once."""
    server = Server()
    tokens = server.provider()

    got = await asyncio.gather(*(tokens.get() for _ in range(10)))

    assert {t.value for t in got} == {"t1"}
    assert (server.grants, tokens.granted) == (1, 1)


async def test_ten_refusals_cause_one_renewal() -> None:
    """Tasks refused with the same token share the next."""
    server = Server()
    tokens = server.provider()
    first = await tokens.get()

    again = await asyncio.gather(*(tokens.get(rejected=first) for _ in range(10)))

    assert {t.value for t in again} == {"t2"}
    assert server.grants == 2


async def test_equal_words_are_not_the_same_token() -> None:
    """A server that grants the same text again has granted a new token."""
    first, second = Token("same", 3600.0), Token("same", 3600.0)

    assert first != second
    assert "same" not in repr(first)


@pytest.mark.parametrize(
    ("lifetime_s", "fresh_until_s"),
    [(3600.0, 3540.0), (121.0, 61.0), (120.0, 60.0), (60.0, 30.0), (10.0, 5.0)],
)
async def test_a_token_is_renewed_before_it_ends(
    lifetime_s: float, fresh_until_s: float
) -> None:
    """A minute before, or at half its life if that is shorter than two minutes."""
    server = Server(lifetime_s)
    tokens = server.provider()
    await tokens.get()

    server.now = fresh_until_s - 0.001
    assert (await tokens.get()).value == "t1"
    server.now = fresh_until_s
    assert (await tokens.get()).value == "t2"


async def test_its_life_counts_from_when_it_was_asked_for() -> None:
    """A slow answer does not lengthen it."""
    server = Server(lifetime_s=600.0)
    server.takes_s = 100.0
    tokens = server.provider()
    await tokens.get()

    server.now = 540.0
    again = await tokens.get()

    assert again.value == "t2"


async def test_three_fresh_refusals_in_a_row_are_the_end() -> None:
    """Who grants tokens that no request is accepted with is not asked forever."""
    server = Server()
    tokens = server.provider()
    token = await tokens.get()
    token = await tokens.get(rejected=token)
    token = await tokens.get(rejected=token)

    with pytest.raises(AccessError, match=r"every token .* \(3 in a row") as caught:
        await tokens.get(rejected=token)
    with pytest.raises(AccessError):  # and so for every other task
        await tokens.get(rejected=token)

    assert server.grants == 3
    assert "api_url and login_url" in (caught.value.hint or "")


async def test_a_token_that_worked_begins_the_count_again() -> None:
    """Tokens that end early are renewed as often as it takes."""
    server = Server()
    tokens = server.provider()
    token = await tokens.get()
    for _ in range(10):
        token = await tokens.get(rejected=token)
        token = await tokens.get(rejected=token)
        tokens.accepted(token)

    assert server.grants == 21


async def test_a_token_that_worked_is_not_one_of_the_three() -> None:
    """That it ends at last says nothing against the next."""
    server = Server()
    tokens = server.provider()
    token = await tokens.get()
    tokens.accepted(token)
    for _ in range(3):
        token = await tokens.get(rejected=token)

    with pytest.raises(AccessError):
        await tokens.get(rejected=token)

    assert server.grants == 4


async def test_whoever_waited_goes_with_the_latest_token() -> None:
    """A token that was renewed meanwhile is not used any more."""
    tokens = Server().provider()
    old = await tokens.get()
    new = await tokens.get(rejected=old)

    assert tokens.latest(old) is tokens.latest(new) is new


async def test_an_old_token_that_worked_proves_nothing() -> None:
    """A late answer to an earlier token says nothing of the present one."""
    server = Server()
    tokens = server.provider()
    old = await tokens.get()
    token = old
    for _ in range(2):
        token = await tokens.get(rejected=token)
        tokens.accepted(old)

    with pytest.raises(AccessError):
        await tokens.get(rejected=token)


async def test_a_failed_renewal_is_tried_again() -> None:
    """No task is handed a token that was refused, nor none."""
    server = Server()
    tokens = server.provider()
    first = await tokens.get()
    server.fails = True
    with pytest.raises(ServiceError):
        await tokens.get(rejected=first)
    server.fails = False

    assert (await tokens.get()).value == "t3"
