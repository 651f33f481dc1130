"""One row of a details answer, as the JSON that is sent.

Rows are built once and sent many times, so a tenant stores them as bytes.
"""

from dataclasses import dataclass, field
from typing import Final

__all__ = ["Document"]

_OF_PARTICIPANT: Final = b'"participantId":'
"""Begins each participant of a document; inside a JSON string its quotes would be
escaped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One conversation, or the details of one user.

    Args:
        id: The id of the conversation or the user.
        start_ms: When it began, in milliseconds since 1970.
        end_ms: When it ended; None if it has not.
        json: The object as the service writes it, without spaces and without the
            participants' attributes.
        attributes: The attributes of its participants in order, each a JSON object;
            participants beyond the last have none.
        shown_after: Number of details queries that are answered without it;
            `math.inf` means all until `Simulator.release_late`.
    """

    id: str
    start_ms: int
    end_ms: int | None
    json: bytes = field(repr=False)
    attributes: tuple[bytes, ...] = ()
    shown_after: float = 0

    def body(self, attributes: bool) -> bytes:  # noqa: FBT001 - the name says it, at every call
        """Return the JSON.

        Args:
            attributes: Whether participants have theirs, as in results of jobs.
        """
        if not attributes or not self.attributes:
            return self.json
        head, *participants = self.json.split(_OF_PARTICIPANT)
        parts = [head]
        for number, rest in enumerate(participants):
            if number < len(self.attributes):
                parts += (b'"attributes":', self.attributes[number], b",")
            parts += (_OF_PARTICIPANT, rest)
        return b"".join(parts)
