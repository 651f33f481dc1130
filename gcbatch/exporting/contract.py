"""The contract of exporters: what they get, what they return, how they run."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, PrivateAttr

from gcbatch.errors import GcbatchError, OutputError
from gcbatch.exporting.hiding import (
    hide_secrets,
    hide_values,
    hiding_secrets,
    secret_values,
)
from gcbatch.exporting.local_path import OutputPath
from gcbatch.exporting.published_file import PublishedFile
from gcbatch.exporting.target import Target
from gcbatch.exporting.true_or_false import only_true_or_false
from gcbatch.objects import Buckets

if TYPE_CHECKING:
    from gcbatch.table import Table

__all__ = [
    "API_VERSION",
    "OLDEST_API_VERSION",
    "Exporter",
    "FileOptions",
    "Mismatch",
    "Options",
    "Receipt",
    "export",
    "held_export",
    "mismatches",
]

API_VERSION: Final = 2
"""Version of the contract. In version 2 a table says which spans of which orgs its rows
are about, and a database can say what it holds."""

OLDEST_API_VERSION: Final = 1
"""Exporters of this version work too. They know the range of a table, and read from
`lacks` and `lacking_orgs` what is missing in it."""


class Options(BaseModel):
    """Base of an exporter's options: frozen, and closed to unknown keys."""

    # An error of validation quotes no value: it may be a secret.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    _booleans = only_true_or_false


class FileOptions(Options):
    """Options of an exporter that writes one file.

    Args:
        path: The file to write, exactly as given: a path, which starts at the current
            directory if it is relative, or the URL of an object, such as
            `s3://bucket/intervals.csv`.
    """

    path: OutputPath
    _buckets: Buckets = PrivateAttr(default_factory=Buckets)

    @property
    def buckets(self) -> Buckets:
        """The buckets of the run, opened as its job and the environment say."""
        return self._buckets

    def use(self, buckets: Buckets) -> None:
        """Use the buckets of a run."""
        self._buckets = buckets


@dataclass(frozen=True, slots=True)
class Receipt:
    """The result of an export.

    Args:
        location: Where the rows are now, as the user would name it.
        rows: Number of rows that were written, over all tables.
    """

    location: str
    rows: int


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Something that a destination does not hold as the table has it.

    Args:
        table: The name of the table.
        org: The org, in a job of several; otherwise empty.
        day: The day in the table's time zone; None where rows belong to no day.
        problem: What differs, such as `95 rows, expected 96`.
    """

    table: str
    org: str
    day: date | None
    problem: str

    def __str__(self) -> str:
        where = [self.table, self.org, "" if self.day is None else str(self.day)]
        return f"{', '.join(filter(None, where))}: {self.problem}"


@runtime_checkable
class Exporter(Protocol):
    """Writes tables somewhere; writing them twice leaves one copy.

    It never changes a table and never sends a request. It may have more methods:

    - `check(tables)` is called before the first request with tables that have no rows
      yet, to refuse (by JobError) a job that it cannot export.
    - `reach()` is called by `gcbatch check`, to refuse (by OutputError) a destination
      that cannot be reached or written now. It writes nothing. Of a file exporter
      without it, the path is looked at.
    - `destinations(names)` returns where the rows of tables of these names go, one text
      each, as the user would name it and without secrets. Two exports of a job with the
      same destination are refused.
    - `holds(tables, target)` returns the receipt if all that `export` would write is
      there already, and None otherwise. It is asked if `target.fingerprint` is known.
    - `verify(tables)` yields a Mismatch for what a destination does not hold as the
      tables have it.

    And it may declare more about itself:

    - `deterministic = True`: the same tables and options give the same output. Then a
      run does not write it again.
    - `side_by_side = True`: it waits for no other export of the job while it reads its
      table. Then exports of one table of documents each run at once, each in a thread,
      and share one pass over the parts.
    - `requires = ("module", …)`: modules that it cannot work without, and that its
      package installs only with an extra of the exporter's name.
    """

    api_version: ClassVar[int]
    Options: ClassVar[type[BaseModel]]

    def __init__(self, options: BaseModel) -> None: ...

    def export(self, tables: "Mapping[str, Table]", target: Target) -> Receipt:
        """Write *tables*, in the order given, and return where they are.

        Args:
            tables: By name; most exporters take exactly one.
            target: Provides staging paths for files. An exporter to a database ignores
                them: in one transaction it replaces what each table covers.

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
    fingerprint: str = "",
    buckets: Buckets | None = None,
) -> tuple[Receipt, tuple[PublishedFile, ...]]:
    """Run one exporter and publish what it staged.

    Args:
        exporter: An exporter with the job's options.
        name: Its name, for errors.
        tables: The tables to export.
        options: The options that the exporter has; no error shows their secrets.
        stop: Once set, the export does not wait for other runs.
        fingerprint: A hash over all that determines the export; empty if not known.
        buckets: Access to object stores. Default: as the environment says.

    Returns:
        The exporter's receipt, and the files that were published.

    Raises:
        GcbatchError: As the exporter or a table raised it, without secrets.
        OutputError: If the exporter raises anything else; names the exporter. The
            previous output stays.
    """

    def write() -> tuple[Receipt, Target]:
        with Target(stop=stop, fingerprint=fingerprint, buckets=buckets) as target:
            receipt = exporter.export(tables, target)
        return receipt, target

    with _only_own_errors(name, hint="the previous output is as it was"):
        receipt, target = hiding_secrets(options, _named(name), write)
    return _without_secrets(receipt, options), target.published


