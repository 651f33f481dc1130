"""The table of participants' attributes: a row for each."""

from typing import Final

import msgspec
import pyarrow as pa

from gcbatch.errors import DataError
from gcbatch.genesys.answers import SHAPE_HINT
from gcbatch.plain import plain
from gcbatch.surrogates import mended

__all__ = ["KEY", "attributes_schema", "each_attribute"]

_BY_PARTICIPANT: Final = (
    "conversation_id",
    "conversation_start",
    "participant_id",
    "participant_number",
)
KEY: Final = ("conversation_id", "participant_number", "name")
"""Of the table."""

_DECODER: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def attributes_schema(participants: pa.Schema) -> pa.Schema:
    """Return the schema of the table.

    Args:
        participants: Of participants with their attributes.
    """
    value = {"description": "a text; what is none is the JSON of it"}
    return pa.schema(
        [
            *(participants.field(name) for name in _BY_PARTICIPANT),
            pa.field("name", pa.string(), nullable=False),
            pa.field("value", pa.string(), metadata=value),
        ]
    )


def each_attribute(participants: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return a row for each attribute, by name within a participant.

    Args:
        participants: With the column `attributes`, JSON.
        schema: Of the table.

    Raises:
        DataError: If attributes are no object; names the conversation.
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
            identity = plain(participants.column("conversation_id")[row].as_py())
            msg = f"conversation {identity}: attributes of a participant are no object"
            raise DataError(msg, hint=SHAPE_HINT) from exc
    owners = participants.take(pa.array(at, pa.int64()))
    columns = [owners.column(name) for name in _BY_PARTICIPANT]
    columns += [pa.array(names, pa.string()), pa.array(values, pa.string())]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _decoded(text: str) -> dict[str, msgspec.Raw]:
    try:
        return _DECODER.decode(text)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        return _DECODER.decode(mended(text))


def _as_text(value: msgspec.Raw) -> str | None:
    sent = bytes(value).decode()
    if sent == "null":
        return None
    return msgspec.json.decode(sent, type=str) if sent.startswith('"') else sent
