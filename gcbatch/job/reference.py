"""The reference page of job files: our text, with tables from the schema."""

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final, NamedTuple

from gcbatch.exporting import Exporter
from gcbatch.genesys import DETAILS, FAMILIES
from gcbatch.job.schema import exporter_schema

__all__ = ["Key", "exporter_options", "job_reference"]

_PLACE: Final = re.compile(
    r"<!-- (?:keys: (?P<models>[\w, ]+?)(?: beyond (?P<base>\w+))?"
    r"|values: (?P<values>\w+)|(?P<exporters>exporters)) -->"
)
_DEFAULT: Final = re.compile(r" ?Default: (.+)\.$")
_SUFFIXES: Final = ("-jobs", "-auto")
"""Suffixes of endpoints that are listed with the endpoint they belong to."""

MAX_CHOICES: Final = 12
"""Maximum choices that a cell lists; more have a section of their own."""

WIDTH: Final = 88
BAR: Final = r"\|"

WORDS: Final = {
    "boolean": "`true`, `false`",
    "password": "`${NAME}`",
    "secret-uri": "URI, a password in it `${NAME}`",
    "integer": "whole number",
    "string": "text",
}
"""Kinds of values that have other names in the schema."""

Schema = Mapping[str, Any]


class Key(NamedTuple):
    """A key of job files; all is Markdown.

    Args:
        name: Its name.
        value: The valid values in words.
        default: Its value if it is left out: `required` if it must not be, `none` if
            there is none.
        meaning: What it does.
    """

    name: str
    value: str
    default: str
    meaning: str


def job_reference(schema: Schema) -> str:
    """Return the page that explains every key.

    Args:
        schema: The schema that job_schema returns.

    Returns:
        Markdown: the text beside this module, with a table of the section for each
        comment such as `<!-- keys: Fetch -->`.
    """
    text = (files("gcbatch.job") / "reference.md").read_text("utf-8")
    page = _Page(schema, dict(_anchors(text)))
    return _PLACE.sub(page.fill, text)


def exporter_options(exporter: type[Exporter]) -> list[Key]:
    """Return the keys that an exporter has of its own, as the page explains them."""
    own = exporter_schema(exporter)
    page = _Page({"$defs": own.get("$defs", {})}, anchors={})
    return list(page.keys(own, but={}))


def _anchors(text: str) -> Iterator[tuple[str, str]]:
    """Yield models and keys, each with the anchor of its heading."""
    anchor = ""
    for line in text.splitlines():
        if line.startswith("#"):
            words = re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower())
            anchor = words.replace(" ", "-")
        elif place := _PLACE.fullmatch(line):
            for name in (place["models"] or place["values"] or "").split(", "):
                yield name, anchor


