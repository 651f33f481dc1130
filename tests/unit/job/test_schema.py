"""The JSON Schema of job files knows every choice, and the shipped jobs fit it."""

import json
from pathlib import Path
from typing import Any

import pytest

from gcbatch.genesys.families import FAMILIES
from gcbatch.genesys.regions import REGIONS
from gcbatch.job.schema import job_schema
from gcbatch.job.yaml_document import read_yaml

CONFIGS = sorted((Path(__file__).parents[3] / "configs").glob("*.yaml"))
SCHEMA = job_schema()


def section(name: str) -> dict[str, Any]:
    found: dict[str, Any] = SCHEMA["$defs"][name]
    return found


def test_it_is_json() -> None:
    """Editors read it as it is printed."""
    reported = json.loads(json.dumps(SCHEMA))

    assert reported["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(reported["required"]) == {"name"}
    assert reported["oneOf"] == [{"required": ["org"]}, {"required": ["orgs"]}]


def test_sections_are_closed() -> None:
    """An unknown key is marked while it is typed; exporters have keys of their own."""
    for name in ("Org", "QuerySection", "Fetch", "Limits", "Sla"):
        assert section(name)["additionalProperties"] is False
    assert section("Export")["additionalProperties"] is True


def test_keys_are_those_of_the_file() -> None:
    """The range is called from and to."""
    query = section("QuerySection")

    assert {"from", "to", "metrics"} <= set(query["properties"])
    assert "start" not in query["properties"]
    assert query["required"] == ["from", "to"]


def test_lists_are_not_empty() -> None:
    """A bound of a list counts its items; `minLength` would be of a text."""
    (media_types, _) = section("QuerySection")["properties"]["media_types"]["anyOf"]
    (tables, _) = section("Export")["properties"]["tables"]["anyOf"]
    for value in (media_types, tables["oneOf"][1]):
        assert value["minItems"] == 1
        assert "minLength" not in value


def test_choices_are_completed() -> None:
    """Regions, endpoints, metrics and exporters need not be looked up."""
    query, org = section("QuerySection"), section("Org")

    assert set(org["properties"]["region"]["anyOf"][0]["enum"]) == set(REGIONS)
    assert {f.endpoint for f in FAMILIES} <= set(
        query["properties"]["endpoint"]["enum"]
    )
    assert {"csv", "json", "parquet"} <= set(
        section("Export")["properties"]["exporter"]["anyOf"][0]["enum"]
    )


def test_metrics_are_those_of_the_endpoint() -> None:
    """The default endpoint's are completed where none is named."""
    conditions = {
        c["if"]["properties"]["endpoint"]["const"]: c
        for c in section("QuerySection")["allOf"]
        if "if" in c and "const" in c["if"]["properties"].get("endpoint", {})
    }

    assert len(conditions) >= 19
    default = conditions["conversation-aggregates"]
    assert "required" not in default["if"]
    assert "nOffered" in default["then"]["properties"]["metrics"]["items"]["enum"]
    assert conditions["flow-aggregates"]["if"]["required"] == ["endpoint"]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.name)
def test_the_shipped_jobs_use_keys_it_knows(path: Path) -> None:
    """Every key of configs/ is in the schema, section by section."""
    job = read_yaml(path).data
    names = {"org": "Org", "query": "QuerySection", "fetch": "Fetch", "sla": "Sla"}

    assert set(job) <= set(SCHEMA["properties"])
    for key, name in names.items():
        assert set(job.get(key) or {}) <= set(section(name)["properties"])
