"""What the sections of a job file share."""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
)

from gcbatch.suggest import unknown
from gcbatch.windows import Period, as_period

__all__ = [
    "Duration",
    "MisfitError",
    "Section",
    "Unique",
    "given_or_file",
    "one_of",
    "schema_of_period",
]


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


def schema_of_period(schema: dict[str, Any]) -> None:
    """Describe a period as it is written in a file: a text."""
    schema.clear()
    examples = ["PT15M", "PT1H", "P1D"]
    schema.update(type="string", format="duration", pattern="^P", examples=examples)


Duration = Annotated[
    Period, BeforeValidator(as_period), Field(json_schema_extra=schema_of_period)
]


def given_or_file(value: object) -> str:
    """Tell a value that stands in the file from `{file: …}`, which names another."""
    return "given" if isinstance(value, (str, SecretStr, list, tuple)) else "file"


def _check_unique(values: tuple[str, ...]) -> tuple[str, ...]:
    if twice := [value for value, count in Counter(values).items() if count > 1]:
        msg = f"named more than once: {', '.join(sorted(twice))}"
        raise ValueError(msg)
    return values


Unique = AfterValidator(_check_unique)
