"""Answers of the aggregates: typed columns, or an error that says where."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar, TypeVar, cast

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcbatch.endpoints.aggregates.endpoint import Aggregates
from gcbatch.endpoints.aggregates.response_models import decode_page
from gcbatch.endpoints.base import AggregateEndpoint
from gcbatch.endpoints.lookup import endpoint_named
from gcbatch.errors import DataError
from gcbatch.genesys.client.client import Answer, Client
from gcbatch.genesys.families import FAMILIES
from gcbatch.job.query import QuerySection
from gcbatch.query import make_query
from gcbatch.store.part_file import Part
from gcbatch.windows import Window, iso

T = TypeVar("T")
START = datetime(2026, 10, 1, tzinfo=UTC)
DAY = Window(START, START + timedelta(days=1))
HOUR = timedelta(hours=1)
Page = dict[str, Any]


class Said:
    """Answers every request with the same bytes, as a client would."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.asked: list[tuple[str, Any]] = []

    async def post(
        self,
        path: str,
        decode: Callable[[bytes], T],
        body: bytes,
        *,
        can_split: bool = False,  # noqa: ARG002 - a Client
    ) -> Answer[T]:
        self.asked.append((path, json.loads(body)))
        value = decode(self.body)
        return Answer(value, START, 2, len(self.body), "an-id")


def asked_of(**changes: Any) -> QuerySection:
    usual = {
        "from": "2026-10-01",
        "to": "2026-10-02",
        "granularity": "PT1H",
        "metrics": ["nOffered", "tHandle", "oServiceLevel"],
    }
    return QuerySection.model_validate({**usual, **changes})


def part_of(page: Page | bytes, **changes: Any) -> Part:
    """Return the part that an answer becomes."""
    asked = asked_of(**changes)
    endpoint = cast("AggregateEndpoint", endpoint_named(asked.endpoint))
    query = make_query("org", asked.endpoint, DAY, endpoint.template(asked, None))
    body = page if isinstance(page, bytes) else json.dumps(page).encode()
    client = cast("Client", Said(body))
    return asyncio.run(endpoint.fetch(client, query, asked))


