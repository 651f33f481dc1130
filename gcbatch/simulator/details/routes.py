"""The two details queries of a tenant, answered at once."""

import math
from collections.abc import Iterator

from aiohttp import web

from gcbatch.simulator.details import query as details_query
from gcbatch.simulator.details import user_query
from gcbatch.simulator.details.index import Matching, index_of
from gcbatch.simulator.details.paging import page_json
from gcbatch.simulator.documents import Document
from gcbatch.simulator.route import ANALYTICS, ApiRequest, Route, json_bytes_response
from gcbatch.simulator.tenant.tenant import Tenant

__all__ = ["Details"]


class Details:
    """Answers details queries, and knows which conversations are not visible yet.

    Args:
        tenant: The organisation's data.
        matching: Which conversations an interval selects.
        max_results: Number of the last row that a page may reach.
    """

    def __init__(self, tenant: Tenant, matching: Matching, max_results: int) -> None:
        self._tenant = tenant
        self._matching = matching
        self._max_results = max_results
        self._answered: float = 0

    def routes(self) -> Iterator[Route]:
        """Yield the routes of both queries."""
        for name, permission, answer in (
            ("conversations", "conversationDetail", self._conversations),
            ("users", "userDetail", self._users),
        ):
            path = f"{ANALYTICS}/{name}/details/query"
            yield Route("POST", path, (f"analytics:{permission}:view",), answer)

    def _conversations(self, request: ApiRequest) -> web.Response:
        query, page = details_query.read_query(
            request.body, self._matching, self._max_results
        )
        rows = details_query.find_conversations(self._tenant, query)
        if index_of(self._tenant).has_late:
            rows = [row for row in rows if self.shows(row)]
        self._answered += 1
        return json_bytes_response(page_json("conversations", rows, page))

    def _users(self, request: ApiRequest) -> web.Response:
        query, page = user_query.read_query(request.body, self._max_results)
        rows = user_query.find_users(self._tenant, query)
        return json_bytes_response(page_json("userDetails", rows, page))

    def shows(self, document: Document) -> bool:
        """Return whether a conversation is visible already."""
        return document.shown_after <= self._answered

    def release_late(self) -> None:
        """Show every conversation from now on."""
        self._answered = math.inf
