"""What the simulator's jobs for details find, and how their pages come."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gcbatch.simulator import Fault
from tests.support.job_client import (
    ALL,
    CONVERSATIONS,
    DAY,
    DAY_MS,
    HOUR_MS,
    QUERY,
    TENANT,
    USERS,
    all_ids,
    connected,
    conversation,
    ids,
)


def interval(start_hour: float, end_hour: float) -> str:
    ends = (DAY + timedelta(hours=hour) for hour in (start_hour, end_hour))
    return "/".join(end.isoformat() for end in ends)


async def test_every_row_comes_once() -> None:
    """The pages together are the answer; the last names no cursor."""
    async with connected() as client:
        pages = await client.pages(await client.done(), size=10)

    assert [len(ids(page)) for page in pages] == [10, 10, 4]
    assert sorted(all_ids(pages)) == ALL
    assert ["cursor" in page for page in pages] == [True, True, False]


async def test_rows_are_in_no_order_of_time() -> None:
    """They come as they lie in a lake, and the same way each time."""
    async with connected() as client:
        orders = [
            all_ids(await client.pages(await client.done(), size=size))
            for size in (5, 1000)
        ]

    assert orders[0] == orders[1]
    assert orders[0] not in (ALL, ALL[::-1])


async def test_a_cursor_leads_to_the_same_page_again() -> None:
    """Nothing is remembered of who asked for what."""
    async with connected() as client:
        job = await client.done()
        first, _, third = await client.pages(job, size=10)
        params = {"pageSize": "10", "cursor": first["cursor"]}
        again = [
            (await client.request("GET", f"{job}/results", params=params)).json
            for _ in range(2)
        ]

    assert again[0] == again[1]
    assert not set(ids(again[0])) & set(ids(first) + ids(third))


async def test_rows_show_attributes() -> None:
    """Jobs give what queries leave out."""
    async with connected() as client:
        (page,) = await client.pages(await client.done(), size=1000)

    assert {
        participant["attributes"]["tier"]
        for row in page["conversations"]
        for participant in row["participants"]
    } == {"gold"}


@pytest.mark.parametrize(
    ("by_day", "expected"),
    [
        pytest.param(False, ALL[5:8], id="overlap"),
        pytest.param(True, ALL, id="day-of-the-start"),
    ],
)
async def test_an_interval_means_lives_or_days(
    *, by_day: bool, expected: list[str]
) -> None:
    """Conversations that were going on, or all that began on a day it touches."""
    async with connected() as client:
        job = await client.done(
            interval=interval(5.5, 7.5), startOfDayIntervalMatching=by_day
        )
        pages = await client.pages(job)

    assert sorted(all_ids(pages)) == expected


async def test_no_rows_are_an_empty_page() -> None:
    """It has no cursor."""
    async with connected() as client:
        (page,) = await client.pages(await client.done(interval=interval(50, 60)))

    assert page["conversations"] == []
    assert "cursor" not in page


@pytest.mark.parametrize("size", [None, "1000", "1500"])
async def test_no_page_has_more_than_a_thousand_rows(size: str | None) -> None:
    """Without a size it has as many; a larger wish is cut down without a word."""
    documents = tuple(conversation(n, DAY_MS, DAY_MS + HOUR_MS) for n in range(1001))
    params = {} if size is None else {"pageSize": size}
    async with connected(tenant=replace(TENANT, documents=documents)) as client:
        job = await client.done()
        answer = await client.request("GET", f"{job}/results", params=params)

    assert len(ids(answer.json)) == 1000
    assert "cursor" in answer.json


@pytest.mark.parametrize("size", ["0", "-1", "many"])
async def test_a_page_has_at_least_one_row(size: str) -> None:
    """Any other size is refused."""
    async with connected() as client:
        job = await client.done()
        answer = await client.request(
            "GET", f"{job}/results", params={"pageSize": size}
        )

    assert answer.status == 400


@pytest.mark.parametrize("cursor", ["", "nonsense", "bm9uc2Vuc2U="])
async def test_a_cursor_must_be_one_of_its_own(cursor: str) -> None:
    """Neither nonsense nor the cursor of another job leads anywhere."""
    async with connected() as client:
        job, other = await client.done(), await client.done()
        foreign = (await client.pages(other))[0]["cursor"]
        answers = [
            await client.request("GET", f"{job}/results", params={"cursor": text})
            for text in (cursor, foreign)
        ]

    assert [answer.status for answer in answers] == [400, 400]


async def test_the_lake_lags() -> None:
    """What began after the date is missing; the answers have the date."""
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    async with connected(details_available_until=noon) as client:
        reported = await client.request("GET", f"{CONVERSATIONS}/availability")
        lagging = await client.pages(await client.done(), size=1000)
        client.simulator.details_available_until = noon + timedelta(hours=1)
        later = await client.pages(await client.done(), size=1000)
        client.simulator.details_available_until = None
        complete = await client.pages(await client.done(), size=1000)

    assert reported.json == {"dataAvailabilityDate": "2026-01-01T12:00:00.000Z"}
    assert lagging[0]["dataAvailabilityDate"] == "2026-01-01T12:00:00.000Z"
    assert sorted(all_ids(lagging)) == ALL[:12]
    assert sorted(all_ids(later)) == ALL[:13]
    assert sorted(all_ids(complete)) == ALL


async def test_a_lake_that_keeps_up_is_at_now() -> None:
    """Without a date of its own it is the time of day."""
    async with connected() as client:
        reported = await client.request("GET", f"{CONVERSATIONS}/availability")
    date = datetime.fromisoformat(reported.json["dataAvailabilityDate"])

    assert abs(datetime.now(UTC) - date) < timedelta(hours=1)


async def test_a_job_reads_the_lake_once() -> None:
    """What becomes available between two of its pages is not in it."""
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    async with connected(details_available_until=noon) as client:
        job = await client.done()
        first = (await client.pages(job, most=1))[0]
        client.simulator.details_available_until = None
        pages = await client.pages(job)

    assert pages[0] == first
    assert sorted(all_ids(pages)) == ALL[:12]
    assert {page["dataAvailabilityDate"] for page in pages} == {
        first["dataAvailabilityDate"]
    }


async def test_a_lake_that_keeps_up_lacks_nothing() -> None:
    """Not even what has not begun by the clock of the machine."""
    future = conversation(99, DAY_MS + 10**13, DAY_MS + 10**13 + HOUR_MS)
    century = f"{DAY.isoformat()}/{DAY.replace(year=2500).isoformat()}"
    async with connected(tenant=replace(TENANT, documents=(future,))) as client:
        pages = await client.pages(await client.done(interval=century))

    assert all_ids(pages) == ["c99"]


async def test_what_is_late_is_late_for_jobs_too() -> None:
    """A row that no query shows yet is in no job's results; released, it is."""
    late, *others = TENANT.documents
    held_back = replace(late, shown_after=math.inf)
    tenant = replace(TENANT, documents=(held_back, *others))
    async with connected(tenant=tenant) as client:
        before = await client.pages(await client.done())
        client.simulator.release_late()
        after = await client.pages(await client.done())

    assert sorted(all_ids(before)) == ALL[1:]
    assert sorted(all_ids(after)) == ALL


