"""Who holds what a load waits for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from gcbatch.errors import OutputError
from gcbatch.text import one_line
from gcbatch.windows import iso
from gcbatch_exporters.postgres.table_name import TableName

__all__ = ["LOCK_TIMEOUT", "Blocker", "find_blockers", "waited_too_long"]

LOCK_TIMEOUT: Final = "55P03"
"""The SQLSTATE of a wait for a lock that took too long."""

_QUERY: Final = """
SELECT DISTINCT a.pid, a.usename::text, a.application_name, a.state, a.state_change
FROM pg_catalog.pg_locks AS l
JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.granted AND l.pid <> pg_catalog.pg_backend_pid()
  AND l.database = (SELECT oid FROM pg_catalog.pg_database
                    WHERE datname = pg_catalog.current_database())
  AND (l.locktype = 'advisory' AND l.objsubid = 1
         AND l.classid::bigint = $1 AND l.objid::bigint = $2
       OR l.locktype = 'relation' AND l.relation = pg_catalog.to_regclass($3)
         AND (l.mode <> 'AccessShareLock' OR $4))
ORDER BY a.pid
"""

MAX_SHOWN: Final = 3
_HALF: Final = 2**32


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session that holds a lock.

    Args:
        pid: The process on the server.
        user: The user that connected; empty for the server's own processes.
        application: As it calls itself; empty if it does not.
        state: Such as `idle in transaction`; empty if we may not see it.
        since: Begin of the state; None if we may not see it.
    """

    pid: int
    user: str
    application: str
    state: str
    since: datetime | None

    def __str__(self) -> str:
        since = f"{self.state} since {iso(self.since)}" if self.since else self.state
        user = f"user {self.user}" if self.user else ""
        parts = [f"pid {self.pid}", user, self.application, since]
        return one_line(", ".join(filter(None, parts)))


def find_blockers(
    rows: Callable[..., list[tuple[Any, ...]]], table: TableName, *, readers: bool
) -> list[Blocker]:
    """Return the sessions that hold a table, or its advisory lock.

    Args:
        rows: Runs a query with values.
        table: The table; need not exist.
        readers: Whether those that only read it are in the way too, as for ALTER TABLE.
    """
    high, low = divmod(table.lock_key % _HALF**2, _HALF)
    found = rows(_QUERY, high, low, table.sql, readers)
    return [
        Blocker(pid, user or "", application or "", state or "", since)
        for pid, user, application, state, since in found
    ]


def waited_too_long(where: str, timeout_s: float, found: list[Blocker]) -> OutputError:
    """Return the error of a lock that was not got in time."""
    shown = "; ".join(map(str, found[:MAX_SHOWN])) or "another session"
    more = f"; and {len(found) - MAX_SHOWN} more" if len(found) > MAX_SHOWN else ""
    msg = f"{where}: locked for more than {timeout_s:g} s by {shown}{more}"
    hint = "wait for that session or end it, or give `lock_timeout` a longer time"
    return OutputError(msg, hint=hint)
