"""Documents read into columns, as far as a table needs them.

A block of documents is read by Arrow's own reader, with the schema of what is needed:
for the table of conversations that takes a quarter of the time that a decoder into
records takes. What it refuses, but has a meaning, is read the long way round.
"""

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json as arrow_json

from gcbatch.errors import SHAPE_HINT, DataError
from gcbatch.genesys import Model
from gcbatch.tables.documents.lenient_reader import Fitted, read_leniently
from gcbatch.text import one_line

__all__ = ["lines_of", "parsed", "read", "texts_of"]


def texts_of(batch: pa.RecordBatch, noun: str) -> pa.StringArray:
    """Return the documents of a batch as texts.

    Args:
        batch: Of a part: `id`, `at` and `document`.
        noun: What one of them is.

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


def lines_of(texts: pa.StringArray) -> pa.Buffer:
    """Return texts as lines, one after the other."""
    whole = pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts)
    return pc.binary_join(whole, "\n")[0].as_buffer()


def parsed(
    texts: pa.StringArray, lines: pa.Buffer, schema: pa.Schema
) -> pa.StructArray | None:
    """Return one record for each document, None if Arrow's reader refuses one.

    Args:
        texts: The documents.
        lines: The same, as lines_of makes it.
        schema: Fields that are needed; all others are passed over. Those of type null
            must be null or missing, or it is refused.
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
    return None if _has_gap(records) else records


def read(
    texts: pa.StringArray,
    lines: pa.Buffer,
    ids: pa.StringArray,
    schema: pa.Schema,
    about: tuple[Model, str],
) -> Fitted:
    """Return one record for each document, with the fields of *schema*.

    Args:
        texts: The documents.
        lines: The same, as lines_of makes it.
        ids: Theirs, for errors.
        schema: Fields that are needed; all others are passed over.
        about: The model of a document, and what one is.

    Raises:
        DataError: If a record or strict field does not hold what it should; names the
            document and the field.
    """
    records = parsed(texts, lines, schema)
    if records is not None:
        return Fitted(records, frozenset())
    kind = pa.struct(list(schema))
    return read_leniently(texts.to_pylist(), ids.to_pylist(), kind, *about)


def _has_infinity(table: pa.Table) -> bool:
    """Say whether a number is none: the reader takes one of 400 digits for infinity."""
    numbers = [column for column in table.columns if pa.types.is_floating(column.type)]
    return any(pc.any(pc.is_inf(column)).as_py() for column in numbers)


def _has_gap(values: pa.Array) -> bool:
    """Say whether null is among the texts or numbers of a list, on any level."""
    if pa.types.is_struct(values.type):
        return any(map(_has_gap, values.flatten()))
    if not pa.types.is_list(values.type):
        return False
    items = values.flatten()
    is_record = pa.types.is_struct(items.type)
    return _has_gap(items) if is_record else items.null_count > 0
