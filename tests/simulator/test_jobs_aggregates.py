"""Aggregates asked for by a job are those that are answered at once."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from gcbatch.simulator import Call, Fault, Presence, Tenant, sample_tenant
from tests.support.job_client import AGGREGATES, ANALYTICS, connected

WEEK = "1999-07-31T21:00:00.000Z/1999-08-07T21:00:00.000Z"
QUERY: dict[str, Any] = {
    "interval": WEEK,
    "granularity": "P1D",
    "timeZone": "Asia/Jerusalem",
    "groupBy": ["queueId"],
    "metrics": ["nOffered", "tAnswered", "tHandle", "oServiceLevel"],
}
VIEW: dict[str, Any] = {
    "name": "long",
    "target": "tWait",
    "function": "rangeBound",
    "range": {"gte": 60_000},
}
WEEK_OF_CALLS = sample_tenant()

Figures = dict[tuple[Any, ...], Any]


def figures(*answers: Any) -> Figures:
    """Return every statistic by group, bucket and metric; each must come once."""
    found: Figures = {}
    for answer in answers:
        for result in answer["results"]:
            group = tuple(sorted(result["group"].items()))
            for row in result["data"]:
                for part in (*row["metrics"], *row.get("views", ())):
                    name = part.get("metric") or part["name"]
                    key = (group, row["interval"], name, part.get("qualifier"))
                    assert key not in found
                    found[key] = part["stats"]
    return found


def rows(page: Any) -> list[tuple[Any, str]]:
    """Return group and bucket of each row of a page."""
    return [
        (tuple(result["group"].items()), row["interval"])
        for result in page["results"]
        for row in result["data"]
    ]


async def both(
    *faults: Fault,
    path: str = AGGREGATES,
    tenant: Tenant = WEEK_OF_CALLS,
    options: dict[str, Any] | None = None,
    **body: Any,
) -> tuple[Any, list[Any]]:
    """Return the answer at once, and the pages of the job."""
    size = {"pageSize": body.pop("pageSize")} if "pageSize" in body else {}
    async with connected(*faults, tenant=tenant, **(options or {})) as client:
        at_once = await client.request("POST", path.replace("jobs", "query"), json=body)
        job = await client.done(path, **body, **size)
        return at_once.json, await client.pages(job, most=100)


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_the_pages_together_are_the_answer(size: int) -> None:
    """Every figure comes once, in pages of so many rows."""
    at_once, pages = await both(**QUERY, views=[VIEW], pageSize=size)
    sizes = [len(rows(page)) for page in pages]

    assert figures(*pages) == figures(at_once)
    assert set(sizes[:-1]) <= {size}
    assert 0 < sizes[-1] <= size


async def test_without_a_size_a_page_has_the_usual_number() -> None:
    """A small answer is one page."""
    at_once, pages = await both(**QUERY)

    assert len(pages) == 1
    assert figures(*pages) == figures(at_once)


async def test_a_group_continues_on_the_next_page() -> None:
    """It is named again there, with the rest of its buckets."""
    _, pages = await both(**QUERY, pageSize=4)
    last, first = pages[0]["results"][-1], pages[1]["results"][0]

    assert last["group"] == first["group"]
    assert last["data"][-1]["interval"] < first["data"][0]["interval"]


async def test_a_bucket_can_go_over_the_edge() -> None:
    """To order, its metrics are on two pages; still every figure comes once."""
    at_once, pages = await both(
        **QUERY, views=[VIEW], pageSize=4, options={"job_splits_buckets": True}
    )
    edges = [(rows(page)[-1], rows(after)[0]) for page, after in pairwise(pages)]

    assert figures(*pages) == figures(at_once)
    assert all(len(rows(page)) == 4 for page in pages[:-1])
    assert any(before == after for before, after in edges)


async def test_a_single_metric_cannot_be_split() -> None:
    """No page ends with a bucket that has no figures."""
    options = {"job_splits_buckets": True}
    _, pages = await both(
        **{**QUERY, "metrics": ["nOffered"]}, pageSize=1, options=options
    )
    places = [place for page in pages for place in rows(page)]

    assert len(places) == len(set(places))


async def test_buckets_stay_whole_by_default() -> None:
    """No row is on two pages."""
    _, pages = await both(**QUERY, pageSize=4)
    places = [place for page in pages for place in rows(page)]

    assert len(places) == len(set(places))


async def test_jobs_have_no_limit_of_rows() -> None:
    """What is too large to be answered at once comes by job."""
    at_once, pages = await both(**QUERY, options={"max_results": 5})

    assert at_once["status"] == 400
    assert len(rows(pages[0])) > 5


async def test_intervals_have_their_limit_all_the_same() -> None:
    """It is that of queries."""
    async with connected(max_intervals={"P1D": timedelta(days=1)}) as client:
        answer = await client.request("POST", AGGREGATES, json=QUERY)

    assert answer.status == 400


async def test_users_keep_their_mappings_on_every_page() -> None:
    """Each page maps presences of the system to those of the organisation."""
    start = datetime(1999, 8, 1, tzinfo=UTC)
    tenant = Tenant(
        name="T",
        version="1",
        presences=tuple(
            Presence(
                user_id=user,
                system_presence="AVAILABLE",
                organization_presence_id="p1",
                start=start,
                end=start + timedelta(hours=3),
            )
            for user in ("u1", "u2")
        ),
    )

    at_once, pages = await both(
        path=f"{ANALYTICS}/users/aggregates/jobs",
        tenant=tenant,
        interval=WEEK,
        groupBy=["userId"],
        metrics=["tSystemPresence", "tOrganizationPresence"],
        pageSize=1,
    )

    assert len(pages) == 2
    assert figures(*pages) == figures(at_once)
    assert [page["systemToOrganizationMappings"] for page in pages] == [
        {"AVAILABLE": ["p1"]}
    ] * 2


async def test_no_figures_are_an_empty_page() -> None:
    """As at once, there are no results."""
    call = Call(queue_id="a", offered=datetime(2026, 1, 1, tzinfo=UTC))
    tenant = Tenant(name="T", version="1", calls=(call,))

    _, pages = await both(tenant=tenant, **QUERY)

    assert pages == [{"results": []}]


@pytest.mark.parametrize(
    ("kind", "count", "lost", "doubled"),
    [
        pytest.param("empty_results", 1, 0, 0, id="empty"),
        pytest.param("lost_results", 0, 2, 0, id="lost"),
        pytest.param("doubled_results", 0, 0, 1, id="doubled"),
        pytest.param("repeated_cursor", 1, 0, 4, id="repeated"),
    ],
)
async def test_pages_go_wrong_like_those_of_details(
    kind: Any, count: int, lost: int, doubled: int
) -> None:
    """So many pages more, rows lost, and rows that come twice."""
    _, right = await both(**QUERY, pageSize=4)
    _, wrong = await both(Fault(kind, nth=(2,)), **QUERY, pageSize=4)
    times: defaultdict[Any, int] = defaultdict(int)
    for page in wrong:
        for place in rows(page):
            times[place] += 1
    due = [place for page in right for place in rows(page)]

    assert len(wrong) == len(right) + count
    assert len(due) - len(times) == lost
    assert sum(n - 1 for n in times.values()) == doubled