def rows_of(page: Page | bytes, **changes: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = part_of(page, **changes).table.to_pylist()
    return rows


def bucket(hour: float, *metrics: Page, length: float = 1, **more: Any) -> Page:
    start = START + hour * HOUR
    return {
        "interval": f"{iso(start)}/{iso(start + length * HOUR)}",
        "metrics": list(metrics),
        **more,
    }


def metric(name: str, qualifier: str | None = None, **stats: Any) -> Page:
    reported = {"qualifier": qualifier} if qualifier else {}
    return {"metric": name, "stats": stats, **reported}


def page_of(*buckets: Page, **group: Any) -> Page:
    return {"results": [{"group": group or {"queueId": "q"}, "data": list(buckets)}]}


OFFERED = metric("nOffered", count=877)


def test_an_answer_becomes_a_row_per_bucket_and_group() -> None:
    """Counts, milliseconds and ratios have columns of their own; absent is null."""
    page = {
        "results": [
            {
                "group": {"queueId": "b"},
                "data": [
                    bucket(
                        3,
                        OFFERED,
                        metric(
                            "tHandle", max=451577, min=2324, count=787, sum=40279740
                        ),
                        metric(
                            "oServiceLevel",
                            ratio=0.47586206896551725,
                            numerator=414.0,
                            denominator=870,
                            target=0.8,
                        ),
                    )
                ],
            },
            {"group": {"queueId": "a"}, "data": [bucket(3, OFFERED)]},
        ]
    }

    rows = rows_of(page)

    assert [row["queue_id"] for row in rows] == ["a", "b"]
    assert rows[1] == {
        "interval_start": START + 3 * HOUR,
        "interval_end": START + 4 * HOUR,
        "queue_id": "b",
        "n_offered": 877,
        "t_handle_count": 787,
        "t_handle_sum_ms": 40279740,
        "t_handle_min_ms": 2324,
        "t_handle_max_ms": 451577,
        "o_service_level_numerator": 414,
        "o_service_level_denominator": 870,
        "o_service_level_ratio": 0.47586206896551725,
        "o_service_level_target": 0.8,
    }
    assert rows[0]["t_handle_count"] is None


@pytest.mark.parametrize(
    "page",
    [
        {},
        {"results": None},
        {"results": []},
        {"results": [{}]},
        {"results": [{"group": {"queueId": "q"}}]},
        {"results": [{"group": None, "data": None}]},
        page_of(bucket(0)),
        page_of({"interval": bucket(0)["interval"]}),
        {"systemToOrganizationMappings": {"x": ["y"]}, "results": []},
    ],
)
def test_nothing_is_no_rows(page: Page) -> None:
    """What has no data is left out at any level; the schema is the same."""
    part = part_of(page)

    assert part.table.num_rows == 0
    endpoint = cast("AggregateEndpoint", endpoint_named("conversation-aggregates"))
    assert part.table.schema == endpoint.schema(asked_of())


def test_what_is_not_known_is_named() -> None:
    """New fields, metrics that were not asked for, and new statistics do no harm."""
    known = page_of(bucket(0, OFFERED))
    more = json.loads(json.dumps(known))
    more["new"] = {"deep": [1]}
    more["results"][0]["new"] = 1
    more["results"][0]["group"]["mediaType"] = "voice"
    data = more["results"][0]["data"][0]
    data["new"] = []
    data["views"] = [{"name": "tLong", "stats": {"p99": 3.5}}]
    data["metrics"][0]["new"] = None
    data["metrics"][0]["stats"] |= {"p95": 5.5, "calculatedMetricValue": 1e300}
    data["metrics"].append(metric("tTalk", count=1))

    part = part_of(more)

    assert part.table == part_of(known).table
    assert part.metadata.left_out == (
        "group.mediaType",
        "nOffered.calculatedMetricValue",
        "nOffered.p95",
        "new",
        "results.data.metrics.new",
        "results.data.new",
        "results.new",
        "tLong",
        "tLong.p99",
        "tTalk",
    )


@pytest.mark.parametrize("known", [{"count": 1.5}, {"count": "5"}, {"sum": 3}])
def test_newer_statistics_hide_no_wrong_one(known: dict[str, Any]) -> None:
    """What this release knows stays strict beside what it does not."""
    page = page_of(bucket(0, metric("nOffered", None, p95=1, **{"count": 1, **known})))

    with pytest.raises((DataError, msgspec.ValidationError)):
        part_of(page)


@pytest.mark.parametrize("number", [b"1e999", b"9" * 400, b"9" * 5_000])
def test_newer_statistics_may_have_any_size(number: bytes) -> None:
    """They are named, not read."""
    page = page_of(bucket(0, metric("nOffered", None, count=1, p95=0)))
    body = json.dumps(page).encode().replace(b'"p95": 0', b'"p95": ' + number)

    assert decode_page(body).unknown_fields == {"nOffered.p95"}


@pytest.mark.parametrize(
    "more",
    [
        {"cursor": "x"},
        {"nextUri": "/api/v2/more"},
        {"nextPageToken": "x"},
        {"pageCount": 2},
        {"hasMore": True},
    ],
    ids=str,
)
def test_pages_that_nothing_leads_to_are_refused(more: dict[str, Any]) -> None:
    """An answer that announces more than it has is not all of it."""
    with pytest.raises((DataError, msgspec.ValidationError), match="more pages"):
        part_of(page_of(bucket(0, OFFERED)) | more)


@pytest.mark.parametrize("more", [{"nextUri": None}, {"pageCount": 1}, {"cursor": ""}])
def test_the_last_page_is_all_of_it(more: dict[str, Any]) -> None:
    """What names no next page announces none."""
    assert part_of(page_of(bucket(0, OFFERED)) | more).table.num_rows == 1


def test_a_group_without_a_dimension_has_null() -> None:
    """What has no value is left out by the service, and null here."""
    page = {
        "results": [
            {"group": {}, "data": [bucket(0, OFFERED)]},
            {
                "group": {"queueId": "q", "mediaType": None},
                "data": [bucket(0, OFFERED)],
            },
        ]
    }

    rows = rows_of(page, group_by=["queueId", "mediaType"])

    assert [(r["queue_id"], r["media_type"]) for r in rows] == [
        ("q", None),
        (None, None),
    ]


def test_no_groups_are_one() -> None:
    """Without groupBy the key is the interval alone."""
    page = {"results": [{"data": [bucket(0, OFFERED)]}]}

    (row,) = rows_of(page, group_by=[])

    assert "queue_id" not in row


class TestIntervals:
    @pytest.mark.parametrize("hours", [0, 5.5, -3, 14])
    def test_an_offset_is_believed(self, hours: float) -> None:
        """Whatever zone an interval is written in, the instant counts."""
        zone = timezone(timedelta(hours=hours))
        ends = (START + 5 * HOUR, START + 6 * HOUR)
        text = "/".join(t.astimezone(zone).isoformat() for t in ends)

        (row,) = rows_of(page_of({"interval": text, "metrics": [OFFERED]}))

        assert (row["interval_start"], row["interval_end"]) == ends

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "x/y",
            "2026-10-01T00:00:00Z",
            "2026-10-01T00:00:00Z/PT1H",
            "2026-10-01T00:00:00Z/2026-10-01T01:00:00Z/2026-10-01T02:00:00Z",
            "2026-10-01T00:00:00/2026-10-01T01:00:00",  # whose time would it be?
            "2026-10-01T00:00:00.0005Z/2026-10-01T01:00:00Z",
            "0001-01-01T00:00:00+14:00/2026-10-01T01:00:00Z",
        ],
    )
    def test_what_is_none_is_refused(self, text: str) -> None:
        """Two instants with an offset, to the millisecond, or an error."""
        with pytest.raises(DataError, match=r"bucket '.*' is no interval"):
            part_of(page_of({"interval": text, "metrics": [OFFERED]}))

    @pytest.mark.parametrize(("hour", "length"), [(-1, 1), (23.5, 1), (3, -1), (3, 0)])
    def test_one_outside_the_window_is_refused(
        self, hour: float, length: float
    ) -> None:
        """A bucket that was not asked for would be counted twice."""
        with pytest.raises(DataError, match="outside the window") as caught:
            part_of(page_of(bucket(hour, OFFERED, length=length)))

        assert "fetch.chunk" in (caught.value.hint or "")

    @pytest.mark.parametrize("hour", [3, 3.5])
    def test_two_that_overlap_are_refused(self, hour: float) -> None:
        """Two answers for one group and time contradict each other."""
        page = page_of(bucket(3, OFFERED), bucket(hour, OFFERED))

        with pytest.raises(DataError, match=r"group {'queueId': 'q'}: .* overlaps"):
            part_of(page)

    def test_two_groups_that_are_one_are_refused(self) -> None:
        """A group answered twice would double its figures."""
        page = page_of(bucket(3, OFFERED))
        page["results"] *= 2

        with pytest.raises(DataError, match="overlaps"):
            part_of(page)

    def test_one_that_was_not_asked_for_is_refused(self) -> None:
        """The message begins with the query; see test_grids.py for what is one."""
        page = page_of(bucket(0, OFFERED, length=2))

        with pytest.raises(DataError, match=f"^conversation-aggregates {DAY}: bucket"):
            part_of(page)


