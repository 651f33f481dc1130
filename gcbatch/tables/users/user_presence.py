"""The table `user_presence`: users available, away, at a meal … and since when."""

from typing import Final

from gcbatch.tables.documents.user_table import UsersTable

__all__ = ["table"]

table: Final = UsersTable.of_records(
    "user_presence", "primaryPresence", "systemPresence"
)
