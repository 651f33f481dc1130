"""The sections of a job: defaults, and what is refused in words."""

import sys
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gcbatch.genesys.families import FAMILIES, Family
from gcbatch.job import zones
from gcbatch.job.export import Export
from gcbatch.job.fetch import Fetch
from gcbatch.job.job import Job
from gcbatch.job.org import Org
from gcbatch.job.query import QuerySection
from gcbatch.job.sla import Sla
from gcbatch.windows import Period

SIGNATURE = {"client_id": "an-id", "client_secret": "a-secret"}
USUAL = {"from": "2026-10-01", "to": "2026-10-02", "metrics": ["nOffered"]}


def query(**changes: Any) -> QuerySection:
    return QuerySection.model_validate({**USUAL, **changes})


def job(**changes: Any) -> Job:
    return Job.model_validate(
        {"name": "j", "org": {"simulator": True}, "query": USUAL, **changes}
    )


class TestOrg:
    @pytest.mark.parametrize(
        ("where", "api"),
        [
            ({"region": "eu-west-1"}, "https://api.mypurecloud.ie"),
            ({"domain": "new.pure.cloud"}, "https://api.new.pure.cloud"),
            (
                {"api_url": "https://gw.example/", "login_url": "https://gw.example/x"},
                "https://gw.example",
            ),
            (
                {"api_url": "http://[::1]:8080", "login_url": "http://localhost:1"},
                "http://[::1]:8080",
            ),
        ],
    )
    def test_each_way_gives_addresses(self, where: dict[str, str], api: str) -> None:
        """A region, a domain or both addresses say where the org is."""
        hosts = Org.model_validate({**where, **SIGNATURE}).hosts

        assert hosts is not None
        assert hosts.api == api

    def test_the_simulator_needs_no_credentials(self) -> None:
        """Its address and credentials are known when it is started."""
        assert Org.model_validate({"simulator": True}).hosts is None

    @pytest.mark.parametrize(
        ("org", "match"),
        [
            (SIGNATURE, "none is given"),
            ({"region": "eu-west-1", "simulator": True}, "region and simulator are"),
            ({"region": "eu-west-1"}, "client_id and client_secret missing"),
            ({"region": "eu-west-1", "client_id": "x"}, "client_secret missing"),
            ({"api_url": "https://a.example", **SIGNATURE}, "need each other"),
            ({"domain": "UPPER.example", **SIGNATURE}, "domain"),
            ({"domain": "nodots", **SIGNATURE}, "domain"),
            ({"region": "eu-west-7", **SIGNATURE}, "did you mean eu-west-"),
        ],
    )
    def test_there_is_one_way_and_a_signature(
        self, org: dict[str, Any], match: str
    ) -> None:
        """Two ways contradict each other; without one there is no org."""
        with pytest.raises(ValidationError, match=match):
            Org.model_validate(org)

    @pytest.mark.parametrize(
        ("url", "match"),
        [
            ("http://api.mypurecloud.ie", "unencrypted"),
            ("http://127.0.0.1.example.com", "unencrypted"),
            ("http://localhost.example.com", "unencrypted"),
            ("http://0.0.0.0", "unencrypted"),
            ("ftp://api.example", "is not an address"),
            ("api.example", "is not an address"),
            ("https://", "is not an address"),
            ("https://me:pass@api.example", "no user, password"),
            ("https://api.example?x=1", "no user, password"),
            ("http://127.0.0.1@api.example", "no user, password"),
        ],
    )
    def test_an_address_that_would_leak_is_refused(self, url: str, match: str) -> None:
        """Plain http stays on this machine, whatever its name looks like."""
        with pytest.raises(ValidationError, match=match):
            Org.model_validate({"api_url": url, "login_url": url, **SIGNATURE})


