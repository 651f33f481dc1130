"""What a tenant has, by the table that shows it, as the service lists it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from gcbatch.genesys import EntityKind, entity_kind
from gcbatch.simulator import Tenant

__all__ = ["documents_of", "own_kinds"]

CREATED: Final = "2024-01-01T00:00:00.000Z"
"""When the tenant's queues, users and codes were made."""

MEDIA: Final = ("call", "callback", "chat", "email", "message")

_PARTS: Final = {
    "user_skills": "skills",
    "user_languages": "languages",
    "user_groups": "groups",
    "user_teams": "team",
    "user_locations": "locations",
    "user_roles": "authorization",
}

Ids = tuple[str, str]
"""Of the parent and of the entity; the first is empty if there is no parent."""


def own_kinds(kind: EntityKind) -> Iterator[EntityKind]:
    """Yield a kind and that of its parents."""
    yield kind
    if kind.parent:
        yield entity_kind(kind.parent)


def documents_of(tenant: Tenant, table: str) -> Mapping[Ids, Mapping[str, Any]]:
    """Return the documents that a table has a row for, without the deleted ones."""
    return dict(_documents(tenant, table))


def _documents(tenant: Tenant, table: str) -> Iterator[tuple[Ids, Mapping[str, Any]]]:
    if table in tenant.children:
        for parent, found in tenant.children[table].items():
            yield from (((parent, one["id"]), one) for one in found)
    elif table in _PARTS:
        for user, parts in tenant.user_parts.items():
            found = _part(parts, table)
            yield from (((user, one["id"]), one) for one in found)
    elif table in ("queues", "users", "wrapup_codes"):
        yield from ((("", one["id"]), one) for one in _own_documents(tenant, table))
    else:
        for one in tenant.entities[table]:
            value = one.get("value", one)
            yield (
                ("", one["id"]),
                value if isinstance(value, dict) else {"value": value},
            )


def _part(parts: Mapping[str, Any], table: str) -> list[Mapping[str, Any]]:
    """Return what a user has of a table."""
    sent = parts.get(_PARTS[table], [])
    if table == "user_roles":
        sent = sent["roles"]
    return [sent] if isinstance(sent, dict) else sent


def _own_documents(tenant: Tenant, table: str) -> Iterator[Mapping[str, Any]]:
    """Yield what the service sends of that which a tenant does not keep as JSON."""

    def division(identity: str) -> Mapping[str, str]:
        path = f"/api/v2/authorization/divisions/{identity}"
        return {"id": identity, "name": tenant.divisions[identity], "selfUri": path}

    home = next(iter(tenant.divisions))
    dates = {"dateCreated": CREATED, "dateModified": CREATED}
    if table == "queues":
        for queue in tenant.queues:
            level = {"percentage": queue.target, "durationMs": queue.service_level_ms}
            yield {
                "id": queue.id,
                "name": queue.name,
                "division": division(queue.division_id),
                **dates,
                "memberCount": len(tenant.users),
                "mediaSettings": {
                    medium: {"alertingTimeoutSeconds": 30, "serviceLevel": level}
                    for medium in MEDIA
                },
                "acwSettings": {"wrapupPrompt": "OPTIONAL"},
                "skillEvaluationMethod": "ALL",
                "autoAnswerOnly": False,
                "selfUri": f"/api/v2/routing/queues/{queue.id}",
            }
    elif table == "users":
        for user in tenant.users:
            address = f"{'.'.join(user.name.casefold().split())}@example.com"
            yield {
                "id": user.id,
                "name": user.name,
                "division": division(home),
                "email": address,
                "username": address,
                "state": user.state,
                "version": 1,
                "acdAutoAnswer": False,
                "dateLastLogin": CREATED,
                "selfUri": f"/api/v2/users/{user.id}",
            }
    else:
        for code in tenant.wrap_up_codes:
            yield {
                "id": code.id,
                "name": code.name,
                "division": division(home),
                **dates,
                "selfUri": f"/api/v2/routing/wrapupcodes/{code.id}",
            }
