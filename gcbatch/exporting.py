"""The door for exporters: contract, discovery, staging and publication.

An exporter is a class registered in the entry-point group `gcbatch.exporters`. The
shipped ones (csv, json, parquet) come through the same door as anyone's.
"""

import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import TracebackType
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Final,
    Protocol,
    Self,
    runtime_checkable,
)

from pydantic import BaseModel, ConfigDict

from gcbatch.errors import GcbatchError, JobError, OutputError

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
    "installed_exporters",
    "load_exporter",
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

    path: Path


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an exporter did.

    Args:
        location: Where the rows are now, as the user would name it.
        rows: How many rows were written, over all tables.
    """

    location: str
    rows: int


class Target:
    """Lends staging paths, publishes them together, drops them on failure.

    Used as a context manager round one call of `export`: leaving it normally puts
    every staged file in its place by one rename each, leaving it with an error
    removes them and leaves what was there before.

    Args:
        sync: Forces a file's or folder's content to disk; the default is os.fsync.
    """

    def __init__(self, sync: Callable[[int], None] = os.fsync) -> None:
        self._sync = sync
        self._staged: dict[Path, Path] = {}
        self._obsolete: list[tuple[Path, Path | None]] = []
        self._made: list[Path] = []

    @property
    def published(self) -> tuple[Path, ...]:
        """Paths of the files staged so far, where they will be."""
        return tuple(self._staged)

    def stage(self, path: Path) -> Path:
        """Return a path to write to, whose file becomes *path* when all is written.

        Args:
            path: Where the file is to be. Folders on the way are made.

        Raises:
            OutputError: If there is a folder at *path*, or none can be made.
        """
        if path in self._staged:
            return self._staged[path]
        if path.is_dir():
            msg = f"{path}: is a folder, a file is to be written there"
            raise OutputError(msg, hint="name a file, such as out/intervals.csv")
        try:
            self._make(path.parent)
            staged = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
            # Not mkstemp: its files are private, outputs follow the user's umask.
            staged.touch(exist_ok=False)
        except OSError as exc:
            msg = f"{path}: cannot be written: {exc.strerror}"
            raise OutputError(msg, hint="check the folder and its permissions") from exc
        self._staged[path] = staged
        return staged

    def _make(self, folder: Path) -> None:
        if not folder.is_dir():
            self._make(folder.parent)
            folder.mkdir(exist_ok=True)
            self._made.append(folder)

    def discard(self, path: Path, *, root: Path | None = None) -> None:
        """Remove *path*, a file of an earlier export, when all is written.

        Args:
            path: The file.
            root: Folders below it go too, where nothing else is in them.
        """
        self._obsolete.append((path, root))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._publish()
        finally:
            for staged in self._staged.values():
                with suppress(OSError):
                    staged.unlink(missing_ok=True)
            _remove_empty(reversed(self._made))

    def _publish(self) -> None:
        path = Path()
        try:
            for path, staged in self._staged.items():  # noqa: B007 - for the error
                with staged.open("rb+") as file:
                    self._sync(file.fileno())
            for path, staged in self._staged.items():
                staged.replace(path)
            for path, root in self._obsolete:
                if path not in self._staged:
                    path.unlink(missing_ok=True)
                    up = list(path.parents)
                    _remove_empty(up[: up.index(root)] if root in up else [])
        except OSError as exc:
            msg = f"{path}: cannot be written: {exc.strerror}"
            raise OutputError(msg, hint="check the folder and its space") from exc
        for folder in {path.parent for path in self._staged}:
            self._sync_folder(folder)

    def _sync_folder(self, folder: Path) -> None:
        # A rename is only safe from a power cut once its folder is on disk; not
        # every system can open a folder (Windows cannot), so this may not fail.
        with suppress(OSError):
            handle = os.open(folder, os.O_RDONLY)
            try:
                self._sync(handle)
            finally:
                os.close(handle)


def _remove_empty(folders: Iterable[Path]) -> None:
    for folder in folders:
        with suppress(OSError):  # rmdir refuses one that has something in it
            folder.rmdir()


@runtime_checkable
class Exporter(Protocol):
    """Writes tables somewhere; writing them twice leaves one copy.

    It never changes a table and never fetches. It may also have a method
    `check(tables)`, called before the first request with tables that have no rows
    yet, to refuse a job (by JobError) that it could not export.
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
        distribution: The package that registers it.
        version: Of that package.
    """

    name: str
    distribution: str
    version: str
    entry: EntryPoint

    def __str__(self) -> str:
        return f"{self.name!r} ({self.distribution} {self.version})"


def installed_exporters() -> list[ExporterEntry]:
    """Return all registered exporters by name, importing none."""
    found = {
        (entry.name, entry.value): ExporterEntry(
            entry.name,
            entry.dist.name if entry.dist else "unknown package",
            entry.dist.version if entry.dist else "",
            entry,
        )
        for entry in entry_points(group=GROUP)
    }
    return sorted(found.values(), key=lambda e: (e.name, e.distribution))


def load_exporter(name: str) -> type[Exporter]:
    """Import one exporter's class.

    Args:
        name: What the job file calls it.

    Raises:
        JobError: If no installed package registers *name*, if two do, if it cannot
            be imported, or if it is not written for this API version. Names the
            package and the way out.
    """
    known = installed_exporters()
    found = [entry for entry in known if entry.name == name]
    if not found:
        names = ", ".join(entry.name for entry in known)
        msg = f"no exporter named {name!r}"
        raise JobError(msg, hint=f"installed: {names}; install the package that has it")
    if len(found) > 1:
        owners = ", ".join(sorted(e.distribution for e in found))
        msg = f"exporter {name!r} is registered by more than one package"
        raise JobError(msg, hint=f"uninstall all but one of: {owners}")
    return _import(found[0])


def _import(entry: ExporterEntry) -> type[Exporter]:
    try:
        loaded: Any = entry.entry.load()
    except Exception as exc:  # a plugin's import may raise anything
        msg = f"exporter {entry} cannot be imported: {type(exc).__name__}: {exc}"
        raise JobError(
            msg, hint=f"mend or uninstall {entry.distribution}, or drop it from the job"
        ) from exc
    version = getattr(loaded, "api_version", None)
    if not isinstance(version, int) or not isinstance(loaded, type):
        msg = f"exporter {entry} is no class with an api_version"
        raise JobError(msg, hint="see docs/writing-an-exporter.md for the contract")
    if version != API_VERSION:
        older = version < API_VERSION
        msg = f"exporter {entry} wants exporter API {version}, this is {API_VERSION}"
        who = entry.distribution if older else "gcbatch"
        raise JobError(msg, hint=f"upgrade {who}")
    missing = [n for n in ("Options", "export") if not hasattr(loaded, n)]
    if missing:
        msg = f"exporter {entry} lacks {' and '.join(missing)}"
        raise JobError(msg, hint="see docs/writing-an-exporter.md for the contract")
    exporter: type[Exporter] = loaded
    return exporter


def export(
    exporter: Exporter, name: str, tables: "Mapping[str, Table]"
) -> tuple[Receipt, tuple[Path, ...]]:
    """Run one exporter and publish what it staged.

    Args:
        exporter: Made from the job's options.
        name: Its name, for errors.
        tables: What to hand it.

    Returns:
        The exporter's receipt, and the paths of the files that were published.

    Raises:
        GcbatchError: What the exporter or the tables raise of ours, as it is.
        OutputError: Anything else that an exporter raises, with its name. The
            previous output is as it was.
    """
    try:
        with Target() as target:
            receipt = exporter.export(tables, target)
    except GcbatchError:
        raise
    except Exception as exc:  # someone else's code may raise anything
        reason = exc.strerror if isinstance(exc, OSError) else None
        msg = f"exporter {name!r} failed: {reason or f'{type(exc).__name__}: {exc}'}"
        raise OutputError(msg, hint="the previous output is as it was") from exc
    return receipt, target.published
