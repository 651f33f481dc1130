"""The index of a job in a bucket: what the footers of its parts say, in one object.

It is a copy of what the parts say themselves. An entry counts while the part has the
stamp that it names; without one, the part's footer is read.
"""

from collections.abc import Mapping
from typing import Annotated, Final

import msgspec
import pyarrow as pa

from gcbatch.store.known_part import KnownPart

__all__ = ["INDEX_NOTE", "PartIndex"]

INDEX_NOTE: Final = "index.json.zst"

FORMAT: Final = 1


class _Entry(msgspec.Struct, array_like=True):
    """What is known of one part; see KnownPart. The fields are the number of a list."""

    stamp: str
    is_own: bool
    metadata: str | None
    fields: Annotated[int, msgspec.Meta(ge=0)] | None
    fresh: str
    checksum: str | None
    is_whole: bool


class PartIndex(msgspec.Struct):
    """What one object says of the parts of a job.

    Args:
        format: Version of its shape.
        parts: By the digests of their queries.
        field_lists: The lists of fields that entries refer to.
        notes: By their names, stamp and content of notes that most runs read.
    """

    format: int = FORMAT
    parts: dict[str, _Entry] = {}
    field_lists: list[tuple[str, ...]] = []
    notes: dict[str, tuple[str, str]] = {}

    @classmethod
    def of(
        cls, known: Mapping[str, KnownPart], notes: Mapping[str, tuple[bytes, bytes]]
    ) -> "PartIndex":
        """Return the index of what is known."""
        numbers: dict[tuple[str, ...], int] = {}
        parts = {
            digest: _Entry(
                part.stamp.decode(),
                part.is_own,
                None if part.metadata is None else part.metadata.decode("utf-8"),
                None
                if part.fields is None
                else numbers.setdefault(part.fields, len(numbers)),
                part.fresh.decode(),
                part.checksum,
                part.is_whole,
            )
            for digest, part in sorted(known.items())
            if _is_text(part)
        }
        texts = {n: (s.decode(), text.decode()) for n, (s, text) in notes.items()}
        return cls(parts=parts, field_lists=[*numbers], notes=texts)

    def known_parts(self) -> dict[str, KnownPart]:
        """Return what it says of the parts."""
        lists = self.field_lists
        return {
            digest: KnownPart(
                entry.stamp.encode(),
                entry.is_own,
                None if entry.metadata is None else entry.metadata.encode(),
                None if entry.fields is None else lists[entry.fields],
                entry.fresh.encode(),
                entry.checksum,
                is_whole=entry.is_whole,
            )
            for digest, entry in self.parts.items()
            if entry.fields is None or entry.fields < len(lists)
        }

    def to_bytes(self) -> bytes:
        """Return it as the object holds it: zstd-compressed JSON."""
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, "zstd") as stream:
            stream.write(msgspec.json.encode(self))
        return bytes(sink.getvalue())

    @classmethod
    def from_bytes(cls, content: bytes) -> "PartIndex":
        """Read what to_bytes wrote; anything else gives an empty index."""
        try:
            with pa.CompressedInputStream(pa.BufferReader(content), "zstd") as stream:
                found = msgspec.json.decode(stream.read(), type=cls)
        except (OSError, pa.ArrowException, msgspec.DecodeError, UnicodeDecodeError):
            return cls()
        return found if found.format == FORMAT else cls()


def _is_text(part: KnownPart) -> bool:
    """Return whether a footer is text, as ours are; another's may be anything."""
    try:
        (part.metadata or b"").decode("utf-8")
        part.fresh.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
