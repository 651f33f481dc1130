"""Rows for what ids stand for: a row for each, also the former."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from heapq import merge
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, Final
from zoneinfo import ZoneInfo

import pyarrow as pa

from gcbatch.planning import Plan
from gcbatch.table import Table
from gcbatch.tables.entity_fields import EntityField, Reader
from gcbatch.tables.source import TableSource

__all__ = ["DATES", "DIVISION", "EntityTable"]

BATCH_ROWS: Final = 4_096
"""Rows of a batch: the settings of a queue may have tens of kilobytes."""

_ABOUT_LISTED: Final = "false: no longer in the org, shown by its last name"
_ABOUT_EXTRA: Final = "fields that have no column; null: none"

DIVISION: Final = (
    EntityField("division_id", ("division", "id"), "text"),
    EntityField("division_name", ("division", "name"), "text"),
)
DATES: Final = (
    EntityField("date_created", ("dateCreated",), "instant"),
    EntityField("date_modified", ("dateModified",), "instant"),
)


@dataclass(frozen=True)
class EntityTable:
    """A table of what ids of one dimension stand for.

    Rows are in the order of their ids. An id that was listed once and is no longer has
    its last name, and is not `listed`.

    Args:
        name: What job files call it.
        dimension: Whose ids it has a row for.
        id_column: The column of the ids, and the key.
        name_column: The column of their names.
        fields: The columns after these, but for the last.
    """

    name: str
    dimension: str
    id_column: str
    name_column: str
    fields: tuple[EntityField, ...]

    @property
    def schema(self) -> pa.Schema:
        """Of the rows."""
        about_name = {"description": f"name of {self.id_column}", "source": "name"}
        about_extra = {"content": "json", "description": _ABOUT_EXTRA}
        return pa.schema(
            [
                pa.field(
                    self.id_column,
                    pa.string(),
                    nullable=False,
                    metadata={"source": "id"},
                ),
                pa.field(self.name_column, pa.string(), metadata=about_name),
                pa.field(
                    "listed",
                    pa.bool_(),
                    nullable=False,
                    metadata={"description": _ABOUT_LISTED},
                ),
                *(column.field for column in self.fields),
                pa.field("extra", pa.string(), metadata=about_extra),
            ]
        )

    def __call__(self, source: TableSource) -> Table:
        """Return the table of a job."""
        return self.of(
            source.plan,
            lambda: source.documents(self.name),
            names=source.names.by_dimension,
            former=source.names.deleted,
            timezone=source.job.query.zone,
        )

    def of(
        self,
        plan: Plan,
        documents: Callable[[], Iterable[tuple[str, str]]],
        *,
        names: Mapping[str, Mapping[str, str]],
        former: Mapping[str, Collection[str]],
        timezone: ZoneInfo,
    ) -> Table:
        """Return the table, read from what the org lists.

        Args:
            plan: Of the run that listed them.
            documents: Opens what is listed: ids and JSON, by id.
            names: For each dimension that was listed, names by id.
            former: For each, the ids that are no longer listed.
            timezone: The job's.
        """
        last_names = names.get(self.dimension, {})
        gone = {i: last_names.get(i, i) for i in former.get(self.dimension, ())}
        return Table(
            name=self.name,
            schema=self.schema,
            key=(self.id_column,),
            covered=plan.window,
            timezone=timezone,
            run_id=plan.run_id,
            batches=partial(self._batches, documents, gone),
            batch_rows=BATCH_ROWS,
            time=None,
        )

    def _batches(
        self,
        documents: Callable[[], Iterable[tuple[str, str]]],
        gone: Mapping[str, str],
    ) -> Iterator[pa.RecordBatch]:
        schema = self.schema
        rows = _rows(self, Reader(self.name, self.fields), documents(), gone)
        while some := list(islice(rows, BATCH_ROWS)):
            yield pa.RecordBatch.from_pylist(some, schema=schema)


def _rows(
    shape: EntityTable,
    reader: Reader,
    documents: Iterable[tuple[str, str]],
    gone: Mapping[str, str],
) -> Iterator[dict[str, Any]]:
    former = ((identity, None) for identity in sorted(gone))
    by_id = itemgetter(0)
    # Where a run was cut off after it kept its listing, an id may be in both: it is
    # listed, and merge takes it from there first.
    for identity, found in groupby(merge(documents, former, key=by_id), key=by_id):
        _, document = next(found)
        if document is None:
            row: dict[str, Any] = {shape.name_column: gone[identity]}
        else:
            row = reader.row(identity, document)
            row[shape.name_column] = row.pop("name") or identity
        yield {**row, shape.id_column: identity, "listed": document is not None}
