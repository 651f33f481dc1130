"""The service levels that queues are to reach, and within which time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Targets"]

_CALLS: Final = "voice"
"""The media type whose target counts where rows are not grouped by media type."""


@dataclass(frozen=True)
class Targets:
    """Service levels to reach, in percent.

    Args:
        default: The target of all queues; None is each queue's own.
        by_queue: By a queue's name or id; overrides the default.
        own: What is set in the service, by queue id and media type.
        thresholds: Milliseconds within which a wait counts as in time, as they are set
            in the service, by queue id and media type.
    """

    default: float | None = None
    by_queue: Mapping[str, float] = field(default_factory=dict)
    own: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    thresholds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def of(
        self, queue_id: str | None, name: str | None, media_type: str | None
    ) -> float | None:
        """Return the target of a queue, None if it has none.

        Args:
            queue_id: None where rows are not grouped by queue.
            name: The name of the queue.
            media_type: None where rows are not grouped by media type.
        """
        for key in (queue_id, (queue_id or "").upper(), name):
            if key is not None and key in self.by_queue:
                return self.by_queue[key]
        if self.default is not None:
            return self.default
        return self.own.get(queue_id or "", {}).get(media_type or _CALLS)

    def threshold_s(self, queue_id: str | None, media_type: str | None) -> float | None:
        """Return within how many seconds a call of a queue is to be answered.

        Args:
            queue_id: None where rows are not grouped by queue.
            media_type: None where rows are not grouped by media type.

        Returns:
            None if it is not known.
        """
        own = self.thresholds.get(queue_id or "", {})
        milliseconds = own.get(media_type or _CALLS)
        return None if milliseconds is None else milliseconds / 1000
