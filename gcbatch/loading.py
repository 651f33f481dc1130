"""Job files with their exporters: everything that can be wrong, before any request."""

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from gcbatch.errors import JobError
from gcbatch.exporting import (
    ExporterEntry,
    find_exporter,
    installed_exporters,
    load_exporter,
)
from gcbatch.job import Export, Job
from gcbatch.jobfile import Found, problems_of, read_job
from gcbatch.outputs import clashes_of

__all__ = ["check_export", "load_job"]


def load_job(
    path: Path | str,
    *,
    settings: Mapping[str, str] | None = None,
    environ: Mapping[str, str] = os.environ,
    now: datetime | None = None,
) -> Job:
    """Read and check a job file, its exporters' options included.

    Args:
        path: A YAML file.
        settings: Overrides by dotted key, such as `{"query.from": "2026-10-01"}`.
        environ: Values of `${NAME}`.
        now: What relative dates are counted from; None is the present.

    Returns:
        The job, with every default filled in.

    Raises:
        JobError: If it is not usable; lists every problem with file:line.
    """
    path = Path(path)
    known = installed_exporters()
    return read_job(
        path,
        now=now or datetime.now(UTC),
        environ=environ,
        settings=settings,
        check_export=lambda export: check_export(export, known),
        check_job=lambda job: clashes_of(job, path),
    )


def check_export(
    export: Export, known: Sequence[ExporterEntry] | None = None
) -> Iterator[Found]:
    """Yield what is wrong with an export: an unknown exporter, or its options.

    Args:
        export: Of a job file.
        known: As for exporter_named.
    """
    try:
        exporter = load_exporter(find_exporter(export.exporter, known))
    except JobError as exc:
        yield ("exporter",), f"{exc.problem}; {exc.hint}" if exc.hint else exc.problem
        return
    try:
        exporter.Options.model_validate(export.options)
    except ValidationError as exc:
        yield from problems_of(exc, exporter.Options, export.options)
