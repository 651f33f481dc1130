"""Libraries that are imported on first use, so that a command starts fast."""

from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["lazy_import"]


class _LazyModule(ModuleType):
    """Stands for a library; the first use of one of its names imports it."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(import_module(self.__name__), name)
        setattr(self, name, value)  # the next use finds it at once
        return value


def lazy_import(name: str) -> Any:
    """Return a stand-in for a library that takes long to import.

    Use its names within functions only. Annotations that need them are quoted, and the
    library is imported for them under TYPE_CHECKING.

    Args:
        name: The full name, such as `pyarrow.compute`.
    """
    return _LazyModule(name)
