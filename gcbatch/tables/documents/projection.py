"""The fields that have to be read of documents, for one table or for several."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa

from gcbatch.genesys import FieldKind, Model
from gcbatch.tables.documents.columns import FieldPath, type_of

__all__ = ["FieldFilter", "fields_that_occur", "projection"]

FieldFilter = Callable[[FieldPath], bool]
"""Says of a path from a document whether a field can be there."""


def fields_that_occur(
    noted: Iterable[str] | None, unknown: Iterable[str]
) -> FieldFilter:
    """Return a filter of the fields that the documents of a part have.

    Args:
        noted: Dotted paths of the known fields that occurred when the part was fetched;
            None if they were not noted.
        unknown: Dotted paths of fields that were unknown then. This release may know
            them, or records within them.
    """
    if noted is None:
        return lambda _: True
    whole = {tuple(text.split(".")) for text in (*noted, *unknown)}
    above = {path[:end] for path in whole for end in range(len(path))}

    def occurs(path: FieldPath) -> bool:
        ends = range(1, len(path) + 1)
        return path in above or any(path[:end] in whole for end in ends)

    return occurs


def projection(
    root: Model, levels: Iterable[FieldPath], fields: Iterable[FieldPath]
) -> pa.Schema:
    """Return the schema of some fields of a document.

    Args:
        root: Model of a document.
        levels: Paths of lists whose records are needed, with whatever fields.
        fields: Paths of fields. One that holds JSON gets type null: a reader then
            refuses documents that have it.
    """
    tree: dict[str, Any] = {}
    for path in (*levels, *fields):
        node = tree
        for name in path:
            node = node.setdefault(name, {})
    return pa.schema(list(_fields(tree, root)))


def _fields(tree: dict[str, Any], model: Model) -> Iterator[pa.Field]:
    for name, below in tree.items():
        field = model.by_name[name]
        if field.model is None:
            yield pa.field(name, type_of(field.holds))
            continue
        record = pa.struct(list(_fields(below, field.model)))
        is_list = field.holds is FieldKind.MANY
        yield pa.field(name, pa.list_(record) if is_list else record)
