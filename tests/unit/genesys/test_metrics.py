"""Facts of the service: families, kinds of metrics, regions, and names of columns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcbatch.genesys.families import FAMILIES, Family, family_named, kebab
from gcbatch.genesys.metrics import (
    COUNT,
    GAUGE,
    NUMBER,
    SCORE,
    SERVICE_LEVEL,
    TIME,
    Kind,
    Merge,
    column_name,
    kind_of,
    snake,
)
from gcbatch.genesys.regions import REGIONS, hosts_of_domain, is_loopback
from gcbatch.suggest import nearest, unknown


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("queueId", "queue_id"),
        ("nOffered", "n_offered"),
        ("tHandle", "t_handle"),
        ("oServiceLevel", "o_service_level"),
        ("wrapUpCode", "wrap_up_code"),
        ("dnis", "dnis"),
    ],
)
def test_columns_are_snake_case_by_one_rule(name: str, expected: str) -> None:
    """An underscore before each capital that follows a small letter."""
    assert snake(name) == expected


@pytest.mark.parametrize(
    ("metric", "kind"),
    [
        ("nOffered", COUNT),
        ("tHandle", TIME),
        ("oServiceLevel", SERVICE_LEVEL),
        ("oCallbackServiceLevel", SERVICE_LEVEL),
        ("oServiceTarget", GAUGE),
        ("oCustomerSentiment", SCORE),
        ("oMessageTurn", NUMBER),
    ],
)
def test_a_metrics_kind_follows_from_its_name(metric: str, kind: Kind) -> None:
    """The API's prefixes say what is counted, timed or measured."""
    assert kind_of(metric) is kind


def test_only_what_adds_is_added() -> None:
    """A ratio is recomputed, a target and a gauge are never merged."""
    merges = {s.key: s.merge for s in (*SERVICE_LEVEL.statistics, *GAUGE.statistics)}

    assert merges == {
        "numerator": Merge.ADD,
        "denominator": Merge.ADD,
        "ratio": Merge.RECOMPUTE,
        "target": Merge.NEVER,
        "current": Merge.NEVER,
    }


def test_columns_end_in_their_unit() -> None:
    """A time has milliseconds in its name; a count is its metric's name alone."""
    assert [column_name("tHandle", s) for s in TIME.statistics] == [
        "t_handle_count", "t_handle_sum_ms", "t_handle_min_ms", "t_handle_max_ms",
    ]  # fmt: skip
    assert [column_name("nOffered", s) for s in COUNT.statistics] == ["n_offered"]


def test_there_are_nineteen_families() -> None:
    """Each has a name of its own, and what it can be asked for."""
    endpoints = [family.endpoint for family in FAMILIES]

    assert len(set(endpoints)) == 19
    assert endpoints[0] == "conversation-aggregates"
    assert all(f.metrics and f.dimensions and f.permission for f in FAMILIES)
    assert len(FAMILIES[0].metrics) == 82
    assert len(FAMILIES[0].dimensions) == 84
    assert [f.endpoint for f in FAMILIES if f.qualified] == ["user-aggregates"]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.endpoint)
def test_a_family_is_found_by_what_it_is_called(family: Family) -> None:
    """By its own name, as jobs, and by the word of its address."""
    names = (family.endpoint, f"{family.endpoint}-jobs", f"{family.path}-aggregates")

    assert [family_named(name) for name in names] == [family] * 3


@pytest.mark.parametrize("name", ["nothing", "user", "Conversation-Aggregates"])
def test_another_name_is_no_familys(name: str) -> None:
    """Nothing is guessed."""
    assert family_named(name) is None


def test_names_of_endpoints_have_hyphens() -> None:
    """Where the API has capitals."""
    assert kebab("TaskManagement") == "task-management"


def test_there_are_eighteen_regions() -> None:
    """Each has an address of its own; login is beside api."""
    hosts = hosts_of_domain(REGIONS["eu-west-1"])

    assert len(set(REGIONS.values())) == 18
    assert hosts.api == "https://api.mypurecloud.ie"
    assert hosts.login == "https://login.mypurecloud.ie"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://127.9.9.9", True),
        ("http://localhost", True),
        ("http://[::1]:80", True),
        ("http://127.example.com", False),
        ("http://localhost.example.com", False),
        ("http://10.0.0.1", False),
        ("http://0.0.0.0", False),
        ("http://", False),
    ],
)
def test_only_this_machine_is_loopback(url: str, *, expected: bool) -> None:
    """A name that merely looks like it is not."""
    assert is_loopback(url) is expected


class TestSuggestions:
    def test_the_nearest_is_named_whatever_its_case(self) -> None:
        """A slip of a letter or of its case is one word to mend."""
        assert unknown("metric", "NOFERED", ["nOffered", "tHandle"]) == (
            "unknown metric 'NOFERED': did you mean nOffered?"
        )

    def test_where_none_is_near_all_are_named(self) -> None:
        """As many as one can read."""
        choices = [f"c{n:02d}" for n in range(32)]

        reported = unknown("thing", "zzzzzz", choices)

        assert reported.startswith("unknown thing 'zzzzzz'; there are c00, c01")
        assert reported.endswith("c29 and 2 more")
        assert unknown("thing", "zzz", ["a"]) == "unknown thing 'zzz'; there are a"

    @given(name=st.text(max_size=10), choices=st.lists(st.text(max_size=10)))
    def test_only_choices_are_suggested(self, name: str, choices: list[str]) -> None:
        """Suggestions are among the choices, at most three, as they are written."""
        found = nearest(name, choices)

        assert len(found) <= 3
        assert set(found) <= set(choices)
