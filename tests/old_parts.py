"""Parts as older releases wrote them, or a clock that was wrong."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gcbatch.store import part_file as partfile
from gcbatch.store.part_file import Part
from gcbatch.store.part_metadata import PartMetadata

__all__ = ["account_in", "rewritten", "unbound"]


def account_in(path: Path) -> PartMetadata:
    """Return the account of a part."""
    return PartMetadata.from_json(partfile.metadata_of(path)[partfile.ACCOUNT_KEY])


def rewritten(path: Path, **account: Any) -> None:
    """Write a valid part again, with changed metadata."""
    known = partfile.metadata_of(path)
    about = {partfile.QUERY_KEY: known[partfile.QUERY_KEY]}
    _write(path, about, replace(account_in(path), **account))


def unbound(path: Path) -> None:
    """Write a part again without the digest of its query."""
    _write(path, {}, account_in(path))


def _write(path: Path, about: Mapping[bytes, bytes], account: PartMetadata) -> None:
    with partfile.open_verified(path) as (file, _):
        table = partfile.table_of(file)
    whole = table.schema.metadata or {}
    rest = {k: v for k, v in whole.items() if k not in partfile.OWN_KEYS}
    table = table.replace_schema_metadata(rest)
    path.unlink()
    partfile.fill(path, Part(table, account), about)
