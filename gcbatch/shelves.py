"""Shelves: folders of the package in which each file is a thing of one kind.

An endpoint of its own figures, a table, a rule for repeating requests: each is a file
on its shelf, and called as the file is. What is there is found by looking; no list has
to know of it.
"""

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

__all__ = ["ENDPOINTS", "LISTED", "RULES", "names_on", "tables_for", "taken"]

ENDPOINTS: Final = "genesys/endpoints/fixed"
"""Endpoints with figures and groups of their own: `ENDPOINT`."""

RULES: Final = "genesys/repeating"
"""Which refused requests are repeated: `RULE`."""

LISTED: Final = "tables/listed"
"""Tables of what ids stand for: `table`."""

_PACKAGE: Final = Path(__file__).parent


def tables_for(source: str) -> str:
    """Return the shelf of tables that are made of one kind of parts.

    Args:
        source: `buckets`, or the shelf that details name.
    """
    return f"tables/{source}"


@cache
def names_on(shelf: str) -> tuple[str, ...]:
    """Return the names of what is on a shelf, sorted; nothing is imported."""
    files = (_PACKAGE / shelf).glob("[!_]*.py")
    return tuple(sorted(file.stem for file in files))


def taken(shelf: str, name: str, part: str) -> Any:
    """Import a thing from its shelf.

    Args:
        shelf: The folder.
        name: The file's, without its ending.
        part: What every file of that shelf has: `ENDPOINT`, `RULE` or `table`.

    Raises:
        ModuleNotFoundError: If it is not there.
    """
    module = import_module(f"gcbatch.{shelf.replace('/', '.')}.{name}")
    return getattr(module, part)
