"""The listings of all other entities: divisions, skills, flows, campaigns and so on.

Their addresses, permissions and paging are those of the registry of entities; the
official SDK reads these pages in tests. Sources: models TeamEntityListing,
CursorContactListing, WrapUpCodeMapping and others of PureCloudPlatformClientV2 269.0.0;
read 2026-11-27.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web

from gcbatch.genesys import ENTITY_KINDS, EntityKind, Paging
from gcbatch.simulator.faults.listings import ListingChanges
from gcbatch.simulator.listing_pages import Json, PageSize, cursor_page, numbered_page
from gcbatch.simulator.problems import not_found
from gcbatch.simulator.route import ApiRequest, Route, json_response
from gcbatch.simulator.tenant.tenant import Tenant

__all__ = ["EntityListings"]

OWN: Final = frozenset(("queues", "users", "wrapup_codes"))
"""Tables whose entities are more than documents: see Listings."""

MAXIMUM: Final = 100
"""Entities of a page at most, in listings that have no other maximum."""

SCAN: Final = "limit"
SCAN_RANGE: Final = range(10, 201)
"""Sizes of the pages of external contacts; others are refused."""

MAXIMA: Final = {
    "external_contacts": 200,
    "external_organizations": 200,
    "queue_members": 100,
    "sta_categories": 25,
    "sta_topics": 500,
}
"""Entities of a page at most, whatever the request says."""

CURSORS: Final = {
    "external_contacts": "cursor",
    "external_organizations": "cursor",
    "sta_programs": "nextPage",
}
"""The parameter of the next page, where it is another one than `after`."""

COUNTED: Final = frozenset(("presence_definitions", "skill_expressions"))
"""Tables whose only page has a total."""

LEFT_OUT: Final = {
    "queue_members": ("total", "pageCount", "lastUri"),
    "sta_topics": ("pageNumber", "lastUri", "firstUri", "previousUri"),
    "user_licenses": ("lastUri", "firstUri", "selfUri", "nextUri", "previousUri"),
}
"""What pages of some listings do not have."""


@dataclass(frozen=True, slots=True)
class EntityListings:
    """A tenant's documents of entities as the API lists them.

    Args:
        tenant: The organisation's data.
        default_page_size: Entities of a page if the request does not say.
        max_page_size: A larger size becomes this without a notice. Some listings have
            a maximum of their own, which only a smaller one than the usual changes.
        changes: Of the listings, by faults.
    """

    tenant: Tenant
    default_page_size: int = 25
    max_page_size: int = MAXIMUM
    changes: ListingChanges = field(default_factory=ListingChanges)

    def routes(self) -> Iterator[Route]:
        """Yield the route of each listing."""
        for kind in ENTITY_KINDS:
            if kind.table in OWN:
                continue
            if kind.deleted:
                yield Route(
                    "GET",
                    kind.deleted.path,
                    (kind.deleted.permission,),
                    self._answering(kind, partial(self._deleted, kind)),
                )
            if not kind.paths:
                continue
            found = self._children if kind.parent else self._entities
            yield Route(
                "GET",
                kind.paths[0].replace("{parent}", "{id}"),
                kind.permissions,
                self._answering(kind, partial(found, kind)),
            )

    def _answering(
        self, kind: EntityKind, found: Callable[[ApiRequest], Sequence[Json]]
    ) -> Callable[[ApiRequest], web.Response]:
        def answer(request: ApiRequest) -> web.Response:
            return json_response(self._page(kind, request, found(request)))

        return answer

    def _entities(self, kind: EntityKind, request: ApiRequest) -> Sequence[Json]:
        """Return the entities that the parameters of a slice let through."""
        found = self.tenant.entities.get(kind.table, ())
        if kind.table == "flows" and request.params.get("deleted") != "true":
            return [flow for flow in found if not flow.get("deleted")]
        if kind.table == "presence_definitions":
            wanted = request.params.get("deactivated", "false").lower() == "true"
            return [p for p in found if p.get("deactivated", False) == wanted]
        return found

    def _deleted(self, kind: EntityKind, _: ApiRequest) -> Sequence[Json]:
        return self.tenant.deleted_entities.get(kind.table, ())

    def _children(self, kind: EntityKind, request: ApiRequest) -> Sequence[Json]:
        """Return the entities of the parent in the path."""
        parent = request.path_values["id"]
        if parent not in self._parents(kind.parent):
            msg = f"Unable to find {parent}"
            raise not_found(msg)
        return self.tenant.children.get(kind.table, {}).get(parent, ())

    def _parents(self, table: str) -> set[str]:
        if table == "queues":
            return {queue.id for queue in self.tenant.queues if not queue.deleted}
        return {entity["id"] for entity in self.tenant.entities.get(table, ())}

    def _page(
        self, kind: EntityKind, request: ApiRequest, found: Sequence[Json]
    ) -> Json:
        if not kind.member:
            if not found:
                msg = f"There is no {kind.noun}"
                raise not_found(msg)
            return found[0]
        if kind.member != "entities":
            return {kind.member: {e["id"]: e["value"] for e in found}}
        if kind.table in CURSORS or kind.paging is Paging.CURSOR:
            key = CURSORS.get(kind.table, "after")
            page = cursor_page(request, found, self._size(kind), self.changes, key)
            if kind.table == "sta_programs":
                page["total"] = len(found)
            elif kind.size_key == SCAN:
                after = dict(parse_qsl(page.get("nextUri", ""))).get(key)
                page["cursors"] = {"after": after} if after else {}
            return page
        if kind.paging is Paging.WHOLE:
            total = {"total": len(found)} if kind.table in COUNTED else {}
            return {"entities": list(found), **total}
        page = numbered_page(request, found, self._size(kind), self.changes)
        left_out = LEFT_OUT.get(kind.table, ())
        return {name: value for name, value in page.items() if name not in left_out}

    def _size(self, kind: EntityKind) -> PageSize:
        """Return the sizes of a listing's pages; a lower maximum here lowers all."""
        maximum = MAXIMA.get(kind.table, self.max_page_size)
        if self.max_page_size < MAXIMUM:
            maximum = min(maximum, self.max_page_size)
        allowed = SCAN_RANGE if kind.size_key == SCAN else None
        default = min(self.default_page_size, maximum)
        return PageSize(default, maximum, kind.size_key, allowed)