class TestQuery:
    @pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.endpoint)
    def test_every_family_can_be_asked(self, family: Family) -> None:
        """Each of the 19 takes its metrics and dimensions, and has a default group."""
        asked = query(endpoint=family.endpoint, metrics=list(family.metrics))

        assert asked.family is family
        assert set(asked.group_by) <= set(family.dimensions)

    def test_metrics_of_another_family_are_refused(self) -> None:
        """What one family knows another does not."""
        with pytest.raises(ValidationError, match="unknown metric 'nOffered'"):
            query(endpoint="user-aggregates")

    @pytest.mark.parametrize(
        ("change", "match"),
        [
            ({"endpoint": "conversation-agregates"}, "mean conversation-aggregates"),
            ({"timezone": "Mars/Olympus"}, "use an IANA name"),
            ({"timezone": "../../etc/passwd"}, "unknown time zone"),
            ({"granularity": "PT7M"}, "does not divide a day evenly"),
            ({"granularity": "PT30S"}, "does not divide a day evenly"),
            ({"granularity": "PT48H"}, "does not divide a day evenly"),
            ({"granularity": "P1DT12H"}, "mixes units"),
            ({"granularity": "P1M1D"}, "mixes units"),
            ({"granularity": "hour"}, "not an ISO 8601 duration"),
            ({"metrics": ["nOffered", "nOffered"]}, "more than once: nOffered"),
            ({"metrics": []}, "metrics"),
            ({"group_by": ["queueId", "queueId"]}, "more than once: queueId"),
            ({"queues": ["A", "A"]}, "more than once: A"),
            ({"media_types": ["call"]}, "unknown media type 'call'"),
            ({"media_types": []}, "at least 1"),
            (
                {"endpoint": "user-aggregates", "metrics": ["tSystemPresence"],
                 "queues": ["A"]},
                "has no queueId",
            ),
        ],
    )  # fmt: skip
    def test_what_cannot_be_asked_is_refused(
        self, change: dict[str, Any], match: str
    ) -> None:
        """Each message names the value and the way out."""
        with pytest.raises(ValidationError, match=match):
            query(**change)

    @given(st.lists(st.sampled_from("abcdefgh"), min_size=1))
    def test_names_given_twice_are_all_reported(self, names: list[str]) -> None:
        """Each once, by name; names that are given once are no matter."""
        twice = sorted({name for name in names if names.count(name) > 1})
        if not twice:
            assert query(queues=names).queues == tuple(names)
            return

        with pytest.raises(ValidationError) as refused:
            query(queues=names)

        message = f"named more than once: {', '.join(twice)}"
        assert [e["msg"] for e in refused.value.errors()] == [f"Value error, {message}"]

    @pytest.mark.parametrize("text", ["PT5M", "PT15M", "PT24H", "P1D", "P1W", "P3M"])
    def test_granularities_that_fill_days_are_taken(self, text: str) -> None:
        """Minutes that divide a day, days, weeks and months."""
        assert query(granularity=text).granularity == Period.parse(text)

    def test_an_empty_filter_is_none(self) -> None:
        """`filter: {}` asks for everything."""
        assert query(filter={}).filter is None

    def test_a_filter_with_an_unknown_dimension_names_its_place(self) -> None:
        """All dimensions are looked at, in clauses too."""
        bad = {"dimension": "queueID", "value": "x"}
        given = {
            "type": "and",
            "predicates": [bad],
            "clauses": [{"type": "or", "predicates": [bad]}],
        }

        with pytest.raises(ValidationError) as caught:
            query(filter=given)

        for place in ("; clauses[0].predicates[0].dim", "error, predicates[0].dim"):
            assert place in str(caught.value)

    def test_users_are_at_most_a_hundred(self) -> None:
        """The service takes no more in a filter of user aggregates."""
        users = [{"dimension": "userId", "value": str(n)} for n in range(101)]
        asked = {"endpoint": "user-aggregates", "metrics": ["tSystemPresence"]}

        query(**asked, filter={"type": "or", "predicates": users[:100]})
        with pytest.raises(ValidationError, match=r"has 101 users; .* at most 100"):
            query(**asked, filter={"type": "or", "predicates": users})

    @pytest.mark.parametrize("metrics", [["nOffered"], ["tHandle"]])
    @pytest.mark.parametrize(
        "restriction", [{"queues": ["A"]}, {"media_types": ["voice"]}]
    )
    def test_a_filter_without_space_for_and_is_refused(
        self, metrics: list[str], restriction: dict[str, Any]
    ) -> None:
        """Two levels hold no `or` of clauses below an `and`."""
        clause = {"type": "and", "predicates": [{"dimension": "userId", "value": "u"}]}
        either = {"type": "or", "clauses": [clause, clause]}

        query(metrics=metrics, filter=either)
        with pytest.raises(ValidationError, match="make it an `and`"):
            query(metrics=metrics, filter=either, **restriction)


