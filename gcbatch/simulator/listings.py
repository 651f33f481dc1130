"""The paged lists of queues, users and wrap-up codes, and entities by id.

Source: models QueueEntityListing and Queue of PureCloudPlatformClientV2 269.0.0;
the mock in splunk/genesys_cloud_ta; read 2026-11-21.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import urlencode

from aiohttp import web
from multidict import MultiMapping

from gcbatch.simulator.problems import bad_request, invalid_value, not_found
from gcbatch.simulator.tenant.tenant import (
    HOME_DIVISION,
    Queue,
    Tenant,
    User,
    WrapUpCode,
)

__all__ = ["Listings", "Route"]

CREATED: Final = "2024-01-01T00:00:00.000Z"
"""When everything was made, and everyone last seen: the tenant does not say."""

MEDIA: Final = ("call", "callback", "chat", "email", "message")
MAX_DIGEST_PAGE: Final = 500
STATES: Final = ("active", "inactive", "deleted", "any")

Params = MultiMapping[str]
Json = dict[str, Any]
_Named = TypeVar("_Named", Queue, User, WrapUpCode)


class Route(NamedTuple):
    """An address, the permission it takes (None: none), and what answers it."""

    path: str
    permission: str | None
    answer: Callable[[web.Request], Json]


@dataclass(frozen=True, slots=True)
class Listings:
    """A tenant's entities as the API lists them.

    Args:
        tenant: Whose.
        default_page_size: Entities a page where the request does not say.
        max_page_size: A larger wish is cut down to this without a word, except
            on the digest of all queues, which gives up to 500.
        max_users: User of a listing that no page may lie beyond; None is without
            limit. That there is one, at 10,000, is reported and not documented.
    """

    tenant: Tenant
    default_page_size: int = 25
    max_page_size: int = 100
    max_users: int | None = None

    def routes(self) -> tuple[Route, ...]:
        """Return every address with what answers it."""
        routing = "/api/v2/routing"
        return (
            Route(
                f"{routing}/queues",
                "routing:queue:view",
                lambda request: self.queues(request.path, request.query),
            ),
            Route(
                f"{routing}/queues/divisionviews/all",
                "routing:queue:search",
                lambda request: self.queue_digest(request.path, request.query),
            ),
            Route(
                f"{routing}/queues/{{id}}",
                "routing:queue:view",
                lambda request: self.queue(request.match_info["id"]),
            ),
            Route(
                f"{routing}/wrapupcodes",
                "routing:wrapupCode:view",
                lambda request: self.wrap_up_codes(request.path, request.query),
            ),
            Route(
                "/api/v2/users",
                None,
                lambda request: self.users(request.path, request.query),
            ),
            Route(
                "/api/v2/users/{id}",
                None,
                lambda request: self.user(request.match_info["id"]),
            ),
        )

    def queues(self, path: str, params: Params) -> Json:
        """Return a page of queues; deleted ones are not listed."""
        return self._queues(path, params, self._queue, self.max_page_size)

    def queue_digest(self, path: str, params: Params) -> Json:
        """Return a page of all queues with little more than their names."""
        return self._queues(path, params, self._light_queue, MAX_DIGEST_PAGE)

    def queue(self, queue_id: str) -> Json:
        """Return one queue.

        Raises:
            Problem: 404 if it is unknown or deleted.
        """
        for queue in self.tenant.queues:
            if queue.id == queue_id and not queue.deleted:
                return self._queue(queue)
        msg = "Unable to find a queue with that id"
        raise not_found(msg)

    def users(self, path: str, params: Params) -> Json:
        """Return a page of users, active ones unless `state` says otherwise.

        Raises:
            Problem: 400 if it lies beyond what can be paged to.
        """
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
        page = self._page(path, params, entities, self.max_page_size)
        reached = page["pageSize"] * page["pageNumber"]
        if self.max_users is not None and reached > self.max_users:
            msg = f"Paging may not go beyond {self.max_users} users."
            raise bad_request(msg)
        return page

    def user(self, user_id: str) -> Json:
        """Return one user, whatever the state.

        Raises:
            Problem: 404 if there is none.
        """
        for user in self.tenant.users:
            if user.id == user_id:
                return self._user(user)
        msg = "Unable to find a user with that id"
        raise not_found(msg)

    def wrap_up_codes(self, path: str, params: Params) -> Json:
        """Return a page of wrap-up codes."""
        found = [
            code
            for code in self.tenant.wrap_up_codes
            if _is_named(code.name, params) and _has_id(code.id, params)
        ]
        entities = [self._wrap_up_code(code) for code in _by_name(found, params)]
        return self._page(path, params, entities, self.max_page_size)

    def _queues(
        self,
        path: str,
        params: Params,
        entity_of: Callable[[Queue], Json],
        max_page_size: int,
    ) -> Json:
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
        return self._page(path, params, entities, max_page_size)

    def _page(
        self, path: str, params: Params, entities: list[Json], max_page_size: int
    ) -> Json:
        size = _whole_number(params, "pageSize", self.default_page_size)
        size = min(size, max_page_size)
        number = _whole_number(params, "pageNumber", 1)
        count = -(-len(entities) // size)
        more = [
            (name, value)
            for name, value in params.items()
            if name not in ("pageSize", "pageNumber")
        ]

        def uri(page: int) -> str:
            query = [("pageSize", size), ("pageNumber", page), *more]
            return f"{path}?{urlencode(query)}"

        page: Json = {
            "entities": entities[(number - 1) * size : number * size],
            "pageSize": size,
            "pageNumber": number,
            "total": len(entities),
            "lastUri": uri(max(count, 1)),
            "firstUri": uri(1),
            "selfUri": uri(number),
            "pageCount": count,
        }
        if number < count:
            page["nextUri"] = uri(number + 1)
        if number > 1:
            page["previousUri"] = uri(number - 1)
        return page

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
        entity: Json = {
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
    """Tell whether a name is the one asked for; `*` at either end stands for any."""
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


def _whole_number(params: Params, name: str, default: int) -> int:
    text = params.get(name, str(default))
    if not text.isdecimal() or int(text) < 1:
        msg = f"{name} must be a number of at least 1."
        raise bad_request(msg)
    return int(text)
