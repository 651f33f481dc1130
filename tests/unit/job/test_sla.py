"""Job files with `sla:`: what is implied, and what is refused with line and key."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from gcbatch import Job, JobError, load_job
from gcbatch.genesys.families import FAMILIES
from gcbatch.job.query import FIXED_ENDPOINTS
from gcbatch.job.sla import SLA_GROUPS, SLA_METRICS

Sections = Mapping[str, Any]

USUAL: dict[str, Any] = {
    "name": "j",
    "org": {"simulator": True},
    "query": {"from": "2026-10-01", "to": "2026-10-08"},
    "sla": {},
}
CSV = {"exporter": "csv", "path": "o.csv"}


def written(folder: Path, sections: Sections) -> Path:
    """Write a job file, a key a line; None takes a section away."""
    job = dict(USUAL)
    for section, content in sections.items():
        inner = job.get(section)
        if isinstance(inner, dict) and isinstance(content, dict):
            content = {**inner, **content}  # noqa: PLW2901 - merged into the usual
        job[section] = content
    path = folder / "job.yaml"
    kept = {name: content for name, content in job.items() if content is not None}
    path.write_text(yaml.safe_dump(kept, sort_keys=False), "utf-8")
    return path


def loaded(folder: Path, **sections: Any) -> Job:
    return load_job(written(folder, sections), environ={})


@pytest.mark.parametrize(
    "query", [{}, {"group_by": ["queueId", "mediaType"]}, {"granularity": "P1D"}]
)
def test_metrics_and_hours_are_implied(tmp_path: Path, query: Sections) -> None:
    """A job with `sla:` asks for what the table needs, by the hour."""
    job = loaded(tmp_path, query=query)

    assert job.query.metrics == SLA_METRICS
    assert str(job.query.granularity) == query.get("granularity", "PT1H")
    assert job.tables == ("intervals", "sla")


def test_more_metrics_may_be_asked(tmp_path: Path) -> None:
    """Those that are named are asked, beside and in whatever order."""
    metrics = ["tHeld", *reversed(SLA_METRICS)]

    assert loaded(tmp_path, query={"metrics": metrics}).query.metrics == tuple(metrics)


def test_without_sla_nothing_is_implied(tmp_path: Path) -> None:
    """Metrics are required, and a bucket is a window."""
    query = {"metrics": ["nOffered"]}

    job = loaded(tmp_path, sla=None, query=query)

    assert job.query.granularity is None
    assert job.tables == ("intervals",)
    with pytest.raises(JobError, match=r"query\.metrics: is required"):
        loaded(tmp_path, sla=None)


@pytest.mark.parametrize("granularity", ["PT15M", "PT1H", "PT12H", "PT24H", "P1D"])
def test_buckets_of_up_to_a_day_are_taken(tmp_path: Path, granularity: str) -> None:
    """Days can be put together from any of them."""
    job = loaded(tmp_path, query={"granularity": granularity})

    assert str(job.query.granularity) == granularity


@pytest.mark.parametrize("endpoint", FIXED_ENDPOINTS)
def test_a_tutorials_endpoint_has_its_own_figures(
    tmp_path: Path, endpoint: str
) -> None:
    """No metrics and no groups are given; hours are implied as elsewhere."""
    job = loaded(tmp_path, query={"endpoint": endpoint})

    assert job.query.family is None
    assert job.query.metrics == ()
    assert set(job.query.group_by) <= {"queueId"}
    assert str(job.query.granularity) == "PT1H"


OTHERS = [f for f in FAMILIES if not set(SLA_METRICS) <= set(f.metrics)]
SEVERAL = [d for d in FAMILIES[0].dimensions if d not in SLA_GROUPS]

REFUSED = {
    "a metric is lacking": (
        {"query": {"metrics": ["nOffered", "tAnswered"]}},
        "query.metrics",
        "the table sla needs tAbandon, tHandle, oServiceLevel too",
    ),
    "no metrics": (
        {"query": {"metrics": []}},
        "query.metrics",
        "name at least one",
    ),
    "PT0S": (
        {"query": {"granularity": "PT0S"}},
        "query.granularity",
        "PT0S would merge the whole range into one bucket on the server",
    ),
    "a week": (
        {"query": {"granularity": "P1W"}},
        "query.granularity",
        "P1W would merge days on the server",
    ),
    "a month": (
        {"query": {"granularity": "P1M"}},
        "query.granularity",
        "P1M would merge days on the server",
    ),
    "two days": (
        {"query": {"granularity": "P2D"}},
        "query.granularity",
        "P2D would merge days on the server",
    ),
    "a bucket a window": (
        {"query": {"granularity": None}},
        "query.granularity",
        "one bucket per window would merge days on the server",
    ),
    "wrap-up codes": (
        {"query": {"group_by": ["queueId", "wrapUpCode"]}},
        "query.group_by",
        "by wrapUpCode a conversation would count more than once",
    ),
    "users": (
        {"query": {"group_by": ["userId"]}},
        "query.group_by",
        "group by queueId, mediaType, divisionId only",
    ),
    "hours out of days": (
        {"query": {"granularity": "P1D"}, "sla": {"period": "hour"}},
        "sla.period",
        "buckets of P1D do not fit into an hour",
    ),
    "hours out of three quarters": (
        {"query": {"granularity": "PT45M"}, "sla": {"period": "hour"}},
        "sla.period",
        "buckets of PT45M do not fit into an hour",
    ),
    "hours out of days, exported": (
        {
            "query": {"granularity": "P1D"},
            "exports": [{**CSV, "table": "sla", "period": "hour"}],
        },
        "exports[0].period",
        "buckets of P1D do not fit into an hour",
    ),
    "deleted queues that nothing tells apart": (
        {"query": {"group_by": ["mediaType"]}, "sla": {"include_deleted": False}},
        "sla.include_deleted",
        "add queueId to query.group_by",
    ),
    "a table without its section": (
        {
            "sla": None,
            "query": {"metrics": ["nOffered"]},
            "exports": [{**CSV, "table": "sla"}],
        },
        "exports[0].table",
        "the table sla needs a section `sla:`, if only",
    ),
    "several tables without their section": (
        {
            "sla": None,
            "query": {"metrics": ["nOffered"]},
            "exports": [{**CSV, "tables": ["sla", "intervals"]}],
        },
        "exports[0].tables",
        "the table sla needs a section `sla:`, if only",
    ),
    "an unknown table": (
        {"exports": [{**CSV, "table": "slas"}]},
        "exports[0].table",
        "did you mean sla?",
    ),
    "a period of intervals": (
        {"exports": [{**CSV, "table": "intervals", "period": "day"}]},
        "exports[0].period",
        "only the table sla has a period",
    ),
    "an unknown period": (
        {"sla": {"period": "weekly"}},
        "sla.period",
        "did you mean week?",
    ),
    "an unknown period of an export": (
        {"exports": [{**CSV, "table": "sla", "period": "dayly"}]},
        "exports[0].period",
        "did you mean day?",
    ),
    "more than everything": (
        {"sla": {"target": 101}},
        "sla.target",
        "less than or equal to 100",
    ),
    "less than nothing": (
        {"sla": {"targets": {"Sales": -1}}},
        "sla.targets.Sales",
        "greater than or equal to 0",
    ),
    "an unknown key": (
        {"sla": {"targt": 80}},
        "sla.targt",
        "did you mean target?",
    ),
    "a way to no token": (
        {
            "org": {
                "simulator": False,
                "region": "eu-west-1",
                "client_id": "x",
                "token": {"path": "https://evil.example/token"},
            }
        },
        "org.token.path",
        "must match",
    ),
    "an unknown style": (
        {"org": {"token": {"style": "xml"}}},
        "org.token.style",
        "'basic' or 'json'",
    ),
    **{
        f"{endpoint} with {key}": (
            {"query": {"endpoint": endpoint, key: value}},
            f"query.{key}",
            f"{endpoint} has fixed figures and groups; remove the key",
        )
        for endpoint in FIXED_ENDPOINTS
        for key, value in {
            "metrics": ["nOffered"],
            "filter": {"type": "and", "predicates": [{"dimension": "userId"}]},
        }.items()
    },
    **{
        f"{group} of a report": (
            {"query": {"endpoint": "interval-report", "group_by": ["queueId", group]}},
            "query.group_by",
            f"by {group} a conversation would count more than once",
        )
        for group in ("skill", "wrapUpCode")
    },
    **{
        f"endpoint {family.endpoint}": (
            {"query": {"endpoint": family.endpoint}},
            "query.endpoint",
            f"{family.endpoint} has no nOffered, which sla needs",
        )
        for family in OTHERS
    },
}


def line_of(path: Path, key: str) -> int:
    """Return the line of a key, or of its nearest ancestor that the file has."""
    lines = path.read_text("utf-8").splitlines()
    found, indent = 0, -1
    for part in re.split(r"[.\[]", key):
        for number in range(found, len(lines)):
            match = re.match(r"([ -]*)([\w-]+):", lines[number])
            if match and match[2] == part and len(match[1]) > indent:
                found, indent = number, len(match[1])
                break
    return found + 1


@pytest.mark.parametrize(
    ("sections", "key", "words"), REFUSED.values(), ids=REFUSED.keys()
)
def test_what_sla_cannot_be_is_refused(
    tmp_path: Path, sections: Sections, key: str, words: str
) -> None:
    """Each with the file, the line of its key, the key's path and the reason."""
    path = written(tmp_path, sections)

    with pytest.raises(JobError) as caught:
        load_job(path, environ={})

    problems = caught.value.problem.splitlines()
    (problem,) = (p for p in problems if f": {key}: " in p)
    assert words in problem
    place = re.match(rf"{re.escape(str(path))}:(\d+): ", problem)
    assert place
    assert int(place[1]) == line_of(path, key)
    assert caught.value.exit_code == 2


def test_the_families_that_bring_service_levels_are_known() -> None:
    """Only conversations have all that the table needs."""
    able = [f.endpoint for f in FAMILIES if f not in OTHERS]

    assert able == ["conversation-aggregates"]
    assert len(SEVERAL) > 10


@pytest.mark.parametrize("dimension", SEVERAL)
def test_dimensions_that_count_twice_are_refused(
    tmp_path: Path, dimension: str
) -> None:
    """All but queue, media type and division may come several to a conversation."""
    with pytest.raises(JobError, match=f"by {dimension} a conversation would count"):
        loaded(tmp_path, query={"group_by": ["queueId", dimension]})
