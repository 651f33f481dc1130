"""What exporters use: the contract, the target they write to, and discovery."""

from gcbatch.atomic_files import open_regular, read_bounded
from gcbatch.exporting.contract import (
    API_VERSION,
    Exporter,
    FileOptions,
    Options,
    Receipt,
    export,
)
from gcbatch.exporting.discovery import (
    GROUP,
    ExporterEntry,
    find_exporter,
    installed_exporters,
    load_exporter,
)
from gcbatch.exporting.draft_folders import remove_leftovers
from gcbatch.exporting.local_path import LocalPath
from gcbatch.exporting.target import PublishedFile, Target, digest_file

__all__ = [
    "API_VERSION",
    "GROUP",
    "Exporter",
    "ExporterEntry",
    "FileOptions",
    "LocalPath",
    "Options",
    "PublishedFile",
    "Receipt",
    "Target",
    "digest_file",
    "export",
    "find_exporter",
    "installed_exporters",
    "load_exporter",
    "open_regular",
    "read_bounded",
    "remove_leftovers",
]