class TestFigures:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (414, 414),
            (414.0, 414),
            (4e2, 400),
            (0, 0),
            (None, None),
            (2**53, 2**53),
        ],
    )
    def test_whole_numbers_may_be_written_as_floats(
        self, value: Any, expected: int | None
    ) -> None:
        """The service's own models make floats of counts."""
        (row,) = rows_of(page_of(bucket(0, metric("nOffered", count=value))))

        assert row["n_offered"] == expected

    @pytest.mark.parametrize(
        ("value", "match"),
        [
            (414.5, r"nOffered.count is not a whole number \(414.5\)"),
            (-1, "nOffered.count is negative"),
            (-1.0, "nOffered.count is negative"),
            (2**63, "nOffered.count is larger than 64 bits"),
            (2**53 + 1, "nOffered.count is no sensible number"),
            (1e300, "nOffered.count is larger than 64 bits"),
            (10**30, "nOffered.count is larger than 64 bits"),
        ],
    )
    def test_figures_that_do_not_fit_are_refused(self, value: Any, match: str) -> None:
        """Nothing is cut or rounded without a word; the query is named."""
        with pytest.raises(DataError, match=match) as caught:
            part_of(page_of(bucket(0, metric("nOffered", count=value))))

        assert caught.value.problem.startswith(f"conversation-aggregates {DAY}: ")

    @pytest.mark.parametrize("value", ["5", True, [], {}])
    def test_what_is_no_number_names_its_path(self, value: Any) -> None:
        """An unexpected shape is refused with the path of the field."""
        with pytest.raises(msgspec.ValidationError, match=r"results.*stats"):
            part_of(page_of(bucket(0, metric("nOffered", count=value))))

    @pytest.mark.parametrize("name", ["ratio", "numerator", "sum", "current"])
    def test_a_statistic_of_another_kind_is_refused(self, name: str) -> None:
        """A metric that changed its kind is not stored as what it was."""
        page = page_of(bucket(0, metric("nOffered", None, count=1, **{name: 1})))

        with pytest.raises(DataError, match=f"nOffered has a {name}, which a count"):
            part_of(page)

    def test_one_of_another_kind_that_is_null_is_passed_over(self) -> None:
        """A model's empty field says nothing."""
        page = page_of(bucket(0, metric("nOffered", count=1, ratio=None)))

        assert rows_of(page)[0]["n_offered"] == 1

    def test_scores_may_be_negative(self) -> None:
        """What is no count or time keeps its sign and fraction."""
        score = metric("oCustomerSentiment", sum=-3.5, count=2, countNegative=2)

        (row,) = rows_of(
            page_of(bucket(0, score)),
            endpoint="transcript-aggregates",
            metrics=["oCustomerSentiment"],
        )

        assert row["o_customer_sentiment_sum"] == -3.5
        assert row["o_customer_sentiment_count_negative"] == 2

    def test_a_score_beyond_all_bounds_is_refused(self) -> None:
        """A number that no column can hold is reported like any other."""
        score = metric("oCustomerSentiment", sum=10**400)

        with pytest.raises(DataError, match=r"Sentiment\.sum is larger than 64 bits"):
            part_of(
                page_of(bucket(0, score)),
                endpoint="transcript-aggregates",
                metrics=["oCustomerSentiment"],
            )

    def test_a_metric_answered_twice_is_refused(self) -> None:
        """One of the two would be lost."""
        with pytest.raises(DataError, match="nOffered is answered twice"):
            part_of(page_of(bucket(0, OFFERED, OFFERED)))


