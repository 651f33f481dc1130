"""What exporters use: the contract, the target they write to, and discovery."""

from gcbatch.atomic_files import open_regular, read_bounded
from gcbatch.exporting.compare_days import compare_days
from gcbatch.exporting.connection_text import password_forms, passwords_in
from gcbatch.exporting.contract import (
    API_VERSION,
    OLDEST_API_VERSION,
    Exporter,
    FileOptions,
    Mismatch,
    Options,
    Receipt,
    export,
    held_export,
    mismatches,
)
from gcbatch.exporting.discovery import (
    GROUP,
    ExporterEntry,
    find_exporter,
    installed_exporters,
    load_exporter,
    missing_modules,
    require_modules,
)
from gcbatch.exporting.draft_folders import remove_leftovers
from gcbatch.exporting.hiding import (
    hide_secrets,
    hide_values,
    hiding_secrets,
    secret_values,
)
from gcbatch.exporting.local_path import LocalPath, OutputPath
from gcbatch.exporting.published_file import (
    PublishedFile,
    are_unchanged,
    digest_file,
    published_files,
)
from gcbatch.exporting.secrets import (
    Secret,
    SecretFile,
    SecretMark,
    SecretUri,
    reveal,
    secret_files,
    secret_places,
)
from gcbatch.exporting.target import Target
from gcbatch.exporting.true_or_false import only_true_or_false
from gcbatch.exporting.writable import require_writable
from gcbatch.objects import (
    ABSENT,
    Bucket,
    Buckets,
    ChangedObjectError,
    ObjectInfo,
    ObjectPath,
    ObjectUrl,
    is_object_url,
    lake_error,
)

__all__ = [
    "ABSENT",
    "API_VERSION",
    "GROUP",
    "OLDEST_API_VERSION",
    "Bucket",
    "Buckets",
    "ChangedObjectError",
    "Exporter",
    "ExporterEntry",
    "FileOptions",
    "LocalPath",
    "Mismatch",
    "ObjectInfo",
    "ObjectPath",
    "ObjectUrl",
    "Options",
    "OutputPath",
    "PublishedFile",
    "Receipt",
    "Secret",
    "SecretFile",
    "SecretMark",
    "SecretUri",
    "Target",
    "are_unchanged",
    "compare_days",
    "digest_file",
    "export",
    "find_exporter",
    "held_export",
    "hide_secrets",
    "hide_values",
    "hiding_secrets",
    "installed_exporters",
    "is_object_url",
    "lake_error",
    "load_exporter",
    "mismatches",
    "missing_modules",
    "only_true_or_false",
    "open_regular",
    "password_forms",
    "passwords_in",
    "published_files",
    "read_bounded",
    "remove_leftovers",
    "require_modules",
    "require_writable",
    "reveal",
    "secret_files",
    "secret_places",
    "secret_values",
]
