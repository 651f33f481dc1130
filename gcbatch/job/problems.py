"""Problems of a job file, in words and with their places."""

import re
import typing
from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gcbatch.job.section import InvalidValueError
from gcbatch.job.yaml_document import Loc
from gcbatch.suggest import nearest, unknown

__all__ = ["NAMED", "Problem", "models_in", "validation_problems"]

Problem = tuple[Loc, str]
"""The place of a problem, and what is wrong."""

NAMED: Final = ("orgs", "queues", "tables")
"""Keys of sections that have names which the job chooses."""

_LIST: Final = "must be a list"
_WORDS: Final = {
    "missing": "is required",
    "string_type": "must be text; quote it",
    "int": "must be a whole number",
    "float": "must be a number",
    "bool": "must be true or false",
    "tuple": _LIST,
    "list": _LIST,
    "dict": "must be a mapping",
    "model": "must be a mapping",
    "path": "must be a path",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
}
"""Messages by pydantic's type of an error, or by the first word of it."""

_PATTERNS: Final = {
    "name": "must be letters, digits, dots, hyphens and underscores, at most 64",
    "domain": "must be a domain such as mypurecloud.ie",
    "region": "must be a region such as eu-west-1",
    "scheduler": "must be an address such as tls://scheduler.example:8786",
    "memory": "must be a size such as 500MB or 4GB",
    "target": "must be a time metric, such as tAbandon",
}


_PLAIN: Final = re.compile(r"[A-Za-z][\w. -]*(?:, *[A-Za-z][\w. -]*)*")
"""Words, or words with commas between: a list needs only its brackets."""


def validation_problems(
    error: ValidationError, model: type[BaseModel], data: Any
) -> Iterator[Problem]:
    """Yield the problems that pydantic found, in our words, at places of *data*.

    Args:
        error: The error that validating *data* raised.
        model: The model that validated it.
        data: Plain data, as read from the file.
    """
    details = error.errors(include_url=False)
    above = {loc[:n] for loc in (d["loc"] for d in details) for n in range(len(loc))}
    for detail in details:
        if detail["type"] == "too_short" and detail["loc"] in above:
            continue  # a list with only wrong values counts as empty
        loc = _real_place(detail["loc"], data, missing=detail["type"] == "missing")
        cause = detail.get("ctx", {}).get("error")
        if isinstance(cause, InvalidValueError):
            loc = (*loc, *cause.place)
        yield loc, _in_words(detail, loc, model)


def _real_place(loc: Loc, data: Any, *, missing: bool) -> Loc:
    """Return pydantic's location without the parts that are not keys of the file."""
    real: list[str | int] = []
    for at, part in enumerate(loc):
        known = dict(enumerate(data)) if isinstance(data, list) else data
        if isinstance(known, dict) and part in known:
            data = known[part]
        elif not (missing and at == len(loc) - 1):
            continue
        real.append(part)
    return tuple(real)


def _in_words(detail: ErrorDetails, loc: Loc, model: type[BaseModel]) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "extra_forbidden":
        return _unknown_key(model, loc)
    if kind == "string_pattern_mismatch":
        key = "name" if detail["loc"][-1] == "[key]" else str(loc[-1])
        return _PATTERNS.get(key, f"must match {context.get('pattern')}")
    if kind == "literal_error":
        return f"must be {context['expected']}".replace("True", "true")
    if words := _WORDS.get(kind) or _WORDS.get(kind.partition("_")[0]):
        return words + (_as_list(detail["input"]) if words == _LIST else "")
    message = detail["msg"].replace("Input should", "must")
    return message[0].lower() + message[1:]


def _unknown_key(model: type[BaseModel], loc: Loc) -> str:
    """Return the message for a key that its section does not have."""
    key = str(loc[-1])
    known = _keys_of(model, loc[:-1])
    if len(loc) == 1 and not nearest(key, known) and (own := _keys_named(model, key)):
        return f"unknown key {key!r}: did you mean {' or '.join(own)}?"
    return unknown("key", key, known)


def _as_list(given: object) -> str:
    """Return how a value is written as a list, if that is clear; begins with `; `."""
    if isinstance(given, dict):
        return "; begin each entry with a hyphen" if given else ""
    if isinstance(given, str) and _PLAIN.fullmatch(given):
        return f"; write [{given}]"
    return ""


def _keys_of(model: type[BaseModel], loc: Loc) -> list[str]:
    """Return the valid keys of the section at *loc*."""
    parts = iter(loc)
    for part in parts:
        if isinstance(part, int):
            continue
        fields = {f.alias or name: f for name, f in model.model_fields.items()}
        inner = list(models_in(fields[part].annotation)) if part in fields else []
        if not inner:
            break
        model = inner[0]
        if part in NAMED:
            next(parts, None)
    return [f.alias or name for name, f in model.model_fields.items()]


def _keys_named(model: type[BaseModel], name: str) -> list[str]:
    """Return the dotted keys of sections below a model whose last part is *name*."""
    return [
        f"{section}.{name}"
        for section, field in model.model_fields.items()
        if section not in NAMED
        for inner in models_in(field.annotation)
        if name in _keys_of(inner, ()) and field.annotation is inner
    ]


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models within the type of a field."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from models_in(argument)
