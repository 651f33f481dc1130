"""`gcbatch metrics`: metrics, dimensions and their columns."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gcbatch.cli import app
from gcbatch.genesys import DETAILS, FAMILIES
from tests.support.piped import first_line_of

CONVERSATIONS = "conversation-aggregates"

Metrics = Callable[..., Result]


@pytest.fixture
def metrics() -> Metrics:
    """Run the command."""
    return lambda *args: CliRunner().invoke(app, ["metrics", *args])


def found(metrics: Metrics, *args: str) -> Any:
    """Return what the command says of an endpoint to programs."""
    done = metrics("--json", *args)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("endpoint", "metric", "kind", "columns"),
    [
        (CONVERSATIONS, "nOffered", "count", {"n_offered": "events"}),
        (
            CONVERSATIONS,
            "tHandle",
            "time",
            {
                "t_handle_count": "events",
                "t_handle_sum_ms": "ms",
                "t_handle_min_ms": "ms",
                "t_handle_max_ms": "ms",
            },
        ),
        (
            CONVERSATIONS,
            "oServiceLevel",
            "ratio",
            {
                "o_service_level_numerator": "events",
                "o_service_level_denominator": "events",
                "o_service_level_ratio": "0-1",
                "o_service_level_target": "0-1",
            },
        ),
        (
            CONVERSATIONS,
            "oServiceTarget",
            "gauge",
            {"o_service_target_current": "0-1"},
        ),
        (
            "interval-report",
            "handleTime",
            "fixed",
            {"handle_time_sum_s": "s", "handle_time_count": "intervals"},
        ),
        ("queue-summary", "serviceLevel", "fixed", {"service_level": "%"}),
    ],
)
def test_a_metric_has_the_columns_of_its_kind(
    metrics: Metrics, endpoint: str, metric: str, kind: str, columns: dict[str, str]
) -> None:
    """Each with its unit, as docs/tables.md says."""
    known = {one["name"]: one for one in found(metrics, endpoint)["metrics"]}

    assert known[metric]["kind"] == kind
    units = {column["name"]: column["unit"] for column in known[metric]["columns"]}
    assert units == columns


@pytest.mark.parametrize(
    ("endpoint", "dimension", "column", "name_column"),
    [
        (CONVERSATIONS, "queueId", "queue_id", "queue_name"),
        (CONVERSATIONS, "wrapUpCode", "wrap_up_code", "wrap_up_code_name"),
        (CONVERSATIONS, "mediaType", "media_type", None),
        ("user-aggregates", "userId", "user_id", "user_name"),
        (
            "bot-aggregates",
            "botId",
            "bot_id",
            None,
        ),  # botName is a dimension of its own
        ("interval-report", "queueId", "queue_id", "queue_name"),
        ("interval-report", "skill", "skill", None),
        ("queue-summary", "queueId", "queue_id", "queue_name"),
    ],
)
def test_a_dimension_has_its_column_and_that_of_its_names(
    metrics: Metrics,
    endpoint: str,
    dimension: str,
    column: str,
    name_column: str | None,
) -> None:
    """As the table `intervals` of a job that groups by it has them."""
    known = {one["name"]: one for one in found(metrics, endpoint)["dimensions"]}

    assert known[dimension]["column"] == column
    assert known[dimension]["name_column"] == name_column


def test_every_family_is_whole(metrics: Metrics) -> None:
    """No metric or dimension is missing, and no two share a column."""
    by_name = {one["endpoint"]: one for one in found(metrics)}

    for family in FAMILIES:
        one = by_name[family.endpoint]
        assert [m["name"] for m in one["metrics"]] == list(family.metrics)
        assert [d["name"] for d in one["dimensions"]] == list(family.dimensions)
        columns = [c["name"] for m in one["metrics"] for c in m["columns"]]
        columns += [d["column"] for d in one["dimensions"]]
        columns += [c["name"] for c in one["other_columns"]]
        assert len(set(columns)) == len(columns) >= len(family.metrics)
        assert one["permission"] == family.permission


def test_each_row_of_users_has_a_qualifier(metrics: Metrics) -> None:
    """Columns that no job chooses are there too."""
    others = found(metrics, "user-aggregates")["other_columns"]

    assert [column["name"] for column in others] == [
        "interval_start",
        "interval_end",
        "qualifier",
        "qualifier_name",
    ]
    assert (
        "and in every row: interval_start, interval_end, qualifier, qualifier_name"
        in metrics("user-aggregates").stdout
    )


def test_details_have_filters(metrics: Metrics) -> None:
    """Each dimension names those that take it."""
    filters: dict[str, list[str]] = {}
    for details in DETAILS:
        one = found(metrics, details.name)
        filters = {d["name"]: d["filters"] for d in one["dimensions"]}

        assert one["metrics"] == []
        for kind, names in details.filters.items():
            assert all(kind in filters[name] for name in names)
    assert filters == {
        "userId": ["userFilters"],
        "organizationPresenceId": ["presenceFilters"],
        "systemPresence": ["presenceFilters"],
        "routingStatus": ["routingStatusFilters"],
    }


@pytest.mark.parametrize(
    ("other", "name"),
    [
        ("conversation-aggregates-jobs", CONVERSATIONS),
        ("users-aggregates", "user-aggregates"),
        ("conversation-details-auto", "conversation-details"),
    ],
)
def test_an_endpoint_is_found_by_all_its_names(
    metrics: Metrics, other: str, name: str
) -> None:
    """Those that a job file takes."""
    assert found(metrics, other)["endpoint"] == name


@pytest.mark.parametrize("word", ["handle", "HANDLE", "t_handle_max", "tHandle"])
def test_a_word_finds_parts_of_names(metrics: Metrics, word: str) -> None:
    """In the API's words or a column's, in any case; the rest is left out."""
    one = found(metrics, CONVERSATIONS, word)
    lines = metrics(CONVERSATIONS, word).stdout.splitlines()

    assert [m["name"] for m in one["metrics"]] == ["tHandle"]
    assert one["dimensions"] == []
    assert lines[0] == f"{CONVERSATIONS}: 1 metric, 0 dimensions with {word!r}"
    assert [line.split() for line in lines[2:]] == [
        ["metric", "kind", "column", "type", "unit"],
        ["tHandle", "time", "t_handle_count", "int64", "events"],
        ["tHandle", "time", "t_handle_sum_ms", "int64", "ms"],
        ["tHandle", "time", "t_handle_min_ms", "int64", "ms"],
        ["tHandle", "time", "t_handle_max_ms", "int64", "ms"],
    ]


def test_all_searches_every_endpoint(metrics: Metrics) -> None:
    """Those without the word are left out."""
    every = found(metrics, "--all", "teamid")

    assert [one["endpoint"] for one in every] == [
        family.endpoint for family in FAMILIES if "teamId" in family.dimensions
    ] + ["conversation-details"]


def test_the_list_counts_what_there_is(metrics: Metrics) -> None:
    """A line for each endpoint."""
    lines = metrics().stdout.splitlines()
    counts = {w[0]: w[1:] for w in map(str.split, lines) if w[0].startswith("user")}

    assert counts == {"user-aggregates": ["3", "1"], "user-details": ["0", "4"]}


def test_the_endings_of_columns_are_explained(metrics: Metrics) -> None:
    """A metric with several columns is one line in the list of all."""
    lines = metrics("user-aggregates").stdout.splitlines()

    assert ["tSystemPresence", "time", "t_system_presence_*"] in map(str.split, lines)
    assert (
        "time: *_count (events), *_sum_ms (ms), *_min_ms (ms), *_max_ms (ms)" in lines
    )


def test_nothing_is_cut_on_a_narrow_terminal(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is too long goes on in the next line."""
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal
    monkeypatch.setenv("COLUMNS", "60")
    shown = metrics("--all").stdout

    assert max(len(re.sub(r"\x1b\[\d+m", "", line)) for line in shown.split("\n")) == 60
    assert "…" not in shown


