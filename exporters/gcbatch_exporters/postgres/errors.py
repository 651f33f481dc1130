"""Says in one line what PostgreSQL and its driver say in many."""

import re
from typing import Any, Final

from gcbatch.errors import OutputError
from gcbatch.text import one_line
from gcbatch_exporters.databases.database import ConflictError
from gcbatch_exporters.postgres.address import is_uri

__all__ = [
    "PERMISSION",
    "connection_error",
    "primary_message",
    "row_and_column",
    "statement_error",
]

PERMISSION: Final = "42501"
"""The SQLSTATE of a privilege that is missing."""

_AGAIN: Final = "nothing was changed; run the job again"

_CONFLICTS: Final = ("40001", "40P01")
"""The server ended one of two transactions that stood in each other's way."""

_HINTS: Final = {
    "22P05": "the database's encoding has no such character; create it with UTF8",
    "22003": "give the column a wider type, or use another table (`name`)",
    "23502": "drop the constraint: gcbatch writes null for what is unknown",
    "23505": "drop the unique index or constraint, or use another table (`name`)",
    "25006": "connect to the primary server, with a role that may write",
    "28000": "ask the server's administrator for an entry in pg_hba.conf",
    "40001": _AGAIN,
    "40P01": _AGAIN,
    "53100": "free space on the server, then run the job again",
    "53200": _AGAIN,
    "53300": "the server has no free connection; run the job again later",
    "57014": "raise the limit for this role: ALTER ROLE … SET statement_timeout = 0",
}
"""The next step, by SQLSTATE.

Source: postgresql.org/docs/18/errcodes-appendix.html, read 2026-11; the common ones are
caused by tests.
"""

_FORM: Final = "write it as postgresql://USER:${PASSWORD}@HOST:5432/DATABASE"

_CONNECTING: Final = [
    (r"password authentication failed", "check user and password of `uri`"),
    (r"no password supplied", "`uri` has no password: put `${NAME}` where it belongs"),
    (r"database \".*\" does not exist", "check the database's name in `uri`"),
    (r"role \".*\" does not exist", "check the user in `uri`"),
    (r"role \".*\" is not permitted to log in", "use a role that has LOGIN"),
    (r"no pg_hba\.conf entry", _HINTS["28000"]),
    (r"Connection refused", "check host and port, and that the server runs"),
    (
        r"translate host name|Name or service not known",
        "check the host's name in `uri`",
    ),
    (r"timeout expired|timed out", "check host, port and firewall"),
    (r"too many (clients|connections)|remaining connection slots", _HINTS["53300"]),
    (r"on socket", "name the host, if it is not this machine"),
    (r"SSL|certificate", "check `sslmode` and `sslrootcert` in `uri`"),
    (
        r"starting up|shutting down|recovery",
        "wait until the server runs, then run the job again",
    ),
]
"""Hints by what a failed connection says; the driver gives no SQLSTATE for it."""

_IS_GONE: Final = re.compile(
    r"server closed the connection|no connection to the server|connection not open"
    r"|terminat|reset by peer|Broken pipe|EOF detected|could not (send|receive) data"
)

_NOISE: Final = re.compile(
    r"^[A-Z_]+: |\[libpq\] |fe_sendauth: |Failed to connect: |PGRES_FATAL_ERROR "
    r"|connection to server (?:at|on) .*? failed: |FATAL: +|ERROR: +"
    r"|\s+Is the server running .*\?$",
    re.MULTILINE,
)


def connection_error(exc: Exception, address: str, uri: str) -> OutputError:
    """Return the error of a connection that cannot be made.

    Args:
        exc: The driver's error.
        address: The server as it may be shown.
        uri: The text that was used; nothing that only it has is quoted.
    """
    text = str(exc)
    said = _quiet(text)
    hint = next((h for pattern, h in _CONNECTING if re.search(pattern, text)), None)
    if "://" in uri and not is_uri(uri):
        said = "`uri` does not begin with postgresql://"
        hint = _FORM
    elif is_uri(uri) and _quotes_secret(said, uri):
        # The driver takes a piece of the password for the host.
        said = "`uri` has a password with characters that mean something else there"
        hint = "write such characters as %XX: @ as %40, / as %2F, # as %23"
    elif hint is None and "FATAL" not in text:
        if _quotes_secret(said, uri) or not _CAN_BE_QUOTED.match(said):
            said = "`uri` cannot be used"
        hint = _FORM
    return OutputError(f"{address}: cannot connect: {said}", hint=hint)


