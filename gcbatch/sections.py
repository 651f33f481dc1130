"""What the sections of a job file share."""

import os
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
)

from gcbatch.suggest import unknown
from gcbatch.windows import Period

__all__ = [
    "Duration",
    "LocalPath",
    "MisfitError",
    "Section",
    "Unique",
    "as_period",
    "given_or_file",
    "one_of",
    "schema_of_period",
]

LONGEST: Final = Period.parse("P10Y")
"""Of any span in a job file; calendars end not far beyond."""


class Section(BaseModel):
    """Base of all sections: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class MisfitError(ValueError):
    """A value that does not fit with the others.

    Args:
        place: Of the value, below the section that was checked.
        message: What is wrong.
    """

    def __init__(self, place: tuple[str | int, ...], message: str) -> None:
        super().__init__(message)
        self.place = place


def one_of(what: str, choices: Iterable[str]) -> AfterValidator:
    """Accept one of *choices*; refuse others with the nearest one."""
    known = tuple(choices)

    def check(value: str) -> str:
        if value not in known:
            raise ValueError(unknown(what, value, known))
        return value

    return AfterValidator(check)


def as_period(value: object) -> Period:
    """Read an ISO 8601 duration; refuse what is none, or absurdly long."""
    if isinstance(value, Period):
        return value
    period = Period.parse(value if isinstance(value, str) else repr(value))
    if period.typical_s > LONGEST.typical_s:
        msg = f"{period} is longer than {LONGEST}"
        raise ValueError(msg)
    return period


def schema_of_period(schema: dict[str, Any]) -> None:
    """Describe a period as it is written in a file: a text."""
    schema.clear()
    examples = ["PT15M", "PT1H", "P1D"]
    schema.update(type="string", format="duration", pattern="^P", examples=examples)


Duration = Annotated[
    Period, BeforeValidator(as_period), Field(json_schema_extra=schema_of_period)
]


_SCHEME: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+):[/\\]")
"""Of a URL; a single letter is a drive of Windows."""

MOST_NAME_BYTES: Final = 255
"""Of a folder's or file's name, on every common disk."""


def _check_local(value: object) -> object:
    """Refuse what would be taken for a path, but was meant otherwise."""
    if not isinstance(value, (str, Path)):
        return value
    text = str(value)
    if isinstance(value, str) and not text.strip():
        msg = "must not be empty; name a file or folder"
        raise ValueError(msg)
    if found := _SCHEME.match(text):
        scheme = found["scheme"].lower()
        way_out = "object stores are not supported yet; write to a disk, and copy it"
        if scheme == "file":
            way_out = "write the path alone"
        msg = f"{text} is a URL, not a path; {way_out}"
        raise ValueError(msg)
    if long := [n for n in Path(text).parts if len(os.fsencode(n)) > MOST_NAME_BYTES]:
        msg = f"{long[0][:20]}… is longer than the {MOST_NAME_BYTES} bytes of a name"
        raise ValueError(msg)
    return value


LocalPath = Annotated[Path, BeforeValidator(_check_local)]
"""A file or folder of this machine, as a job names it."""


def given_or_file(value: object) -> str:
    """Tell a value that stands in the file from `{file: …}`, which names another."""
    return "given" if isinstance(value, (str, SecretStr, list, tuple)) else "file"


def _check_unique(values: tuple[str, ...]) -> tuple[str, ...]:
    if twice := [value for value, count in Counter(values).items() if count > 1]:
        msg = f"named more than once: {', '.join(sorted(twice))}"
        raise ValueError(msg)
    return values


Unique = AfterValidator(_check_unique)
