"""Versions of entities: what a listing opens, continues and ends."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gcbatch.errors import DataError
from gcbatch.store.entity_files import ListedEntities, file_name, history_of
from gcbatch.store.entity_history import (
    Version,
    next_versions,
    read_versions,
    same_but,
    write_versions,
)
from gcbatch.store.store import Store

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SAME = same_but(("login",))


def listing(day: int, **entities: Any) -> ListedEntities:
    """Return the listing of a day; each entity has one value."""
    documents = {
        i: json.dumps({"id": i, "value": value}).encode()
        for i, value in entities.items()
    }
    return ListedEntities(documents, FIRST + day * DAY)


def after(*listings: ListedEntities) -> list[Version]:
    """Return the versions after some listings."""
    versions: list[Version] = []
    for listed in listings:
        versions = list(next_versions(versions, listed, SAME))
    return versions


def shown(versions: list[Version]) -> list[tuple[str, Any, int, int | None]]:
    """Return id, value, and the days from which and to which it is valid."""
    return [
        (
            one.id,
            json.loads(one.document)["value"],
            (one.valid_from - FIRST).days,
            None if one.valid_to is None else (one.valid_to - FIRST).days,
        )
        for one in versions
    ]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path, "job")


def stored(store: Store) -> list[tuple[str, Any, int, int | None]]:
    return shown(list(read_versions(store, "users").rows))


def test_the_first_listing_opens_versions() -> None:
    """What was before it is not known."""
    assert shown(after(listing(0, a=1, b=1))) == [("a", 1, 0, None), ("b", 1, 0, None)]


def test_a_change_ends_a_version_and_opens_one() -> None:
    """At one instant, so that each instant has exactly one."""
    found = shown(after(listing(0, a=1), listing(1, a=1), listing(2, a=2)))

    assert found == [("a", 1, 0, 2), ("a", 2, 2, None)]


def test_who_is_gone_has_no_version() -> None:
    """The last one ends with the first listing that lacks it; it stays ended."""
    found = shown(after(listing(0, a=1, b=1), listing(1, b=1), listing(2, b=1)))

    assert found == [("a", 1, 0, 1), ("b", 1, 0, None)]


def test_who_comes_back_has_a_new_version() -> None:
    """Also if it is as it was: it was not there between."""
    found = shown(after(listing(0, a=1), listing(1), listing(5, a=1)))

    assert found == [("a", 1, 0, 1), ("a", 1, 5, None)]


def test_a_volatile_member_is_updated_in_place() -> None:
    """It opens no version, and the current one shows the newest value."""
    documents = [
        f'{{"id":"a","login":{n},"value":{v}}}'.encode()
        for n, v in ((1, 1), (2, 1), (3, 2), (4, 2))
    ]

    found = after(
        *(
            ListedEntities({"a": document}, FIRST + day * DAY)
            for day, document in enumerate(documents)
        )
    )

    assert shown(found) == [("a", 1, 0, 2), ("a", 2, 2, None)]
    assert [json.loads(one.document)["login"] for one in found] == [2, 4]


def test_the_order_of_members_is_no_change() -> None:
    """A service may write them in any order."""
    assert SAME('{"id":"a","value":[1,2]}', '{"value":[1,2],"id":"a"}')
    assert not SAME('{"id":"a","value":[1,2]}', '{"value":[2,1],"id":"a"}')
    assert not SAME("[]", "{}")


def test_old_versions_are_dropped() -> None:
    """Those that ended before a time; what is still so stays for ever."""
    versions = after(listing(0, a=1, b=1), listing(1, a=2, b=1), listing(9, a=3, b=1))

    found = next_versions(versions, listing(10, a=3, b=1), SAME, FIRST + 5 * DAY)

    assert shown(list(found)) == [
        ("a", 2, 1, 9),
        ("a", 3, 9, None),
        ("b", 1, 0, None),
    ]


STATES = st.lists(
    st.dictionaries(st.sampled_from("abc"), st.integers(0, 2)), min_size=1, max_size=8
)


@settings(deadline=None)
@given(states=STATES)
def test_versions_tell_what_each_listing_showed(states: list[dict[str, int]]) -> None:
    """At the time of every listing, the versions valid then are its entities."""
    versions = after(*(listing(day, **state) for day, state in enumerate(states)))

    for day, state in enumerate(states):
        at = FIRST + day * DAY
        then = {
            one.id: json.loads(one.document)["value"]
            for one in versions
            if one.valid_from <= at and (one.valid_to is None or at < one.valid_to)
        }
        assert then == state
    keys = [(one.id, one.valid_from) for one in versions]
    assert keys == sorted(set(keys))
    for one, other in pairwise(versions):
        if one.id == other.id:
            assert one.valid_to is not None
            assert one.valid_to <= other.valid_from


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(states=STATES)
def test_what_is_stored_is_what_was_computed(
    tmp_path: Path, states: list[dict[str, int]]
) -> None:
    """Listing by listing, through the file."""
    store = Store(tmp_path, "job")
    store.files.discard(file_name(history_of("users")))
    for day, state in enumerate(states):
        write_versions(store, "users", listing(day, **state), SAME)

    assert stored(store) == shown(
        after(*(listing(day, **state) for day, state in enumerate(states)))
    )


def test_an_older_listing_changes_nothing(store: Store) -> None:
    """As that of a slow run: a newer one has been added meanwhile."""
    write_versions(store, "users", listing(0, a=1), SAME)
    write_versions(store, "users", listing(2, a=2), SAME)

    for day in (1, 2):
        write_versions(store, "users", listing(day, b=1), SAME)

    assert stored(store) == [("a", 1, 0, 2), ("a", 2, 2, None)]


class Raced(Store):
    """A store into which another run writes just before its first write."""

    others: ClassVar[list[ListedEntities]] = []

    def write_file_if(
        self, name: str, fill: Callable[[Path], object], stamp: bytes | None
    ) -> bool:
        if self.others:
            write_versions(
                Store(self.root, self.name), "users", self.others.pop(), SAME
            )
        return super().write_file_if(name, fill, stamp)


def test_a_run_that_came_between_is_not_lost(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its versions are read again, and go on."""
    write_versions(store, "users", listing(0, a=1, b=1), SAME)
    monkeypatch.setattr(Raced, "others", [listing(1, a=2, b=1)])

    write_versions(Raced(store.root, "job"), "users", listing(2, a=3, b=1), SAME)

    assert stored(store) == [
        ("a", 1, 0, 1),
        ("a", 2, 1, 2),
        ("a", 3, 2, None),
        ("b", 1, 0, None),
    ]


