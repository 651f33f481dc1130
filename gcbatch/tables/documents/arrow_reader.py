"""Reads the needed fields of documents into columns.

Arrow's own JSON reader takes a quarter of the time of a decoder into records (table
`conversations`). What it refuses but has a meaning goes to the lenient reader.
"""

import pyarrow as pa
from pyarrow import json as arrow_json

from gcbatch.errors import SHAPE_HINT, DataError
from gcbatch.lazy import lazy_import
from gcbatch.text import one_line

__all__ = ["document_texts", "join_lines", "read_strictly"]

pc = lazy_import("pyarrow.compute")


def document_texts(batch: pa.RecordBatch, noun: str) -> pa.StringArray:
    """Return the documents of a batch as texts.

    Args:
        batch: A batch of a part: `id`, `at` and `document`.
        noun: What a document is, for errors.

    Raises:
        DataError: If one is not UTF-8; names it.
    """
    documents = batch.column("document")
    try:
        return documents.cast(pa.string())
    except pa.ArrowInvalid as exc:
        for row, document in enumerate(documents.to_pylist()):
            try:
                document.decode()
            except UnicodeDecodeError:
                identity = one_line(batch.column("id")[row].as_py())
                msg = f"{noun} {identity}: is not UTF-8"
                raise DataError(msg, hint=SHAPE_HINT) from exc
        raise


def join_lines(texts: pa.StringArray) -> pa.Buffer:
    """Return the texts as one buffer, a line for each."""
    whole = pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts)
    return pc.binary_join(whole, "\n")[0].as_buffer()


def read_strictly(
    texts: pa.StringArray, lines: pa.Buffer, schema: pa.Schema
) -> pa.StructArray | None:
    """Return one record for each document, None if Arrow's reader refuses one.

    Args:
        texts: The documents.
        lines: The same, from join_lines.
        schema: Fields to read. A field of type null must be null or missing in all
            documents.
    """
    # A document that is `null` would crash the reader (pyarrow 26).
    if not pc.all(pc.starts_with(texts, "{")).as_py():
        return None
    options = arrow_json.ReadOptions(use_threads=False, block_size=lines.size + 1)
    try:
        table = arrow_json.read_json(
            pa.BufferReader(lines),
            read_options=options,
            parse_options=arrow_json.ParseOptions(
                explicit_schema=schema, unexpected_field_behavior="ignore"
            ),
        )
    except pa.ArrowInvalid:
        return None
    if table.num_rows != len(texts) or _has_infinity(table):
        return None
    records = table.to_struct_array().combine_chunks()
    return None if _has_null_item(records) else records


def _has_infinity(table: pa.Table) -> bool:
    """Return whether a number is infinite: the reader makes that of 400 digits."""
    numbers = [column for column in table.columns if pa.types.is_floating(column.type)]
    return any(pc.any(pc.is_inf(column)).as_py() for column in numbers)


def _has_null_item(values: pa.Array) -> bool:
    """Return whether a list of texts or numbers holds null, on any level."""
    if pa.types.is_struct(values.type):
        return any(map(_has_null_item, values.flatten()))
    if not pa.types.is_list(values.type):
        return False
    items = values.flatten()
    is_record = pa.types.is_struct(items.type)
    return _has_null_item(items) if is_record else items.null_count > 0