class TestViews:
    def test_one_is_taken_with_its_bounds(self) -> None:
        """A view is the part of a time metric between bounds."""
        view = {"target": "tHandle", "name": "long", "range": {"gte": 600_000}}

        (made,) = query(views=[view]).views

        assert made.wire() == {**view, "function": "rangeBound"}

    @pytest.mark.parametrize(
        ("views", "match"),
        [
            ([("tHandel", "a")], "did you mean tHandle"),
            ([("nOffered", "a")], "target"),
            ([("tHandle", "nOffered")], "columns that exist already"),
            ([("tHandle", "a"), ("tTalk", "a")], "columns that exist already"),
            (
                [("tHandle", "fooBar"), ("tTalk", "fooBAR")],
                "columns that exist already",
            ),
            ([("tHandle", "a b")], "name"),
            ([("tHandle", f"v{n}") for n in range(11)], "at most 10"),
        ],
    )
    def test_names_and_targets_are_checked(
        self, views: list[tuple[str, str]], match: str
    ) -> None:
        """Two views never share a column, nor one with a metric."""
        given = [{"target": t, "name": n, "range": {"lt": 1}} for t, n in views]

        with pytest.raises(ValidationError, match=match):
            query(views=given)

    def test_one_without_bounds_is_refused(self) -> None:
        """A range has gte, lt or both."""
        with pytest.raises(ValidationError, match="needs gte, lt or both"):
            query(views=[{"target": "tHandle", "name": "a", "range": {}}])


class TestFetch:
    def test_defaults_are_those_of_the_documentation(self) -> None:
        """A job without `fetch:` is careful and quick enough."""
        fetch = Fetch()

        assert (fetch.chunk, fetch.concurrency, fetch.reserve) == ("auto", 8, 0)
        assert (str(fetch.settle), str(fetch.store)) == ("P4D", ".gcbatch")
        assert fetch.requests_per_minute == 300

    @pytest.mark.parametrize("text", ["PT0S", "P0D"])
    def test_settling_can_be_switched_off(self, text: str) -> None:
        """No time at all is a length here, and here alone."""
        settle = Fetch.model_validate({"settle": text}).settle.default

        assert settle.typical_s == 0

    @pytest.mark.parametrize(
        "section",
        [
            {"chunk": "PT0S"},
            {"chunk": "weekly"},
            {"chunk": "P11Y"},
            {"settle": "P100Y"},
            {"timeout": "PT0S"},
            {"reserve": 100},
            {"reserve": -1},
            {"concurrency": 257},
            {"requests_per_minute": 0},
            {"limits": {"max_days_daily": 10**9}},
            {"limits": {"body_bytes": 10}},
        ],
    )
    def test_what_would_never_end_is_refused(self, section: dict[str, Any]) -> None:
        """Every bound is one that a run can keep."""
        with pytest.raises(ValidationError):
            Fetch.model_validate(section)


class TestExports:
    @pytest.mark.parametrize(
        ("export", "names"),
        [
            ({"table": "intervals"}, ("intervals",)),
            ({"tables": ["sla", "intervals"]}, ("sla", "intervals")),
        ],
    )
    def test_they_name_one_table_or_several(
        self, export: dict[str, Any], names: tuple[str, ...]
    ) -> None:
        """What is left of the keys is the exporter's."""
        made = Export.model_validate({"exporter": "csv", "path": "x", **export})

        assert made.table_names == names
        assert made.options == {"path": "x"}

    @pytest.mark.parametrize(
        "export", [{}, {"table": "intervals", "tables": ["intervals"]}]
    )
    def test_they_name_tables_one_way(self, export: dict[str, Any]) -> None:
        """Neither and both are refused."""
        with pytest.raises(ValidationError, match="either table or tables"):
            Export.model_validate({"exporter": "csv", **export})

    def test_an_unknown_table_is_refused(self) -> None:
        """A job knows which tables it can fill."""
        with pytest.raises(ValidationError, match="unknown table 'interval'"):
            job(exports=[{"exporter": "csv", "table": "interval"}])

    @pytest.mark.parametrize("period", ["hourly", "P1D"])
    def test_an_unknown_period_is_refused(self, period: str) -> None:
        """Periods are named."""
        with pytest.raises(ValidationError, match="unknown period"):
            Sla.model_validate({"period": period})


