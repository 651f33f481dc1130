"""The JSON Schema of job files, for completion and checks in editors."""

import inspect
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from pydantic import BaseModel

from gcbatch.errors import GcbatchError
from gcbatch.exporting import Exporter, installed_exporters, load_exporter
from gcbatch.genesys import FAMILIES, REGIONS, shape_named
from gcbatch.job.engine import ENGINES
from gcbatch.job.job import Job
from gcbatch.job.problems import models_in
from gcbatch.job.query import DEFAULT_ENDPOINT, ENDPOINTS, MEDIA_TYPES
from gcbatch.job.settle import Settle
from gcbatch.job.sla import PERIODS, PREVIOUS
from gcbatch.windows import Period

__all__ = ["about_class", "about_fields", "exporter_schema", "job_schema"]

PLACE: Final = r"^[\w.]+:\w+$"
"""An exporter that is named by its place."""

_ENTRY: Final = re.compile(r"    (\w+(?:, \w+)*): (.*)")


def job_schema() -> dict[str, Any]:
    """Return the schema, with the choices of every endpoint and installed exporter.

    The description of each key is from its model's docstring.
    """
    schema = Job.model_json_schema(by_alias=True)
    definitions = schema["$defs"]
    _describe(schema, Job)
    for model in set(_models_below(Job)):
        _describe(definitions[model.__name__], model)
    query = definitions["QuerySection"]
    properties = query["properties"]
    properties["endpoint"]["enum"] = list(ENDPOINTS)
    query["allOf"] = [
        *(_choices(f.endpoint, f.dimensions, f.metrics) for f in FAMILIES),
        *(_choices(e, groups) for e in ENDPOINTS if (groups := shape_named(e).groups)),
    ]
    _items(properties["media_types"])["enum"] = list(MEDIA_TYPES)
    for org in ("Org", "OrgSection"):
        _first(definitions[org]["properties"]["region"])["enum"] = list(REGIONS)
    definitions["EngineSection"]["properties"]["name"]["enum"] = list(ENGINES)
    engine = schema["properties"]["engine"]
    engine["anyOf"] = [{"enum": list(ENGINES)}, {"$ref": engine.pop("$ref")}]
    schema["patternProperties"] = {"^x-": {"description": "Not read: for anchors."}}
    schema["oneOf"] = [{"required": ["org"]}, {"required": ["orgs"]}]
    sla = definitions["Sla"]["properties"]
    sla["period"]["enum"] = list(PERIODS)
    _items(sla["compare_with"])["enum"] = list(PREVIOUS)
    _first(definitions["Export"]["properties"]["period"])["enum"] = list(PERIODS)
    _add_exporters(definitions)
    # `sla:` implies metrics, so the schema does not require them.
    query["required"] = ["from", "to"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "gcbatch job",
        **{k: v for k, v in schema.items() if k != "title"},
    }


def _models_below(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yield the models of all sections within a model; some repeatedly."""
    for field in model.model_fields.values():
        for inner in models_in(field.annotation):
            yield inner
            yield from _models_below(inner)


def _describe(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Add the descriptions of a model and its keys, from its docstring."""
    descriptions = about_fields(model)
    if about := about_class(model):
        schema["description"] = about
    for name, field in model.model_fields.items():
        described = schema["properties"][field.alias or name]
        if name in descriptions:
            described.setdefault("description", descriptions[name])
        if isinstance(field.default, Period | Settle):
            described["default"] = str(field.default)
        elif isinstance(field.default, BaseModel):
            del described["default"]  # each of its keys has one


def _choices(
    endpoint: str, dimensions: Iterable[str], metrics: Iterable[str] = ()
) -> dict[str, Any]:
    """Return the condition for the metrics and dimensions of one endpoint."""
    choices = {"metrics": list(metrics), "group_by": list(dimensions)}
    condition: dict[str, Any] = {"properties": {"endpoint": {"const": endpoint}}}
    if endpoint != DEFAULT_ENDPOINT:
        condition["required"] = ["endpoint"]
    keys = {key: {"items": {"enum": words}} for key, words in choices.items() if words}
    return {"if": condition, "then": {"properties": keys}}


def _first(property_schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a value that may also be null."""
    alternatives: list[dict[str, Any]] = property_schema.get("anyOf", [property_schema])
    return alternatives[0]


def _items(property_schema: dict[str, Any]) -> dict[str, Any]:
    items: dict[str, Any] = _first(property_schema)["items"]
    return items


def _add_exporters(definitions: dict[str, Any]) -> None:
    """Add the options of each installed exporter, on condition of its name."""
    export = definitions["Export"]
    names: list[str] = []
    conditions: list[dict[str, Any]] = []
    for entry in installed_exporters():
        try:
            exporter = load_exporter(entry.name)
        except GcbatchError:
            continue  # a broken plugin must not hide the others
        names.append(entry.name)
        own = exporter_schema(exporter)
        for name, inner in own.pop("$defs", {}).items():
            definitions.setdefault(name, inner)
        conditions.append(
            {
                "if": {"properties": {"exporter": {"const": entry.name}}},
                "then": {
                    "description": about_class(exporter),
                    "properties": own.get("properties", {}),
                    "required": own.get("required", []),
                },
            }
        )
    exporter = export["properties"]["exporter"]
    exporter["anyOf"] = [{"enum": names}, {"type": "string", "pattern": PLACE}]
    export["allOf"] = conditions


def exporter_schema(exporter: type[Exporter]) -> dict[str, Any]:
    """Return the schema of an exporter's options, with what its docstring says."""
    own = exporter.Options.model_json_schema()
    _describe(own, exporter.Options)
    inner = {model.__name__: model for model in _models_below(exporter.Options)}
    for name, section in own.get("$defs", {}).items():
        if name in inner:
            _describe(section, inner[name])
    return own


def about_class(described: type) -> str:
    """Return the docstring of a class without its arguments; empty if it has none."""
    text = inspect.cleandoc(vars(described).get("__doc__") or "")
    return text.partition("\n\nArgs:\n")[0]


def about_fields(described: type) -> dict[str, str]:
    """Return the description of each field, on one line, by the field's name.

    They are in the sections `Args:` of a class and its bases; a class overrides its
    bases.
    """
    found: dict[str, str] = {}
    for one in reversed(described.__mro__):
        text = inspect.cleandoc(vars(one).get("__doc__") or "")
        names: list[str] = []
        for line in text.partition("\nArgs:\n")[2].splitlines():
            if not line.startswith("    "):
                break
            if entry := _ENTRY.fullmatch(line):
                names = entry[1].split(", ")
                found |= dict.fromkeys(names, entry[2])
            else:
                found |= {name: f"{found[name]} {line.strip()}" for name in names}
    return found
