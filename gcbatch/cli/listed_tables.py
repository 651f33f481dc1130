"""What `gcbatch tables` says of a table: its rows, columns, permission and cost."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from gcbatch.cli.any_job import any_job
from gcbatch.cli.table_costs import permission_of, requests_of, requests_of_details
from gcbatch.errors import JobError
from gcbatch.genesys import DETAILS, ENTITY_KINDS, FAMILIES
from gcbatch.job import CHANGES_TABLE, Job
from gcbatch.registry import ENDPOINTS, module_names
from gcbatch.running import declared_tables
from gcbatch.suggest import unknown
from gcbatch.table import Table

__all__ = [
    "ListedColumn",
    "ListedTable",
    "find_table",
    "tables_of_any_job",
    "tables_of_job",
]

DEFAULT: Final = "as of a job with `sla: {}`; --job JOB shows the columns of yours"
MORE_GROUPS: Final = "query.group_by can add columns; --job JOB shows those of yours"

CHANGED: Final = "any job with a query: what fetching again changed"

DERIVED: Final = "this job, by SQL"

LISTED: Final = "any job: what the org lists"

_ROWS: Final = re.compile(r"The table `\w+`[:,]? ?(.*?)\.?$")
"""The first line of a module that declares a table."""


@dataclass(frozen=True, slots=True)
class ListedColumn:
    """A column of a table, as the table declares it.

    Args:
        name: Its name.
        type: Its type, as Arrow writes it; `json` for texts that are JSON.
        unit: The unit of its values; empty if they have none.
        source: The field in the API's words; empty if it has none.
        description: What it is; empty if its name says it.
        in_key: Whether it is one of those that identify a row.
        nullable: Whether it can be null.
    """

    name: str
    type: str
    unit: str
    source: str
    description: str
    in_key: bool
    nullable: bool

    @classmethod
    def of(cls, field: pa.Field, key: Collection[str]) -> "ListedColumn":
        """Return a column of a table with a key."""
        said = {k.decode(): v.decode() for k, v in (field.metadata or {}).items()}
        is_json = said.get("content") == "json"
        return cls(
            field.name,
            "json" if is_json else str(field.type),
            said.get("unit", ""),
            said.get("source", ""),
            said.get("description", ""),
            field.name in key,
            field.nullable,
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "name": self.name,
            "type": self.type,
            "unit": self.unit,
            "source": self.source,
            "description": self.description,
            "key": self.in_key,
            "nullable": self.nullable,
        }


@dataclass(frozen=True, slots=True)
class ListedTable:
    """A table as it is listed.

    Args:
        name: Its name in job files.
        group: The endpoints whose jobs have it, in words.
        rows: What a row is.
        permission: What a role needs for it, in words; empty if none or not known.
        requests: What it costs, in words.
        key: The columns that identify a row.
        columns: All columns.
        remark: What else there is to say; empty if nothing.
    """

    name: str
    group: str
    rows: str
    permission: str
    requests: str
    key: tuple[str, ...]
    columns: tuple[ListedColumn, ...]
    remark: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "table": self.name,
            "group": self.group,
            "rows": self.rows,
            "permission": self.permission or None,
            "requests": self.requests,
            "key": list(self.key),
            "remark": self.remark or None,
            "columns": [column.to_json() for column in self.columns],
        }


def tables_of_any_job() -> tuple[ListedTable, ...]:
    """Return all tables, with the columns of jobs that set as little as possible."""
    fixed = (name.replace("_", "-") for name in module_names(ENDPOINTS))
    aggregates, *others = (
        any_job(FAMILIES[0].endpoint, with_sla=True),
        *map(any_job, fixed),
        *(any_job(details.name) for details in DETAILS),
    )
    of_all = f"aggregates, such as {aggregates.query.endpoint}"
    own = [*_own_tables(aggregates, of_all, DEFAULT)]
    for job in others:
        details, shape = job.query.details, job.query.shape
        group = ", ".join(details[0].modes) if details else job.query.endpoint
        own += _own_tables(job, group, MORE_GROUPS if shape.groups else "")
    return (*own, _changes_table(aggregates), *_entity_tables(aggregates))


def tables_of_job(job: Job) -> tuple[ListedTable, ...]:
    """Return the tables that a job can export, with its columns."""
    own: tuple[ListedTable, ...] = ()
    if not job.lists_only:
        own = (*_own_tables(job, job.query.endpoint), _changes_table(job))
    return (*own, *_derived_tables(job), *_entity_tables(job))


def find_table(
    tables: Sequence[ListedTable], name: str, path: Path | None
) -> tuple[ListedTable, ...]:
    """Return the tables of a name: several if endpoints have different ones.

    Args:
        tables: All tables.
        name: The name.
        path: The file of the job whose tables they are; None if they are of any job.

    Raises:
        JobError: If there is none; names the nearest.
    """
    if found := tuple(table for table in tables if table.name == name):
        return found
    known = dict.fromkeys(table.name for table in tables)
    msg = f"{path or 'tables'}: {unknown('table', name, known)}"
    hint = "`gcbatch tables` lists all tables"
    raise JobError(msg, hint=f"{hint}, also of other jobs" if path else hint)


def _own_tables(job: Job, group: str, remark: str = "") -> Iterator[ListedTable]:
    """Yield the tables of what a job fetches; see ListedTable."""
    query, folder, permission = job.query, "tables/aggregates", ""
    requests = "as `gcbatch plan JOB` says"
    if query.details is not None:
        details, _ = query.details
        folder, permission = f"tables/{details.tables}", details.permission
        requests = requests_of_details()
    elif query.family is not None:
        permission = query.family.permission
    catalog = declared_tables(job)
    for name in job.tables:
        yield _listed(
            catalog.table(name),
            group=group,
            rows=_rows_of(folder, name),
            permission=permission,
            requests=requests,
            remark=remark,
        )


def _changes_table(job: Job) -> ListedTable:
    """Return the table of what fetching again changed."""
    return _listed(
        declared_tables(job).table(CHANGES_TABLE),
        group=CHANGED,
        rows="a row for each figure that changed; not in `tables: all`",
        permission="",
        requests="none",
    )


def _derived_tables(job: Job) -> Iterator[ListedTable]:
    """Yield the tables that a job makes of its others by SQL."""
    catalog = declared_tables(job)
    for name, about in job.derived.items():
        yield _listed(
            catalog.table(name),
            group=DERIVED,
            rows=about.description,
            permission="",
            requests="none of its own",
        )


def _entity_tables(job: Job) -> Iterator[ListedTable]:
    """Yield the tables of what the org lists."""
    catalog = declared_tables(job)
    for kind in sorted(ENTITY_KINDS, key=lambda kind: kind.table):
        yield _listed(
            catalog.table(kind.table),
            group=LISTED,
            rows=kind.label,
            permission=permission_of(kind),
            requests=requests_of(kind),
        )


def _listed(
    table: Table,
    *,
    group: str,
    rows: str,
    permission: str,
    requests: str,
    remark: str = "",
) -> ListedTable:
    return ListedTable(
        table.name,
        group,
        rows,
        permission,
        requests,
        table.key,
        tuple(ListedColumn.of(field, table.key) for field in table.schema),
        remark,
    )


def _rows_of(folder: str, name: str) -> str:
    """Return what a row is, as the module that declares the table says."""
    module = import_module(f"gcbatch.{folder.replace('/', '.')}.{name}")
    first = (module.__doc__ or "").partition("\n")[0]
    found = _ROWS.match(first)
    return found[1] if found else ""