class TestTutorials:
    @pytest.mark.parametrize("endpoint", ["interval-report", "queue-summary"])
    def test_their_shapes_have_figures_of_their_own(self, endpoint: str) -> None:
        """A job names the range, the queues and the granularity, and no more."""
        asked = QuerySection.model_validate(
            {"endpoint": endpoint, "from": "today-1d", "to": "today", "queues": ["A"]}
        )

        assert asked.family is None
        assert asked.metrics == ()
        assert asked.group_by == (("queueId",) if endpoint == "interval-report" else ())

    USUAL: ClassVar = {"from": "today-1d", "to": "today"}

    @pytest.mark.parametrize(
        ("endpoint", "more"),
        [
            ("interval-report", {"media_types": ["voice"]}),
            ("queue-summary", {"group_by": ["queueId"]}),
            *(
                (endpoint, more)
                for endpoint in ("interval-report", "queue-summary")
                for more in (
                    {"metrics": ["nOffered"]},
                    {
                        "filter": {
                            "type": "and",
                            "predicates": [{"dimension": "userId"}],
                        }
                    },
                    {"views": [{"target": "tHandle", "name": "v", "range": {"lt": 1}}]},
                )
            ),
        ],
    )
    def test_what_does_not_fit_in_memory_is_refused(
        self, endpoint: str, more: dict[str, Any]
    ) -> None:
        """A key that would do nothing is not passed over."""
        with pytest.raises(ValidationError, match="fixed figures and groups"):
            QuerySection.model_validate({**self.USUAL, "endpoint": endpoint, **more})

    @pytest.mark.parametrize(
        ("group_by", "match"),
        [
            (["skill"], "is fetched queue by queue; add queueId"),
            ([], "is fetched queue by queue; add queueId"),
            (["queueId", "skil"], "unknown dimension 'skil': did you mean skill"),
            (["queueId", "mediaType"], "there are queueId, skill, wrapUpCode"),
            (["queueId", "queueId"], "more than once"),
        ],
    )
    def test_a_report_is_grouped_by_what_its_tutorial_names(
        self, group_by: list[str], match: str
    ) -> None:
        """The queue, and skills and wrap-up codes beside it."""
        asked = {**self.USUAL, "endpoint": "interval-report", "group_by": group_by}

        with pytest.raises(ValidationError, match=match):
            QuerySection.model_validate(asked)


class TestSla:
    DAYS: ClassVar = {"from": "today-7d", "to": "today"}

    @pytest.mark.parametrize(
        ("asked", "match"),
        [
            ({"granularity": "P1W"}, "use P1D or less"),
            ({"granularity": "P1M"}, "use P1D or less"),
            ({"metrics": ["nOffered", "tHandle"]}, "needs tAnswered, tAbandon, oServ"),
            (
                {"group_by": ["queueId", "wrapUpCode"]},
                "by wrapUpCode .* more than once",
            ),
            ({"endpoint": "flow-aggregates"}, "flow-aggregates has no"),
        ],
    )
    def test_what_it_cannot_be_computed_from_is_refused(
        self, asked: dict[str, Any], match: str
    ) -> None:
        """The table adds up; what does not add is refused before it is asked."""
        with pytest.raises(ValidationError, match=match):
            job(query={**self.DAYS, **asked}, sla={})

    @pytest.mark.parametrize(
        ("export", "match"),
        [
            ({"table": "sla"}, "needs a section `sla:`"),
            (
                {"table": "intervals", "period": "day"},
                "only the table sla has a period",
            ),
        ],
    )
    def test_an_export_of_it_needs_the_section(
        self, export: dict[str, Any], match: str
    ) -> None:
        """Without `sla:` there is no such table, and no period."""
        with pytest.raises(ValidationError, match=match):
            job(exports=[{"exporter": "csv", **export}])

    def test_it_is_a_table_of_the_job(self) -> None:
        """With the section the table can be exported, in periods of its own."""
        made = job(
            query=self.DAYS,
            sla={},
            exports=[{"exporter": "csv", "table": "sla", "period": "month"}],
        )

        assert made.tables == ("intervals", "sla")
        assert made.exports[0].period == "month"


def test_sla_implies_its_metrics_and_hours() -> None:
    """A job with `sla:` need not name what the table is computed from."""
    asked = job(query={"from": "today-7d", "to": "today"}, sla={}).query

    assert asked.metrics == (
        "nOffered", "tAnswered", "tAbandon", "tHandle", "oServiceLevel",
    )  # fmt: skip
    assert str(asked.granularity) == "PT1H"


def test_what_is_frozen_stays() -> None:
    """A job does not change once it is read."""
    made = job()

    with pytest.raises(ValidationError):
        setattr(made, "name", "other")  # noqa: B010 - mypy knows it too


def test_zones_of_the_system_do_without_the_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A packaged application may lack tzdata."""
    monkeypatch.setitem(sys.modules, "tzdata", None)
    caches = zones._packaged_zones, zones._lines
    for cache in caches:
        cache.cache_clear()

    assert zones.is_zone("UTC")
    assert "did you mean Europe/Dublin?" in zones.unknown_zone("Dublin")
    for cache in caches:
        cache.cache_clear()
