"""One row of a details answer as the JSON that is sent.

Rows are built once and sent many times, so what a tenant holds of them are bytes.
"""

from dataclasses import dataclass, field
from typing import Final

__all__ = ["Document"]

_OF_PARTICIPANT: Final = b'"participantId":'
"""Begins each participant of a document; within a text its quotes are escaped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One conversation, or what one user did.

    Args:
        id: Of the conversation or the user.
        start_ms: When it began, in milliseconds since 1970.
        end_ms: When it was over; None while it goes on.
        json: The object as the service writes it, without spaces and without the
            participants' attributes.
        attributes: Of its participants in their order, each a JSON object; those
            left out at the end have no such key.
        shown_after: Details queries that are answered as if it were not there yet;
            `math.inf` is until `Simulator.release_late`.
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
            attributes: Whether participants show theirs, as in answers of jobs.
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
