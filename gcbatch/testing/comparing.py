"""Assertions whose failure says in one line what is wrong."""

from typing import Any

__all__ = ["alike", "expect", "same"]


def expect(holds: bool, problem: str) -> None:  # noqa: FBT001 - an assertion
    """Fail with *problem* unless something holds."""
    if not holds:
        raise AssertionError(problem)


def same(found: Any, wanted: Any, what: str) -> None:
    """Fail unless two values are alike; *what* names them."""
    expect(alike(found, wanted), f"{what}: {found!r}, expected {wanted!r}")


def alike(found: Any, wanted: Any) -> bool:
    """Return whether two values are equal, and of one type."""
    # 1 == 1.0 == True in Python, but not for readers of the output.
    if isinstance(found, bool) != isinstance(wanted, bool):
        return False
    return isinstance(found, type(wanted)) and bool(found == wanted)
