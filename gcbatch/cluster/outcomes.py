"""What workers tell of a query, as plain data: errors too, without their traceback."""

from dataclasses import asdict
from typing import Any

from gcbatch import errors
from gcbatch.errors import ErrorResponse, GcbatchError

__all__ = ["packed", "unpacked"]


def packed(problem: GcbatchError) -> dict[str, Any]:
    """Return an error as plain data."""
    refusal = problem.refusal
    return {
        "kind": type(problem).__name__,
        "problem": problem.problem,
        "hint": problem.hint,
        "refusal": asdict(refusal) if refusal is not None else None,
    }


def unpacked(raw: dict[str, Any]) -> GcbatchError:
    """Return the error that was packed."""
    kind: type[GcbatchError] = getattr(errors, raw["kind"])
    refusal = ErrorResponse(**raw["refusal"]) if raw["refusal"] else None
    return kind(raw["problem"].split("\n"), hint=raw["hint"], refusal=refusal)
