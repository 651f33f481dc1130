"""Tables of versions: what entities were, from when until when."""

from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa

from gcbatch.table import INSTANT
from gcbatch.tables.entity_fields import column_of
from gcbatch.tables.entity_table import EXTRA, LISTED_AT, EntityTable
from gcbatch.tables.source import TableSource

__all__ = ["VersionTable"]

_VALID: Final = (
    pa.field(
        "valid_from",
        INSTANT,
        nullable=False,
        metadata={"description": "when a listing first showed it so, UTC"},
    ),
    pa.field(
        "valid_to",
        INSTANT,
        metadata={"description": "when a listing first did not; null: still so"},
    ),
)


class VersionTable(EntityTable):
    """A table of the versions of the entities of one kind.

    Rows are in the order of ids and `valid_from`. The versions of an entity do not
    overlap; between two of them it was not listed.
    """

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that no two rows have in common."""
        return (*super().key, "valid_from")

    @property
    def schema(self) -> pa.Schema:
        """The schema of the rows."""
        identity = [field for field in self.identity() if field.name != "listed"]
        fields = map(column_of, self.kind.fields)
        return pa.schema([*identity, *_VALID, *fields, EXTRA, LISTED_AT])

    def rows(self, source: TableSource) -> Iterator[dict[str, Any]]:
        """Yield the rows of a job, each by its columns; other keys are ignored."""
        named = self.row_reader(source)
        listed_at, versions = source.versions(self.kind.table)
        for ids, document, valid_from, valid_to in versions:
            yield {
                **named(ids, document),
                "valid_from": valid_from,
                "valid_to": valid_to,
                "listed_at": listed_at,
            }
