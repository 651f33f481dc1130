"""The base of all sections of a job file, and types that they share."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
)

from gcbatch.exporting import only_true_or_false
from gcbatch.job.meant import meant_duration
from gcbatch.suggest import unknown
from gcbatch.windows import Period, parse_period, parse_period_or_zero

__all__ = [
    "MAX_NUMBER",
    "NAME",
    "RESERVED",
    "Duration",
    "InvalidValueError",
    "Name",
    "PeriodOrZero",
    "Section",
    "Unique",
    "literal_or_file",
    "one_of",
]


class Section(BaseModel):
    """Base of all sections: frozen, refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    _booleans = only_true_or_false


class InvalidValueError(ValueError):
    """A value that is not valid together with the others.

    Args:
        place: Its place below the section that was checked.
        message: What is wrong.
    """

    def __init__(self, place: tuple[str | int, ...], message: str) -> None:
        super().__init__(message)
        self.place = place


def one_of(what: str, choices: Iterable[str]) -> AfterValidator:
    """Return a validator for one of *choices*; its error suggests the nearest."""
    known = tuple(choices)

    def check(value: str) -> str:
        if value not in known:
            raise ValueError(unknown(what, value, known))
        return value

    return AfterValidator(check)


def _describe_period(schema: dict[str, Any]) -> None:
    """Describe a period as a job file has it: as text."""
    schema.clear()
    examples = ["PT15M", "PT1H", "P1D"]
    schema.update(type="string", format="duration", pattern="^P", examples=examples)


def _read_duration(value: object) -> Period:
    """Return the period of a duration; the error says what may be meant."""
    try:
        return parse_period(value)
    except ValueError as exc:
        if isinstance(value, str) and (meant := meant_duration(value)):
            msg = f"{exc}; write {meant}"
            raise ValueError(msg) from exc
        raise


Duration = Annotated[
    Period, BeforeValidator(_read_duration), Field(json_schema_extra=_describe_period)
]

PeriodOrZero = Annotated[
    Period,
    BeforeValidator(parse_period_or_zero),
    Field(json_schema_extra=_describe_period),
]


def literal_or_file(value: object) -> str:
    """Return `given` for a value in the job file itself, `file` for `{file: …}`."""
    return "given" if isinstance(value, (str, SecretStr, list, tuple)) else "file"


def _check_unique(values: tuple[str, ...]) -> tuple[str, ...]:
    if repeated := [value for value, count in Counter(values).items() if count > 1]:
        msg = f"named more than once: {', '.join(sorted(repeated))}"
        raise ValueError(msg)
    return values


Unique = AfterValidator(_check_unique)

MAX_NUMBER: Final = 10**9
"""Largest number in a job file; a larger one would limit nothing."""

NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""Name of a job or an org: valid as a folder's name on every system."""

RESERVED: Final = re.compile(
    r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE
)
"""Names that are devices on Windows, also with an extension.

Source: Naming Files, Paths, and Namespaces, learn.microsoft.com, read 2026-11.
"""


def _check_name(name: str) -> str:
    if RESERVED.fullmatch(name):
        msg = f"{name} is a device on Windows, not a folder's name"
        raise ValueError(msg)
    if name.endswith("."):
        msg = f"{name} ends with a dot, which Windows drops from a folder's name"
        raise ValueError(msg)
    return name


Name = Annotated[str, Field(pattern=NAME), AfterValidator(_check_name)]
