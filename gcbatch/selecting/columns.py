"""The columns of a result: DuckDB's types become those that tables have."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import pyarrow as pa

from gcbatch.table import INSTANT

__all__ = ["ResultColumn", "quoted", "result_columns", "typed_schema"]

_WHOLE: Final = re.compile(r"U?(?:TINY|SMALL|BIG|HUGE)INT|U?INTEGER|DECIMAL\(\d+,0\)")
_FRACTION: Final = re.compile(r"FLOAT|DOUBLE|DECIMAL\(.*\)")
_LOCAL: Final = re.compile(r"TIMESTAMP(?:_S|_MS|_NS)?")
_NESTED: Final = re.compile(r".*\]|(?:STRUCT|MAP|UNION)\(.*|JSON", re.DOTALL)

_SAME: Final = {
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP WITH TIME ZONE": INSTANT,
    "VARCHAR": pa.string(),
    "VARCHAR[]": pa.list_(pa.string()),
}
"""Types that need no cast."""


class ResultColumn(NamedTuple):
    """A column of a result.

    Args:
        name: Its name.
        type: Its type in Arrow.
        cast: What DuckDB makes of it before it gives it out; empty if nothing.
        is_json: Whether its texts are JSON.
    """

    name: str
    type: pa.DataType
    cast: str = ""
    is_json: bool = False

    def expression(self, number: int) -> str:
        """Return the SQL of this column as the *number*th; the first is 1."""
        value = f"#{number}"
        if self.is_json:
            value = f"to_json({value})"
        if self.cast:
            value = f"CAST({value} AS {self.cast})"
        return f"{value} AS {quoted(self.name)}"

    @property
    def field(self) -> pa.Field:
        """The field of a schema."""
        metadata = {"content": "json"} if self.is_json else None
        return pa.field(self.name, self.type, metadata=metadata)


def quoted(name: str) -> str:
    """Return a name as SQL has it."""
    return '"{}"'.format(name.replace('"', '""'))


def result_columns(names: Sequence[str], types: Sequence[str]) -> list[ResultColumn]:
    """Return the columns of a result.

    Whole numbers of any width are int64: one that does not fit is an error when it is
    read. Other numbers are float64, instants have milliseconds; of finer ones the rest
    is cut. Nested values are JSON, and what else there is, is text.

    Args:
        names: Their names.
        types: Their types, as DuckDB writes them.
    """
    return [_column(name, kind) for name, kind in zip(names, types, strict=True)]


def _column(name: str, kind: str) -> ResultColumn:
    if kind in _SAME:
        return ResultColumn(name, _SAME[kind])
    if _WHOLE.fullmatch(kind):
        return ResultColumn(name, pa.int64(), "BIGINT")
    if _FRACTION.fullmatch(kind):
        return ResultColumn(name, pa.float64(), "DOUBLE")
    if _LOCAL.fullmatch(kind):
        return ResultColumn(name, pa.timestamp("ms"), "TIMESTAMP")
    is_json = bool(_NESTED.fullmatch(kind))
    return ResultColumn(name, pa.string(), "VARCHAR", is_json)


def typed_schema(columns: Sequence[ResultColumn]) -> pa.Schema:
    """Return the schema of a result."""
    return pa.schema([column.field for column in columns])
