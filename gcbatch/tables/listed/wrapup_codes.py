"""The table `wrapup_codes`."""

from typing import Final

from gcbatch.tables.listed_fields import Field
from gcbatch.tables.listed_rows import DATES, DIVISION, ListedTable

__all__ = ["table"]

table: Final = ListedTable(
    "wrapup_codes",
    "wrapUpCode",
    "wrap_up_code_id",
    "wrap_up_code_name",
    (Field("description", ("description",), "text"), *DIVISION, *DATES),
)
