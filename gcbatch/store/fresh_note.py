"""The note of a run with --fresh or --refetch that is not done."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from gcbatch.windows import Window, iso, parse_instant

__all__ = ["FreshRun"]


@dataclass(frozen=True, slots=True)
class FreshRun:
    """A run with --fresh or --refetch that is not done, however often it ends early.

    Args:
        token: What the parts carry that were fetched for it; empty if there is none.
        spans: What it fetches again: all windows that touch one of them. None is all.
    """

    token: str = ""
    spans: tuple[Window, ...] | None = None

    @classmethod
    def after(cls, earlier: "FreshRun", spans: Iterable[Window] | None) -> Self:
        """Return a new run that also fetches what an earlier one did not come to.

        Args:
            earlier: The run that is not done, if there is one.
            spans: What the new one fetches again; None is all.
        """
        if spans is not None and earlier.token:
            spans = None if earlier.spans is None else {*earlier.spans, *spans}
        wanted = None if spans is None else tuple(sorted(spans))
        return cls(secrets.token_hex(8), wanted)

    def wants(self, window: Window) -> bool:
        """Return whether it fetches a window again."""
        if not self.token or self.spans is None:
            return bool(self.token)
        return any(map(window.overlaps, self.spans))

    @property
    def wants_all(self) -> bool:
        """Whether it fetches everything again, listings too."""
        return bool(self.token) and self.spans is None

    def to_json(self) -> dict[str, Any]:
        """Return the note."""
        if self.spans is None:
            return {"run": self.token}
        spans = [[iso(span.start), iso(span.end)] for span in self.spans]
        return {"run": self.token, "spans": spans}

    @classmethod
    def from_json(cls, note: Mapping[str, Any] | None) -> Self:
        """Return what a note says; a note with odd spans wants everything."""
        token = (note or {}).get("run")
        if not isinstance(token, str):
            return cls()
        try:
            pairs = (note or {})["spans"]
            spans = tuple(Window(*map(parse_instant, pair)) for pair in pairs)
        except (KeyError, TypeError, ValueError, OverflowError):
            return cls(token)
        return cls(token, spans)
