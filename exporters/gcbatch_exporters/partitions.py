"""A folder of Parquet partitions, `month=2026-10/queue_id=9f1c…/data.parquet`.

Hive's convention: partition columns are in the folders' names and left out of the
files; readers put them back. (Kept in both, pyarrow refuses to read columns whose
values look like numbers; checked with pyarrow 26, DuckDB 2.0 and Polars 2.1.)
"""

import mmap
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal, Self
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from gcbatch.errors import DataError, JobError, OutputError
from gcbatch.exporting import Target
from gcbatch.tables.table import Table, rebatched
from gcbatch.windows import midnight, to_local
from gcbatch_exporters.manifest import DATA, ELSEWHERE, MANIFEST, Manifest

__all__ = ["Layout", "Partitions"]

NULL: Final = "__HIVE_DEFAULT_PARTITION__"
LABELS: Final = {"month": "%Y-%m", "day": "%Y-%m-%d"}

Write = Callable[[Path, pa.Schema, Iterable[pa.RecordBatch]], int]
"""Writes batches to a path and returns their rows."""

Spans = dict[str, list[tuple[int, int, int]]]
"""Where the rows of each partition are: batch, first row, rows."""


def _quoted(value: str) -> str:
    # Nothing that a tenant names may leave the folder: no slash survives, and the
    # column's name before it keeps `..` a name. Windows drops a final dot.
    text = quote(value, safe="")
    text = text.removesuffix(".") + "%2E" if text.endswith(".") else text
    return "%5F" + text[1:] if text == NULL else text


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table's rows are spread over folders.

    Args:
        names: Of the folders from the top, as in partition_by.
        time_column: What `day` and `month` are of; None if there is none.
        unit: The shorter of `day` and `month` that is in names, if one is.
        covered: Labels of the days or months that the table covers.
        columns: Names that are columns of the table.
    """

    names: tuple[str, ...]
    time_column: str | None
    unit: Literal["day", "month"] | None
    covered: frozenset[str]
    columns: frozenset[str]

    @classmethod
    def of(cls, table: Table, names: tuple[str, ...]) -> Self:
        """Fit partition_by to a table.

        Args:
            table: Needs no rows.
            names: One or more.

        Raises:
            JobError: If a name is unknown, doubled, or nothing else would remain;
                if the table covers a day or month only in part, or its rows are of
                orgs whose days and months differ.
        """
        schema = table.schema
        columns = {field.name for field in schema if _can_partition(field.type)}
        time_column = table.time if table.time in schema.names else None
        times = set(LABELS) - columns if time_column else set()
        for name in names:
            if name in LABELS and table.zones_differ:
                msg = f"partition_by: the orgs of {table.name} have no {name} in common"
                hint = "give them one timezone, or partition by org"
                raise JobError(msg, hint=hint)
            if name not in columns | times:
                msg = f"partition_by: {table.name} has no {name!r} to partition by"
                valid = ", ".join([*sorted(times), *sorted(columns)])
                raise JobError(msg, hint=f"choose from {valid}")
        if len(set(names)) < len(names):
            msg = f"partition_by: a name comes twice ({', '.join(names)})"
            raise JobError(msg, hint="name each once")
        if set(names) >= set(schema.names):
            msg = f"partition_by: no column of {table.name} would be left"
            raise JobError(msg, hint="partition by fewer columns")
        asked = times & set(names)
        unit: Literal["day", "month"] | None = None
        if asked:
            unit = "day" if "day" in asked else "month"
        covered = frozenset(_covered_labels(table, unit) if unit else ())
        return cls(names, time_column, unit, covered, frozenset(columns & set(names)))

    def split(
        self, batch: pa.RecordBatch, table: Table
    ) -> tuple[list[str], list[int], pa.RecordBatch]:
        """Sort the rows of a batch by partition, otherwise in the order they had.

        Args:
            batch: Of *table*.
            table: For its timezone, and for errors.

        Returns:
            Files, relative to the folder; rows of each; the rows, without the
            columns that are in the files' names.

        Raises:
            DataError: If a row's time is missing or not in the covered range.
        """
        keys: list[str] = [""]
        ids = pa.nulls(batch.num_rows, pa.int64()).fill_null(0)
        for name in self.names:
            labels, of_row = self._labelled(batch, name, table)
            both = pc.add(pc.multiply(ids, len(labels)), of_row)
            distinct = pc.dictionary_encode(both)
            keys = [
                f"{keys[n // len(labels)]}{labels[n % len(labels)]}/"
                for n in distinct.dictionary.to_pylist()
            ]
            ids = distinct.indices.cast(pa.int64())
        # Numbered by first appearance, so the counts are in the order of the sort;
        # which is stable.
        counts = pc.value_counts(ids).field("counts").to_pylist()
        kept = batch.drop_columns(list(self.columns)) if self.columns else batch
        return [key + DATA for key in keys], counts, kept.take(pc.sort_indices(ids))

    def _labelled(
        self, batch: pa.RecordBatch, name: str, table: Table
    ) -> tuple[list[str], pa.Array]:
        """Return distinct folder names, and which of them each row has."""
        is_column = name in self.columns
        column = batch.column(name if is_column else self.time_column)
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        encoded = pc.dictionary_encode(column, null_encoding="encode")
        values = encoded.dictionary.to_pylist()
        if is_column:
            texts = [_value_as_text(value) for value in values]
        else:
            texts = [self._time_label(value, name, table) for value in values]
        number: dict[str, int] = {}
        for text in texts:
            number.setdefault(text, len(number))
        of_value = pa.array([number[text] for text in texts], pa.int64())
        prefix = quote(name, safe="")
        return [f"{prefix}={t}" for t in number], of_value.take(encoded.indices)

    def _time_label(self, instant: datetime | None, name: str, table: Table) -> str:
        if instant is None:
            msg = f"{table.name}: {self.time_column} is missing in a row"
            raise DataError(msg, hint="please report this; the data is contradictory")
        local = to_local(instant, table.timezone)
        if self.unit and local.strftime(LABELS[self.unit]) not in self.covered:
            msg = f"{table.name}: a row of {instant} is not in {table.covered}"
            raise DataError(msg, hint="please report this; the data is contradictory")
        return local.strftime(LABELS[name])

    def is_covered(self, file: str) -> bool:
        """Whether an earlier file is about a day or month that the table covers."""
        if self.unit is None:
            return True
        folder = file.split("/")[self.names.index(self.unit)]
        return folder.partition("=")[2] in self.covered


def _can_partition(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_boolean(kind)
    )


def _value_as_text(value: str | int | bool | None) -> str:  # noqa: FBT001 - a cell
    if value is None:
        return NULL
    if isinstance(value, bool):
        return "true" if value else "false"
    return _quoted(str(value))


def _covered_labels(table: Table, unit: Literal["day", "month"]) -> Iterator[str]:
    """Yield the labels of the days or months that a table covers.

    Raises:
        JobError: If it covers one of them only in part; names it.
    """
    zone = table.timezone
    first, last = (to_local(t, zone).date() for t in _ends(table))
    for edge, day in zip(_ends(table), (first, last), strict=True):
        if midnight(day, zone) != edge or (unit == "month" and day.day != 1):
            label = day.strftime(LABELS[unit])
            msg = f"partition_by: {unit} {label} is only partly in {table.covered}"
            hint = f"let from and to be whole {unit}s of {zone.key}"
            hint += ", or partition by day" if unit == "month" else ""
            raise JobError(msg, hint=hint)
    day, label = first, ""
    while day < last:
        if day.strftime(LABELS[unit]) != label:
            label = day.strftime(LABELS[unit])
            yield label
        day += timedelta(days=1)


def _ends(table: Table) -> tuple[datetime, datetime]:
    return table.covered.start, table.covered.end


@dataclass(frozen=True, slots=True)
class Partitions:
    """One table's partitions in a folder: those to come, and those of earlier runs.

    Args:
        folder: Holds them all.
        layout: Of the table.
        earlier: Files that gcbatch wrote before, and are there.
        outdated: Those of them whose rows this table replaces.
    """

    folder: Path
    layout: Layout
    earlier: frozenset[str]
    outdated: frozenset[str]

    @classmethod
    def plan(cls, folder: Path, layout: Layout, table: Table) -> Self:
        """See what is there.

        Raises:
            OutputError: If *folder* is a file, its manifest is not to be trusted, or
                it has partitions that would not go with the new ones.
        """
        if folder.exists() and not folder.is_dir():
            msg = f"{folder}: is a file, partition_by writes a folder"
            raise OutputError(msg, hint="name a folder, or leave partition_by out")
        found = Manifest.read(folder)
        if found is None or not found.files:
            return cls(folder, layout, frozenset(), frozenset())
        if found.partition_by != layout.names:
            msg = f"{folder}: is partitioned by {', '.join(found.partition_by)}"
            raise OutputError(msg, hint=ELSEWHERE)
        outdated = {file for file in found.files if layout.is_covered(file)}
        other = (found.table, found.timezone) != (table.name, table.timezone.key)
        if other and len(outdated) < len(found.files):
            msg = f"{folder}: has partitions of {found.table} in {found.timezone}"
            raise OutputError(msg, hint=ELSEWHERE)
        return cls(folder, layout, frozenset(found.files), frozenset(outdated))

    def write(self, table: Table, target: Target, write: Write) -> int:
        """Stage the partitions of a table, and let outdated ones go.

        Rows are spilled to an unnamed temporary file in the folder, sorted by
        partition within each batch, then gathered: one output is open at a time and
        one batch in memory, however many partitions there are.

        Args:
            table: Of the layout.
            target: Lends the files.
            write: Writes one of them.

        Returns:
            Rows written.

        Raises:
            OutputError: If a file that gcbatch did not write is in the way.
            DataError: If a row is not in the range that the table covers.
        """
        # Staged first, so published first: if the rest is cut off, everything that
        # may be there is listed and the next run can replace it.
        listed = target.stage(self.folder / MANIFEST)
        with tempfile.TemporaryFile(prefix=".gcbatch.", dir=self.folder) as spill:
            schema, spans = self._spill(table, spill)
            rows = 0
            batches = _mapped(spill)
            folders: dict[str, Path] = {}
            for file in spans:
                staged = self._stage(file, target)
                twin = folders.setdefault(file.casefold(), staged.parent)
                if twin != staged.parent and twin.samefile(staged.parent):
                    msg = f"{staged.parent}: this disk takes it for {twin}"
                    raise OutputError(msg, hint="partition by ids, not by names")
                parts = (batches[n].slice(at, count) for n, at, count in spans[file])
                batches_of_file = rebatched(parts, schema, table.batch_rows)
                rows += write(staged, schema, batches_of_file)
        for file in self.outdated - set(spans):
            target.discard(self.folder / file, root=self.folder)
        manifest = Manifest(
            table=table.name,
            timezone=table.timezone.key,
            partition_by=self.layout.names,
            files=tuple(sorted(self.earlier | set(spans))),
        )
        listed.write_bytes(manifest.as_json())
        return rows

    def _spill(self, table: Table, file: Any) -> tuple[pa.Schema, Spans]:
        kept = [
            field for field in table.schema if field.name not in self.layout.columns
        ]
        schema = pa.schema(kept, metadata=table.schema.metadata)
        spans: Spans = {}
        with pa.ipc.new_file(file, schema) as writer:
            for number, batch in enumerate(table):
                files, counts, ordered = self.layout.split(batch, table)
                writer.write_batch(ordered.cast(schema))
                at = 0
                for name, count in zip(files, counts, strict=True):
                    spans.setdefault(name, []).append((number, at, count))
                    at += count
        file.flush()
        return schema, spans

    def _stage(self, file: str, target: Target) -> Path:
        path = self.folder / file
        if path.exists() and file not in self.earlier:
            msg = f"{path}: is in the way, and not by gcbatch"
            raise OutputError(msg, hint="move it away, or name another folder")
        return target.stage(path)


def _mapped(file: Any) -> list[pa.RecordBatch]:
    """Return the batches of an IPC file, left on disk until they are read."""
    view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    reader = pa.ipc.open_file(pa.py_buffer(view))
    return [reader.get_batch(n) for n in range(reader.num_record_batches)]
