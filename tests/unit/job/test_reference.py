"""The reference of job files is what the models say, and leaves nothing out."""

import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gcbatch.cli import app
from gcbatch.genesys.details import DETAILS
from gcbatch.genesys.families import FAMILIES
from gcbatch.job.query import ENDPOINTS
from gcbatch.job.reference import job_reference
from gcbatch.job.schema import about_class, about_fields, job_schema

PAGE = Path(__file__).parents[3] / "docs" / "writing-a-job.md"
SCHEMA = job_schema()
WRITTEN = job_reference(SCHEMA)


def sections() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every section with its name, those of exporters too."""
    yield "Job", SCHEMA
    yield from SCHEMA["$defs"].items()
    for condition in SCHEMA["$defs"]["Export"]["allOf"]:
        yield condition["if"]["properties"]["exporter"]["const"], condition["then"]


KEYS = [
    (section, key)
    for section, about in sections()
    for key in about.get("properties", {})
]
each_key = pytest.mark.parametrize(
    ("section", "key"), KEYS, ids=[".".join(names) for names in KEYS]
)


def tables(text: str) -> list[list[list[str]]]:
    """Return the tables of keys of a page: rows of cells, without the heads."""
    found: list[list[list[str]]] = []
    for table in text.split("| key | value | default | meaning |\n")[1:]:
        lines = table.partition("\n\n")[0].splitlines()[1:]
        cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines]
        found.append([[cell.strip() for cell in row] for row in cells])
    return found


def test_the_page_is_the_one_that_is_printed() -> None:
    """After a change of a key, print it again: `gcbatch schema --markdown`."""
    printed = CliRunner().invoke(app, ["schema", "--markdown"])

    assert printed.exit_code == 0
    assert printed.stdout == WRITTEN
    assert PAGE.read_text("utf-8") == WRITTEN


@each_key
def test_every_key_is_described(section: str, key: str) -> None:
    """In a sentence, by its model's docstring."""
    about = dict(sections())[section]["properties"][key]

    reported = about.get("description", "")
    assert re.fullmatch(r"[`A-Z].*[.…]", reported), f"{section}.{key}: {reported!r}"


@each_key
def test_every_key_has_a_row(section: str, key: str) -> None:
    """With what may stand there, and with what stands there if it is left out."""
    about = dict(sections())[section]["properties"][key]
    meaning = about["description"].partition(" Default: ")[0]
    rows = [row for table in tables(WRITTEN) for row in table]

    found = [row for row in rows if row[0] == f"`{key}`" and row[3] == meaning]
    assert found
    assert all(all(row) for row in found)


def test_no_place_is_left_open() -> None:
    """Each comment of the text became a table, except the first."""
    assert WRITTEN.count("<!--") == 1
    assert WRITTEN.startswith("<!-- Written by")


def test_sections_that_are_documented_together_are_alike() -> None:
    """`Filter, DetailFilter` is one table: their keys must not differ."""
    text = (PAGE.parents[1] / "gcbatch" / "job" / "reference.md").read_text("utf-8")
    pairs = re.findall(r"<!-- keys: (\w+), (\w+) -->", text)

    assert pairs
    for one, other in pairs:
        keys = [dict(sections())[name]["properties"] for name in (one, other)]
        assert keys[0].keys() == keys[1].keys()
        reported = [{k: v["description"] for k, v in each.items()} for each in keys]
        assert reported[0] == reported[1]


@pytest.mark.parametrize(
    ("key", "value", "default"),
    [
        pytest.param("region", "[one of 18](#regions)", "none", id="many choices"),
        pytest.param("mode", "`query`, `jobs`, `auto`", "`query`", id="few choices"),
        pytest.param("concurrency", "whole number, 1 to 256", "`8`", id="bounds"),
        pytest.param(
            "reserve", "number, 0 to less than 100", "`0`", id="an open bound"
        ),
        pytest.param("names_max_age", "duration", "`P1D`", id="a duration"),
        pytest.param(
            "settle", "duration or duration, by name", "`P4D`", id="durations by name"
        ),
        pytest.param("chunk", "`auto` or duration", "`auto`", id="either"),
        pytest.param("from", "text", "required", id="required"),
        pytest.param("targets", "number, 0 to 100, by name", "none", id="by name"),
        pytest.param("group_by", "list of texts", "`[queueId]`; `[userId]` in a family "
                     "without queues", id="a default in words"),
        pytest.param("views", "list of [sections](#queryviews), at most 10", "none",
                     id="a list of sections"),
    ],
)  # fmt: skip
def test_a_row_says_what_may_stand_there(key: str, value: str, default: str) -> None:
    """Choices, bounds and defaults are the schema's."""
    rows = [row for table in tables(WRITTEN) for row in table]

    assert [f"`{key}`", value, default] in [row[:3] for row in rows]


def test_every_endpoint_is_listed_with_its_modes_and_permission() -> None:
    """As the facts of the service have them; the tutorials' shapes need none."""
    rows = re.findall(
        r"^\| `([\w-]+)` \| ([^|]*) \| ([^|]*) \|$", WRITTEN, re.MULTILINE
    )
    reported = {
        name + mode for name, also, _ in rows for mode in re.findall("-[a-z]+", also)
    }
    reported |= {name for name, *_ in rows}

    assert reported == set(ENDPOINTS)
    assert {name: needed for name, _, needed in rows} == {
        **{f.endpoint: f"`{f.permission}`" for f in FAMILIES},
        **{d.name: f"`{d.permission}`" for d in DETAILS},
        "interval-report": "",
        "queue-summary": "",
    }


def test_an_exporter_of_a_plugin_is_shown_too() -> None:
    """Whatever its schema has; without a description a row has no meaning."""
    schema = deepcopy(SCHEMA)
    options = {
        "host": {"type": "string"},
        "mode": {"enum": ["a|b"], "default": "a|b"},
        "many": {"enum": [*range(13)]},
        "login": {"$ref": "#/$defs/OfTheirs"},
        "headers": {"type": "object", "additionalProperties": True},
        "pages": {"type": "integer", "minimum": 1},
        "hooks": {"type": "array"},
        "anything": {},
    }
    schema["$defs"]["Export"]["allOf"].append(
        {
            "if": {"properties": {"exporter": {"const": "warehouse"}}},
            "then": {"properties": options, "required": ["host"]},
        }
    )

    reported = job_reference(schema).partition("### `warehouse`")[2]

    assert [row[:3] for row in tables(reported)[0]] == [
        ["`host`", "text", "required"],
        ["`mode`", r"`a\|b`", r"`a\|b`"],
        ["`many`", ", ".join(f"`{n}`" for n in range(13)), "none"],
        ["`login`", "section", "none"],
        ["`headers`", "mapping", "none"],
        ["`pages`", "whole number", "none"],
        ["`hooks`", "list of texts", "none"],
        ["`anything`", "text", "none"],
    ]
    assert {row[3] for row in tables(reported)[0]} == {""}


class Above:
    """Base of the one below.

    Args:
        one: Said here.
        two: Said here, and
            over two lines.
    """


class Below(Above):
    """Is described.

    In two paragraphs.

    Args:
        two, three: Described again.

    Raises:
        four: Is no field.
    """


def test_docstrings_describe_classes_and_fields() -> None:
    """Lines are joined, names may share a text, the nearest class counts."""
    assert about_class(Below) == "Is described.\n\nIn two paragraphs."
    assert about_fields(Above)["two"] == "Said here, and over two lines."
    assert about_fields(Below) == {
        "one": "Said here.",
        "two": "Described again.",
        "three": "Described again.",
    }
    assert about_class(type("Nothing", (), {})) == ""
