"""The paged lists of queues, users and wrap-up codes, and entities by id.

Source: models QueueEntityListing and Queue of PureCloudPlatformClientV2 269.0.0;
the mock in splunk/genesys_cloud_ta; read 2026-11-21.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from aiohttp import web
from multidict import MultiMapping

from gcbatch.simulator.faults.listings import ListingChanges
from gcbatch.simulator.listing_pages import Json, PageSize, numbered_page
from gcbatch.simulator.problems import bad_request, invalid_value, not_found
from gcbatch.simulator.route import ApiRequest, Route, json_response
from gcbatch.simulator.tenant.tenant import (
    HOME_DIVISION,
    Queue,
    Tenant,
    User,
    WrapUpCode,
)

__all__ = ["Listings"]

CREATED: Final = "2024-01-01T00:00:00.000Z"
"""When all entities were made and users last seen: the tenant has no such dates."""

MEDIA: Final = ("call", "callback", "chat", "email", "message")
MAX_DIGEST_PAGE: Final = 500
STATES: Final = ("active", "inactive", "deleted", "any")
CODE_STATES: Final = ("Active", "Deleted", "ActiveAndDeleted")

_NO_PARTS: Final[Json] = {
    "skills": [],
    "languages": [],
    "groups": [],
    "locations": [],
    "authorization": {"roles": []},
}
"""What a user has on request; there is no team without one."""

Params = MultiMapping[str]
_Named = TypeVar("_Named", Queue, User, WrapUpCode)


@dataclass(frozen=True, slots=True)
class Listings:
    """A tenant's entities as the API lists them.

    Args:
        tenant: The organisation's data.
        default_page_size: Entities of a page if the request does not say.
        max_page_size: A larger size becomes this without a notice, except in the
            digest of all queues, which allows up to 500.
        max_users: Number of the last user that a page may reach; None is without
            limit. The service has one, at 10,000: reported, not documented.
        changes: Of the listings, by faults.
    """

    tenant: Tenant
    default_page_size: int = 25
    max_page_size: int = 100
    max_users: int | None = None
    changes: ListingChanges = field(default_factory=ListingChanges)

    def routes(self) -> Iterator[Route]:
        """Yield the route of each listing and of entities by id."""
        routing = "/api/v2/routing"
        for path, permission, answer in (
            (f"{routing}/queues", "routing:queue:view", self._queues),
            (
                f"{routing}/queues/divisionviews/all",
                "routing:queue:search",
                self._queue_digest,
            ),
            (f"{routing}/queues/{{id}}", "routing:queue:view", self._queue_by_id),
            (f"{routing}/wrapupcodes", "routing:wrapupCode:view", self._wrap_up_codes),
            (
                f"{routing}/wrapupcodes/divisionviews",
                "routing:wrapupCode:search",
                self._wrap_up_code_digest,
            ),
            ("/api/v2/users", None, self._users),
            ("/api/v2/users/{id}", None, self._user_by_id),
        ):
            permissions = () if permission is None else (permission,)
            yield Route("GET", path, permissions, _responding(answer))

    def _queues(self, request: ApiRequest) -> Json:
        """Return a page of queues, without the deleted ones."""
        return self._queue_page(request, self._queue, self.max_page_size)

    def _queue_digest(self, request: ApiRequest) -> Json:
        """Return a page of all queues with their names and divisions alone."""
        return self._queue_page(request, self._light_queue, MAX_DIGEST_PAGE)

    def _queue_by_id(self, request: ApiRequest) -> Json:
        for queue in self.tenant.queues:
            if queue.id == request.path_values["id"] and not queue.deleted:
                return self._queue(queue)
        msg = "Unable to find a queue with that id"
        raise not_found(msg)

    def _users(self, request: ApiRequest) -> Json:
        """Return a page of users; without `state`, of the active ones."""
        params = request.params
        state = params.get("state", "active")
        if state not in STATES:
            raise invalid_value(state, "UserState", STATES)
        found = [
            user
            for user in self.tenant.users
            if state in ("any", user.state) and _has_id(user.id, params)
        ]
        expand = ",".join(params.getall("expand", [])).split(",")
        entities = [self._user(user, expand) for user in _by_name(found, params)]
        page = self._page(request, entities, self.max_page_size)
        reached = page["pageSize"] * page["pageNumber"]
        if self.max_users is not None and reached > self.max_users:
            msg = f"Paging may not go beyond {self.max_users} users."
            raise bad_request(msg)
        return page

    def _user_by_id(self, request: ApiRequest) -> Json:
        for user in self.tenant.users:
            if user.id == request.path_values["id"]:
                return self._user(user)
        msg = "Unable to find a user with that id"
        raise not_found(msg)

    def _wrap_up_codes(self, request: ApiRequest) -> Json:
        params = request.params
        found = [
            code
            for code in self.tenant.wrap_up_codes
            if _is_named(code.name, params) and _has_id(code.id, params)
        ]
        entities = [self._wrap_up_code(code) for code in _by_name(found, params)]
        return self._page(request, entities, self.max_page_size)

    def _wrap_up_code_digest(self, request: ApiRequest) -> Json:
        """Return a page of codes, of those in use, the deleted ones, or both."""
        state = request.params.get("includeState", CODE_STATES[0])
        if state not in CODE_STATES:
            raise invalid_value(state, "IncludeState", CODE_STATES)
        entities: list[Json] = []
        if state != "Deleted":
            entities += map(self._wrap_up_code, self.tenant.wrap_up_codes)
        if state != "Active":
            entities += self.tenant.deleted_entities.get("wrapup_codes", ())
        return self._page(request, entities, self.max_page_size)

    def _queue_page(
        self,
        request: ApiRequest,
        entity_of: Callable[[Queue], Json],
        max_page_size: int,
    ) -> Json:
        params = request.params
        divisions = params.getall("divisionId", [])
        found = [
            queue
            for queue in self.tenant.queues
            if not queue.deleted
            and _is_named(queue.name, params)
            and _has_id(queue.id, params)
            and (not divisions or queue.division_id in divisions)
        ]
        entities = [entity_of(queue) for queue in _by_name(found, params)]
        return self._page(request, entities, max_page_size)

    def _page(
        self, request: ApiRequest, entities: list[Json], max_page_size: int
    ) -> Json:
        size = PageSize(self.default_page_size, max_page_size)
        return numbered_page(request, entities, size, self.changes)

    def _division(self, division_id: str) -> Json:
        return {
            "id": division_id,
            "name": self.tenant.divisions.get(division_id, division_id),
            "selfUri": f"/api/v2/authorization/divisions/{division_id}",
        }

    def _light_queue(self, queue: Queue) -> Json:
        return {
            "id": queue.id,
            "name": queue.name,
            "division": self._division(queue.division_id),
            "selfUri": f"/api/v2/routing/queues/{queue.id}",
        }

    def _queue(self, queue: Queue) -> Json:
        level = {
            "percentage": queue.target,
            "durationMs": queue.service_level_ms,
        }
        return {
            **self._light_queue(queue),
            "dateCreated": CREATED,
            "dateModified": CREATED,
            "memberCount": len(self.tenant.users),
            "mediaSettings": {
                medium: {"alertingTimeoutSeconds": 30, "serviceLevel": level}
                for medium in MEDIA
            },
            "acwSettings": {"wrapupPrompt": "OPTIONAL"},
            "skillEvaluationMethod": "ALL",
            "autoAnswerOnly": False,
        }

    def _user(self, user: User, expand: Sequence[str] = ()) -> Json:
        words = re.findall(r"\w+", user.name.casefold()) or [user.id]
        address = f"{'.'.join(words)}@example.com"
        entity: dict[str, Any] = {
            "id": user.id,
            "name": user.name,
            "division": self._division(HOME_DIVISION),
            "email": address,
            "username": address,
            "state": user.state,
            "version": 1,
            "acdAutoAnswer": False,
            "selfUri": f"/api/v2/users/{user.id}",
        }
        if "dateLastLogin" in expand:
            entity["dateLastLogin"] = CREATED
        parts = {**_NO_PARTS, **self.tenant.user_parts.get(user.id, {})}
        entity |= {name: parts[name] for name in expand if name in parts}
        return entity

    def _wrap_up_code(self, code: WrapUpCode) -> Json:
        return {
            "id": code.id,
            "name": code.name,
            "division": self._division(HOME_DIVISION),
            "dateCreated": CREATED,
            "dateModified": CREATED,
            "selfUri": f"/api/v2/routing/wrapupcodes/{code.id}",
        }


def _responding(
    answer: Callable[[ApiRequest], Json],
) -> Callable[[ApiRequest], web.Response]:
    return lambda request: json_response(answer(request))


def _by_name(found: Sequence[_Named], params: Params) -> list[_Named]:
    order = params.get("sortOrder", "asc").lower()
    if order not in ("asc", "desc", "ascending", "descending"):
        raise invalid_value(order, "SortOrder", ("asc", "desc"))
    return sorted(
        found,
        key=lambda entity: (entity.name.casefold(), entity.id),
        reverse=order.startswith("desc"),
    )


def _has_id(entity_id: str, params: Params) -> bool:
    return "id" not in params or entity_id in params.getall("id")


def _is_named(name: str, params: Params) -> bool:
    """Return whether a name matches `name`; `*` at either end matches any text."""
    wanted = params.get("name", "*").casefold()
    bare = wanted.strip("*")
    name = name.casefold()
    if wanted.startswith("*") and wanted.endswith("*"):
        return bare in name
    if wanted.startswith("*"):
        return name.endswith(bare)
    if wanted.endswith("*"):
        return name.startswith(bare)
    return name == bare
