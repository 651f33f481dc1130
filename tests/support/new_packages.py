"""Packages that `gcbatch exporters new` writes, for tests to import or install."""

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from gcbatch.cli.new_exporter import write_package

__all__ = ["import_new", "module_name"]


def module_name(name: str) -> str:
    """Return the module of an exporter's package."""
    return f"gcbatch_{name.replace('-', '_')}"


def import_new(
    name: str,
    kind: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *changes: tuple[str, str, str],
) -> Any:
    """Write a package, change it, and import its exporter.

    Args:
        name: The exporter's name; of each test another, because modules stay imported.
        kind: `database` or `file`.
        folder: Where the package is to be.
        monkeypatch: Puts the package on the path.
        changes: A file below the package's module, a text in it, and another text.
    """
    write_package(name, kind, folder)
    for file, old, new in changes:
        path = folder / module_name(name) / file
        text = path.read_text("utf-8")
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new), "utf-8")
    monkeypatch.syspath_prepend(folder)
    module: ModuleType = import_module(module_name(name))
    (exporter,) = (n for n in module.__all__ if n.endswith("Exporter"))
    return getattr(module, exporter)
