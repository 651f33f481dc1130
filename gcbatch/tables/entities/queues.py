"""The table `queues`, with targets of service levels."""

from collections.abc import Iterator
from typing import Final

from gcbatch.tables.entity_fields import EntityField
from gcbatch.tables.entity_table import DATES, DIVISION, EntityTable

__all__ = ["table"]

_MEDIA: Final = ("call", "callback", "chat", "email", "message")
"""Media types in the settings of queues; analytics says `voice` for `call`."""


def _service_level(medium: str) -> Iterator[EntityField]:
    name = "voice" if medium == "call" else medium
    path = ("mediaSettings", medium, "serviceLevel")
    yield EntityField(f"{name}_target_pct", (*path, "percentage"), "percent")
    yield EntityField(f"{name}_target_ms", (*path, "durationMs"), "whole")


table: Final = EntityTable(
    "queues",
    "queueId",
    "queue_id",
    "queue_name",
    (
        *DIVISION,
        EntityField("description", ("description",), "text"),
        *DATES,
        EntityField("member_count", ("memberCount",), "whole"),
        EntityField("user_member_count", ("userMemberCount",), "whole"),
        EntityField("joined_member_count", ("joinedMemberCount",), "whole"),
        *(level for medium in _MEDIA for level in _service_level(medium)),
    ),
)
