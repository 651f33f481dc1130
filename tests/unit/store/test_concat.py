"""Rows of several answers are put together once each, or not at all."""

from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcbatch.errors import DataError
from gcbatch.simulator import Fault
from gcbatch.store.concat import concat_parts

if TYPE_CHECKING:
    from tests.conftest import Workspace

START = datetime(2026, 10, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SCHEMA = pa.schema(
    [
        ("interval_start", pa.timestamp("ms", tz="UTC")),
        ("interval_end", pa.timestamp("ms", tz="UTC")),
        ("queue_id", pa.string()),
        ("media_type", pa.string()),
    ]
)
GROUPS = ("queue_id", "media_type")


def answer(*rows: tuple[float, float, str | None, str | None]) -> pa.Table:
    """Return rows of start and end (in hours), queue and media type."""
    reported = [
        dict(zip(SCHEMA.names, (START + a * HOUR, START + b * HOUR, q, m), strict=True))
        for a, b, q, m in rows
    ]
    return pa.Table.from_pylist(reported, schema=SCHEMA)


def test_rows_are_in_order_whoever_brought_them() -> None:
    """By interval, then group."""
    one = answer((0, 1, "b", "voice"), (1, 2, "b", "voice"))
    other = answer((0, 1, "a", "voice"), (0, 1, "a", None), (1, 2, "a", "voice"))

    rows = concat_parts([one, other], GROUPS, "it").to_pylist()

    assert [(r["interval_start"], r["queue_id"]) for r in rows] == [
        (START, "a"),
        (START, "a"),
        (START, "b"),
        (START + HOUR, "a"),
        (START + HOUR, "b"),
    ]


@pytest.mark.parametrize(
    "twice",
    [
        (0, 1, "a", "voice"),
        (0.5, 1.5, "a", "voice"),
        (0, 1, "b", None),
        (-1, 5, None, None),
    ],
)
def test_what_two_answers_bring_is_refused(
    twice: tuple[float, float, str | None, str | None],
) -> None:
    """It would count twice; null is a group like any other."""
    one = answer((0, 1, "a", "voice"), (0, 1, "b", None), (2, 3, None, None))

    with pytest.raises(DataError, match="two answers have bucket"):
        concat_parts([one, answer(twice)], GROUPS, "it")


def test_buckets_that_meet_do_not_overlap() -> None:
    """Half-open: one ends where the next begins."""
    one, next_to_it = answer((0, 1, "a", None)), answer((1, 2, "a", None))

    assert concat_parts([next_to_it, one], GROUPS, "it").num_rows == 2


SPANS = st.tuples(
    st.integers(0, 3),
    st.integers(1, 2),
    st.none() | st.sampled_from("ab"),
    st.none() | st.sampled_from(["voice", "chat"]),
)


@given(st.lists(st.lists(SPANS, max_size=4), min_size=2, max_size=3))
def test_rows_are_joined_or_refused_as_pairs_of_them_say(
    reported: list[list[tuple[int, int, str | None, str | None]]],
) -> None:
    """Refused where two of a group overlap; else all are there, with all columns."""
    answers = [
        answer(*((a, a + long, q, m) for a, long, q, m in some)) for some in reported
    ]
    numbers = iter(range(99))
    answers = [
        one.append_column("n", [[next(numbers) for _ in range(one.num_rows)]])
        for one in answers
        if one.num_rows
    ]
    rows = [row for some in reported for row in some]
    overlap = any(
        x[2:] == y[2:] and x[0] < y[0] + y[1] and y[0] < x[0] + x[1]
        for x, y in combinations(rows, 2)
    )
    if len(answers) < 2:
        return

    if overlap:
        with pytest.raises(DataError, match="two answers have bucket"):
            concat_parts(answers, GROUPS, "it")
        return

    def order(number: int) -> tuple[Any, ...]:
        start, _, queue, media = rows[number]
        return start, queue is None, queue or "", media is None, media or ""

    assert concat_parts(answers, GROUPS, "it")["n"].to_pylist() == sorted(
        range(len(rows)), key=order
    )


def test_without_groups_buckets_alone_distinguish_rows() -> None:
    """One row a bucket, however many answers."""
    with pytest.raises(DataError):
        concat_parts([answer((0, 1, "a", None)), answer((0, 1, "b", None))], (), "it")


def test_a_service_that_ignores_the_queues_is_found_out(workspace: "Workspace") -> None:
    """An answer about queues that were not asked is refused: others bring them."""
    first = workspace.simulator.tenant.queues[0].id
    asked: dict[str, Any] = {"queues": [first]}
    body = b'{"results": [{"group": {"queueId": "not-asked"}, "data": []}]}'
    workspace.simulator.faults.add(Fault("status", status=200, body=body, times=None))

    with pytest.raises(DataError, match="not-asked, which was not requested"):
        workspace.run(query=asked)
