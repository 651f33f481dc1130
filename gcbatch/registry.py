"""Registry folders: each file in one is a member, such as an endpoint or a table.

The file's name is the member's. A new member is a new file: no list names them.
"""

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

__all__ = ["ENDPOINTS", "load_member", "module_names"]

ENDPOINTS: Final = "endpoints/fixed"
"""Endpoints with fixed figures and groups; each file has an `ENDPOINT`."""

_PACKAGE: Final = Path(__file__).parent


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
        attribute: What each file of that folder has: `ENDPOINT` or `table`.

    Raises:
        ModuleNotFoundError: If there is no such member.
    """
    module = import_module(f"gcbatch.{folder.replace('/', '.')}.{name}")
    return getattr(module, attribute)
