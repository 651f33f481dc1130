"""The sample organisation: a week of a real call centre."""

from dataclasses import replace
from functools import cache
from hashlib import sha256
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from gcbatch.simulator.tenant.call_log import (
    WRAP_UP_CODES,
    ZONE,
    codes_and_servers,
    load_call_log,
    queue_id,
    user_id,
    wrap_up_code_id,
)
from gcbatch.simulator.tenant.entities.sample_org import with_entities
from gcbatch.simulator.tenant.tenant import Queue, Tenant, User, WrapUpCode

__all__ = ["call_log_tenant", "sample_tenant"]

VERSION: Final = "bank-calls-1999-08-01-07/2"
"""Changes with the file, with the way it is read, and with what conversations have."""

LOG: Final = "bank-calls-1999-08-01-07.csv.gz"

QUEUES: Final = {
    "PS": "Retail banking",
    "PE": "Retail in English",
    "IN": "Internet support",
    "NE": "Stock trading",
    "NW": "Prospects",
    "TT": "Call-backs",
}
"""Names of the queues by the log's codes."""


@cache
def sample_tenant() -> Tenant:
    """Return the week of 1 to 7 August 1999 at a bank in Israel.

    Its days begin at midnight in Asia/Jerusalem, three hours ahead of UTC. Queues,
    users and codes have the same ids everywhere. Read on the first call only.
    """
    with as_file(files("gcbatch.simulator") / "data" / LOG) as path:
        tenant = _tenant_of(path)
    return _populated(replace(tenant, name="Anonymous Bank", version=VERSION))


def call_log_tenant(path: Path) -> Tenant:
    """Return the organisation of a call log.

    Args:
        path: A CSV file with the columns of the bank's log, plain or ending in `.gz`.

    Returns:
        Its calls, queues, users and codes. If it has users, also entities of every
        kind, generated around these.

    Raises:
        OSError: If it cannot be read.
        ValueError: If a row is invalid; names its line.
    """
    return _populated(_tenant_of(path))


def _populated(tenant: Tenant) -> Tenant:
    return with_entities(tenant) if tenant.queues and tenant.users else tenant


def _tenant_of(path: Path) -> Tenant:
    codes, servers = codes_and_servers(path)
    return Tenant(
        name=path.name,
        version=sha256(path.read_bytes()).hexdigest()[:16],
        timezone=ZONE,
        calls=load_call_log(path),
        queues=tuple(
            Queue(id=queue_id(code), name=QUEUES.get(code, code)) for code in codes
        ),
        users=tuple(
            User(id=user_id(server), name=server.title()) for server in servers
        ),
        wrap_up_codes=tuple(
            WrapUpCode(id=wrap_up_code_id(name), name=name) for name in WRAP_UP_CODES
        ),
    )