def test_a_failed_write_leaves_the_old_versions(store: Store) -> None:
    """Whole, and nothing beside them."""
    write_versions(store, "users", listing(0, a=1, b=1), SAME)

    def failing(_old: str, _new: str) -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_versions(store, "users", listing(1, a=2, b=1), failing)

    assert stored(store) == [("a", 1, 0, None), ("b", 1, 0, None)]
    folder = Path(store.files.place)
    assert [path.name for path in folder.iterdir()] == ["users.history.parquet"]


def test_a_damaged_history_is_not_begun_anew(store: Store) -> None:
    """That would lose it for good: a person has to decide."""
    write_versions(store, "users", listing(0, a=1), SAME)
    path = Path(store.files.place_of("users.history.parquet"))
    whole = path.read_bytes()
    path.write_bytes(whole[:50] + b"?" + whole[51:])
    damaged = path.read_bytes()

    with pytest.raises(DataError, match="damaged") as refused:
        write_versions(store, "users", listing(1, a=1), SAME)

    assert "bring back a copy" in (refused.value.hint or "")
    assert path.read_bytes() == damaged


def named(count: int, prefix: str) -> Mapping[str, int]:
    return {f"{prefix}{number}": 1 for number in range(count)}


def test_a_listing_of_another_org_is_refused(store: Store) -> None:
    """None of many entities is there: else each would end, and never come back."""
    write_versions(store, "users", listing(0, **named(10, "a")), SAME)

    for strangers in (named(10, "b"), {}):
        with pytest.raises(DataError, match="none of the 10 entities") as refused:
            write_versions(store, "users", listing(1, **strangers), SAME)
        assert "give the job another name" in (refused.value.hint or "")

    assert [row[3] for row in stored(store)] == [None] * 10


def test_a_few_entities_may_all_be_replaced(store: Store) -> None:
    """An org with three teams can have three others a day later."""
    write_versions(store, "users", listing(0, **named(3, "a")), SAME)

    write_versions(store, "users", listing(1, **named(3, "b")), SAME)

    assert [row[3] for row in stored(store)] == [1, 1, 1, None, None, None]


def test_many_versions_take_little_memory(store: Store) -> None:
    """They are read and written row group by row group."""
    many = {f"{number:05}": 1 for number in range(9_000)}
    write_versions(store, "users", listing(0, **many), SAME)
    write_versions(store, "users", listing(1, **{**many, "00000": 2}), SAME)

    rows: Iterator[Version] = read_versions(store, "users").rows

    assert sum(1 for _ in rows) == 9_001


def test_a_reorganisation_is_no_other_org(store: Store) -> None:
    """All change their team at once: the users are those of the last listing."""
    before = {f"user-{n}/team-a": n for n in range(12)}
    after_it = {f"user-{n}/team-b": n for n in range(12)}
    write_versions(store, "user_teams", listing(0, **before), SAME)

    write_versions(store, "user_teams", listing(1, **after_it), SAME)

    found = shown(list(read_versions(store, "user_teams").rows))
    assert len(found) == 24
    assert {(start, end) for _, _, start, end in found} == {(0, 1), (1, None)}
