"""The store: the parts and notes of a job, each there whole or not at all."""

from gcbatch.store.cache_settings import CacheSettings
from gcbatch.store.change_log import ChangeLog, Replacement, RunMark
from gcbatch.store.concat import concat_parts
from gcbatch.store.entity_files import (
    ListedEntities,
    StoredEntities,
    has_entities,
    history_of,
    listing_checksums,
    read_entities,
    write_entities,
)
from gcbatch.store.entity_history import (
    StoredVersions,
    Version,
    read_versions,
    same_but,
    write_versions,
)
from gcbatch.store.id_set import IdSet
from gcbatch.store.job_files import StoreRoot
from gcbatch.store.maintenance import (
    PruneResult,
    StoredJob,
    list_store,
    parse_age,
    prune,
)
from gcbatch.store.part_file import Part, PartSource
from gcbatch.store.part_metadata import SETTLE, PartMetadata
from gcbatch.store.pending_jobs import PendingJobs, SubmittedJob
from gcbatch.store.roots import open_root
from gcbatch.store.spool import DOCUMENTS, Document, Spool, SpooledPart
from gcbatch.store.store import FAILED_NOTE, PLAN_NOTE, REPORT_NOTE, Store

__all__ = [
    "DOCUMENTS",
    "FAILED_NOTE",
    "PLAN_NOTE",
    "REPORT_NOTE",
    "SETTLE",
    "CacheSettings",
    "ChangeLog",
    "Document",
    "IdSet",
    "ListedEntities",
    "Part",
    "PartMetadata",
    "PartSource",
    "PendingJobs",
    "PruneResult",
    "Replacement",
    "RunMark",
    "Spool",
    "SpooledPart",
    "Store",
    "StoreRoot",
    "StoredEntities",
    "StoredJob",
    "StoredVersions",
    "SubmittedJob",
    "Version",
    "concat_parts",
    "has_entities",
    "history_of",
    "list_store",
    "listing_checksums",
    "open_root",
    "parse_age",
    "prune",
    "read_entities",
    "read_versions",
    "same_but",
    "write_entities",
    "write_versions",
]
