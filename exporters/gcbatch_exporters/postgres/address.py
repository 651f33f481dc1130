"""The address of a server: what may be shown of it, and what gcbatch adds to it."""

import os
import re
from typing import Final
from urllib.parse import quote, unquote

__all__ = ["APPLICATION", "connection_text", "is_uri", "shown_address"]

APPLICATION: Final = "gcbatch"
"""What administrators see in `pg_stat_activity`, unless the user gave another name."""

CONNECT_TIMEOUT_S: Final = 30
"""libpq itself waits for ever for a server that does not answer."""

_SCHEMES: Final = ("postgresql://", "postgres://")
_USER: Final = re.compile(r"\A[^@/]*@")
"""User and password as libpq finds them, at the begin of what follows the scheme."""

_KEYWORD: Final = r"(?:^|\s){key}\s*=\s*('(?:\\.|[^'\\])*'|\S*)"


def is_uri(text: str) -> bool:
    """Return whether libpq takes a text for a URI, and not for keywords."""
    return text.startswith(_SCHEMES)


def shown_address(uri: str) -> str:
    """Return host, port and database of a connection text, without user and secrets.

    Args:
        uri: A URI, or keywords such as `host=db dbname=x`, both as libpq has them.

    Returns:
        Such as `db:5432/sales`; `postgres` if the text names neither.
    """
    if is_uri(uri):
        # An @ or ? may stand unescaped in a password: all up to the last @ is cut.
        rest = _USER.sub("", uri.partition("://")[2], count=1)
        rest = rest.partition("?")[0].rpartition("@")[2]
        hosts, _, database = rest.partition("/")
    else:
        found = {key: _keyword(uri, key) for key in ("host", "port", "dbname")}
        hosts = ":".join(filter(None, (found["host"], found["port"])))
        database = found["dbname"]
    shown = f"{unquote(hosts)}/{unquote(database)}" if database else unquote(hosts)
    return shown or "postgres"


def _keyword(text: str, key: str) -> str:
    found = re.search(_KEYWORD.format(key=key), text)
    return found[1].strip("'") if found else ""


def connection_text(uri: str) -> str:
    """Return *uri* with what gcbatch adds, unless it is there: a name and a time limit.

    Args:
        uri: As the user has it.
    """
    added = {"fallback_application_name": APPLICATION}
    if "PGCONNECT_TIMEOUT" not in os.environ and "connect_timeout" not in uri:
        added["connect_timeout"] = str(CONNECT_TIMEOUT_S)
    if is_uri(uri):
        query = "&".join(
            f"{key}={quote(value, safe='')}" for key, value in added.items()
        )
        return f"{uri}{'&' if '?' in uri else '?'}{query}"
    escaped = {k: re.sub(r"(['\\])", r"\\\1", v) for k, v in added.items()}
    return " ".join([uri, *(f"{key}='{value}'" for key, value in escaped.items())])
