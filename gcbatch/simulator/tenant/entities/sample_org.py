"""Gives a tenant entities of every kind, which refer to each other and to its own."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from gcbatch.simulator.tenant.entities.architect import ARCHITECT
from gcbatch.simulator.tenant.entities.customers import CUSTOMERS
from gcbatch.simulator.tenant.entities.outbound import (
    OUTBOUND,
    all_campaigns,
    wrap_up_mappings,
)
from gcbatch.simulator.tenant.entities.people import (
    PEOPLE,
    organization,
    user_licenses,
    user_parts,
)
from gcbatch.simulator.tenant.entities.quality import QUALITY
from gcbatch.simulator.tenant.entities.routing import (
    ROUTING,
    queue_members,
    queue_wrap_up_codes,
    utilization,
)
from gcbatch.simulator.tenant.entities.sample_kind import (
    Json,
    Refs,
    SampleKind,
    entity_id,
)
from gcbatch.simulator.tenant.entities.telephony import TELEPHONY
from gcbatch.simulator.tenant.entities.workforce import (
    WORKFORCE,
    activity_codes,
    management_unit_users,
    planning_groups,
)
from gcbatch.simulator.tenant.tenant import HOME_DIVISION, Tenant

__all__ = ["with_entities"]

KINDS: Final[Mapping[str, SampleKind]] = {
    **ROUTING,
    **PEOPLE,
    **ARCHITECT,
    **OUTBOUND,
    **QUALITY,
    **WORKFORCE,
    **TELEPHONY,
    **CUSTOMERS,
}

OWN: Final = frozenset(("wrapup_codes",))
"""Tables whose entities the tenant has itself, except the deleted ones."""

CHILDREN: Final[Mapping[str, tuple[str, Callable[[Refs, int], list[Json]]]]] = {
    "queue_members": ("queues", queue_members),
    "queue_wrapup_codes": ("queues", queue_wrap_up_codes),
    "management_unit_users": ("management_units", management_unit_users),
    "activity_codes": ("business_units", activity_codes),
    "planning_groups": ("business_units", planning_groups),
}
"""Tables of entities with a parent: the parents' table, and those of one parent."""


def with_entities(tenant: Tenant) -> Tenant:
    """Return a tenant with entities of every kind.

    Args:
        tenant: Has queues, users and codes, to which the entities refer.
    """
    refs = Refs(_named(tenant))
    listed = [table for table in KINDS if table not in OWN]
    entities = {
        **{table: KINDS[table].documents(table, refs) for table in listed},
        "all_campaigns": all_campaigns(refs),
        "organization": organization(tenant, refs),
        "outbound_wrapup_mappings": wrap_up_mappings(refs),
        "user_licenses": user_licenses(refs),
        "utilization": utilization(),
    }
    return replace(
        tenant,
        divisions={one["id"]: one["name"] for one in entities["divisions"]},
        entities=entities,
        deleted_entities={
            table: kind.deleted_documents(table, refs)
            for table, kind in KINDS.items()
            if kind.deleted
        },
        children={
            table: {
                refs.id(parents, n): children_of(refs, n)
                for n in range(refs.count(parents))
            }
            for table, (parents, children_of) in CHILDREN.items()
        },
        user_parts={
            user.id: user_parts(refs, n) for n, user in enumerate(tenant.users)
        },
    )


def _named(tenant: Tenant) -> dict[str, dict[str, str]]:
    """Return the names of all entities by their ids, by table."""
    named = {
        table: {entity_id(table, name): name for name in kind.all_names(tenant)}
        for table, kind in KINDS.items()
    }
    home, *others = PEOPLE["divisions"].names.split(" | ")
    named |= {
        "divisions": {
            HOME_DIVISION: home,
            **{entity_id("divisions", name): name for name in others},
        },
        "organization": {entity_id("organization", "1"): tenant.name},
        "queues": {queue.id: queue.name for queue in tenant.queues},
        "users": {user.id: user.name for user in tenant.users},
        "wrapup_codes": {code.id: code.name for code in tenant.wrap_up_codes},
    }
    return named
