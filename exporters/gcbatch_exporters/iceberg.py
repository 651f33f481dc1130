"""Apache Iceberg: one table of a catalog, whose history stays."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import BaseModel, field_validator

from gcbatch.exporting import Options
from gcbatch.table import Table
from gcbatch_exporters.lakes.exporter import LakeExporter
from gcbatch_exporters.lakes.iceberg_catalog import IcebergCatalog
from gcbatch_exporters.lakes.iceberg_table import IcebergLakeTable

__all__ = ["IcebergExporter", "IcebergOptions"]


class IcebergOptions(Options):
    """Options of the iceberg exporter.

    Args:
        catalog: The catalog that the Iceberg table is in.
        namespace: Its namespace there, such as `genesys`; one in another has a dot:
            `lake.genesys`. It is created if it is missing.
        name: Its name there. Default: the table's own.
        partition_by: Columns of text, whole numbers or booleans whose values become
            partitions, and `day` or `month` of the table's times, in UTC. They are
            hidden: no column is added. Default: no partitions.
        new_columns: Whether columns that an existing Iceberg table lacks are added to
            it, null in earlier rows, or refused.
    """

    catalog: IcebergCatalog
    namespace: str
    name: str | None = None
    partition_by: tuple[str, ...] = ()
    new_columns: Literal["add", "refuse"] = "add"

    @field_validator("namespace", "name")
    @classmethod
    def _check_name(cls, name: str | None) -> str | None:
        if name is not None and not all(part.strip() for part in name.split(".")):
            msg = "must be a name, such as genesys"
            raise ValueError(msg)
        return name

    @field_validator("name")
    @classmethod
    def _check_one(cls, name: str | None) -> str | None:
        if name is not None and "." in name:
            msg = "must have no dot; what is before it is the namespace"
            raise ValueError(msg)
        return name


class IcebergExporter(LakeExporter):
    """Writes one table as an Iceberg table; rows of other ranges stay.

    One snapshot removes the rows of what the table covers and adds the new ones. It is
    the ledger too: it says of which job, run and spans they are. The Iceberg table
    belongs to the job that created it.
    """

    exporter_name: ClassVar[str] = "iceberg"
    requires: ClassVar[tuple[str, ...]] = ("pyiceberg", "sqlalchemy")
    Options: ClassVar[type[BaseModel]] = IcebergOptions

    def __init__(self, options: IcebergOptions) -> None:
        self._options = options

    def destinations(self, names: Sequence[str]) -> Sequence[str]:
        """Return catalog, namespace and name of each table."""
        return [self._place(name) for name in names]

    def _place(self, table: str) -> str:
        options = self._options
        name = options.name or table
        return f"{options.catalog.place}: {options.namespace}.{name}"

    def _of_lake(self, table: Table) -> IcebergLakeTable:
        options = self._options
        return IcebergLakeTable(
            options.catalog,
            (*options.namespace.split("."), options.name or table.name),
            self._place(table.name),
            table,
            options.partition_by,
            add_columns=options.new_columns == "add",
        )
