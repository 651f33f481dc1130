"""An org that changes between the pages of a listing: the listing is right, or loud."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gcbatch.genesys import EntityKind, EntityListing, Paging
from gcbatch.genesys.client import list_entities
from tests.support.listing_server import client_of, numbered, serving

PATH = "/api/v2/things"
SIZE = 3
NUMBERED = EntityKind("things", "thing", (PATH,), page_size=SIZE)
SLICED = EntityKind(
    "things",
    "thing",
    (PATH,),
    page_size=SIZE,
    slices=({"state": "active"}, {"state": "deleted"}),
)
CURSOR = EntityKind("things", "thing", (PATH,), paging=Paging.CURSOR, page_size=SIZE)

Change = tuple[str, int]
"""What happens before a page is answered: add, remove or rename, and at what place."""

CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "rename", "leave"]), st.integers(0, 11)
    ),
    max_size=4,
)


class ChangingOrg:
    """Entities by name, which change before each page.

    Args:
        count: How many there are at first.
        changes: What changes before each request, from the second one on.
        totals: Whether pages say how many there are.
        has_slices: Whether those that leave are in another slice from then on.

    Attributes:
        lasting: The ids of those that were there all the time.
    """

    def __init__(
        self,
        count: int,
        changes: list[list[Change]],
        *,
        totals: bool,
        has_slices: bool = False,
    ) -> None:
        self._names = {f"id-{n}": float(n) for n in range(count)}
        self._left: dict[str, float] = {}
        self._changes = [[], *changes]
        self._totals = totals
        self._has_slices = has_slices
        self._added = 0
        self.asked = 0
        self.lasting = set(self._names)

    def _change(self, change: Change) -> None:
        what, place = change
        order = sorted(self._names, key=self._names.__getitem__)
        if what == "add":
            self._added += 1
            self._names[f"new-{self._added}"] = place - 0.5
        elif order:
            identity = order[place % len(order)]
            if what == "rename":
                self._names[identity] = place * 7 % 11 - 0.25
                return
            name = self._names.pop(identity)
            if what == "leave" and self._has_slices:
                self._left[identity] = name  # so that it was there all the time
            else:
                self.lasting.discard(identity)

    def answer(self, request: web.Request) -> Any:
        if self.asked < len(self._changes):
            for change in self._changes[self.asked]:
                self._change(change)
        self.asked += 1
        names = self._left if request.query.get("state") == "deleted" else self._names
        order = sorted(names, key=lambda i: (names[i], i))
        things = [{"id": identity} for identity in order]
        if "pageNumber" in request.query:
            return numbered(request, things, totals=self._totals)
        after = request.query.get("after", "")
        rest = sorted(i for i in names if i > after)
        page: dict[str, Any] = {"entities": [{"id": i} for i in rest[:SIZE]]}
        if len(rest) > SIZE:
            page["nextUri"] = f"{PATH}?after={rest[SIZE - 1]}"
        return page


def listed(
    org: ChangingOrg, kind: EntityKind, *, confirm: bool = True
) -> EntityListing:
    async def work() -> EntityListing:
        async with serving(org.answer) as server, client_of(server.url) as client:
            return await list_entities(client, kind, confirm=confirm)

    return asyncio.run(work())


def is_right(org: ChangingOrg, found: EntityListing) -> bool:
    return bool(found.lacking) or org.lasting <= found.entities.keys()


HARD = [[], [("remove", 0), ("add", 11)]]
"""One is removed from a page that was read, one added to a page that was not."""


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(count=st.integers(0, 11), changes=st.lists(CHANGES, max_size=12), totals=...)
@example(count=9, changes=HARD, totals=True)
@example(count=9, changes=HARD, totals=False)
@example(count=9, changes=[[("remove", 0)]], totals=False)
@example(count=9, changes=[[("rename", 8)]], totals=False)
def test_numbered_pages_are_right_or_loud(
    *, count: int, changes: list[list[Change]], totals: bool
) -> None:
    """Whatever is added, removed or renamed, none that stays is missed in silence."""
    org = ChangingOrg(count, changes, totals=totals)

    found = listed(org, NUMBERED)

    assert is_right(org, found)


@settings(max_examples=75, suppress_health_check=list(HealthCheck))
@given(count=st.integers(0, 11), changes=st.lists(CHANGES, max_size=12))
@example(count=9, changes=[[("leave", 0), ("add", 11)]])
def test_slices_are_right_or_loud(count: int, changes: list[list[Change]]) -> None:
    """One that goes from a slice to a later one shifts pages, and is not missed."""
    org = ChangingOrg(count, changes, totals=True, has_slices=True)

    found = listed(org, SLICED)

    assert is_right(org, found)


@settings(max_examples=75, suppress_health_check=list(HealthCheck))
@given(count=st.integers(0, 11), changes=st.lists(CHANGES, max_size=12))
def test_cursors_are_right(count: int, changes: list[list[Change]]) -> None:
    """A cursor is a place among ids, which no change shifts: one reading will do."""
    org = ChangingOrg(count, changes, totals=False)

    found = listed(org, CURSOR)

    assert found.lacking is None
    assert org.lasting <= found.entities.keys()


@pytest.mark.parametrize(
    ("count", "requests"), [(0, 1), (3, 1), (4, 4), (9, 6)], ids=str
)
def test_only_several_pages_are_read_twice(count: int, requests: int) -> None:
    """A page is what was there at one time; there is nothing to confirm."""
    org = ChangingOrg(count, [], totals=True)

    found = listed(org, NUMBERED)

    assert found.lacking is None
    assert found.is_sure
    assert org.asked == requests


def test_names_alone_are_read_once() -> None:
    """They are not worth the requests; the listing says that it is not sure."""
    org = ChangingOrg(9, HARD, totals=True)

    found = listed(org, NUMBERED, confirm=False)

    assert found.lacking is None
    assert not found.is_sure
    assert org.asked == 3


def test_growth_costs_no_more_readings() -> None:
    """What is added hides nothing: the second reading has all of the first one."""
    growing: list[list[Change]] = [[("add", 11)] for _ in range(20)]
    org = ChangingOrg(7, growing, totals=True)

    found = listed(org, NUMBERED)

    assert found.lacking is None
    assert org.lasting <= found.entities.keys()
    assert org.asked <= 8


def test_an_org_that_never_rests_is_told() -> None:
    """After four readings, each of which lacks what the one before had."""
    restless: list[list[Change]] = [[("remove", 0), ("add", 11)] for _ in range(99)]
    org = ChangingOrg(9, restless, totals=True)

    found = listed(org, NUMBERED)

    assert found.lacking
    assert "not the same from one reading to the next" in found.lacking.problem
    assert org.asked == 12


@pytest.mark.slow
@pytest.mark.parametrize("kind", [NUMBERED, SLICED], ids=["one", "slices"])
def test_many_orgs_are_right_or_loud(kind: EntityKind) -> None:
    """The same for changes that are rarer, as they are in an org, and more pages."""
    random_of: Callable[[int], random.Random] = random.Random
    quiet = 0
    for seed in range(400):
        rng = random_of(seed)
        changes = [
            [
                (rng.choice(["add", "remove", "remove", "leave"]), rng.randrange(12))
                for _ in range(2)
            ]
            if rng.random() < 0.15
            else []
            for _ in range(40)
        ]
        org = ChangingOrg(11, changes, totals=bool(seed % 2), has_slices=kind is SLICED)
        found = listed(org, kind)
        assert is_right(org, found), seed
        quiet += found.lacking is None
    assert quiet > 100
