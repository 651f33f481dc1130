"""The workloads: small pieces of a run, each with its yardstick."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.costs import yardsticks
from benchmarks.costs.answers import START, aggregates, conversations, ids, job_of
from gcbatch.endpoints import endpoint_named
from gcbatch.planning import ResolvedScope, make_plan
from gcbatch.windows import Window
from gcbatch_exporters.csv import CsvExporter, CsvOptions
from gcbatch_exporters.parquet import ParquetExporter, ParquetOptions

__all__ = ["Work", "Workload", "workloads"]

Work = Callable[[], object]

PLANNED_DAYS: Final = 20
PLANNED_QUEUES: Final = 2_000


@dataclass(frozen=True)
class Workload:
    """One thing that is counted.

    Args:
        name: As in the file of figures.
        work: A piece of gcbatch.
        yardstick: Work of about the same kind without gcbatch.
    """

    name: str
    work: Work
    yardstick: Work


def workloads(folder: Path) -> Iterator[Workload]:
    """Yield the workloads; run each before the next, which reads what it stores.

    Args:
        folder: An empty one, for parts and outputs.
    """
    hours, calls = aggregates(folder / "hours"), conversations(folder / "calls")
    figures = yardsticks.Figures(folder, hours.body)
    documents = yardsticks.Conversations(folder, calls.body)
    parquet = ParquetExporter(ParquetOptions(path=folder / "export"))
    csv = CsvExporter(CsvOptions(path=folder / "export"))
    yield Workload("aggregates-to-part", hours.fetch, figures.store)
    yield Workload("details-to-part", calls.fetch, documents.store)
    yield Workload(
        "intervals-to-parquet", partial(hours.export, parquet), figures.to_parquet
    )
    yield Workload("intervals-to-csv", partial(hours.export, csv), figures.to_csv)
    yield Workload(
        "conversations-to-parquet", partial(calls.export, parquet), documents.to_parquet
    )
    yield Workload("all-tables-of-details", calls.read_all, documents.to_parquet)
    yield _planning()


def _planning() -> Workload:
    """Plan 20 days of half hours for 2,000 queues."""
    job = job_of("conversation-aggregates", granularity="PT30M", metrics=["nOffered"])
    whole = Window(START, START + timedelta(days=PLANNED_DAYS))
    scope = ResolvedScope("org", whole, ids(PLANNED_QUEUES))
    planned = partial(make_plan, job, scope, endpoint_named(job.query.endpoint))
    windows = planned().windows
    batches = len(windows[0][1])
    yardstick = yardsticks.Plan(len(windows), batches, PLANNED_QUEUES)
    return Workload("plan", planned, yardstick.work_out)