@dataclass(frozen=True)
class _Page:
    """Makes the tables for the comments of the text.

    Args:
        schema: The schema of job files.
        anchors: Anchors of the models, and of the keys whose values are listed.
    """

    schema: Schema
    anchors: Mapping[str, str]

    def fill(self, place: re.Match[str]) -> str:
        if place["values"] == "endpoint":
            return _endpoints(self._values_of("endpoint"))
        if place["values"]:
            values = ", ".join(f"`{v}`" for v in self._values_of(place["values"]))
            return textwrap.fill(f"{values}.", WIDTH, break_on_hyphens=False)
        if place["exporters"]:
            conditions = self.schema["$defs"]["Export"]["allOf"]
            return "\n\n".join(map(self._exporter, conditions))
        model = self._section(place["models"].split(", ")[0])
        but = self._section(place["base"]) if place["base"] else {"properties": {}}
        return self._table(model, but=but["properties"])

    def _section(self, name: str) -> Schema:
        found: Schema = self.schema if name == "Job" else self.schema["$defs"][name]
        return found

    def _values_of(self, key: str) -> list[str]:
        """Return the values of the one key of this name that is an enumeration."""
        of_all = [one.get("properties", {}) for one in self.schema["$defs"].values()]
        abouts = [keys[key] for keys in of_all if key in keys]
        kinds = [kind for one in abouts for kind in (one, *one.get("anyOf", ()))]
        values: list[str] = next(kind["enum"] for kind in kinds if "enum" in kind)
        return values

    def _exporter(self, condition: Schema) -> str:
        name = condition["if"]["properties"]["exporter"]["const"]
        about, own = condition["then"].get("description", ""), condition["then"]
        paragraphs = (
            textwrap.fill(one, WIDTH, break_on_hyphens=False)
            for one in about.split("\n\n")
        )
        tables = [self._table(own, but={}), *self._inner_tables(own)]
        return "\n\n".join((f"### `{name}`", *paragraphs, *tables))

    def _inner_tables(self, section: Schema) -> Iterator[str]:
        """Yield the keys of the sections within an exporter's options."""
        for key, about in section.get("properties", {}).items():
            inner = self._inner(about)
            if inner.get("properties"):
                yield f"The keys of `{key}`:"
                yield self._table(inner, but={})

    def _inner(self, about: Schema) -> Schema:
        name = about.get("$ref", "").rpartition("/")[2]
        found: Schema = self.schema["$defs"].get(name, {})
        return found

    def _table(self, section: Schema, *, but: Schema) -> str:
        rows = [
            f"| {' | '.join(cell.replace('|', BAR) for cell in key)} |"
            for key in self.keys(section, but=but)
        ]
        head = ("| key | value | default | meaning |", "|---|---|---|---|")
        return "\n".join((*head, *rows))

    def keys(self, section: Schema, *, but: Schema) -> Iterator[Key]:
        """Yield the keys of a section that are not in another one."""
        for key, about in section.get("properties", {}).items():
            if key in but:
                continue
            meaning = about.get("description", "")
            default = _default(about, required=key in section.get("required", ()))
            if written := _DEFAULT.search(meaning):
                meaning, default = meaning[: written.start()], written[1]
            yield Key(f"`{key}`", self._value(about, key), default, meaning)

    def _value(self, about: Schema, key: str) -> str:
        """Return the valid values in words; an exporter's key can be of any kind."""
        if "$ref" in about:
            name = about["$ref"].rpartition("/")[2]
            inner = self.schema["$defs"].get(name, {})
            if "enum" not in inner:
                anchor = self.anchors.get(name)
                return f"[section](#{anchor})" if anchor else "section"
            about = inner
        if "enum" in about:
            values = [f"`{value}`" for value in about["enum"]]
            if len(values) <= MAX_CHOICES or key not in self.anchors:
                return ", ".join(values)
            return f"[one of {len(values)}](#{self.anchors[key]})"
        if either := about.get("anyOf") or about.get("oneOf"):
            kinds = [one for one in either if one.get("type") != "null"]
            return " or ".join(self._value(one, key) for one in kinds)
        return self._plain(about, key)

    def _plain(self, about: Schema, key: str) -> str:
        if "const" in about:
            return f"`{json.dumps(about['const'])}`".replace('"', "")
        kind: str = about.get("format") or about.get("type") or "string"
        if kind == "array":
            items = self._value(about.get("items", {}), key)
            many = re.sub(r"^(text|\[?section)\b", r"\1s", items)
            limit = f", at most {about['maxItems']}" if "maxItems" in about else ""
            return f"list of {many}{limit}"
        if kind == "object":
            named = [about.get("additionalProperties")]
            named += about.get("patternProperties", {}).values()
            values = [self._value(one, key) for one in named if isinstance(one, dict)]
            return f"{values[0]}, by name" if values else "mapping"
        return WORDS.get(kind, kind) + _bounds(about)


def _bounds(about: Schema) -> str:
    if "minimum" in about and "maximum" in about:
        return f", {about['minimum']:,} to {about['maximum']:,}"
    if "minimum" in about and "exclusiveMaximum" in about:
        return f", {about['minimum']:,} to less than {about['exclusiveMaximum']:,}"
    return ""


def _default(about: Schema, *, required: bool) -> str:
    if required:
        return "required"
    value = about.get("default")
    if value in (None, [], ""):
        return "none"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _endpoints(names: list[str]) -> str:
    """Return a table of endpoints: their other modes, and the permission to have."""
    needs = {one.endpoint: one.permission for one in FAMILIES}
    needs |= {one.name: one.permission for one in DETAILS}
    lines = ["| endpoint | also | permission |", "|---|---|---|"]
    for name in names:
        if name.endswith(_SUFFIXES):
            continue
        also = ", ".join(f"`{end}`" for end in _SUFFIXES if name + end in names)
        needed = f"`{needs[name]}`" if name in needs else ""
        lines.append(f"| `{name}` | {also} | {needed} |")
    return "\n".join(lines)
