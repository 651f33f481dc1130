"""A batch of documents, read once for all tables that need it."""

from collections.abc import Callable, Collection, Mapping
from functools import cached_property

import pyarrow as pa

from gcbatch.tables.documents.columns import FieldPath
from gcbatch.tables.documents.raw_fields import EXTRA
from gcbatch.tables.documents.unnest import UnnestedLevels

__all__ = ["DocumentBatch", "ReadRaw"]

ReadRaw = Callable[[], Mapping[tuple[FieldPath, FieldPath], pa.Array]]
"""Returns fields by level and path; see RawFields. Those that no document has may be
missing."""


class DocumentBatch:
    """A batch of documents; what tables share of it is made once, on first use.

    Args:
        part_columns: The columns of the part that are needed, by name: `id`, `at`,
            `document` as texts.
        records: One for each document, with the typed fields.
        typed: The paths of these fields.
        read_raw: Reads the fields that are shown as they were sent; called once, on
            first use.
    """

    def __init__(
        self,
        part_columns: Mapping[str, pa.Array],
        records: pa.StructArray,
        typed: Collection[FieldPath],
        read_raw: ReadRaw,
    ) -> None:
        self._part_columns = part_columns
        self._typed = typed
        self._read_raw = read_raw
        whole = UnnestedLevels((records,), ())
        self._levels: dict[FieldPath, UnnestedLevels] = {(): whole}

    @cached_property
    def _raw(self) -> Mapping[tuple[FieldPath, FieldPath], pa.Array]:
        return self._read_raw()

    @property
    def ids(self) -> pa.Array:
        """The ids of the documents."""
        return self._part_columns["id"]

    def part_column(self, name: str) -> pa.Array:
        """Return a column of the part: `id`, `at`, or `document` as texts."""
        return self._part_columns[name]

    def levels(self, path: FieldPath) -> UnnestedLevels:
        """Return the records of each list on a path."""
        if path not in self._levels:
            self._levels[path] = self.levels(path[:-1]).below(path[-1])
        return self._levels[path]

    def count(self, path: FieldPath) -> int:
        """Return how many records are at the end of a path."""
        return len(self.levels(path).records[-1])

    def spread(
        self, values: pa.Array | None, level: FieldPath, path: FieldPath
    ) -> pa.Array | None:
        """Return for each record at the end of *path* the value of its owner.

        Args:
            values: A value for each record of a level; None if all are null.
            level: Path of the level, the beginning of *path*.
            path: Path of the records.
        """
        if values is None or level == path:
            return values
        return self.levels(path).spread(values, len(level))

    def field(self, level: FieldPath, path: FieldPath) -> pa.Array | None:
        """Return a typed field of each record of a level; None if all are null."""
        if (*level, *path) not in self._typed:
            return None
        return self.levels(level).field(len(level), *path)

    def json(self, level: FieldPath, path: FieldPath) -> pa.Array | None:
        """Return a field of each record of a level as JSON; None if all are null."""
        return self._raw.get((level, path))

    def unshown(self, level: FieldPath) -> pa.Array | None:
        """Return what no column shows of each record; None if there is nothing."""
        return self._raw.get((level, EXTRA))
