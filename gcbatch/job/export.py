"""An entry of `exports:`: what is written, and where."""

from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator

from gcbatch.job.section import Section, Unique, one_of
from gcbatch.job.sla import PERIODS

__all__ = ["Export"]


class Export(Section):
    """One export; all other keys are options of the exporter.

    Args:
        exporter: Its name; `gcbatch exporters` lists the installed ones. For one that
            is not installed as a plugin, its place: `module:Class`.
        table: The table to export.
        tables: Several tables instead of one, for an exporter that takes them.
        period: For the table `sla`, a period of its own. Default: `sla.period`.
    """

    model_config = ConfigDict(extra="allow")

    exporter: str
    table: str | None = None
    tables: Annotated[tuple[str, ...], Field(min_length=1), Unique] | None = None
    period: Annotated[str, one_of("period", PERIODS)] | None = None

    @model_validator(mode="after")
    def _names_tables(self) -> Self:
        if (self.table is None) == (self.tables is None):
            msg = "give either table or tables"
            raise ValueError(msg)
        return self

    @property
    def table_names(self) -> tuple[str, ...]:
        """The names of its tables, one or several."""
        return self.tables or (self.table or "",)

    @property
    def options(self) -> dict[str, Any]:
        """The exporter's own options, as written."""
        return dict(self.model_extra or {})
