"""What workers tell of a query, as plain data: errors too, without their traceback."""

from dataclasses import asdict
from typing import Any, Final

from gcbatch import errors
from gcbatch.errors import ErrorResponse, GcbatchError

__all__ = ["CLAIM_S", "FRESH_S", "METHODS", "error_from_json", "error_to_json"]

FRESH_S: Final = 10.0
"""Within this time of asking for it, a turn has to be used."""

CLAIM_S: Final = 60.0
"""A claim on a part holds so long; then another worker may write it."""

METHODS: Final = frozenset(
    {
        "accepted",
        "acquire",
        "answered",
        "claim",
        "lost",
        "pause_all",
        "release",
        "token",
        "unused",
    }
)
"""Of the coordinator, that workers may call."""


def error_to_json(problem: GcbatchError) -> dict[str, Any]:
    """Return an error as plain data."""
    response = problem.response
    return {
        "kind": type(problem).__name__,
        "problem": problem.problem,
        "hint": problem.hint,
        "response": asdict(response) if response is not None else None,
    }


def error_from_json(raw: dict[str, Any]) -> GcbatchError:
    """Return the error that was packed."""
    kind: type[GcbatchError] = getattr(errors, raw["kind"])
    response = ErrorResponse(**raw["response"]) if raw["response"] else None
    return kind(raw["problem"].split("\n"), hint=raw["hint"], response=response)
