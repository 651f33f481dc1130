"""Shared by tests of SQL: all tables of ours, odd columns, names read from quotes."""

from functools import cache
from typing import Any, Final

import pyarrow as pa

from gcbatch import Job, Table
from gcbatch.running import declared_tables

RANGE: Final = {"from": "2026-10-01", "to": "2026-10-03"}
QUEUES: Final = {
    "metrics": ["nOffered", "tAnswered", "tAbandon", "tHandle", "oServiceLevel"]
}

JOBS: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "queues": (
        {**QUEUES, "group_by": ["queueId", "mediaType"], "granularity": "PT1H"},
        "day",
    ),
    "wrap-up codes": (
        {**QUEUES, "group_by": ["queueId", "wrapUpCode"], "granularity": "PT1H"},
        "",
    ),
    "users": (
        {"endpoint": "user-aggregates", "metrics": ["tAgentRoutingStatus"]},
        "",
    ),
    "reports": ({"endpoint": "interval-report", "granularity": "PT1H"}, ""),
    "summaries": ({"endpoint": "queue-summary", "granularity": "PT1H"}, ""),
    "conversations": ({"endpoint": "conversation-details"}, ""),
    "presence": ({"endpoint": "user-details"}, ""),
}
"""Queries of jobs that have all tables together, with the period of `sla`."""

ODD: Final = pa.schema(
    [
        pa.field('group "x"', pa.string(), nullable=False),
        pa.field("it's [odd] `here`", pa.int64()),
        pa.field("select", pa.float64()),
        pa.field("Größe; --", pa.bool_()),
        pa.field("a\nb", pa.timestamp("ms", "UTC")),
    ]
)
"""Columns with names that only quotes can hold."""

HOSTILE: Final = "it's 5 \\ 6'); DROP TABLE t; --\n/* \\' \" ` ] \u202e"
"""A description that ends a text, a comment or a line where nothing stops it."""

SHOWN: Final = "it's 5 \\ 6'); DROP TABLE t; -- /* \\' \" ` ]"
"""The same as one line."""


@cache
def tables_of_ours() -> dict[str, Table]:
    """Return every table, by the first job that has it, and its name.

    Listed tables are alike in all jobs, so there is one of each; tables of several orgs
    are others.
    """
    found: dict[str, Table] = {}
    seen: set[tuple[str, bytes]] = set()
    orgs = {"north": {"simulator": True}, "south": {"simulator": True}}
    for name, (query, period) in JOBS.items():
        own: dict[str, Any] = {"name": "j", "query": {**RANGE, **query}}
        if period:
            own["sla"] = {"period": period}
        for whose in ({"org": orgs["north"]}, {"orgs": orgs}):
            job = Job.model_validate({**own, **whose})
            catalog = declared_tables(job)
            for table in map(catalog.table, job.exportable):
                kind = table.name, table.schema.serialize().to_pybytes()
                if kind not in seen:
                    seen.add(kind)
                    found[f"{name}, {', '.join(whose)}: {table.name}"] = table
    return found


def read_name(text: str, quotes: tuple[str, str]) -> tuple[str, str]:
    """Return the name that stands first in a text in quotes, and what follows.

    A closing quote that is doubled is one of the name.
    """
    start, end = quotes
    assert text.startswith(start)
    name, at = "", len(start)
    while True:
        if text.startswith(end * 2, at):
            name, at = name + end, at + 2
        elif text.startswith(end, at):
            return name, text[at + 1 :]
        else:
            name, at = name + text[at], at + 1
