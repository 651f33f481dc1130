"""The table `wrapup_codes`."""

from typing import Final

from gcbatch.tables.entity_fields import EntityField
from gcbatch.tables.entity_table import DATES, DIVISION, EntityTable

__all__ = ["table"]

table: Final = EntityTable(
    "wrapup_codes",
    "wrapUpCode",
    "wrap_up_code_id",
    "wrap_up_code_name",
    (EntityField("description", ("description",), "text"), *DIVISION, *DATES),
)
