"""The shape of a table of details: its columns, and where its rows come from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import pyarrow as pa

from gcbatch.genesys import Model
from gcbatch.tables.documents.columns import Column, FieldPath

__all__ = ["Shape"]

T = TypeVar("T")


@dataclass(frozen=True)
class Shape:
    """The columns of a table of details, and where its rows come from.

    Args:
        noun: What a document is, for errors.
        root: The model of a document.
        path: From a document to the records that make a row each, through lists.
        columns: In order.
        key: Columns that together identify a row.
        needed: Paths of the fields of a document that Derived columns need.
    """

    noun: str
    root: Model
    path: FieldPath
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    needed: tuple[FieldPath, ...] = ()

    @property
    def schema(self) -> pa.Schema:
        """The schema of the rows."""
        return pa.schema([column.field for column in self.columns])

    def sources(self, kind: type[T]) -> Iterator[T]:
        """Yield the sources of one kind, in the order of the columns."""
        return (c.source for c in self.columns if isinstance(c.source, kind))