async def test_users_have_jobs_too() -> None:
    """Their rows are `userDetails`, and lag like conversations."""
    noon = DAY + timedelta(hours=12)
    async with connected() as client:
        reported = await client.request("GET", f"{USERS}/availability")
        (page,) = await client.pages(await client.done(USERS))
        client.simulator.details_available_until = noon
        (lagging,) = await client.pages(await client.done(USERS))
        client.simulator.details_available_until = DAY
        (nothing,) = await client.pages(await client.done(USERS))

    assert set(reported.json) == {"dataAvailabilityDate"}
    assert {row["userId"] for row in page["userDetails"]} == {"u1", "u2"}
    assert [row["userId"] for row in lagging["userDetails"]] == ["u1"]
    assert nothing["userDetails"] == []


async def test_a_page_can_be_empty_before_its_rows() -> None:
    """Its cursor leads to the rows: nothing is lost."""
    async with connected(Fault("empty_results", nth=(2,))) as client:
        pages = await client.pages(await client.done(), size=10)

    assert [len(ids(page)) for page in pages] == [10, 0, 10, 4]
    assert sorted(all_ids(pages)) == ALL


@pytest.mark.parametrize("nth", [1, 2])
async def test_a_page_can_name_its_own_cursor(nth: int) -> None:
    """Who follows it gets the same page again."""
    async with connected(Fault("repeated_cursor", nth=(nth,))) as client:
        pages = await client.pages(await client.done(), size=10)

    assert ids(pages[nth - 1]) == ids(pages[nth])
    assert sorted(set(all_ids(pages))) == ALL


async def test_a_cursor_can_repeat_for_ever() -> None:
    """Then there is no end to it."""
    async with connected(Fault("repeated_cursor", nth=None, times=None)) as client:
        pages = await client.pages(await client.done(), size=10, most=5)

    assert [ids(page) for page in pages] == [ids(pages[0])] * 5


async def test_rows_of_a_page_can_be_lost() -> None:
    """Half of that page is missing and comes with no other; asked again it is there."""
    async with connected(Fault("lost_results", nth=(2,))) as client:
        job = await client.done()
        pages = await client.pages(job, size=10)
        again = await client.pages(job, size=10)

    assert [len(ids(page)) for page in pages] == [10, 5, 4]
    assert len(set(all_ids(pages))) == 19
    assert sorted(all_ids(again)) == ALL


@pytest.mark.parametrize(("nth", "twice"), [(1, 0), (2, 9)])
async def test_a_row_can_come_twice(nth: int, twice: int) -> None:
    """A page begins with the last row of the page before; the first, with its own."""
    async with connected(Fault("doubled_results", nth=(nth,))) as client:
        pages = await client.pages(await client.done(), size=10)
    rows = all_ids(pages)
    first = ids(pages[0])[1:] if nth == 1 else ids(pages[0])

    assert sorted(set(rows)) == ALL
    assert len(rows) == 25
    assert [name for name in ALL if rows.count(name) == 2] == [first[twice]]


@pytest.mark.parametrize("kind", ["status", "throttled", "reset", "truncated"])
async def test_usual_faults_spare_jobs(kind: Any) -> None:
    """Without a path they strike queries only, as before there were jobs."""
    async with connected(Fault(kind)) as client:
        answer = await client.request("POST", CONVERSATIONS, json=QUERY)

    assert answer.status == 202


async def test_pages_can_be_spoilt_like_those_of_queries() -> None:
    """Faults of queries strike the results of jobs where their path says so."""
    async with connected(Fault("newer_fields", path="/results$")) as client:
        job = await client.done()
        (spoilt,) = await client.pages(job, size=100)
        (plain,) = await client.pages(job, size=100)
    more = {
        name
        for row, other in zip(
            spoilt["conversations"], plain["conversations"], strict=True
        )
        for name in set(row) - set(other)
    }

    assert sorted(ids(spoilt)) == ALL
    assert more
