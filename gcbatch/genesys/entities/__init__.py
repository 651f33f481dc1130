"""Entities that an org lists: a row of facts for each kind, and what a listing is."""

from gcbatch.genesys.entities.kind import (
    Deleted,
    EntityField,
    EntityKind,
    FieldType,
    Paging,
)
from gcbatch.genesys.entities.listing import Documents, Entity, EntityListing
from gcbatch.genesys.entities.registry import (
    ENTITY_KINDS,
    ENTITY_TABLES,
    NAMED_KINDS,
    entity_kind,
)

__all__ = [
    "ENTITY_KINDS",
    "ENTITY_TABLES",
    "NAMED_KINDS",
    "Deleted",
    "Documents",
    "Entity",
    "EntityField",
    "EntityKind",
    "EntityListing",
    "FieldType",
    "Paging",
    "entity_kind",
]
