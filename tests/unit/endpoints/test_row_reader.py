"""Pages of one answer to aggregates, put together; queues that were not asked."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from gcbatch.endpoints.aggregates.response_models import AggregatePage, decode_page
from gcbatch.endpoints.aggregates.row_reader import merge_pages, rows_of
from gcbatch.errors import DataError
from gcbatch.genesys.families import FAMILIES
from gcbatch.job.query import QuerySection
from gcbatch.windows import Window

START = datetime(2026, 10, 1, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(days=1))
HOUR = "2026-10-01T00:00:00.000Z/2026-10-01T01:00:00.000Z"
ASKED = QuerySection.model_validate(
    {
        "from": "2026-10-01",
        "to": "2026-10-02",
        "granularity": "PT1H",
        "metrics": ["nOffered", "nConnected"],
        "views": [{"target": "tAbandon", "name": "tShort", "range": {"lt": 5000}}],
    }
)


def page(*, queue: str = "q1", views: Any = (), **counts: int) -> AggregatePage:
    """Return a page of one bucket."""
    metrics = [{"metric": name, "stats": {"count": n}} for name, n in counts.items()]
    bucket = {"interval": HOUR, "metrics": metrics, "views": list(views)}
    group = {"group": {"queueId": queue}, "data": [bucket]}
    return decode_page(orjson.dumps({"results": [group]}))


def view(count: int) -> dict[str, Any]:
    return {"name": "tShort", "stats": {"count": count}}


def rows(whole: AggregatePage, *queues: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = rows_of(
        whole, section=ASKED, family=FAMILIES[0], window=WINDOW, queues=queues
    ).to_pylist()
    return found


def test_a_bucket_may_go_on_on_the_next_page() -> None:
    """Its metrics and views are one row."""
    pages = [page(nOffered=3), page(nConnected=2), page(views=[view(1)])]

    (row,) = rows(merge_pages(pages))

    assert (row["n_offered"], row["n_connected"], row["t_short_count"]) == (3, 2, 1)


def test_what_a_page_repeats_counts_once() -> None:
    """Word for word."""
    again = page(nOffered=3, views=[view(1)])

    (row,) = rows(merge_pages([page(nOffered=3, views=[view(1)]), again]))

    assert (row["n_offered"], row["t_short_count"]) == (3, 1)


@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        (page(nOffered=3), page(nOffered=4), "nOffered"),
        (page(views=[view(1)]), page(views=[view(2)]), "tShort"),
    ],
    ids=["metric", "view"],
)
def test_pages_that_contradict_each_other_are_an_error(
    first: AggregatePage, second: AggregatePage, name: str
) -> None:
    """Of two figures for one thing neither is believed."""
    with pytest.raises(DataError, match=f"has {name} twice"):
        merge_pages([first, second])


def test_ids_are_the_same_in_capitals() -> None:
    """A queue that was asked is no stranger for how the service writes its id."""
    (row,) = rows(page(queue="aB", nOffered=3), "Ab")

    assert row["n_offered"] == 3
