"""Where copies of objects are kept, and how many."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["CacheSettings"]

MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """Where copies of objects are, and how many.

    Args:
        folder: A folder that stays; None: a temporary one that goes with the process.
        max_bytes: The most that the copies take.
    """

    folder: Path | None = None
    max_bytes: int = 1024 * MIB
