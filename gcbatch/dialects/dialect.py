"""What makes a dialect of SQL: its types, and how it writes names and texts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gcbatch.dialects.kinds import Kind

__all__ = ["CommentStyle", "Dialect"]

CommentStyle = Literal["statements", "inline", "options", "properties", "lines"]
"""Where comments go: COMMENT ON after the table, COMMENT in it, OPTIONS in it, extended
properties after it, or `--` lines that the database does not keep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """The SQL of one database.

    Args:
        name: As the command line names it.
        types: The type of each kind of column; a kind that is not there fits none. A
            type may have `{digits}` of a second's fraction, `{precision}` and
            `{scale}`.
        comments: Where comments go.
        max_digits: Digits after the point of a second that instants keep.
        max_scale: Digits after the point of an exact decimal.
        quotes: What opens and closes a name.
        backslashes: Whether a backslash in a text escapes.
        quote_in_text: A quote within a text.
        max_name: Longest name in bytes of UTF-8; 0 is any.
        refused: Characters that no name may have.
        is_case_sensitive: Whether `A` and `a` are two columns.
        upper: Whether plain names are upper case, as they are without quotes.
        key_text: The type of texts that identify a row, if it differs.
        text_prefix: Stands before a text.
        nullable: Ends a column that may be null; where a setting of the session decides
            otherwise, it says so.
        schema: The schema of tables that are given none; comments need it.
        instants_lack_zone: Whether instants have the type of local times, so that only
            the column's comment says that they are UTC.
    """

    name: str
    types: Mapping[Kind, str]
    comments: CommentStyle
    max_digits: int = 6
    max_scale: int = 38
    quotes: tuple[str, str] = ('"', '"')
    backslashes: bool = False
    quote_in_text: str = "''"
    max_name: int = 0
    refused: str = ""
    is_case_sensitive: bool = False
    upper: bool = False
    key_text: str = ""
    text_prefix: str = ""
    nullable: str = ""
    schema: str = ""
    instants_lack_zone: bool = False
