"""The key `fetch.settle`: how long figures may still change, also table by table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from gcbatch.job.section import InvalidValueError
from gcbatch.store import SETTLE
from gcbatch.windows import Period, parse_period_or_zero

__all__ = ["DEFAULT", "Settle", "SettleKey"]

DEFAULT: Final = "default"
"""The key for tables that are not named."""


@dataclass(frozen=True, slots=True)
class Settle:
    """How long after the end of its window the rows of a part may still change.

    Args:
        default: For tables that are not named.
        tables: For others, by their names.
    """

    default: Period = SETTLE
    tables: Mapping[str, Period] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return it as a job file writes it."""
        if not self.tables:
            return str(self.default)
        named = {DEFAULT: self.default, **self.tables}
        return f"{{{', '.join(f'{name}: {span}' for name, span in named.items())}}}"

    def longest(self, tables: Iterable[str]) -> Period:
        """Return the longest span of some tables; the default of none.

        Args:
            tables: Their names.
        """
        spans = [self.tables.get(name, self.default) for name in tables]
        return max(spans, key=lambda span: span.typical_s, default=self.default)


def _read(value: object) -> Settle:
    if isinstance(value, Settle):
        return value
    if not isinstance(value, dict):
        return Settle(parse_period_or_zero(value))
    spans: dict[str, Period] = {}
    for name, span in value.items():
        try:
            spans[str(name)] = parse_period_or_zero(span)
        except ValueError as exc:
            raise InvalidValueError((str(name),), str(exc)) from exc
    return Settle(spans.pop(DEFAULT, SETTLE), spans)


def _describe(schema: dict[str, Any]) -> None:
    """Describe it as a job file has it: a duration, or one for each table."""
    duration = {
        "type": "string",
        "format": "duration",
        "pattern": "^P",
        "examples": ["PT0S", "P4D", "P45D"],
    }
    tables = {"type": "object", "additionalProperties": duration}
    described = {
        key: schema[key] for key in ("default", "description") if key in schema
    }
    schema.clear()
    schema.update(anyOf=[duration, tables], **described)


SettleKey = Annotated[
    Settle, BeforeValidator(_read), Field(json_schema_extra=_describe)
]
"""The type of the key: a duration, or a duration for each of some tables."""
