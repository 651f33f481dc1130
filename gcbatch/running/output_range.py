"""The range that a file or a table in a database holds, as a run report keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from gcbatch.windows import Window, iso, parse_instant

__all__ = ["OutputRange"]


@dataclass(frozen=True, slots=True)
class OutputRange:
    """The range that an output holds.

    Args:
        path: A file as in the job file; a table as its exporter names it.
        window: The range of the run that wrote it.
        is_narrowed: Whether options had narrowed that range.
    """

    path: str
    window: Window
    is_narrowed: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "path": self.path,
            "from": iso(self.window.start),
            "to": iso(self.window.end),
            "narrowed": self.is_narrowed,
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Read what to_json returned.

        Raises:
            KeyError, TypeError, ValueError, OverflowError: If it is something else.
        """
        window = Window(parse_instant(raw["from"]), parse_instant(raw["to"]))
        return cls(str(raw["path"]), window, raw.get("narrowed") is True)
