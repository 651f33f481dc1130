"""Tables of several orgs: a column `org` before all others."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import pyarrow as pa

from gcbatch.coverage import Coverage
from gcbatch.errors import GcbatchError, tagging_org
from gcbatch.planning import combine_run_ids
from gcbatch.table import Table
from gcbatch.tables.catalog import Catalog
from gcbatch.windows import UTC_ZONE

__all__ = ["MultiOrgCatalog", "of_all_orgs"]

_ORG: Final = pa.field(
    "org", pa.string(), nullable=False, metadata={"description": "as the job names it"}
)


def of_all_orgs(tables: Mapping[str, Table]) -> Table:
    """Return the rows of several orgs, one org after the other by name.

    Args:
        tables: The same table of each org.

    Returns:
        The table with the column `org`, the first of its key. Where the orgs' time
        zones differ, its time zone is UTC: its rows have no days in common.
    """
    names = sorted(tables)
    first = tables[names[0]]
    schema = pa.schema([_ORG, *first.schema])
    differ = len({tables[name].timezone.key for name in names}) > 1

    def batches() -> Iterator[pa.RecordBatch]:
        for name in names:
            with tagging_org(name):
                for batch in tables[name].batches():
                    yield _with_org(batch, name)

    bases = {name: basis for name in names if (basis := tables[name].basis) is not None}
    return replace(
        first,
        schema=schema,
        key=("org", *first.key),
        covered=Coverage.of_orgs({name: tables[name].covered for name in names}),
        timezone=UTC_ZONE if differ else first.timezone,
        run_id=combine_run_ids({name: tables[name].run_id for name in names}),
        batches=batches,
        basis=of_all_orgs(bases) if bases else None,
        zones_differ=differ,
        find_provisional=lambda: tuple(
            span for name in names for span in tables[name].provisional
        ),
        lacks=tuple(
            lack._replace(org=name) for name in names for lack in tables[name].lacks
        ),
    )


def _with_org(batch: pa.RecordBatch, org: str) -> pa.RecordBatch:
    """Return rows of an org with the column `org`."""
    orgs = pa.repeat(pa.scalar(org, pa.string()), batch.num_rows)
    schema = pa.schema([_ORG, *batch.schema])
    return pa.RecordBatch.from_arrays([orgs, *batch.columns], schema=schema)


@dataclass(frozen=True)
class MultiOrgCatalog:
    """The tables of a job of several orgs.

    Args:
        catalogs: The tables of each org.
        failures: The error of each org that failed; it has no catalog.
    """

    catalogs: Mapping[str, Catalog]
    failures: Mapping[str, GcbatchError] = field(default_factory=dict)

    @property
    def names_at(self) -> dict[str, datetime]:
        """When names and targets were listed, by table: the oldest of all orgs."""
        oldest: dict[str, datetime] = {}
        for catalog in self.catalogs.values():
            for named, at in catalog.names_at.items():
                oldest[named] = min(at, oldest.get(named, at))
        return oldest

    def table(self, name: str, *, period: str | None = None) -> Table:
        """Return one table; see Catalog.table."""
        tables = {org: c.table(name, period=period) for org, c in self.catalogs.items()}
        return self._whole(tables)

    def relation(self, name: str) -> Table:
        """Return the table that a name in SQL means; see Catalog.relation."""
        return self._whole({org: c.relation(name) for org, c in self.catalogs.items()})

    def _whole(self, tables: Mapping[str, Table]) -> Table:
        """Return the rows of all orgs; those that failed lack."""
        failed = tuple(sorted(self.failures))
        return replace(of_all_orgs(tables), lacking_orgs=failed)

    def is_of_documents(self, name: str) -> bool:
        """Return whether a table is of documents; see Catalog.is_of_documents."""
        return next(iter(self.catalogs.values())).is_of_documents(name)

    def rows_of(
        self, names: Collection[str], is_wanted: Callable[[str], bool]
    ) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Yield the rows of several tables, one org after the other by name."""
        for org in sorted(self.catalogs):
            with tagging_org(org):
                for name, rows in self.catalogs[org].rows_of(names, is_wanted):
                    yield name, _with_org(rows, org)

    def all(self) -> dict[str, Table]:
        """Return all tables of the job's endpoint; see Catalog.all."""
        first = next(iter(self.catalogs.values()))
        return {name: self.table(name) for name in first.job.all_tables}