def held_export(
    exporter: Exporter,
    name: str,
    tables: "Mapping[str, Table]",
    *,
    options: BaseModel | None = None,
    stop: Event | None = None,
    fingerprint: str = "",
    buckets: Buckets | None = None,
) -> Receipt | None:
    """Return the receipt of an export whose destination holds its rows already.

    Args:
        exporter: An exporter with the job's options.
        name: Its name, for errors.
        tables: The tables to export.
        options: The options that the exporter has; no error shows their secrets.
        stop: Once set, it does not wait for other runs.
        fingerprint: A hash over all that determines the export; empty if not known.
        buckets: Access to object stores. Default: as the environment says.

    Returns:
        None if it does not, or the exporter or the fingerprint cannot say.

    Raises:
        GcbatchError: As the exporter raised it.
        OutputError: If the exporter raises anything else.
    """
    holds = getattr(exporter, "holds", None)
    if holds is None or not fingerprint:
        return None
    with _only_own_errors(name):
        target = Target(stop=stop, fingerprint=fingerprint, buckets=buckets)
        ask = partial(holds, tables, target)
        receipt: Receipt | None = hiding_secrets(options, _named(name), ask)
    return receipt and _without_secrets(receipt, options)


def mismatches(
    exporter: Exporter,
    name: str,
    tables: "Mapping[str, Table]",
    *,
    options: BaseModel | None = None,
) -> Iterator[Mismatch]:
    """Yield what the destination of an export does not hold as the tables have it.

    Args:
        exporter: An exporter with the job's options and a method `verify`.
        name: Its name, for errors.
        tables: The tables that were exported.
        options: The options that the exporter has; no error shows their secrets.

    Raises:
        GcbatchError: As the exporter or a table raised it, without secrets.
        OutputError: If the exporter raises anything else.
    """
    verify: Any = exporter
    values = secret_values(options)
    with _only_own_errors(name):
        what, compare = _named(name), partial(verify.verify, tables)
        found = iter(hiding_secrets(options, what, compare))
        while one := hiding_secrets(options, what, partial(next, found, None)):
            yield replace(one, problem=hide_values(values, one.problem))


def _named(exporter: str) -> str:
    return f"exporter {exporter!r}"


def _without_secrets(receipt: Receipt, options: BaseModel | None) -> Receipt:
    return replace(receipt, location=hide_secrets(options, receipt.location))


@contextmanager
def _only_own_errors(name: str, *, hint: str | None = None) -> Iterator[None]:
    """Turn what the code of a plugin raises into an OutputError that names it."""
    try:
        yield
    except (GcbatchError, GeneratorExit, KeyboardInterrupt):
        raise
    except BaseException as exc:  # a plugin may raise anything, a panic of Rust too
        reason = exc.strerror if isinstance(exc, OSError) else None
        msg = f"exporter {name!r} failed: {reason or f'{type(exc).__name__}: {exc}'}"
        raise OutputError(msg, hint=hint) from exc
