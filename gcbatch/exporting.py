"""The door for exporters: contract, discovery, staging and publication.

An exporter is a class registered in the entry-point group `gcbatch.exporters`. The
shipped ones come through the same door as anyone's. One that is in no package yet can
be named by where it is, `module:Class`.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import Distribution, EntryPoint, entry_points
from pathlib import Path
from threading import Event
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Final,
    Protocol,
    runtime_checkable,
)

from pydantic import BaseModel, ConfigDict

from gcbatch.digests import Output
from gcbatch.errors import GcbatchError, JobError, OutputError
from gcbatch.files import open_regular, read_bounded
from gcbatch.sections import LocalPath
from gcbatch.staging import Target

if TYPE_CHECKING:
    from gcbatch.tables.table import Table

__all__ = [
    "API_VERSION",
    "GROUP",
    "Exporter",
    "ExporterEntry",
    "FileOptions",
    "Options",
    "Receipt",
    "Target",
    "export",
    "exporter_named",
    "installed_exporters",
    "load_exporter",
    "open_regular",
    "read_bounded",
]

GROUP: Final = "gcbatch.exporters"
API_VERSION: Final = 1
"""The contract below. Raised when an exporter written for it would no longer work."""


class Options(BaseModel):
    """Base of an exporter's options: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FileOptions(Options):
    """Options of an exporter that writes one file.

    Args:
        path: Where to; relative to the current directory, and exactly as given.
    """

    path: LocalPath


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an exporter did.

    Args:
        location: Where the rows are now, as the user would name it.
        rows: How many rows were written, over all tables.
    """

    location: str
    rows: int


@runtime_checkable
class Exporter(Protocol):
    """Writes tables somewhere; writing them twice leaves one copy.

    It never changes a table and never fetches. It may also have a method
    `check(tables)`, called before the first request with tables that have no rows
    yet, to refuse a job (by JobError) that it could not export. And it may say by
    `deterministic = True` that the same tables and options give the same files: a run
    leaves them as they are then, where it would only write them again.
    """

    api_version: ClassVar[int]
    Options: ClassVar[type[BaseModel]]

    def __init__(self, options: BaseModel) -> None: ...

    def export(self, tables: "Mapping[str, Table]", target: Target) -> Receipt:
        """Write *tables*, in the order given, and return where they went.

        Args:
            tables: By name; most exporters take exactly one.
            target: Lends staging paths; a database exporter ignores it and
                replaces what it wrote before by each table's key and covered range.

        Raises:
            OutputError: If they cannot be written; the previous output stays.
        """
        ...


@dataclass(frozen=True, slots=True)
class ExporterEntry:
    """An exporter as its distribution registers it; not imported.

    Args:
        name: What job files call it.
        distribution: The package that registers it; empty if it is in none.
        version: Of that package.
    """

    name: str
    distribution: str
    version: str
    entry: EntryPoint

    def __str__(self) -> str:
        owner = f" ({self.distribution} {self.version})" if self.distribution else ""
        return f"{self.name!r}{owner}"


def installed_exporters() -> list[ExporterEntry]:
    """Return all registered exporters by name, importing none."""
    return list(_registered(tuple((path, _changed_at(path)) for path in sys.path)))


def _changed_at(path: str) -> int:
    """Return when what is installed in a folder changed; 0 if it is not there."""
    try:
        return Path(path or ".").stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=1)
def _registered(_: tuple[tuple[str, int], ...]) -> list[ExporterEntry]:
    """Read what all packages say of themselves; again when one comes or goes.

    Every run asks twice, and in an environment of 85 packages it takes 4 ms.
    """
    entries = entry_points(group=GROUP)
    # Each look at a package's name or version parses its whole metadata.
    packages = {dist: _name_and_version(dist) for dist in {e.dist for e in entries}}
    found = {
        (entry.name, entry.value): ExporterEntry(
            entry.name, *packages[entry.dist], entry
        )
        for entry in entries
    }
    return sorted(found.values(), key=lambda e: (e.name, e.distribution))


def _name_and_version(package: Distribution | None) -> tuple[str, str]:
    if package is None:
        return "unknown package", ""
    metadata = package.metadata
    return metadata["Name"], metadata["Version"]


def exporter_named(
    name: str, known: Sequence[ExporterEntry] | None = None
) -> ExporterEntry:
    """Return one exporter as it is registered; not imported.

    Args:
        name: What the job file calls it: the name that it is registered by, or where
            it is, `module:Class`.
        known: What is installed, for whoever asks often: looking it up reads what all
            packages say of themselves. None looks it up.

    Raises:
        JobError: If no installed package registers *name*, or two do. Names the
            package and the way out.
    """
    if ":" in name:
        return ExporterEntry(name, "", "", EntryPoint(name, name, GROUP))
    known = installed_exporters() if known is None else known
    found = [entry for entry in known if entry.name == name]
    if not found:
        names = ", ".join(entry.name for entry in known)
        msg = f"no exporter named {name!r}"
        raise JobError(msg, hint=f"installed: {names}; install the package that has it")
    if len(found) > 1:
        owners = ", ".join(sorted(e.distribution for e in found))
        msg = f"exporter {name!r} is registered by more than one package"
        raise JobError(msg, hint=f"uninstall all but one of: {owners}")
    return found[0]


def load_exporter(exporter: str | ExporterEntry) -> type[Exporter]:
    """Import one exporter's class.

    Args:
        exporter: How it is registered, or what the job file calls it.

    Raises:
        JobError: If it is not there, cannot be imported, or is not written for this
            API version. Names the package and the way out.
    """
    entry = exporter_named(exporter) if isinstance(exporter, str) else exporter
    try:
        loaded: Any = entry.entry.load()
    except Exception as exc:  # a plugin's import may raise anything
        msg = f"exporter {entry} cannot be imported: {type(exc).__name__}: {exc}"
        way_out = "name it as module:Class, the module on PYTHONPATH"
        if entry.distribution:
            way_out = f"mend or uninstall {entry.distribution}, or drop it from the job"
        raise JobError(msg, hint=way_out) from exc
    version = getattr(loaded, "api_version", None)
    if not isinstance(version, int) or not isinstance(loaded, type):
        msg = f"exporter {entry} is no class with an api_version"
        raise JobError(msg, hint="see docs/writing-an-exporter.md for the contract")
    if version != API_VERSION:
        older = version < API_VERSION
        msg = f"exporter {entry} wants exporter API {version}, this is {API_VERSION}"
        who = (entry.distribution or "it") if older else "gcbatch"
        raise JobError(msg, hint=f"upgrade {who}")
    missing = [n for n in ("Options", "export") if not hasattr(loaded, n)]
    if missing:
        msg = f"exporter {entry} lacks {' and '.join(missing)}"
        raise JobError(msg, hint="see docs/writing-an-exporter.md for the contract")
    kind: type[Exporter] = loaded
    return kind


def export(
    exporter: Exporter,
    name: str,
    tables: "Mapping[str, Table]",
    *,
    stop: Event | None = None,
) -> tuple[Receipt, tuple[Output, ...]]:
    """Run one exporter and publish what it staged.

    Args:
        exporter: Made from the job's options.
        name: Its name, for errors.
        tables: What to hand it.
        stop: Once set, no other run is waited for.

    Returns:
        The exporter's receipt, and the files that were published.

    Raises:
        GcbatchError: What the exporter or the tables raise of ours, as it is.
        OutputError: Anything else that an exporter raises, with its name. The
            previous output is as it was.
    """
    try:
        with Target(stop=stop) as target:
            receipt = exporter.export(tables, target)
    except GcbatchError:
        raise
    except (Exception, SystemExit) as exc:  # someone else's code may raise anything
        reason = exc.strerror if isinstance(exc, OSError) else None
        msg = f"exporter {name!r} failed: {reason or f'{type(exc).__name__}: {exc}'}"
        raise OutputError(msg, hint="the previous output is as it was") from exc
    return receipt, target.published
