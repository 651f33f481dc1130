"""Reads the call log of a bank's call centre; a row is a call.

The log is the "Anonymous Bank" data of the Technion's SEE laboratory. How its rows
become calls:

- a row with a time in the queue is offered at that time; one without it that an agent
  answered is offered at the time of the answer; all others ended in the voice menu and
  are not calls;
- PHANTOM rows are not calls;
- a call is answered at `ser_start`, ends at `ser_exit`, is abandoned at `q_exit`.

Unusual rows stay as the log has them: 14 of the fortnight's answered rows start with
the agent before they join the queue (their wait counts as 0), some start with the agent
at a midnight hours away, and some answered rows have no agent.
"""

import csv
import gzip
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from gcbatch.simulator.tenant.tenant import Call

__all__ = [
    "ZONE",
    "codes_and_servers",
    "load_call_log",
    "queue_id",
    "user_id",
    "wrap_up_code_id",
]

ZONE: Final = "Asia/Jerusalem"
"""The zone of the log's times, which have no offset."""

COLUMNS: Final = (
    *("call_id", "type", "q_start", "q_exit", "outcome"),
    *("ser_start", "ser_exit", "server"),
)
"""The columns of the log that are read."""

WRAP_UP_CODES: Final = ("Done", "Call again", "Passed on", "Complaint")

_NAMES: Final = uuid.UUID("c9f2a1de-52c6-4b4e-9a7e-3d7d0b7f1999")
"""Namespace of the ids: it makes them the same everywhere."""


def queue_id(code: str) -> str:
    """Return the id of a queue by its code in the log, such as `PS`."""
    return str(uuid.uuid5(_NAMES, f"queue/{code}"))


def user_id(server: str) -> str:
    """Return the id of an agent by the name in the log."""
    return str(uuid.uuid5(_NAMES, f"user/{server}"))


def wrap_up_code_id(name: str) -> str:
    """Return the id of a wrap-up code."""
    return str(uuid.uuid5(_NAMES, f"wrap-up/{name}"))


def load_call_log(path: str | Path) -> tuple[Call, ...]:
    """Return the calls of a log, in the order of its rows.

    The log has no wrap-up codes: the id of an answered call decides its code.

    Args:
        path: A CSV file with the log's columns, plain or ending in `.gz`.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If a column is missing, a time is invalid, or an outcome is
            unknown; names the row.
    """
    with _open(Path(path)) as rows:
        return tuple(_calls(rows))


def codes_and_servers(path: Path) -> tuple[list[str], list[str]]:
    """Return the queues' codes and the agents' names of a log, each sorted.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If a column is missing, or the file is damaged.
    """
    codes: set[str] = set()
    servers: set[str] = set()
    with _open(path) as rows:
        for row in rows:
            codes.add(row["type"])
            servers.add(row["server"])
    return sorted(codes), sorted(servers - {""})


@contextmanager
def _open(path: Path) -> "Iterator[csv.DictReader[str]]":
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8", newline="") as lines:
            rows = csv.DictReader(lines, restval="")
            if missing := set(COLUMNS) - set(rows.fieldnames or ()):
                msg = f"missing columns: {', '.join(sorted(missing))}"
                raise ValueError(msg)
            yield rows
    except (EOFError, csv.Error, gzip.BadGzipFile, zlib.error) as exc:
        raise ValueError(str(exc)) from exc


def _calls(rows: "csv.DictReader[str]") -> Iterator[Call]:
    zone = ZoneInfo(ZONE)
    queues: dict[str, str] = {}
    users: dict[str, str] = {}
    codes = [wrap_up_code_id(name) for name in WRAP_UP_CODES]

    def instant(row: dict[str, str], column: str) -> datetime | None:
        text = row[column]
        if not text:
            return None
        return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)

    for row in rows:
        outcome = row["outcome"]
        if outcome not in ("AGENT", "HANG", "PHANTOM"):
            msg = f"row {rows.line_num}: unknown outcome {outcome!r}"
            raise ValueError(msg)
        is_answered = outcome == "AGENT"
        answered = instant(row, "ser_start") if is_answered else None
        offered = instant(row, "q_start") or answered
        if outcome == "PHANTOM" or offered is None:
            continue
        code, server, call_id = row["type"], row["server"], row["call_id"]
        if code not in queues:
            queues[code] = queue_id(code)
        if server and server not in users:
            users[server] = user_id(server)
        yield Call(
            call_id=call_id,
            queue_id=queues[code],
            offered=offered,
            answered=answered,
            abandoned=None if is_answered else instant(row, "q_exit"),
            ended=instant(row, "ser_exit") if is_answered else None,
            user_id=users.get(server) if is_answered else None,
            wrap_up_code=codes[int(call_id) % len(codes)] if is_answered else None,
        )
