"""The table `users`."""

from typing import Final

from gcbatch.tables.entity_fields import EntityField
from gcbatch.tables.entity_table import DIVISION, EntityTable

__all__ = ["table"]

table: Final = EntityTable(
    "users",
    "userId",
    "user_id",
    "user_name",
    (
        EntityField("email", ("email",), "text"),
        EntityField("username", ("username",), "text"),
        EntityField("preferred_name", ("preferredName",), "text"),
        EntityField("state", ("state",), "text"),
        EntityField("title", ("title",), "text"),
        EntityField("department", ("department",), "text"),
        *DIVISION,
        EntityField("manager_id", ("manager", "id"), "text"),
        EntityField("acd_auto_answer", ("acdAutoAnswer",), "flag"),
        EntityField("date_last_login", ("dateLastLogin",), "instant"),
    ),
)
