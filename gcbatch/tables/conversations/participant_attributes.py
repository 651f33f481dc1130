"""The table `participant_attributes`: a row for each attribute of a participant."""

from typing import Final

import msgspec
import pyarrow as pa

from gcbatch.errors import SHAPE_HINT, DataError
from gcbatch.tables.documents.document_batch import DocumentBatch
from gcbatch.tables.documents.shapes import (
    PARTICIPANT_NUMBER,
    PARTICIPANTS,
    ROOT,
    conversation_shape,
    fields,
)
from gcbatch.tables.documents.table import DocumentsTable, RowStream
from gcbatch.tables.source import TableSource
from gcbatch.text import one_line, replace_lone_surrogates

__all__ = ["each_attribute", "table"]

_BY_PARTICIPANT: Final = (
    "conversation_id",
    "conversation_start",
    "participant_id",
    "participant_number",
)

_PARTICIPANTS: Final = conversation_shape(
    PARTICIPANTS,
    *ROOT,
    *fields(PARTICIPANTS, "participantId"),
    PARTICIPANT_NUMBER,
    *fields(PARTICIPANTS, "attributes"),
    key=("conversation_id", "participant_number"),
)
"""The participants, with their attributes."""

_SCHEMA: Final = pa.schema(
    [
        *(_PARTICIPANTS.schema.field(name) for name in _BY_PARTICIPANT),
        pa.field("name", pa.string(), nullable=False),
        pa.field(
            "value",
            pa.string(),
            metadata={"description": "a text; what is none is the JSON of it"},
        ),
    ]
)

_DECODER: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def each_attribute(participants: pa.RecordBatch) -> pa.RecordBatch:
    """Return a row for each attribute, by name within a participant.

    Args:
        participants: With the column `attributes`, JSON.

    Raises:
        DataError: If attributes are not an object; names the conversation.
    """
    at: list[int] = []
    names: list[str] = []
    values: list[str | None] = []
    for row, text in enumerate(participants.column("attributes").to_pylist()):
        if text is None:
            continue
        try:
            attributes = _decoded(text)
            for name in sorted(attributes):
                values.append(_as_text(attributes[name]))
                names.append(name)
                at.append(row)
        except (msgspec.DecodeError, RecursionError) as exc:
            identity = one_line(participants.column("conversation_id")[row].as_py())
            msg = f"conversation {identity}: participant attributes are not an object"
            raise DataError(msg, hint=SHAPE_HINT) from exc
    owners = participants.take(pa.array(at, pa.int64()))
    columns = [owners.column(name) for name in _BY_PARTICIPANT]
    columns += [pa.array(names, pa.string()), pa.array(values, pa.string())]
    return pa.RecordBatch.from_arrays(columns, schema=_SCHEMA)


def _decoded(text: str) -> dict[str, msgspec.Raw]:
    try:
        return _DECODER.decode(text)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        return _DECODER.decode(replace_lone_surrogates(text))


def _as_text(value: msgspec.Raw) -> str | None:
    sent = bytes(value).decode()
    if sent == "null":
        return None
    return msgspec.json.decode(sent, type=str) if sent.startswith('"') else sent


class _AttributesTable(DocumentsTable):
    """The attributes of participants."""

    @property
    def schema(self) -> pa.Schema:
        """The schema of its rows."""
        return _SCHEMA

    @property
    def key(self) -> tuple[str, ...]:
        """Columns that together identify a row."""
        return ("conversation_id", "participant_number", "name")

    def open(self, source: TableSource) -> RowStream:
        """Return a new stream of the attributes of a job."""
        return _AttributeStream(self, source)


class _AttributeStream(RowStream):
    """The attributes of participants, in one pass."""

    def add(self, batch: DocumentBatch) -> list[pa.RecordBatch]:
        """Return the attributes in a batch."""
        return list(map(each_attribute, super().add(batch)))


table: Final = _AttributesTable("participant_attributes", _PARTICIPANTS)
