"""What the footer of a part says."""

from dataclasses import dataclass, replace

from gcbatch.store.part_metadata import PartMetadata

__all__ = ["KnownPart"]


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
        is_whole: Whether an object of this stamp was once found to be right, maybe by
            another run: objects do not change.
    """

    stamp: bytes
    is_own: bool
    metadata: bytes | None
    fields: tuple[str, ...] | None
    fresh: bytes
    checksum: str | None
    verified_at: bytes | None = None
    is_whole: bool = False

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
