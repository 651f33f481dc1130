"""What is written, and where: an entry of `exports:`."""

from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator

from gcbatch.job.section import Section, Unique, one_of
from gcbatch.job.sla import PERIODS

__all__ = ["Export"]


class Export(Section):
    """One export; the keys not named here are the exporter's own options.

    Args:
        exporter: Its name; `gcbatch exporters` lists what is installed. Or where it is,
            `module:Class`, for one that is in no package.
        table: What to export.
        tables: Instead of one table several, for an exporter that takes them.
        period: For the table `sla`, another period than the job's. Default:
            `sla.period`.
    """

    model_config = ConfigDict(extra="allow")

    exporter: str
    table: str | None = None
    tables: Annotated[tuple[str, ...], Field(min_length=1), Unique] | None = None
    period: Annotated[str, one_of("period", PERIODS)] | None = None

    @model_validator(mode="after")
    def _names_tables(self) -> Self:
        if (self.table is None) == (self.tables is None):
            msg = "name what to export: either table or tables"
            raise ValueError(msg)
        return self

    @property
    def table_names(self) -> tuple[str, ...]:
        """The tables, one or several."""
        return self.tables or (self.table or "",)

    @property
    def options(self) -> dict[str, Any]:
        """The exporter's own options, as written."""
        return dict(self.model_extra or {})
