"""Registry folders: each file in one is an endpoint, a table or another such member.

A member is named by its file. Members are found by listing the folder, so a new one
is a new file and no list has to be changed.
"""

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

__all__ = ["ENDPOINTS", "ENTITIES", "load_member", "module_names", "tables_for"]

ENDPOINTS: Final = "endpoints/fixed"
"""Endpoints with figures and groups of their own: `ENDPOINT`."""

ENTITIES: Final = "tables/entities"
"""Tables of what ids stand for: `table`."""

_PACKAGE: Final = Path(__file__).parent


def tables_for(source: str) -> str:
    """Return the registry folder of the tables that are made of one kind of parts.

    Args:
        source: `aggregates`, or the folder that a kind of details names.
    """
    return f"tables/{source}"


@cache
def module_names(folder: str) -> tuple[str, ...]:
    """Return the names of a folder's members, sorted; imports none of them."""
    files = (_PACKAGE / folder).glob("[!_]*.py")
    return tuple(sorted(file.stem for file in files))


def load_member(folder: str, name: str, attribute: str) -> Any:
    """Import a member of a registry folder.

    Args:
        folder: Its path below the package.
        name: The file's name, without its ending.
        attribute: What every member of that folder has: `ENDPOINT` or `table`.

    Raises:
        ModuleNotFoundError: If there is no such member.
    """
    module = import_module(f"gcbatch.{folder.replace('/', '.')}.{name}")
    return getattr(module, attribute)
