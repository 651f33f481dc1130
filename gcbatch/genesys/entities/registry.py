"""All kinds of entities that an org lists."""

from typing import Final

from gcbatch.genesys.entities.architect import ARCHITECT
from gcbatch.genesys.entities.customers import CUSTOMERS
from gcbatch.genesys.entities.kind import EntityKind
from gcbatch.genesys.entities.outbound import OUTBOUND
from gcbatch.genesys.entities.people import PEOPLE
from gcbatch.genesys.entities.quality import QUALITY
from gcbatch.genesys.entities.routing import ROUTING
from gcbatch.genesys.entities.telephony import TELEPHONY
from gcbatch.genesys.entities.workforce import WORKFORCE

__all__ = [
    "ENTITY_KINDS",
    "ENTITY_TABLES",
    "NAMED_KINDS",
    "entity_kind",
]

ENTITY_KINDS: Final[tuple[EntityKind, ...]] = (
    *ROUTING,
    *PEOPLE,
    *ARCHITECT,
    *OUTBOUND,
    *QUALITY,
    *WORKFORCE,
    *TELEPHONY,
    *CUSTOMERS,
)

NAMED_KINDS: Final = tuple(kind for kind in ENTITY_KINDS if kind.keeps_names)
"""Kinds whose names are kept, one for each dimension."""

_BY_TABLE: Final = {kind.table: kind for kind in ENTITY_KINDS}

ENTITY_TABLES: Final = tuple(sorted(_BY_TABLE))
"""Tables of entities, such as queues. Every job can export them."""


def entity_kind(table: str) -> EntityKind:
    """Return the kind of entities of a table.

    Raises:
        KeyError: If there is no such table of entities.
    """
    return _BY_TABLE[table]
