"""`fetch.settle`: one duration, or one for each of some tables."""

from typing import Any

import pytest
from pydantic import ValidationError

from gcbatch.job.fetch import Fetch
from gcbatch.job.job import Job

BY_TABLE = {"default": "P4D", "evaluations": "P45D", "surveys": "P15D"}


def job(settle: Any, *tables: str, endpoint: str = "conversation-details") -> Job:
    """Return a job that exports some tables."""
    exports = [
        {"exporter": "csv", "table": table, "path": f"{table}.csv"} for table in tables
    ]
    query = {"endpoint": endpoint, "from": "2026-10-01", "to": "2026-10-02"}
    if endpoint != "conversation-details":
        query["metrics"] = ["nOffered"]  # type: ignore[assignment] # a list of texts
    return Job.model_validate(
        {
            "name": "j",
            "org": {"simulator": True},
            "query": query,
            "fetch": {"settle": settle},
            "exports": exports,
        }
    )


@pytest.mark.parametrize(
    ("settle", "tables", "expected"),
    [
        pytest.param("P9D", ("evaluations",), "P9D", id="one for all"),
        pytest.param(BY_TABLE, ("conversations",), "P4D", id="a table without its own"),
        pytest.param(BY_TABLE, ("surveys",), "P15D", id="its own"),
        pytest.param(BY_TABLE, ("surveys", "evaluations"), "P45D", id="the longest"),
        pytest.param(BY_TABLE, (), "P4D", id="no export"),
        pytest.param(BY_TABLE, ("queues",), "P4D", id="entities do not count"),
        pytest.param({"surveys": "P1D"}, ("surveys",), "P1D", id="a shorter one"),
        pytest.param({"surveys": "P1D"}, ("queues",), "P4D", id="the usual default"),
        pytest.param(
            {"surveys": "P1D"}, ("surveys", "segments"), "P4D", id="beside the default"
        ),
        pytest.param({"default": "PT0S"}, ("segments",), "PT0S", id="none at all"),
        pytest.param({}, ("segments",), "P4D", id="nothing said"),
    ],
)
def test_the_longest_of_the_exported_tables_counts(
    settle: Any, tables: tuple[str, ...], expected: str
) -> None:
    """A table that the job does not export has no say."""
    assert str(job(settle, *tables).settle) == expected


def test_all_tables_are_exported_tables() -> None:
    """`tables: all` names each."""
    found = Job.model_validate(
        {
            "name": "j",
            "org": {"simulator": True},
            "query": {
                "endpoint": "conversation-details",
                "from": "2026-10-01",
                "to": "2026-10-02",
            },
            "fetch": {"settle": BY_TABLE},
            "exports": [{"exporter": "csv", "tables": "all", "path": "{table}.csv"}],
        }
    )

    assert str(found.settle) == "P45D"


@pytest.mark.parametrize(
    ("settle", "endpoint", "problem"),
    [
        ({"evaluation": "P4D"}, "conversation-details", "did you mean evaluations?"),
        ({"defualt": "P4D"}, "conversation-details", "did you mean default?"),
        ({"queues": "P4D"}, "conversation-details", "there are default, conversations"),
        ({"evaluations": "P4D"}, "conversation-aggregates", "there are default, inter"),
        ({"evaluations": "soon"}, "conversation-details", "not an ISO 8601 duration"),
        ({"evaluations": None}, "conversation-details", "not an ISO 8601 duration"),
        ({"default": {"a": "P4D"}}, "conversation-details", "not an ISO 8601 duration"),
        (["P4D"], "conversation-details", "not an ISO 8601 duration"),
        (None, "conversation-details", "not an ISO 8601 duration"),
    ],
)
def test_what_is_no_table_or_no_duration_is_refused(
    settle: Any, endpoint: str, problem: str
) -> None:
    """With the nearest name, or all of them."""
    with pytest.raises(ValidationError) as error:
        job(settle, endpoint=endpoint)

    assert problem in str(error.value)


@pytest.mark.parametrize(
    ("settle", "expected"),
    [
        ("P4D", "P4D"),
        ({"default": "P4D"}, "P4D"),
        ({"surveys": "P1D"}, "{default: P4D, surveys: P1D}"),
    ],
)
def test_it_is_written_as_in_a_job_file(settle: Any, expected: str) -> None:
    """For people, who know that."""
    assert str(Fetch.model_validate({"settle": settle}).settle) == expected
