"""The key `fetch.changes`: what the store keeps of what fetching again changed."""

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from gcbatch.job.section import Duration, Section
from gcbatch.windows import Period

__all__ = ["Changes", "ChangesKey"]

MAX_MB: Final = 1 << 20


class Changes(Section):
    """The section `fetch.changes`: how much of the change log is kept.

    Args:
        keep: What was noted longer ago is dropped.
        max_mb: Maximum size; the oldest changes go first.
    """

    keep: Duration = Period.parse("P90D")
    max_mb: Annotated[int, Field(ge=1, le=MAX_MB)] = 256


def _read(value: Any) -> Any:
    return {} if value is True else value


def _on_or_off(value: object) -> str:
    return "off" if value is False else "on"


ChangesKey = Annotated[
    Annotated[Literal[False], Tag("off")] | Annotated[Changes, Tag("on")],
    Discriminator(_on_or_off),
    BeforeValidator(_read),
]
"""The type of the key: `false`, or how much is kept; `true` is each key's own."""
