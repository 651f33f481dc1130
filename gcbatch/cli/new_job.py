"""The text of a new job file: a template of ours, with some values filled in."""

import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Final

from gcbatch.errors import JobError

__all__ = ["read_region", "read_zone", "sample_text", "starter_text"]

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9 _-]*[A-Za-z0-9]|[A-Za-z]")
_OTHER_SCALARS: Final = frozenset({"true", "false", "null"})
"""Words that are no text in YAML 1.2."""


def sample_text() -> str:
    """Return a job on the simulator, which runs without an account."""
    return _template("sample.yaml")


def starter_text(
    values: Mapping[str, str] | None = None, queues: Sequence[str] = ()
) -> str:
    """Return a commented job to start from.

    Args:
        values: Values of `name`, `region` and `timezone`; others keep the template's.
        queues: Names of queues; none means all.
    """
    text = _template("starter.yaml")
    for key, value in (values or {}).items():
        text = _with_value(text, key, value)
    if name := (values or {}).get("name"):
        text = text.replace("out/my-job.", f"out/{name}.")
    if queues:
        listed = f"queues: [{', '.join(map(_scalar, queues))}]"
        text = re.sub(r"# queues: \[.*?\]", lambda _: listed, text, count=1)
    return text


def _with_value(text: str, key: str, value: str) -> str:
    """Return a job with another value of a key; its comment stays in its column."""
    match = re.search(rf"^ *{key}: (?P<value>\S+)(?P<space> *)", text, re.MULTILINE)
    if match is None:
        raise LookupError(key)
    space = " " * max(1, len(match["value"] + match["space"]) - len(value))
    end = space if match["space"] else ""
    return f"{text[: match.start('value')]}{value}{end}{text[match.end() :]}"


def read_region(text: str) -> str:
    """Return the region that *text* means: its name, its domain or an address of it.

    Raises:
        JobError: If it is none; names the nearest, or all.
    """
    from gcbatch.genesys import REGIONS, region_of
    from gcbatch.suggest import unknown

    region = text if text in REGIONS else region_of(text)
    if not region:
        raise JobError(unknown("region", text, REGIONS))
    return region


def read_zone(text: str) -> str:
    """Return the time zone that *text* names.

    Raises:
        JobError: If it is none; names those that may be meant.
    """
    from gcbatch.job import is_zone, unknown_zone

    if not is_zone(text):
        raise JobError(unknown_zone(text))
    return text


def _template(name: str) -> str:
    return (files("gcbatch.cli") / name).read_text("utf-8")


def _scalar(name: str) -> str:
    """Return a name as YAML has it within brackets."""
    if _PLAIN.fullmatch(name) and name not in _OTHER_SCALARS:
        return name
    return json.dumps(name, ensure_ascii=False)
