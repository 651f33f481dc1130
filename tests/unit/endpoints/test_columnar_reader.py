"""The two readers of aggregates: the columnar reader agrees with the row reader."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcbatch.endpoints.aggregates.columnar_reader import read_columns
from gcbatch.endpoints.aggregates.part_schema import schema_of
from gcbatch.endpoints.aggregates.response_models import decode_page
from gcbatch.endpoints.aggregates.row_reader import rows_of
from gcbatch.errors import DataError
from gcbatch.genesys.families import FAMILIES, family_named
from gcbatch.job.query import QuerySection
from gcbatch.windows import Window, iso

START = datetime(2026, 10, 1, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(hours=6))
CONVERSATIONS = FAMILIES[0]
ASKED = QuerySection.model_validate(
    {
        "from": "2026-10-01",
        "to": "2026-10-02",
        "granularity": "PT1H",
        "group_by": ["queueId", "mediaType"],
        "metrics": ["nOffered", "tHandle", "oServiceLevel"],
        "views": [{"target": "tAbandon", "name": "tShort", "range": {"lt": 5000}}],
    }
)

whole = st.integers(0, 10**6)
ratio = st.floats(0, 1)


def of_kind(name: str, stats: dict[str, st.SearchStrategy[Any]]) -> Any:
    reported = st.fixed_dictionaries({}, optional=stats)
    return st.fixed_dictionaries({"metric": st.just(name), "stats": reported})


METRICS = (
    of_kind("nOffered", {"count": whole}),
    of_kind("tHandle", dict.fromkeys(("count", "sum", "min", "max"), whole)),
    of_kind(
        "oServiceLevel",
        {"ratio": ratio, "numerator": whole, "denominator": whole, "target": ratio},
    ),
)
VIEW = st.fixed_dictionaries(
    {
        "name": st.just("tShort"),
        "stats": st.fixed_dictionaries({}, optional={"count": whole, "sum": whole}),
    }
)


@st.composite
def buckets(draw: st.DrawFn) -> list[Any]:
    """Return buckets of different hours, in any order, some without metrics."""
    found = []
    for hour in draw(st.lists(st.integers(0, 5), unique=True)):
        start = START + hour * timedelta(hours=1)
        bucket: dict[str, Any] = {
            "interval": f"{iso(start)}/{iso(start + timedelta(hours=1))}",
            "metrics": [draw(m) for m in METRICS if draw(st.booleans())],
        }
        if draw(st.booleans()):
            bucket["views"] = [draw(VIEW)]
        found.append(bucket)
    return found


def key_of(group: Any) -> tuple[Any, Any]:
    """Return the key of a group; a missing dimension is the same as null."""
    reported = group["group"]
    return reported.get("queueId"), reported.get("mediaType")


groups = st.lists(
    st.fixed_dictionaries(
        {
            "group": st.fixed_dictionaries(
                {},
                optional={
                    "queueId": st.sampled_from(["q1", "q2", "Q"]),
                    "mediaType": st.sampled_from(["voice", "chat"]) | st.none(),
                },
            ),
            "data": buckets(),
        }
    ),
    min_size=1,
    unique_by=key_of,
)


USUAL: dict[str, Any] = {
    "section": ASKED,
    "family": CONVERSATIONS,
    "window": WINDOW,
    "queues": (),
}


def by_row_reader(page: Any, **changes: Any) -> pa.Table:
    return rows_of(decode_page(body_of(page)), **(USUAL | changes))


def by_columnar_reader(page: Any, **changes: Any) -> pa.Table | None:
    given = USUAL | changes
    schema = schema_of(given["section"], CONVERSATIONS)
    return read_columns(body_of(page), schema=schema, **given)


def body_of(page: Any) -> bytes:
    return json.dumps(page).encode()


@given(page=groups)
def test_both_readers_read_the_same_rows(page: list[Any]) -> None:
    """Whatever is left out, in whatever order groups and buckets come."""
    short = by_columnar_reader({"results": page})

    assert short is not None
    assert short.combine_chunks().equals(by_row_reader({"results": page}))


def one(**changes: Any) -> dict[str, Any]:
    """Return a page of one bucket, changed somewhere."""
    stats = {"count": 1, **changes.pop("stats", {})}
    metric = {"metric": "nOffered", "stats": stats, **changes.pop("metric", {})}
    bucket = {
        "interval": f"{iso(START)}/{iso(START + timedelta(hours=1))}",
        "metrics": [metric],
        **changes.pop("bucket", {}),
    }
    group = {"group": {"queueId": "q1"}, "data": [bucket], **changes.pop("group", {})}
    return {"results": [group], **changes}


TWICE = {"metric": "nOffered", "stats": {"count": 1}}
NAMELESS = {"stats": {"count": 3}}
ODD = [
    pytest.param(one(stats={"sum": 1}), id="statistic of another kind"),
    pytest.param(one(stats={"count": 1.5}), id="fraction"),
    pytest.param(one(stats={"count": 414.0}), id="whole, written as a fraction"),
    pytest.param(one(stats={"count": -1}), id="negative"),
    pytest.param(one(stats={"count": 2**60}), id="absurd"),
    pytest.param(one(stats={"count": 2**70}), id="beyond 64 bits"),
    pytest.param(one(metric={"qualifier": "x"}), id="qualifier"),
    pytest.param(one(metric={"newer": 1}), id="newer field of a metric"),
    pytest.param(one(metric={"metric": "tAcd"}), id="not asked"),
    pytest.param(one(bucket={"metrics": [NAMELESS]}), id="metric without a name"),
    pytest.param(one(bucket={"views": [NAMELESS]}), id="view without a name"),
    pytest.param(one(bucket={"metrics": [TWICE, TWICE]}), id="twice"),
    pytest.param(one(bucket={"metrics": None}), id="no metrics"),
    pytest.param(one(bucket={"interval": "x"}), id="no interval"),
    pytest.param(one(bucket={"interval": "2026-10-01/2026-10-02"}), id="no offsets"),
    pytest.param(
        one(bucket={"interval": "2026-09-30T23:00:00Z/2026-10-01T00:00:00Z"}),
        id="outside",
    ),
    pytest.param(
        one(bucket={"interval": "2026-10-01T00:00:00Z/2026-10-01T03:00:00Z"}),
        id="longer than asked",
    ),
    pytest.param(
        one(bucket={"interval": "2026-10-01T00:00:00.0005Z/2026-10-01T01:00:00Z"}),
        id="part of a millisecond",
    ),
    pytest.param(one(group={"data": None}), id="no data"),
    pytest.param(one(group={"group": None}), id="no group"),
    pytest.param(one(group={"group": {"queueId": "q9"}}), id="stranger"),
    pytest.param({"results": None}, id="no results"),
    pytest.param({"results": one()["results"] * 2}, id="overlap"),
]


@pytest.mark.parametrize("metrics", [ASKED.metrics, ("nOffered",)])
@pytest.mark.parametrize("page", ODD)
def test_what_is_odd_goes_the_long_way(
    page: dict[str, Any], metrics: tuple[str, ...]
) -> None:
    """The columnar reader refuses it, or says the same; it never says anything else."""
    asked = ASKED.model_copy(update={"metrics": metrics})
    given: dict[str, Any] = {"section": asked, "queues": ("q1", "Q2")}
    short = by_columnar_reader(page, **given)

    with suppress(DataError, msgspec.ValidationError):
        long = by_row_reader(page, **given)
        assert short is None or short.equals(long)
        return
    assert short is None


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(one(stats={"p95": 1}), id="statistic"),
        pytest.param(one(metric={"newer": 1}), id="beside a metric"),
        pytest.param(one(bucket={"newer": 1}), id="beside metrics"),
        pytest.param(one(bucket={"views": [{"name": "x", "stats": {}}]}), id="view"),
        pytest.param(one(group={"newer": 1}), id="beside data"),
        pytest.param(one(group={"group": {"userId": "u"}}), id="dimension"),
        pytest.param(one(newer=1), id="beside results"),
        pytest.param(one(cursor="x"), id="cursor"),
        pytest.param({"results": []}, id="nothing"),
        pytest.param({"message": "x", "status": 503}, id="error"),
    ],
)
@pytest.mark.parametrize("views", [ASKED.views, ()])
def test_what_would_be_left_out_goes_the_long_way(page: Any, views: Any) -> None:
    """There it is named, or refused; the columnar reader knows what was asked alone."""
    asked = ASKED.model_copy(update={"views": views})

    assert by_columnar_reader(page, section=asked) is None


def test_offsets_stay_with_the_columnar_reader() -> None:
    """They are usual; only what changes the meaning of figures is odd."""
    page = one(bucket={"interval": "2026-10-01T02:00:00+01:00/2026-10-01T02:00:00Z"})

    short = by_columnar_reader(page)

    assert short is not None
    assert short.equals(by_row_reader(page))


def test_families_with_qualifiers_go_to_the_row_reader() -> None:
    """There a row is a bucket and a qualifier."""
    family = family_named("user-aggregates")

    assert by_columnar_reader(one(), family=family) is None
