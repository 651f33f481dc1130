"""The table `toy_skills`."""

from typing import Final

from gcbatch.tables.entity_fields import EntityField
from gcbatch.tables.entity_table import EntityTable

__all__ = ["table"]

table: Final = EntityTable(
    "toy_skills",
    "toySkillId",
    "skill_id",
    "skill_name",
    (EntityField("level", ("level",), "text"),),
)
