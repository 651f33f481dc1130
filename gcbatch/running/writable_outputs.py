"""Finds out, before anything is fetched, what could not be written afterwards."""

from functools import partial
from pathlib import PurePath

from gcbatch.errors import GcbatchError
from gcbatch.exporting import FileOptions, hiding_secrets, require_writable
from gcbatch.fetching import Observer
from gcbatch.job import Job
from gcbatch.objects import Buckets
from gcbatch.running.exports import CheckedExport
from gcbatch.running.job_run import JobRun

__all__ = ["check_outputs"]


def check_outputs(job: Job) -> list[GcbatchError]:
    """Return why the store or exports of a job could not be written now.

    Nothing is written. Databases are connected to, and buckets are asked.

    Args:
        job: A job of one org or several.

    Returns:
        An error for each place that could not be written; none if all could.

    Raises:
        GcbatchError: If an exporter refuses the job, or no org of it can be used.
    """
    problems: list[GcbatchError] = []
    buckets = job.storage.buckets()
    places = [partial(_check_store, job.fetch.store, buckets)]
    places += (partial(_check, one) for one in JobRun(job, Observer()).exporters())
    for check in places:
        try:
            check()
        except GcbatchError as exc:
            problems.append(exc)
    return problems


def _check_store(store: PurePath, buckets: Buckets) -> None:
    try:
        require_writable(store, "folder", buckets=buckets)
    except GcbatchError as exc:
        key = "fetch.store"
        raise exc.within(key) from exc


def _check(export: CheckedExport) -> None:
    """Refuse an export that could not be written.

    Raises:
        GcbatchError: Names its place in the job file.
    """
    options = export.options
    try:
        if (reach := getattr(export.exporter, "reach", None)) is not None:
            hiding_secrets(options, f"exporter {export.spec.exporter!r}", reach)
        elif isinstance(options, FileOptions):
            is_folder = bool(getattr(options, "partition_by", None))
            require_writable(
                options.path,
                "folder" if is_folder else "file",
                buckets=options.buckets,
            )
    except GcbatchError as exc:
        raise exc.within(export.export.place) from exc
