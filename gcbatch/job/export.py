"""An entry of `exports:`: what is written, and where."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Self

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from gcbatch.job.section import Section, Unique, one_of
from gcbatch.job.sla import PERIODS

__all__ = ["Export", "ExportOfEntry"]

PER_TABLE: Final = "{table}"
"""In an option: the entry is an export for each table, with its name here."""


def _all_or_list(value: object) -> str:
    return "all" if value == "all" else "list"


class Export(Section):
    """One export; all other keys are options of the exporter.

    Args:
        exporter: Its name; `gcbatch exporters` lists the installed ones. For one that
            is not installed as a plugin, its place: `module:Class`.
        table: The table to export.
        tables: Several tables instead of one, or `all` that the endpoint has and the
            job derives. With `{table}` in an option each becomes an export of its own;
            otherwise the exporter must take several.
        period: For the table `sla`, a period of its own. Default: `sla.period`.
    """

    model_config = ConfigDict(extra="allow")

    exporter: str
    table: str | None = None
    tables: (
        Annotated[
            Annotated[Literal["all"], Tag("all")]
            | Annotated[tuple[str, ...], Field(min_length=1), Unique, Tag("list")],
            Discriminator(_all_or_list),
        ]
        | None
    ) = None
    period: Annotated[str, one_of("period", PERIODS)] | None = None

    @model_validator(mode="after")
    def _names_tables(self) -> Self:
        if (self.table is None) == (self.tables is None):
            msg = "give either table or tables"
            raise ValueError(msg)
        return self

    @property
    def table_names(self) -> tuple[str, ...]:
        """The names of its tables, one or several; none if they are `all`."""
        return self.names_of(())

    def names_of(self, all_tables: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names of its tables, in a job whose endpoint has *all_tables*."""
        if self.tables == "all":
            return all_tables
        return self.tables or (self.table or "",)

    @property
    def options(self) -> dict[str, Any]:
        """The exporter's own options, as written; secrets are hidden values."""
        return dict(self.model_extra or {})

    def expand(
        self, number: int, all_tables: tuple[str, ...]
    ) -> "tuple[ExportOfEntry, ...]":
        """Return the exports that this entry stands for.

        Args:
            number: The number of this entry; the first is 0.
            all_tables: The tables of the job's endpoint.
        """
        names = self.names_of(all_tables)
        if not any(PER_TABLE in text for text in _texts_in(self.options)):
            spec = self
            if self.tables == "all":
                spec = self.model_copy(update={"tables": names})
            return (ExportOfEntry(number, spec),)
        shown = names if self.tables else ("",)
        return tuple(
            ExportOfEntry(number, self._for_table(name), shown=one)
            for name, one in zip(names, shown, strict=True)
        )

    def _for_table(self, name: str) -> "Export":
        update = {key: _filled(value, name) for key, value in self.options.items()}
        period = self.period if name == "sla" else None
        update |= {"table": name, "tables": None, "period": period}
        return self.model_copy(update=update)


def _texts_in(value: Any) -> Iterator[str]:
    """Yield the texts in plain data; hidden values are none."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts_in(inner)


def _filled(value: Any, table: str) -> Any:
    """Return plain data with a table's name for each PER_TABLE."""
    if isinstance(value, str):
        return value.replace(PER_TABLE, table)
    if isinstance(value, dict):
        return {key: _filled(inner, table) for key, inner in value.items()}
    return [_filled(v, table) for v in value] if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class ExportOfEntry:
    """One export that a job runs; an entry of `exports:` may stand for several.

    Args:
        number: The number of the entry; the first is 0.
        spec: The export, with the names of its tables.
        shown: The table, if the entry is an export for each of several; else empty.
    """

    number: int
    spec: Export
    shown: str = ""

    @property
    def place(self) -> str:
        """The place in the job file, for messages."""
        table = f" (table {self.shown})" if self.shown else ""
        return f"exports[{self.number}]{table}"
