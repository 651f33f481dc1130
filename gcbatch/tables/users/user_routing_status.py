"""The table `user_routing_status`: users idle, interacting … and since when."""

from typing import Final

from gcbatch.tables.documents.user_table import UsersTable

__all__ = ["table"]

table: Final = UsersTable.of_records(
    "user_routing_status", "routingStatus", "routingStatus"
)
