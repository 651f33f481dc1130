"""Messages between workers and the coordinator, as plain data."""

from dataclasses import asdict
from typing import Any, Final

from gcbatch import errors
from gcbatch.errors import ErrorResponse, GcbatchError

__all__ = [
    "CLAIM_S",
    "FRESH_S",
    "METHODS",
    "STORE_HINT",
    "error_from_json",
    "error_to_json",
]

FRESH_S: Final = 10.0
"""Longest time from a call for a permit to its use."""

CLAIM_S: Final = 60.0
"""How long a claim on a part lasts; then another worker may write it."""

STORE_HINT: Final = (
    "fetch.store must be one folder that all workers reach by this path, or in an "
    "object store"
)

METHODS: Final = frozenset(
    {
        "accepted",
        "acquire",
        "answered",
        "claim",
        "lost",
        "pause_all",
        "release",
        "storage",
        "token",
        "unused",
    }
)
"""Methods of the coordinator that workers may call."""


def error_to_json(problem: GcbatchError) -> dict[str, Any]:
    """Return an error as plain data, without its traceback."""
    response = problem.response
    return {
        "kind": type(problem).__name__,
        "problem": problem.problem,
        "hint": problem.hint,
        "response": asdict(response) if response is not None else None,
    }


def error_from_json(raw: dict[str, Any]) -> GcbatchError:
    """Return the error of error_to_json."""
    kind: type[GcbatchError] = getattr(errors, raw["kind"])
    response = ErrorResponse(**raw["response"]) if raw["response"] else None
    return kind(raw["problem"].split("\n"), hint=raw["hint"], response=response)
