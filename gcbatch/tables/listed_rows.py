"""The tables `queues`, `users` and `wrapup_codes`: a row for each, also the former."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import merge
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, Final
from zoneinfo import ZoneInfo

import pyarrow as pa

from gcbatch.plan import Plan
from gcbatch.tables.listed_fields import Field, Reader
from gcbatch.tables.table import Table

__all__ = ["LISTED_TABLES", "listed_schema", "listed_table"]

BATCH_ROWS: Final = 4_096
"""Rows of a batch: the settings of a queue may have tens of kilobytes."""

_ABOUT_LISTED: Final = "false: no longer in the org, shown by its last name"
_ABOUT_EXTRA: Final = "fields that have no column; null: none"

_MEDIA: Final = ("call", "callback", "chat", "email", "message")
"""As settings of queues have them; analytics says `voice` for `call`."""

_DIVISION: Final = (
    Field("division_id", ("division", "id"), "text"),
    Field("division_name", ("division", "name"), "text"),
)
_DATES: Final = (
    Field("date_created", ("dateCreated",), "instant"),
    Field("date_modified", ("dateModified",), "instant"),
)


def _service_level(medium: str) -> Iterator[Field]:
    name = "voice" if medium == "call" else medium
    way = ("mediaSettings", medium, "serviceLevel")
    yield Field(f"{name}_target_pct", (*way, "percentage"), "percent")
    yield Field(f"{name}_target_ms", (*way, "durationMs"), "whole")


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a table looks like.

    Args:
        dimension: Whose ids it has a row for.
        key: The column of the ids.
        name: The column of their names.
        fields: The columns after these, but for the last.
    """

    dimension: str
    key: str
    name: str
    fields: tuple[Field, ...]

    @property
    def schema(self) -> pa.Schema:
        """Of the rows."""
        about_name = {"description": f"name of {self.key}", "source": "name"}
        about_extra = {"content": "json", "description": _ABOUT_EXTRA}
        return pa.schema(
            [
                pa.field(
                    self.key, pa.string(), nullable=False, metadata={"source": "id"}
                ),
                pa.field(self.name, pa.string(), metadata=about_name),
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


_SHAPES: Final = {
    "queues": _Shape(
        "queueId",
        "queue_id",
        "queue_name",
        (
            *_DIVISION,
            Field("description", ("description",), "text"),
            *_DATES,
            Field("member_count", ("memberCount",), "whole"),
            Field("user_member_count", ("userMemberCount",), "whole"),
            Field("joined_member_count", ("joinedMemberCount",), "whole"),
            *(level for medium in _MEDIA for level in _service_level(medium)),
        ),
    ),
    "users": _Shape(
        "userId",
        "user_id",
        "user_name",
        (
            Field("email", ("email",), "text"),
            Field("username", ("username",), "text"),
            Field("preferred_name", ("preferredName",), "text"),
            Field("state", ("state",), "text"),
            Field("title", ("title",), "text"),
            Field("department", ("department",), "text"),
            *_DIVISION,
            Field("manager_id", ("manager", "id"), "text"),
            Field("acd_auto_answer", ("acdAutoAnswer",), "flag"),
            Field("date_last_login", ("dateLastLogin",), "instant"),
        ),
    ),
    "wrapup_codes": _Shape(
        "wrapUpCode",
        "wrap_up_code_id",
        "wrap_up_code_name",
        (Field("description", ("description",), "text"), *_DIVISION, *_DATES),
    ),
}

LISTED_TABLES: Final = tuple(_SHAPES)


def listed_schema(name: str) -> pa.Schema:
    """Return the columns of a table.

    Args:
        name: One of LISTED_TABLES.
    """
    return _SHAPES[name].schema


def listed_table(
    name: str,
    plan: Plan,
    documents: Callable[[], Iterable[tuple[str, str]]],
    *,
    names: Mapping[str, Mapping[str, str]],
    former: Mapping[str, Collection[str]],
    timezone: ZoneInfo,
) -> Table:
    """Return a table, read from what the org lists.

    Rows are in the order of their ids. An id that was listed once and is no longer has
    its last name, and is not `listed`.

    Args:
        name: One of LISTED_TABLES.
        plan: Of the run that listed them.
        documents: Opens what is listed: ids and JSON, by id.
        names: For each dimension that was listed, names by id.
        former: For each, the ids that are no longer listed.
        timezone: The job's.
    """
    shape = _SHAPES[name]
    schema = shape.schema
    last_names = names.get(shape.dimension, {})
    gone = {i: last_names.get(i, i) for i in former.get(shape.dimension, ())}

    def batches() -> Iterator[pa.RecordBatch]:
        rows = _rows(shape, Reader(name, shape.fields), documents(), gone)
        while some := list(islice(rows, BATCH_ROWS)):
            yield pa.RecordBatch.from_pylist(some, schema=schema)

    return Table(
        name=name,
        schema=schema,
        key=(shape.key,),
        covered=plan.window,
        timezone=timezone,
        run_id=plan.run_id,
        batches=batches,
        batch_rows=BATCH_ROWS,
        time=None,
    )


def _rows(
    shape: _Shape,
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
            row: dict[str, Any] = {shape.name: gone[identity]}
        else:
            row = reader.row(identity, document)
            row[shape.name] = row.pop("name") or identity
        yield {**row, shape.key: identity, "listed": document is not None}
