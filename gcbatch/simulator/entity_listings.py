"""The listings of all other entities: divisions, skills, flows, campaigns and so on.

Their addresses, permissions and paging are those of the registry of entities; the
official SDK reads these pages in tests. Sources: models TeamEntityListing,
CursorContactListing, WrapUpCodeMapping and others of PureCloudPlatformClientV2 269.0.0;
read 2026-11-27.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from aiohttp import web

from gcbatch.genesys import ENTITY_KINDS, EntityKind, Paging
from gcbatch.simulator.listing_pages import Json, PageSize, cursor_page, numbered_page
from gcbatch.simulator.problems import not_found
from gcbatch.simulator.route import ApiRequest, Route, json_response
from gcbatch.simulator.tenant.tenant import Tenant

__all__ = ["EntityListings"]

OWN: Final = frozenset(("queues", "users", "wrapup_codes"))
"""Tables whose entities are more than documents: see Listings."""


@dataclass(frozen=True, slots=True)
class EntityListings:
    """A tenant's documents of entities as the API lists them.

    Args:
        tenant: The organisation's data.
        default_page_size: Entities of a page if the request does not say.
        max_page_size: A larger size becomes this without a notice.
    """

    tenant: Tenant
    default_page_size: int = 25
    max_page_size: int = 100

    def routes(self) -> Iterator[Route]:
        """Yield the route of each listing."""
        for kind in ENTITY_KINDS:
            if kind.deleted:
                yield Route(
                    "GET",
                    kind.deleted.path,
                    (kind.deleted.permission,),
                    self._answering(kind, partial(self._deleted, kind)),
                )
            if kind.table in OWN or not kind.paths:
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
        if kind.paging is Paging.WHOLE:
            return {"entities": list(found)}
        maximum = max(self.max_page_size, kind.page_size)
        if kind.page_size < self.default_page_size:
            maximum = kind.page_size
        size = PageSize(min(self.default_page_size, maximum), maximum, kind.size_key)
        if kind.paging is Paging.CURSOR:
            return cursor_page(request, found, size)
        page = numbered_page(request, found, size)
        if kind.table == "queue_members":
            del page["total"], page["pageCount"], page["lastUri"]
        return page