_CAN_BE_QUOTED: Final = re.compile(
    r"invalid (URI query parameter|connection option|integer value|\w+ value)"
)
"""Others quote what they do not understand, which may be a password."""


def _quotes_secret(said: str, uri: str) -> bool:
    """Return whether a message has a piece of a URI that may be of its password."""
    before, _, _ = uri.partition("://")[2].rpartition("@")
    pieces = re.split(r"[:@/?#&=\s]", before)[1:]
    pieces += re.findall(r"password=([^&\s]+)", uri)
    return any(piece in said for piece in pieces if piece)


def _quiet(text: str) -> str:
    """Return an error's text without where in the driver it comes from."""
    lines = [_NOISE.sub("", line).strip() for line in text.splitlines()]
    return one_line("; ".join(dict.fromkeys(line for line in lines if line)))


def primary_message(exc: Any) -> str:
    """Return the server's own words; the driver's, without noise, if it gave none."""
    said = dict(getattr(exc, "details", None) or ())
    primary = _detail(said, "PG_DIAG_MESSAGE_PRIMARY")
    if not primary:
        first = re.split(r"\n(?:LINE \d|CONTEXT|DETAIL|\s*Query was)", str(exc))[0]
        return _quiet(re.sub(r"(?s)^.*?(?:ERROR|FATAL): +", "", first))
    return one_line(primary)  # the detail may quote a row


def row_and_column(exc: Any) -> tuple[int, str] | None:
    """Return the row, the first is 1, and the column at which loading stopped."""
    said = dict(getattr(exc, "details", None) or ())
    context = _detail(said, "PG_DIAG_CONTEXT")
    found = re.search(r"COPY .*, line (\d+), column ([^:\n]+)", context)
    return (int(found[1]), found[2]) if found else None


def _detail(said: dict[Any, Any], key: str) -> str:
    value = said.get(key, said.get(key.encode(), ""))
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def statement_error(exc: Any, where: str) -> OutputError:
    """Return the error of a statement that failed.

    Args:
        exc: The driver's error.
        where: What the statement was about, such as `db:5432/sales: genesys.intervals`.
    """
    if _is_gone(exc):
        msg = f"{where}: the server closed the connection"
        return OutputError(msg, hint="see the server's log, then run the job again")
    said, hint = primary_message(exc), _HINTS.get(exc.sqlstate or "")
    place = row_and_column(exc)
    at = f"row {place[0]:,}, column {place[1]}: " if place else ""
    match exc.sqlstate or "":
        case "22021":
            said = "holds a NUL, which PostgreSQL stores in no text"
            hint = "export the table to parquet, which keeps it"
        case "22P05" if place and "\\u0000" in str(exc):
            said = r"its JSON has \u0000, which jsonb does not store"
            hint = "set `json: text` and another `name`"
        case "22P02" if place:
            said = f"holds no JSON that jsonb stores: {said}"
            hint = "set `json: text` and another `name`"
        case "0A000" if "row-level security" in said:
            hint = "let the role own the table, or give it BYPASSRLS"
        case "57014" if "timeout" not in said:
            hint = _AGAIN  # somebody on the server cancelled it
        case "42501":
            hint = "see the GRANT statements in docs/databases.md"
        case _:
            pass
    kind = ConflictError if exc.sqlstate in _CONFLICTS else OutputError
    return kind(f"{where}: {at}{said}", hint=hint)


def _is_gone(exc: Any) -> bool:
    if (exc.sqlstate or "").startswith(("57P", "08")) or exc.sqlstate == "25P03":
        return True
    return not exc.sqlstate and _IS_GONE.search(str(exc)) is not None
