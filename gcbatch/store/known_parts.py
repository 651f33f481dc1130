"""What the footers of parts say, each read once while its file is unchanged."""

from collections.abc import Mapping
from dataclasses import replace
from threading import Lock
from typing import Final

from gcbatch.store.job_files import JobFiles, OpenedFile, part_name
from gcbatch.store.known_part import KnownPart
from gcbatch.store.part_file import (
    CHECKSUM_KEY,
    FRESH_KEY,
    METADATA_KEY,
    QUERY_KEY,
    footer_of,
)
from gcbatch.store.part_metadata import PartMetadata

__all__ = ["KnownParts"]

MAX_HELD: Final = 1_000
"""Bytes of part metadata that are held as they are."""


class KnownParts:
    """What is known of the parts of a job.

    Args:
        files: The files of the job.
    """

    def __init__(self, files: JobFiles) -> None:
        self._files = files
        self._known: dict[str, KnownPart] = {}
        self._lock = Lock()
        self._is_loaded = files.index is None
        self._is_changed = False
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
        if not self._is_loaded:
            self._load()
        known = self._known.get(digest)
        if known is None or known.stamp != stamp:
            with self._files.footer_file(name) as file:
                known = self._hold(digest, stamp, footer_of(file))
        return known

    def _load(self) -> None:
        """Read the index, and all footers that it lacks, some at once."""
        with self._lock:
            index = self._files.index
            if self._is_loaded or index is None:
                return
            for digest, known in index.known_parts().items():
                if known.fields is not None:
                    known.fields = self._field_lists.setdefault(
                        known.fields, known.fields
                    )
                self._known.setdefault(digest, known)
            for digest, stamp, footer in index.footers_beyond(self._known):
                self._hold(digest, stamp, footer)
            self._is_loaded = True

    def look_again(self) -> None:
        """Read the footers of new parts some at once, when one is asked for."""
        self._is_loaded = self._files.index is None

    def save(self) -> None:
        """Store what is known for the next run, where that saves it requests.

        Raises:
            OutputError: If it cannot be written.
        """
        index = self._files.index
        if index is not None:
            self._load()
            index.save(self._known, is_changed=self._is_changed)
            self._is_changed = False

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

    def note_verified(self, known: KnownPart, checksum: str, at: bytes) -> None:
        """Note that a part's checksum was found to be right in some state."""
        known.checksum, known.verified_at = checksum, at
        self.note_whole(known)

    def note_whole(self, known: KnownPart) -> None:
        """Note that a part is right, as it was written or found."""
        self._is_changed |= not known.is_whole
        known.is_whole = True

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
        self._is_changed = True
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
