"""The rows that clients write: of conversations, and of aggregates by bucket."""

from collections.abc import Iterator
from typing import Any, Final

__all__ = ["BUCKET", "CONVERSATION", "FIGURES", "KEYS", "WAITS", "rows_of"]

CONVERSATION: Final = (
    "conversation_id",
    "conversation_start",
    "conversation_end",
    "media_stats_min_conversation_mos",
    "first_queue_id",
    "participants",
    "handle_ms",
    "talk_ms",
    "wait_ms",
)
"""The columns of a conversation; `participants` is their number."""

WAITS: Final = ("tAnswered", "tAbandon", "tFlowOut")
"""The metrics that `wait_ms` adds up."""

KEYS: Final = ("queue_id", "media_type", "interval_start")

_TIMES: Final = {"count": "count", "sum": "sum_ms", "min": "min_ms", "max": "max_ms"}
_LEVEL: Final = ("numerator", "denominator", "ratio", "target")

FIGURES: Final = {
    "nOffered": {"count": "n_offered"},
    "tAnswered": {key: f"t_answered_{name}" for key, name in _TIMES.items()},
    "tAbandon": {key: f"t_abandon_{name}" for key, name in _TIMES.items()},
    "tHandle": {key: f"t_handle_{name}" for key, name in _TIMES.items()},
    "oServiceLevel": {key: f"o_service_level_{key}" for key in _LEVEL},
}
"""The columns of each metric, by the names of its statistics."""

BUCKET: Final = (
    *KEYS,
    *(name for columns in FIGURES.values() for name in columns.values()),
)
"""The columns of a bucket: queue, media type, interval, all figures."""


def rows_of(page: Any) -> Iterator[dict[str, Any]]:
    """Yield the rows of an answer; absent statistics have no key."""
    for group in page["results"]:
        names = group["group"]
        for bucket in group["data"]:
            row = {
                "queue_id": names["queueId"],
                "media_type": names["mediaType"],
                "interval_start": bucket["interval"].partition("/")[0],
            }
            for metric in bucket["metrics"]:
                columns = FIGURES[metric["metric"]]
                for key, value in metric["stats"].items():
                    row[columns[key]] = value
            yield row
