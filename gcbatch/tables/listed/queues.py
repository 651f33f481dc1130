"""The table `queues`, with their targets."""

from collections.abc import Iterator
from typing import Final

from gcbatch.tables.listed_fields import Field
from gcbatch.tables.listed_rows import DATES, DIVISION, ListedTable

__all__ = ["table"]

_MEDIA: Final = ("call", "callback", "chat", "email", "message")
"""As settings of queues have them; analytics says `voice` for `call`."""


def _service_level(medium: str) -> Iterator[Field]:
    name = "voice" if medium == "call" else medium
    way = ("mediaSettings", medium, "serviceLevel")
    yield Field(f"{name}_target_pct", (*way, "percentage"), "percent")
    yield Field(f"{name}_target_ms", (*way, "durationMs"), "whole")


table: Final = ListedTable(
    "queues",
    "queueId",
    "queue_id",
    "queue_name",
    (
        *DIVISION,
        Field("description", ("description",), "text"),
        *DATES,
        Field("member_count", ("memberCount",), "whole"),
        Field("user_member_count", ("userMemberCount",), "whole"),
        Field("joined_member_count", ("joinedMemberCount",), "whole"),
        *(level for medium in _MEDIA for level in _service_level(medium)),
    ),
)