@pytest.mark.parametrize(
    ("args", "problem", "hint"),
    [
        pytest.param(
            ["conversation-agregates"],
            "unknown endpoint 'conversation-agregates': did you mean "
            "conversation-aggregates?",
            "`gcbatch metrics --all conversation-agregates` searches all",
            id="a misspelt endpoint",
        ),
        pytest.param(
            ["rate-limit-aggregates-jobs"],
            "unknown endpoint 'rate-limit-aggregates-jobs'",
            "`gcbatch metrics` lists them",
            id="no jobs",
        ),
        pytest.param(
            ["user-aggregates", "tSystemPresense"],
            "no metric, dimension or column of user-aggregates has 'tSystemPresense'",
            "the nearest: tSystemPresence",
            id="a misspelt word",
        ),
        pytest.param(
            ["user-aggregates", "zzz"],
            "no metric, dimension or column of user-aggregates has 'zzz' in its name",
            "`--all` searches every endpoint",
            id="nothing like it",
        ),
        pytest.param(
            ["--all", "zzz"],
            "no metric, dimension or column of any endpoint has 'zzz' in its name",
            "`gcbatch metrics ENDPOINT` lists all",
            id="no such place",
        ),
        pytest.param(
            ["--all", CONVERSATIONS, "handle"],
            "--all takes a word and no endpoint",
            "gcbatch metrics --all handle",
            id="an endpoint and all",
        ),
    ],
)
def test_wrong_input(
    metrics: Metrics, args: list[str], problem: str, hint: str
) -> None:
    """It says what is wrong and what to do, and exits with 2."""
    done = metrics(*args)
    first, second = done.stderr.splitlines()

    assert done.exit_code == 2
    assert first.startswith(f"error: metrics: {problem}")
    assert second.startswith("hint: ")
    assert hint in second
    assert done.stdout == ""


@pytest.mark.slow
def test_a_reader_that_leaves_is_no_failure() -> None:
    """`gcbatch metrics --all | head -1` ends in peace."""
    done = first_line_of("metrics --all")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{CONVERSATIONS}: ")
