"""The table `users`."""

from typing import Final

from gcbatch.tables.listed_fields import Field
from gcbatch.tables.listed_rows import DIVISION, ListedTable

__all__ = ["table"]

table: Final = ListedTable(
    "users",
    "userId",
    "user_id",
    "user_name",
    (
        Field("email", ("email",), "text"),
        Field("username", ("username",), "text"),
        Field("preferred_name", ("preferredName",), "text"),
        Field("state", ("state",), "text"),
        Field("title", ("title",), "text"),
        Field("department", ("department",), "text"),
        *DIVISION,
        Field("manager_id", ("manager", "id"), "text"),
        Field("acd_auto_answer", ("acdAutoAnswer",), "flag"),
        Field("date_last_login", ("dateLastLogin",), "instant"),
    ),
)
