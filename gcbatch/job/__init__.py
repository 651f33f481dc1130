"""Reads a job file: YAML in, a checked Job or every problem out."""

from gcbatch.job.changes import Changes
from gcbatch.job.dates import is_relative, resolve_instant
from gcbatch.job.derived import DerivedTable
from gcbatch.job.engine import EngineSection
from gcbatch.job.expect import Expect
from gcbatch.job.export import Export, ExportOfEntry
from gcbatch.job.fetch import Fetch
from gcbatch.job.filters import all_of, any_of
from gcbatch.job.job import CHANGES_TABLE, PROVISIONAL_TABLES, Job
from gcbatch.job.load import load_job
from gcbatch.job.loaded_export import LoadedExport, load_export
from gcbatch.job.org import Org, SecretFile
from gcbatch.job.output_conflicts import refuse_shared_outputs
from gcbatch.job.query import QuerySection, QueueFile
from gcbatch.job.reference import Key, exporter_options, job_reference
from gcbatch.job.refetch import (
    DatedSpan,
    Refetch,
    RefetchSpan,
    refetch_spans,
    span_for_refetch,
)
from gcbatch.job.relations import relation_named
from gcbatch.job.schema import about_class, job_schema
from gcbatch.job.sla import PERIODS, Sla
from gcbatch.job.zones import is_zone, unknown_zone, zone_warning

__all__ = [
    "CHANGES_TABLE",
    "PERIODS",
    "PROVISIONAL_TABLES",
    "Changes",
    "DatedSpan",
    "DerivedTable",
    "EngineSection",
    "Expect",
    "Export",
    "ExportOfEntry",
    "Fetch",
    "Job",
    "Key",
    "LoadedExport",
    "Org",
    "QuerySection",
    "QueueFile",
    "Refetch",
    "RefetchSpan",
    "SecretFile",
    "Sla",
    "about_class",
    "all_of",
    "any_of",
    "exporter_options",
    "is_relative",
    "is_zone",
    "job_reference",
    "job_schema",
    "load_export",
    "load_job",
    "refetch_spans",
    "refuse_shared_outputs",
    "relation_named",
    "resolve_instant",
    "span_for_refetch",
    "unknown_zone",
    "zone_warning",
]
