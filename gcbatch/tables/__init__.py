"""Tables: streams of rows with declared schemas, read from the parts."""

from gcbatch.tables.catalog import Catalog
from gcbatch.tables.changes import ChangesTable, tables_in_changes
from gcbatch.tables.group_by import merge_groups
from gcbatch.tables.latest import LatestParts
from gcbatch.tables.multi_org import MultiOrgCatalog
from gcbatch.tables.source import TableSource

__all__ = [
    "Catalog",
    "ChangesTable",
    "LatestParts",
    "MultiOrgCatalog",
    "TableSource",
    "merge_groups",
    "tables_in_changes",
]
