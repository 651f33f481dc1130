"""Finds exporters by entry point, or by `module:Class` in a job."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import Distribution, EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from gcbatch.errors import JobError
from gcbatch.exporting.contract import API_VERSION, OLDEST_API_VERSION, Exporter
from gcbatch.exporting.other_names import nearest_exporter

__all__ = [
    "GROUP",
    "ExporterEntry",
    "find_exporter",
    "installed_exporters",
    "load_exporter",
    "missing_modules",
    "require_modules",
]

GROUP: Final = "gcbatch.exporters"
UNKNOWN: Final = "unknown package"
CONTRACT_HINT: Final = "see docs/writing-an-exporter.md for the contract"


@dataclass(frozen=True, slots=True)
class ExporterEntry:
    """An exporter as its distribution registers it; not imported.

    Args:
        name: Its name in job files.
        distribution: The package that registers it; empty if there is none.
        version: Version of that package.
    """

    name: str
    distribution: str
    version: str
    entry: EntryPoint

    def __str__(self) -> str:
        owner = f"{self.distribution} {self.version}".strip()
        return f"{self.name!r}{f' ({owner})' if owner else ''}"


def installed_exporters() -> list[ExporterEntry]:
    """Return all registered exporters by name, importing none.

    The metadata of all packages is read once, and again if one was installed since.
    """
    return [*_registered(tuple((folder, _changed_at(folder)) for folder in sys.path))]


def _changed_at(folder: str) -> int:
    """Return when files of a folder came or went; 0 if there is none."""
    try:
        return Path(folder).stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=1)
def _registered(_: tuple[tuple[str, int], ...]) -> tuple[ExporterEntry, ...]:
    """Return the exporters that packages register, for one state of sys.path."""
    entries = entry_points(group=GROUP)
    # Reading a package's name or version parses its whole metadata each time.
    packages = {dist: _name_and_version(dist) for dist in {e.dist for e in entries}}
    found = {
        (entry.name, entry.value): ExporterEntry(
            entry.name, *packages[entry.dist], entry
        )
        for entry in entries
    }
    return tuple(sorted(found.values(), key=lambda e: (e.name, e.distribution)))


def _name_and_version(package: Distribution | None) -> tuple[str, str]:
    """Return what the metadata of a package says, which may be damaged."""
    if package is None:
        return UNKNOWN, ""
    metadata = package.metadata
    said = {key: metadata[key] for key in ("Name", "Version") if key in metadata}
    return said.get("Name", UNKNOWN), said.get("Version", "")


def find_exporter(
    name: str, known: Sequence[ExporterEntry] | None = None
) -> ExporterEntry:
    """Return one exporter as it is registered; not imported.

    Args:
        name: As in the job file: its registered name, or `module:Class`.
        known: The exporters to look among. Default: those that are installed.

    Raises:
        JobError: If no installed package registers *name*, or two do.
    """
    if ":" in name:
        return ExporterEntry(name, "", "", EntryPoint(name, name, GROUP))
    known = installed_exporters() if known is None else known
    found = [entry for entry in known if entry.name == name]
    if not found:
        raise _not_found(name, known)
    if len(found) > 1:
        owners = ", ".join(sorted(e.distribution for e in found))
        msg = f"exporter {name!r} is registered by more than one package"
        raise JobError(msg, hint=f"uninstall all but one of: {owners}")
    return found[0]


def _not_found(name: str, known: Sequence[ExporterEntry]) -> JobError:
    names = sorted({entry.name for entry in known})
    hint = f"installed: {', '.join(names)}; install the package that has it"
    if meant := nearest_exporter(name, names):
        hint = f"did you mean {meant}?"
        try:
            entry = find_exporter(meant, known)
            require_modules(load_exporter(entry), entry)
        except JobError as exc:  # its extra is missing: say so at once
            hint += f" {exc.hint}"
    return JobError(f"no exporter named {name!r}", hint=hint)


def load_exporter(exporter: str | ExporterEntry) -> type[Exporter]:
    """Import one exporter's class.

    Args:
        exporter: As it is registered, or its name in the job file.

    Raises:
        JobError: If it is missing, cannot be imported, or is not written for this API
            version; names the package.
    """
    entry = find_exporter(exporter) if isinstance(exporter, str) else exporter
    try:
        loaded: Any = entry.entry.load()
    except Exception as exc:  # a plugin's import may raise anything
        msg = f"exporter {entry} cannot be imported: {type(exc).__name__}: {exc}"
        hint = "name it as module:Class, the module on PYTHONPATH"
        if entry.distribution:
            hint = f"repair or uninstall {entry.distribution}, or drop it from the job"
        raise JobError(msg, hint=hint) from exc
    version = getattr(loaded, "api_version", None)
    if not isinstance(version, int) or not isinstance(loaded, type):
        msg = f"exporter {entry} is not a class with an api_version"
        raise JobError(msg, hint=CONTRACT_HINT)
    if not OLDEST_API_VERSION <= version <= API_VERSION:
        msg = f"exporter {entry} needs exporter API {version}, this is {API_VERSION}"
        older = (entry.distribution or "it") if version < API_VERSION else "gcbatch"
        raise JobError(msg, hint=f"upgrade {older}")
    missing = [n for n in ("Options", "export") if not hasattr(loaded, n)]
    if missing:
        msg = f"exporter {entry} lacks {' and '.join(missing)}"
        raise JobError(msg, hint=CONTRACT_HINT)
    kind: type[Exporter] = loaded
    return kind


def missing_modules(exporter: type[Exporter]) -> Iterator[str]:
    """Yield the modules that an exporter needs and that are not installed."""
    for module in getattr(exporter, "requires", ()):
        if find_spec(module) is None:
            yield module


def require_modules(exporter: type[Exporter], entry: ExporterEntry) -> None:
    """Refuse an exporter that lacks what it needs.

    Raises:
        JobError: If a module is not installed; names it, and the extra that has it.
    """
    for module in missing_modules(exporter):
        msg = f"exporter {entry.name!r} needs {module}, which is not installed"
        hint = f"pip install '{entry.distribution}[{entry.name}]'"
        raise JobError(msg, hint=hint if entry.distribution else f"install {module}")
