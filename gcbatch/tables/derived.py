"""Tables that a job makes of its others by SQL, its section `tables:`."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from threading import Event
from typing import Any, Final

import pyarrow as pa

from gcbatch.errors import DataError, JobError
from gcbatch.genesys import ENTITY_TABLES
from gcbatch.job import DerivedTable
from gcbatch.lazy import lazy_import
from gcbatch.selecting import Limits, Session, duplicate_key
from gcbatch.suggest import unknown
from gcbatch.table import INSTANT, ORG, Lack, Table
from gcbatch.tables.source import TableSource
from gcbatch.windows import ONE_DAY, Window, ceil_to_bucket, midnight, to_local

__all__ = ["Derived"]

pc = lazy_import("pyarrow.compute")

_COLUMN: Final = re.compile(r"[^\W\d]\w*")
START: Final = "_start"
"""End of the name of the column with the begin of each local day."""


@dataclass(frozen=True)
class Derived:
    """A derived table of a job of one org.

    Args:
        name: Its name.
        open_table: Returns what its SQL reads, by the name that it has there.
        schemas: The columns of what queries gave, by table; is added to.
        stop: Once set, reading it ends.
    """

    name: str
    open_table: Callable[[str], Table]
    schemas: dict[str, pa.Schema]
    stop: Event | None = None

    def __call__(self, source: TableSource) -> Table:
        """Return the table of a job.

        Raises:
            JobError: If its SQL, its key or its time is wrong.
        """
        spec = source.job.derived[self.name]
        if self.name not in self.schemas:
            found = self._schema_of_query(source)
            self._check(found, source)
            self.schemas[self.name] = found
        schema, time = self._with_start(self.schemas[self.name], spec)
        table = source.new_table(
            self.name,
            schema,
            key=spec.key,
            batches=lambda: self._batches(source, schema, time),
            time=time,
        )
        reads = source.job.base_tables([self.name])
        if source.lacks and not reads.keys() <= {*ENTITY_TABLES}:
            # A row may be made of rows that are missing, whatever its own time is.
            return replace(table, lacks=(Lack(source.plan.window),))
        return table

    @property
    def _where(self) -> str:
        return f"tables.{self.name}.sql"

    def _schema_of_query(self, source: TableSource) -> pa.Schema:
        """Return the columns of the query, which is not run."""
        with self._session(source, _without_rows(self.open_table)) as session:
            return session.schema_of(source.job.statements[self.name])

    def _session(
        self, source: TableSource, open_table: Callable[[str], Table]
    ) -> Session:
        spec, statement = source.job.derived[self.name], source.job.statements
        limits = Limits(
            more_memory=f"select less, or set tables.{self.name}.memory: 4GB",
            more_access="a derived table reads tables of its job, and nothing else",
        )
        if spec.memory:
            limits = replace(limits, memory=spec.memory)
        names = statement[self.name].tables
        return Session(names, open_table, limits, where=self._where, stop=self.stop)

    def _check(self, schema: pa.Schema, source: TableSource) -> None:
        """Refuse a query whose columns cannot be a table's."""
        spec, has_org = source.job.derived[self.name], bool(source.job.org_name)
        place, names = f"tables.{self.name}", schema.names
        for name in names:
            if not _COLUMN.fullmatch(name):
                msg = f"{place}.sql: the column {name!r} has no name of its own"
                raise JobError(msg, hint=f"write `{name} as …`")
            if [*map(str.lower, names)].count(name.lower()) > 1:
                msg = f"{place}.sql: two columns are called {name}"
                raise JobError(msg, hint="name each by `as …`")
        if has_org and ORG in names:
            msg = f"{place}.sql: has a column org, which all tables of several orgs get"
            raise JobError(msg, hint="leave it out; the query sees one org at a time")
        for key, columns in (("key", spec.key), ("time", (spec.time,))):
            for name in columns:
                if name is not None and name not in names:
                    msg = f"{place}.{key}: {unknown('column', name, names)}"
                    raise JobError(msg)
        if spec.time is not None:
            self._check_time(schema, spec.time, source)

    def _check_time(self, schema: pa.Schema, time: str, source: TableSource) -> None:
        """Refuse a time from which no destination knows the days of rows."""
        kind = schema.field(time).type
        if kind not in (INSTANT, pa.date32()):
            msg = f"tables.{self.name}.time: {time} is no instant and no date ({kind})"
            hint = "clock changes repeat local times; use the instant, or `::date`"
            raise JobError(msg, hint=hint)
        if kind == pa.date32() and time + START in schema.names:
            msg = f"tables.{self.name}.sql: gcbatch adds a column {time}{START}"
            raise JobError(msg, hint="give yours another name")
        start, zone = source.plan.window.start, source.job.query.zone
        if kind == pa.date32() and ceil_to_bucket(start, ONE_DAY, zone) != start:
            at = to_local(start, zone)
            msg = (
                f"tables.{self.name}.time: {time} is a date, and the range begins at "
                f"{at:%H:%M} of {at:%Y-%m-%d}, so that its first day is not whole"
            )
            raise JobError(msg, hint="let the range begin at midnight")

    def _with_start(
        self, schema: pa.Schema, spec: DerivedTable
    ) -> tuple[pa.Schema, str | None]:
        """Return the columns of the table, and the one of its time."""
        if spec.time is None or schema.field(spec.time).type == INSTANT:
            return schema, spec.time
        about = {"description": f"begin of {spec.time} in the job's time zone, UTC"}
        start = pa.field(spec.time + START, INSTANT, metadata=about)
        at = schema.get_field_index(spec.time) + 1
        return schema.insert(at, start), start.name

    def _batches(
        self, source: TableSource, schema: pa.Schema, time: str | None
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows, checked.

        Raises:
            DataError: If two rows have one key, or a row's time is not in the range.
            JobError: If the query fails over these rows.
        """
        spec, statement = source.job.derived[self.name], source.job.statements
        last: tuple[Any, ...] | None = None
        with self._session(source, self.open_table) as session:
            rows = session.rows_by_key(statement[self.name], spec.key)
            for found in rows:
                if found.num_rows == 0:
                    continue
                batch = self._started(found, schema, spec, source)
                if time is not None:
                    self._refuse_other_times(batch, time, source.plan.window, spec)
                if not statement[self.name].is_ordered:
                    last = self._refuse_duplicates(batch, spec.key, last)
                yield batch
                del found, batch  # or they would stay while the next is made

    def _started(
        self,
        batch: pa.RecordBatch,
        schema: pa.Schema,
        spec: DerivedTable,
        source: TableSource,
    ) -> pa.RecordBatch:
        """Return rows with the begin of their local day, if the time is a date."""
        if len(schema) == batch.num_columns or spec.time is None:
            return batch
        days = batch[spec.time].dictionary_encode()
        starts = [_midnight(day, source) for day in days.dictionary.to_pylist()]
        column = pa.array(starts, INSTANT).take(days.indices)
        columns = [*batch.columns]
        columns.insert(schema.get_field_index(spec.time) + 1, column)
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    def _refuse_other_times(
        self, batch: pa.RecordBatch, time: str, window: Window, spec: DerivedTable
    ) -> None:
        times = batch[time]
        start, end = (pa.scalar(at, INSTANT) for at in (window.start, window.end))
        is_in = pc.and_(pc.greater_equal(times, start), pc.less(times, end))
        is_in = pc.fill_null(is_in, fill_value=False)
        if pc.all(is_in).as_py():
            return
        shown = batch[spec.time].filter(pc.invert(is_in))[0].as_py()
        msg = f"tables.{self.name}: a row's {spec.time} is not in {window} ({shown})"
        hint = "a row's time must be in the job's range; let the query leave it out"
        raise DataError(msg, hint=hint)

    def _refuse_duplicates(
        self,
        batch: pa.RecordBatch,
        key: Sequence[str],
        last: tuple[Any, ...] | None,
    ) -> tuple[Any, ...]:
        """Refuse rows in the order of their key if two have the same; return the last.

        Args:
            batch: The rows.
            key: The columns of the key.
            last: The key of the row before; None if there is none.
        """
        columns = [batch[name] for name in key]
        same = pa.repeat(pa.scalar(value=True), max(batch.num_rows - 1, 0))
        for column in columns:
            above, below = column.slice(0, batch.num_rows - 1), column.slice(1)
            equal = pc.fill_null(pc.equal(above, below), fill_value=False)
            both_null = pc.and_(pc.is_null(above), pc.is_null(below))
            same = pc.and_(same, pc.or_(equal, both_null))
        first = pc.index(same, value=True).as_py()
        if first < 0 and last == _row(columns, 0):
            first = 0
        if first >= 0:
            place = f"tables.{self.name}"
            raise duplicate_key(place, _row(columns, first))
        return _row(columns, batch.num_rows - 1)


def _row(columns: Sequence[pa.Array], number: int) -> tuple[Any, ...]:
    return tuple(column[number].as_py() for column in columns)


def _midnight(day: date | None, source: TableSource) -> Any:
    return None if day is None else midnight(day, source.job.query.zone)


def _without_rows(open_table: Callable[[str], Table]) -> Callable[[str], Table]:
    def empty(name: str) -> Table:
        return replace(open_table(name), batches=lambda: iter(()))

    return empty