class TestQualifiers:
    USERS: ClassVar = {
        "endpoint": "user-aggregates",
        "metrics": ["tSystemPresence", "tAgentRoutingStatus"],
    }

    def test_each_is_a_row(self) -> None:
        """A status is part of the key; its metrics share a row."""
        page = page_of(
            bucket(
                0,
                metric("tSystemPresence", "OFFLINE", sum=2),
                metric("tSystemPresence", "BREAK", sum=1),
                metric("tAgentRoutingStatus", "OFFLINE", sum=3),
            ),
            userId="u",
        )

        rows = rows_of(page, **self.USERS)

        reported = [
            (
                r["qualifier"],
                r["t_system_presence_sum_ms"],
                r["t_agent_routing_status_sum_ms"],
            )
            for r in rows
        ]
        assert reported == [("BREAK", 1, None), ("OFFLINE", 2, 3)]

    def test_one_where_there_should_be_none_is_refused(self) -> None:
        """Another family's qualifier would double its rows."""
        with pytest.raises(DataError, match="nOffered has a qualifier"):
            part_of(page_of(bucket(0, metric("nOffered", "x", count=1))))


class TestViews:
    LONG: ClassVar = {
        "target": "tHandle",
        "name": "longOnes",
        "range": {"gte": 600_000},
    }

    def test_they_have_columns_as_metrics_do(self) -> None:
        """A view may come in a bucket that has no metric."""
        page = page_of(
            bucket(0, views=[{"name": "longOnes", "stats": {"count": 3}}]),
            bucket(1, OFFERED, views=[{"name": "other", "stats": {"count": 3}}]),
        )

        rows = rows_of(page, views=[self.LONG])

        assert [(r["n_offered"], r["long_ones_count"]) for r in rows] == [
            (None, 3),
            (877, None),
        ]

    def test_one_answered_twice_is_refused(self) -> None:
        """One of the two would be lost."""
        view = {"name": "longOnes", "stats": {"count": 3}}

        with pytest.raises(DataError, match="longOnes is answered twice"):
            part_of(page_of(bucket(0, views=[view, view])), views=[self.LONG])


def test_the_account_is_the_exchanges() -> None:
    """A part knows when it was asked, and what it took."""
    metadata = part_of(page_of(bucket(0, OFFERED))).metadata

    assert (metadata.asked_at, metadata.window, metadata.rows) == (START, DAY, 1)
    assert (metadata.requests, metadata.correlation_ids) == (2, ("an-id",))


