"""Writes columns of lists as JSON."""

from typing import Final

import orjson
import pyarrow as pa

from gcbatch.lazy import lazy_import
from gcbatch.tables.arrow_scalars import scalar

__all__ = ["json_lists"]

pc = lazy_import("pyarrow.compute")

_NEEDS_ESCAPE: Final = r'["\\\x00-\x1f]'


def _json_texts(texts: pa.StringArray) -> pa.StringArray:
    """Return texts as JSON, null where they are null."""
    if pc.any(pc.match_substring_regex(texts, _NEEDS_ESCAPE)).as_py():
        # Each distinct text once: such texts are few.
        encoded = pc.dictionary_encode(texts)
        distinct = [orjson.dumps(t).decode() for t in encoded.dictionary.to_pylist()]
        return pa.array(distinct, pa.string()).take(encoded.indices)
    return pc.binary_join_element_wise(scalar('"'), texts, scalar('"'), scalar(""))


def json_lists(lists: pa.ListArray) -> pa.StringArray:
    """Return lists of texts or whole numbers as JSON, null where they are null."""
    if lists.null_count == len(lists):
        return pa.nulls(len(lists), pa.string())
    values = lists.values
    is_text = pa.types.is_string(values.type)
    written = _json_texts(values) if is_text else values.cast(pa.string())
    written = pc.fill_null(written, scalar("null"))
    as_texts = pa.ListArray.from_arrays(lists.offsets, written, mask=lists.is_null())
    joined = pc.binary_join(as_texts, scalar(","))
    return pc.binary_join_element_wise(scalar("["), joined, scalar("]"), scalar(""))
