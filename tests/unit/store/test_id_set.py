"""Sets of ids that hold hashes."""

from hashlib import blake2b

from hypothesis import given
from hypothesis import strategies as st

from gcbatch.store import id_set
from gcbatch.store.id_set import IdSet


@given(added=st.lists(st.lists(st.text(max_size=3), max_size=6), max_size=5))
def test_it_counts_as_a_set_of_texts_does(added: list[list[str]]) -> None:
    """However often an id comes."""
    expected: set[str] = set()
    found = IdSet()
    for some in added:
        before = len(expected)
        expected.update(some)

        assert found.update(some) == len(expected) - before
        assert len(found) == len(expected)


def test_an_emptied_set_knows_nothing() -> None:
    """A job that was lost brings all ids again."""
    found = IdSet()
    found.update(["a", "b"])
    found.clear()

    assert found.add("a")
    assert len(found) == 1


def test_a_hash_across_two_others_is_no_id() -> None:
    """Whatever two hashes lie side by side."""
    found = IdSet()
    digest = blake2b(b"new", digest_size=id_set.SIZE).digest()
    bucket = found._buckets[int.from_bytes(digest[:2]) % id_set.BUCKETS]
    bucket += b"\0" * 7 + digest + b"\0" * 9

    assert found.add("new")
    assert not found.add("new")
