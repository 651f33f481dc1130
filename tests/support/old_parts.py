"""Parts as older releases wrote them, or a clock that was wrong."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from gcbatch.store import part_file
from gcbatch.store.part_file import Part
from gcbatch.store.part_metadata import PartMetadata
from gcbatch.store.store import Store

__all__ = ["metadata_in", "part_in", "remove_query_digest", "rewrite_metadata"]


def metadata_in(path: Path) -> PartMetadata:
    """Return the metadata of a part."""
    return PartMetadata.from_json(part_file.footer_of(path)[part_file.METADATA_KEY])


def part_in(store: Store, digest: str) -> Part:
    """Return a part of a store."""
    with store.open_part(digest) as (metadata, batches):
        return Part(pa.Table.from_batches(batches), metadata)


def rewrite_metadata(path: Path, **changes: Any) -> None:
    """Write a part again, right except for changed metadata."""
    known = part_file.footer_of(path)
    about = {part_file.QUERY_KEY: known[part_file.QUERY_KEY]}
    _write(path, about, replace(metadata_in(path), **changes))


def remove_query_digest(path: Path) -> None:
    """Write a part again without the digest of its query."""
    _write(path, {}, metadata_in(path))


def _write(path: Path, about: Mapping[bytes, bytes], metadata: PartMetadata) -> None:
    with path.open("rb") as file:
        part_file.verified_checksum(str(path), file)
        table = part_file.table_of(file)
    whole = table.schema.metadata or {}
    rest = {k: v for k, v in whole.items() if not k.startswith(part_file.METADATA_KEY)}
    table = table.replace_schema_metadata(rest)
    path.unlink()
    part_file.write_part(path, Part(table, metadata), about)