async def test_the_request_is_the_services() -> None:
    """The body has the service's words; what was left out is not sent."""
    asked = asked_of(
        queues=["A"], media_types=["voice"], timezone="Europe/Dublin", granularity=None,
        views=[TestViews.LONG],
    )  # fmt: skip
    endpoint = cast("AggregateEndpoint", endpoint_named(asked.endpoint))
    client = Said(b"{}")
    template = endpoint.template(asked, ["q1", "q2"])
    query = make_query("org", asked.endpoint, DAY, template)

    await endpoint.fetch(cast("Client", client), query, asked)

    assert client.asked == [
        (
            "/api/v2/analytics/conversations/aggregates/query",
            {
                "interval": "2026-10-01T00:00:00.000Z/2026-10-02T00:00:00.000Z",
                "timeZone": "Europe/Dublin",
                "groupBy": ["queueId"],
                "metrics": ["nOffered", "tHandle", "oServiceLevel"],
                "filter": {
                    "type": "and",
                    "clauses": [
                        {
                            "type": "or",
                            "predicates": [
                                {"dimension": "queueId", "value": "q1"},
                                {"dimension": "queueId", "value": "q2"},
                            ],
                        },
                        {
                            "type": "or",
                            "predicates": [
                                {"dimension": "mediaType", "value": "voice"}
                            ],
                        },
                    ],
                },
                "views": [
                    {
                        **TestViews.LONG,
                        "function": "rangeBound",
                        "range": {"gte": 600000.0},
                    }
                ],
            },
        )
    ]


AB: Page = {
    "type": "or",
    "predicates": [{"dimension": "queueId", "value": name} for name in "AB"],
}
VOICE: Page = {
    "type": "and",
    "predicates": [{"dimension": "mediaType", "value": "voice"}],
}


@pytest.mark.parametrize(
    ("kind", "queues", "parts"), [("and", ("A", "B"), 2), ("or", (), 0)]
)
def test_queues_narrow_an_answer_down_only_where_all_must_hold(
    kind: str, queues: tuple[str, ...], parts: int
) -> None:
    """Beside an `or`, rows of any queue may come; there is nothing to halve."""
    asked = asked_of(
        filter={"type": kind, "clauses": [AB, VOICE]}, group_by=["queueId"]
    )
    endpoint = cast("AggregateEndpoint", endpoint_named(asked.endpoint))
    template = endpoint.template(asked, None)

    assert endpoint.queues_of(template) == queues
    assert len(endpoint.halve_queues(template, asked)) == parts


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.endpoint)
def test_every_familys_columns_have_names_of_their_own(family: Any) -> None:
    """No two metrics of a family share a column."""
    asked = asked_of(
        endpoint=family.endpoint,
        metrics=list(family.metrics),
        group_by=list(family.dimensions),
    )

    names = Aggregates(family).schema(asked).names

    assert len(set(names)) == len(names)
    assert all(name == name.lower() and name.isidentifier() for name in names)


def test_a_name_that_no_endpoint_has_is_a_key_error() -> None:
    """Job files are checked before; who comes past them made a mistake in code."""
    with pytest.raises(KeyError):
        endpoint_named("conversations")


some_metrics = st.lists(
    st.sampled_from(
        [
            OFFERED,
            metric("tHandle", count=2, sum=5, min=1, max=4),
            metric("oServiceLevel", numerator=1, denominator=2, ratio=0.5),
        ]
    ),
    unique_by=lambda m: m["metric"],
    min_size=1,
)


@settings(max_examples=80)
@given(data=st.data())
def test_the_order_of_an_answer_does_not_matter(data: st.DataObject) -> None:
    """Groups, buckets and metrics in any order give the same bytes."""
    groups = data.draw(
        st.dictionaries(
            st.sampled_from(["a", "b", "c", None]),
            st.dictionaries(st.integers(0, 5), some_metrics, min_size=1),
            min_size=1,
        )
    )

    def page(*, shuffled: bool) -> Page:
        def order(items: list[Any]) -> list[Any]:
            return data.draw(st.permutations(items)) if shuffled else items

        return {
            "results": order(
                [
                    {
                        "group": {} if key is None else {"queueId": key},
                        "data": order(
                            [bucket(h, *order(list(m))) for h, m in buckets.items()]
                        ),
                    }
                    for key, buckets in groups.items()
                ]
            )
        }

    one, other = (part_of(page(shuffled=s)).table for s in (False, True))

    assert one.equals(other, check_metadata=True)
    assert written(one) == written(other)


def written(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())
