"""What the footers of parts say, each read once while its file is unchanged."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from gcbatch.store.job_files import JobFiles, OpenedFile, part_name
from gcbatch.store.part_file import (
    CHECKSUM_KEY,
    FRESH_KEY,
    METADATA_KEY,
    QUERY_KEY,
    footer_of,
)
from gcbatch.store.part_metadata import PartMetadata

__all__ = ["KnownPart", "KnownParts"]

MAX_HELD: Final = 1_000
"""Bytes of part metadata that are held as they are."""


@dataclass(slots=True)
class KnownPart:
    """What the footer of a part says; it holds while the file is unchanged.

    A run asks for it five times, of each part of its plan. So all are held, however
    many they are: some 700 bytes for each. What is long in the metadata of details is
    held once or not at all: fields that parts have in common, correlation ids.

    Args:
        stamp: Identifies the file in its state when it was read.
        is_own: Whether the part is of the query whose name it has.
        metadata: As JSON; None if the file is of another program.
        fields: Those of the metadata, if they are not in the JSON.
        fresh: The run with --fresh that it was fetched for.
        checksum: The one that it carries; None if it carries none.
        verified_at: The state of its bytes on this machine's disk in which the checksum
            was found to be right; None if it was not verified.
    """

    stamp: bytes
    is_own: bool
    metadata: bytes | None
    fields: tuple[str, ...] | None
    fresh: bytes
    checksum: str | None
    verified_at: bytes | None = None

    @property
    def verified(self) -> tuple[bytes, str] | None:
        """The verified state and the checksum, if that is verified."""
        at = self.verified_at
        return None if at is None else (at, self.checksum or "")

    def to_metadata(self) -> PartMetadata | None:
        """Return the metadata that the part carries; None if it carries none."""
        if self.metadata is None:
            return None
        try:
            metadata = PartMetadata.from_json(self.metadata)
        except ValueError:
            return None
        noted = self.fields
        return metadata if noted is None else replace(metadata, fields=noted)


class KnownParts:
    """What is known of the parts of a job.

    Args:
        files: The files of the job.
    """

    def __init__(self, files: JobFiles) -> None:
        self._files = files
        self._known: dict[str, KnownPart] = {}
        self._field_lists: dict[tuple[str, ...], tuple[str, ...]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def of(self, digest: str) -> KnownPart:
        """Return what a part says.

        Raises:
            OSError, pa.ArrowException: If it cannot be read, or is no Parquet file.
        """
        name = part_name(digest)
        stamp = self._files.stamp(name)
        if stamp is None:
            raise FileNotFoundError(name)
        known = self._known.get(digest)
        if known is None or known.stamp != stamp:
            with self._files.footer_file(name) as file:
                known = self._hold(digest, stamp, footer_of(file))
        return known

    def of_opened(self, digest: str, opened: OpenedFile) -> KnownPart:
        """Return what an opened part says; see of."""
        known = self._known.get(digest)
        if known is None or known.stamp != opened.stamp:
            known = self._hold(digest, opened.stamp, footer_of(opened.file))
        return known

    def verified(self, digest: str) -> tuple[bytes, str] | None:
        """Return KnownPart.verified of a part."""
        known = self._known.get(digest)
        return None if known is None else known.verified

    def forget(self, digest: str) -> None:
        """Forget what is known of a part."""
        self._known.pop(digest, None)

    def _hold(
        self, digest: str, stamp: bytes, footer: Mapping[bytes, bytes]
    ) -> KnownPart:
        checksum = footer.get(CHECKSUM_KEY, b"")
        metadata, noted = self._shortened(footer.get(METADATA_KEY))
        known = KnownPart(
            stamp,
            is_own=footer.get(QUERY_KEY, digest.encode()) == digest.encode(),
            metadata=metadata,
            fields=noted,
            fresh=footer.get(FRESH_KEY, b""),
            checksum=checksum.decode() if checksum.isalnum() else None,
        )
        self._known[digest] = known
        return known

    def _shortened(
        self, metadata: bytes | None
    ) -> tuple[bytes | None, tuple[str, ...] | None]:
        """Return the metadata of a part as it is held, and its fields."""
        if metadata is None or len(metadata) <= MAX_HELD:
            return metadata, None
        try:
            found = PartMetadata.from_json(metadata)
        except ValueError:
            return metadata, None
        noted = found.fields and self._field_lists.setdefault(
            found.fields, found.fields
        )
        short = replace(found, fields=None, correlation_ids=())
        return short.to_json(), noted
