"""Names and texts within SQL."""

import re
from typing import Final

from gcbatch.dialects.dialect import Dialect
from gcbatch.dialects.lookup import find_dialect
from gcbatch.errors import JobError
from gcbatch.text import one_line

__all__ = ["quoted", "quoted_name", "quoted_text"]

_PLAIN: Final = re.compile(r"[a-z_][a-z0-9_]*")


def quoted(name: str, dialect: str) -> str:
    """Return a name in quotes, so that it is never a keyword and means itself.

    In Snowflake, a name of small letters, digits and `_` becomes upper case, as it
    would be without quotes: so people need none in their queries.

    Args:
        name: The name of a column, table or schema, without the names above it.
        dialect: One of DIALECTS.

    Raises:
        JobError: If there is no such dialect, or its database cannot store the name: it
            is empty or too long, or has a NUL, half of a surrogate pair, or a character
            that the database refuses.
    """
    return quoted_name(name, find_dialect(dialect))


def quoted_name(name: str, dialect: Dialect) -> str:
    """Return a name in quotes; see quoted."""
    if problem := _problem(name, dialect):
        msg = f"name {one_line(name)!r}: {problem}"
        raise JobError(msg, hint="use another name")
    if dialect.upper and _PLAIN.fullmatch(name):
        name = name.upper()
    start, end = dialect.quotes
    return f"{start}{name.replace(end, end * 2)}{end}"


def _problem(name: str, dialect: Dialect) -> str | None:
    """Return why a database cannot store a name; None if it can."""
    if not name:
        return "is empty"
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return "has half of a surrogate pair"
    if "\0" in name:
        return "has a NUL"
    if dialect.max_name and size > dialect.max_name:
        return f"has {size} bytes; {dialect.name} stores {dialect.max_name}"
    if bad := sorted(set(name) & set(dialect.refused)):
        return f"{dialect.name} refuses {' '.join(map(repr, bad))} in names"
    return None


def quoted_text(text: str, dialect: Dialect) -> str:
    """Return a text of one line as a literal."""
    if dialect.backslashes:
        text = text.replace("\\", "\\\\")
    text = text.replace("'", dialect.quote_in_text)
    return f"{dialect.text_prefix}'{text}'"
