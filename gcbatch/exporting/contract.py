"""The contract of exporters: what they get, what they return, how they run."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Event
from typing import TYPE_CHECKING, ClassVar, Final, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from gcbatch.errors import GcbatchError, OutputError
from gcbatch.exporting.hiding import hide_secrets, hiding_secrets
from gcbatch.exporting.local_path import LocalPath
from gcbatch.exporting.target import PublishedFile, Target

if TYPE_CHECKING:
    from gcbatch.table import Table

__all__ = ["API_VERSION", "Exporter", "FileOptions", "Options", "Receipt", "export"]

API_VERSION: Final = 1
"""Version of the contract. It rises when existing exporters would no longer work."""


class Options(BaseModel):
    """Base of an exporter's options: frozen, and closed to unknown keys."""

    # An error of validation quotes no value: it may be a secret.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class FileOptions(Options):
    """Options of an exporter that writes one file.

    Args:
        path: The file to write, exactly as given; a relative path starts at the current
            directory.
    """

    path: LocalPath


@dataclass(frozen=True, slots=True)
class Receipt:
    """The result of an export.

    Args:
        location: Where the rows are now, as the user would name it.
        rows: Number of rows that were written, over all tables.
    """

    location: str
    rows: int


@runtime_checkable
class Exporter(Protocol):
    """Writes tables somewhere; writing them twice leaves one copy.

    It never changes a table and never sends a request. It may also have a method
    `check(tables)`, which is called before the first request with tables that have no
    rows yet, to refuse (by JobError) a job that it cannot export. And it may declare by
    `deterministic = True` that the same tables and options give the same files: then a
    run does not write them again. And by `side_by_side = True` that it waits for no
    other export of the job while it reads its table: then exports of one table of
    documents each run at once, each in a thread, and share one pass over the parts.
    """

    api_version: ClassVar[int]
    Options: ClassVar[type[BaseModel]]

    def __init__(self, options: BaseModel) -> None: ...

    def export(self, tables: "Mapping[str, Table]", target: Target) -> Receipt:
        """Write *tables*, in the order given, and return where they are.

        Args:
            tables: By name; most exporters take exactly one.
            target: Provides staging paths. A database exporter ignores it: it replaces
                what it wrote before, by each table's key and covered range.

        Raises:
            OutputError: If they cannot be written; the previous output stays.
        """
        ...


def export(
    exporter: Exporter,
    name: str,
    tables: "Mapping[str, Table]",
    *,
    options: BaseModel | None = None,
    stop: Event | None = None,
) -> tuple[Receipt, tuple[PublishedFile, ...]]:
    """Run one exporter and publish what it staged.

    Args:
        exporter: An exporter with the job's options.
        name: Its name, for errors.
        tables: The tables to export.
        options: The options that the exporter has; no error shows their secrets.
        stop: Once set, the export does not wait for other runs.

    Returns:
        The exporter's receipt, and the files that were published.

    Raises:
        GcbatchError: As the exporter or a table raised it, without secrets.
        OutputError: If the exporter raises anything else; names the exporter. The
            previous output stays.
    """

    def write() -> tuple[Receipt, Target]:
        with Target(stop=stop) as target:
            receipt = exporter.export(tables, target)
        return receipt, target

    try:
        receipt, target = hiding_secrets(options, f"exporter {name!r}", write)
    except GcbatchError:
        raise
    except (Exception, SystemExit) as exc:  # the code of a plugin may raise anything
        reason = exc.strerror if isinstance(exc, OSError) else None
        msg = f"exporter {name!r} failed: {reason or f'{type(exc).__name__}: {exc}'}"
        raise OutputError(msg, hint="the previous output is as it was") from exc
    location = hide_secrets(options, receipt.location)
    return replace(receipt, location=location), target.published
