"""Complete runs of any size, written into the store without a service.

`python -m benchmarks.own_scale_data JOB …` writes the saved plan of each job and all
its parts, with names listed just now: `gcbatch run JOB` then sends no request.
Parts that the first job has too are linked from there. With `--names N` it writes no
part, only the names of N queues: `gcbatch plan JOB` then sends no request.

The jobs ask for METRICS or some of them, in PT15M, by queueId and mediaType; those with
parts name their queues by id.
"""

import argparse
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.aggregates_data import figures, queue_id
from gcbatch.endpoints import Aggregates, endpoint_named
from gcbatch.fetching import store_identity
from gcbatch.genesys import ENTITY_KINDS, Names, column_name, kind_of
from gcbatch.job import Job, load_job
from gcbatch.planning import Plan, ResolvedScope, SavedPlan, job_fingerprint, make_plan
from gcbatch.query import Query
from gcbatch.store import Part, PartMetadata, Store

__all__ = ["main", "write_run"]

_DAY: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The day of the rows of which those of other days are made."""

QUARTER: Final = timedelta(minutes=15)
PROCESSES: Final = 2
PIECE: Final = 5_000
"""Parts that a process writes at once; fewer are written without one."""


def write_run(job: Job, like: Store | None) -> None:
    """Write the saved plan and the parts of each org of a job.

    Args:
        job: The job.
        like: The parts that it has are linked, not written again.
    """
    for own in job.per_org():
        endpoint, queues = endpoint_named(own.query.endpoint), own.query.queues
        if not isinstance(endpoint, Aggregates) or not isinstance(queues, tuple):
            msg = f"{own.name}: needs aggregates, and queues in the job file"
            raise TypeError(msg)
        scope = ResolvedScope(
            store_identity(own.own_org),
            own.query.window(datetime.now(UTC)),
            tuple(sorted(queues)),
        )
        plan = make_plan(own, scope, endpoint)
        store = _save(own, queues, _names(queues), plan)
        store.prepare()
        write = partial(_write_parts, own, endpoint, store, like)
        pieces = [
            plan.queries[at : at + PIECE] for at in range(0, len(plan.queries), PIECE)
        ]
        if len(pieces) == 1:
            write(pieces[0])
            continue
        with ProcessPoolExecutor(PROCESSES) as pool:
            list(pool.map(write, pieces))


def _save(job: Job, queues: Sequence[str] | None, names: Names, plan: Plan) -> Store:
    """Write the saved plan of a job of one org, and return its store."""
    store = Store(Path(job.fetch.store), job.store_name, sync=_unsynced)
    identity = store_identity(job.own_org)
    fingerprint = job_fingerprint(job, identity, queues)
    SavedPlan(fingerprint, names, plan).write(store)
    return store


def _names(queues: Sequence[str]) -> Names:
    """Return names as if all had been listed now."""
    now = datetime.now(UTC)
    dimensions = [kind.dimension for kind in ENTITY_KINDS]
    return Names(
        {"queueId": {queue: f"Queue {n}" for n, queue in enumerate(queues)}},
        dict.fromkeys(dimensions, len(queues)),
        listed_at=dict.fromkeys((*dimensions, "targets"), now),
        asked_at=dict.fromkeys(dimensions, now),
    )


def _unsynced(_: object) -> None:
    """Force nothing to disk: the data is of no use after a crash."""


def _write_parts(
    job: Job,
    endpoint: Aggregates,
    store: Store,
    like: Store | None,
    queries: Sequence[Query],
) -> None:
    tables: dict[Any, pa.Table] = {}
    for query in queries:
        if like and like.has(query.digest):
            os.link(like.place_of(query.digest), store.place_of(query.digest))
            continue
        table = _table(job, endpoint, query, tables)
        metadata = PartMetadata(
            asked_at=datetime.now(UTC),
            window=query.window,
            pages=1,
            rows=table.num_rows,
            requests=1,
            size=100 * table.num_rows,
            correlation_ids=("0" * 36,),
        )
        store.write(query.digest, Part(table, metadata))


def _table(
    job: Job, endpoint: Aggregates, query: Query, tables: dict[Any, pa.Table]
) -> pa.Table:
    """Return the rows of a query; only their times depend on the day.

    Args:
        job: The job.
        endpoint: Its endpoint.
        query: Its window begins at a quarter of an hour, and is a day at most.
        tables: The rows at the first day, by queues and time of day; more are added.
    """
    start, queues = query.window.start, endpoint.queues_of(query.template)
    day = start.replace(hour=0, minute=0)
    first, count = (start - day) // QUARTER, query.window.span // QUARTER
    schema = endpoint.schema(job.query)
    key = queues, first, count
    if key not in tables:
        rows = list(_rows(job, queues, range(first, first + count)))
        tables[key] = pa.Table.from_pylist(rows, schema=schema)
    table = tables[key]
    for number, name in enumerate(("interval_start", "interval_end")):
        moved = pc.add(table[name], pa.scalar(day - _DAY, pa.duration("ms")))
        table = table.set_column(number, schema.field(name), moved)
    return table


def _rows(job: Job, queues: Sequence[str], quarters: range) -> Iterator[dict[str, Any]]:
    for quarter in quarters:
        for number, queue in enumerate(queues):
            found = figures(number, quarter)
            yield {
                "interval_start": _DAY + quarter * QUARTER,
                "interval_end": _DAY + (quarter + 1) * QUARTER,
                "queue_id": queue,
                "media_type": "voice",
            } | {
                column_name(metric, statistic): found.get(metric, {}).get(statistic.key)
                for metric in job.query.metrics
                for statistic in kind_of(metric).statistics
            }


def main(arguments: Sequence[str] | None = None) -> None:
    """Write what the command line asks for; see the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jobs", type=Path, nargs="+")
    parser.add_argument("--names", type=int, default=0)
    asked = parser.parse_args(arguments)
    first: Store | None = None
    for path in asked.jobs:
        job = load_job(path, environ=os.environ)
        if asked.names:
            names = _names([queue_id(number) for number in range(asked.names)])
            queues = job.query.queues if isinstance(job.query.queues, tuple) else None
            _save(job, queues, names, Plan(job.query.window(datetime.now(UTC)), ()))
        else:
            write_run(job, first)
            first = first or Store(Path(job.fetch.store), job.store_name)


if __name__ == "__main__":
    main()
